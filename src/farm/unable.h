/* Stages that workers can't run: why, and which of them are stopped, since nobody can. */
#ifndef TF_FARM_UNABLE_H
#define TF_FARM_UNABLE_H

#include "farm/farm.h"
#include "farm/output.h"
#include "farm/protocol.h"
#include "sched/sched.h"

typedef struct unables unables;

/* All are the caller's. */
unables *unables_new(const tf_campaign *campaign, tf_sched *sched, const output *output);
void unables_free(unables *u);

/* The worker of this rank, on this host, gives tasks of a stage back. Adds to `warning` what people are to know, if
 * anything: of the first few workers, as long as others may run the stage. */
void unables_hear(unables *u, int rank, const char *host, const unable_message *message, double now, tf_buf *warning);

/* Stops each stage that no worker can run, and notes why in the output. true if there is one. Where the machines are to
 * blame the stage is not stopped: `is_sick` is set, and the run is to end. */
bool unables_stop(unables *u, bool *is_sick);

/* The stages that were stopped. Valid until the next one is. */
const tf_farm_stop *unables_stopped(const unables *u, int *count);

#endif
