/* The output as a whole, for those who make, open and end it. */
#ifndef TF_STORE_FILE_H
#define TF_STORE_FILE_H

#include "store/state.h"

/* Makes the file anew, with its root attributes, for this process alone. */
tf_err store_create_alone(tf_store *store, const char *created, tf_error *error);

/* Collective (runs.c): the run begins, with so many slots (0: it only winds one up), and ends; into `runs`. */
void store_begin_run(tf_store *store, int64_t slots);
void store_end_run(tf_store *store, const char *state);

#endif
