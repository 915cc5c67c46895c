/* Rows of tasks that have failed, as a worker keeps them until the master knows whether the worker is to blame: only
 * then they are written, or another worker has the tasks. */
#ifndef TF_FARM_KEPT_ROWS_H
#define TF_FARM_KEPT_ROWS_H

#include "farm/output.h"

typedef struct kept_rows kept_rows;

/* The campaign is the caller's. */
kept_rows *kept_rows_new(const tf_campaign *campaign);
void kept_rows_free(kept_rows *k);

/* Copies rows `from` .. rows->count - 1. */
void kept_rows_add(kept_rows *k, const tf_rows *rows, int64_t from);

/* Drops those of the tasks that are kept; before that each run of them is passed to `write`, if that is not NULL. */
tf_err kept_rows_settle(kept_rows *k, int stage, tf_interval tasks,
                        tf_err (*write)(void *context, const tf_rows *rows, tf_error *error), void *context,
                        tf_error *error);

#endif
