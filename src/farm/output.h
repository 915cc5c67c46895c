/* The output, as the farm sees it: the store in a run, a table in tests. Functions that may fail return an error and
 * set `error`. */
#ifndef TF_FARM_OUTPUT_H
#define TF_FARM_OUTPUT_H

#include "store/resume/resume.h"

typedef struct output {
    /* What earlier runs left. On the first rank. */

    bool (*is_finished)(const void *context, int stage);
    tf_left_out (*left_out)(const void *context, int stage);

    /* For one rank alone. */

    tf_err (*write)(void *context, const tf_rows *rows, tf_error *error);
    tf_err (*sync)(void *context, double interval, tf_error *error);
    bool (*is_locked)(const void *context); /* can others see, by its lock, that this rank lives? */

    /* For the first rank alone. */

    bool (*has_ended)(const void *context, int rank); /* has a rank ended that held a lock? */
    tf_err (*status)(void *context, int stage, int64_t first, int64_t count, uint8_t *status, tf_error *error);
    void (*note_stop)(void *context, int stage, const char *why);           /* in the history of the run */
    void (*note_incident)(void *context, int number, const char *incident); /* likewise, at once: JSON (incidents.h) */
    void (*note_notices)(void *context, const tf_noticed *noticed, int count); /* in place of those before */
    tf_err (*is_enough)(void *context, int stage, int64_t count, bool *enough, tf_error *error);

    /* All ranks together, in the same order. */

    /* What is laid out and finished between these is brought to disk together, at the second. */
    void (*hold)(void *context);
    tf_err (*release)(void *context, tf_error *error);

    tf_err (*layout)(void *context, int stage, tf_error *error);
    tf_err (*finish)(void *context, int stage, int64_t enough, tf_error *error); /* the stage, reductions and all */
    tf_err (*close)(void *context, tf_run_state state, double elapsed,
                    tf_error *error); /* nothing is called after it */

    void *context;
} output;

/* The store of a run, and on the first rank the plan that it started from. */
typedef struct store_output {
    const tf_campaign *campaign;
    const tf_store_plan *plan; /* NULL on the other ranks */
    tf_store *store;           /* NULL once it is closed */
} store_output;

/* All stay the caller's, but for the store: close takes that. */
output output_store(store_output *store);

#endif
