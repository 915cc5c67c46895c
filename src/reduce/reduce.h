/* Reductions over a stage's rows. At the end of a stage its blobs are written before it is reduced.
 *
 * Process: the ranks together; until.c the first rank alone. What a killed run had reduced so far is reduced anew. */
#ifndef TF_REDUCE_H
#define TF_REDUCE_H

#include "store/store.h"

/* Collective: works out the stage's reductions from the rows of its first `tasks`, and writes them in place of what is
 * there of them. */
tf_err tf_reduce_stage(tf_store *store, int stage, int64_t tasks, tf_error *error);

/* Independent. Sets `enough`: is the stage's "until" true of tasks 0 .. count - 1, which have ended? */
tf_err tf_reduce_is_enough(tf_store *store, int stage, int64_t count, bool *enough, tf_error *error);

#endif
