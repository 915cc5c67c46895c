/* taskfarm for programs with a main of their own: what is behind include/taskfarm/taskfarm.h.
 *
 * Process: that of the program, on every rank. Leaves signals, HDF5's error handler and the work folder as it found
 * them. */
#ifndef TF_EMBED_H
#define TF_EMBED_H

#include <cJSON.h>

#include "base/base.h"
#include "taskfarm/taskfarm.h"

/* Calls of one function whose arguments come from the same places: a stage in which each call is a task. */
typedef struct call_group {
    char *stage; /* its name */
    char *function;
    int arguments;
    int *source; /* per argument: the group that it comes from; -1: it is a number */
    int64_t calls, capacity;
    tf_delayed *argument; /* calls x arguments: numbers, or rows of the source */
} call_group;

/* Where a call is. */
typedef struct call_place {
    int group;
    int64_t row;
} call_place;

struct tf_manifest {
    cJSON *root;
    cJSON *stages; /* in it */
    tf_buf wrong;  /* what was asked for that no manifest can say: lines */
    call_group *group;
    int groups;
    tf_table by_form; /* groups, by function and sources */
    call_place *call;
    int64_t calls, capacity;
};

/* The manifest with its calls. To be deleted by the caller. */
cJSON *manifest_json(const tf_manifest *manifest);

/* Adds a stage for each group of calls (calls.c). */
void calls_add_stages(const tf_manifest *manifest, cJSON *stages);
void calls_free(tf_manifest *manifest);

#endif
