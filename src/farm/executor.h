/* What runs a worker's tasks, as the farm sees it: the rank's slots in a run, a simulation in tests. Each function does
 * what slots/slots.h says of tf_slots_ with its name. */
#ifndef TF_FARM_EXECUTOR_H
#define TF_FARM_EXECUTOR_H

#include "slots/slots.h"

typedef struct executor {
    tf_resources (*has)(const void *context);
    int64_t (*capacity)(const void *context, int stage);
    int (*place)(const void *context, int stage);
    int (*place_in_hand)(const void *context, int stage);
    int (*idle)(const void *context);
    const char *(*refusal)(const void *context, int stage);
    bool (*is_sick)(const void *context, int stage);
    int64_t (*submit)(void *context, int slot, int stage, int attempt, const tf_intervals *tasks, tf_error *error);
    tf_err (*poll)(void *context, double timeout, tf_on_rows *on_rows, void *on_rows_context, int *events,
                   tf_error *error);
    tf_slots_found (*find)(const void *context, int stage, int64_t task);
    void (*leave)(void *context, int slot, int stage, int64_t task);
    tf_err (*give_up)(void *context, tf_on_rows *on_rows, void *on_rows_context, tf_error *error);
    tf_err (*settle)(void *context, const tf_campaign *campaign, int stage, int64_t first, int64_t count,
                     tf_status status, const char *message, tf_on_rows *on_rows, void *on_rows_context,
                     tf_error *error);
    void (*remove_temp)(void *context, int stage, int64_t index);
    void *context;
} executor;

/* The slots stay the caller's. */
executor executor_slots(tf_slots *slots);

#endif
