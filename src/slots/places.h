/* Who has what of a rank's slots, memory and GPUs: where a task can start, and on which cores. Knows no processes. */
#ifndef TF_SLOTS_PLACES_H
#define TF_SLOTS_PLACES_H

#include "manifest/manifest.h"
#include "slots/machine.h"

typedef struct places places;

/* A rank's part of its machine, dealt out to its slots. With fewer cores than slots, or when it is not known which they
 * are, none is pinned. `mine` is copied. Never NULL. */
places *places_new(const tf_machine *mine, int slots);
void places_free(places *places);

/* What all slots have together. */
tf_resources places_all(const places *places);

/* A slot in which a task that needs so much can start; -1: there is no room now. */
int places_find(const places *places, const tf_resources *need);

/* The task starts there: it claims the slot, as many others as it needs, memory and GPUs; they are released together.
 */
void places_claim(places *places, int slot, const tf_resources *need);
void places_release(places *places, int slot);

/* How many slots nobody has. */
int places_idle(const places *places);

/* The cores of the slots that were claimed with this one; none if slots are not pinned. */
cpu_set_t places_cores(const places *places, int slot);

/* Adds the GPUs that were claimed with the slot last, as a list for the variable places_gpu_variable. */
void places_add_gpus(const places *places, int slot, tf_buf *list);
const char *places_gpu_variable(const places *places);

#endif
