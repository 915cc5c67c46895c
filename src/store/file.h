/* The output as a whole, for those who make, open and end it. */
#ifndef TF_STORE_FILE_H
#define TF_STORE_FILE_H

#include "store/state.h"

/* Makes the file anew, with its root attributes, for this process alone. */
tf_err store_create_alone(tf_store *store, const char *created, tf_error *error);

/* Closes what is open of a stage. */
void store_close_stage(tf_store *store, int stage);

/* Collective (runs.c): the run begins, with so many slots (0: it only winds one up), and ends; into `runs`. */
void store_begin_run(tf_store *store, int64_t slots);
void store_end_run(tf_store *store, const char *state);

/* Collective: the stage's reductions, from the rows of its first `tasks`; in place of what is there of them. */
tf_err store_reduce(tf_store *store, int stage, int64_t tasks, tf_error *error);

/* Collective: text columns, captured output and messages of the stage, from the side files into the file. */
tf_err store_texts(tf_store *store, int stage, tf_error *error);

#endif
