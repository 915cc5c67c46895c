/* What tasks take of other stages, which are finished by then: rows and blocks of arrays. */
#ifndef TF_STORE_TAKEN_H
#define TF_STORE_TAKEN_H

#include "store/state.h"

/* What other stages' rows give (given.c): opened when the stage is laid out. */
tf_err store_open_given(tf_store *store, int stage, tf_error *error);
void store_close_given(tf_store *store, int stage);

/* Arrays that tasks read (arrays.c): likewise. */
tf_err store_open_arrays(tf_store *store, int stage, tf_error *error);
void store_close_arrays(tf_store *store, int stage);

/* Opens a stage's statuses, to be read as they are. */
tf_err store_open_status(tf_store *store, int stage, table *table, tf_error *error);

/* What becomes of a task that takes several rows, after one more of them; with all that tasks first .. take of one
 * source; and with all that a task takes of an array of another stage. */
uint8_t store_both_taken(uint8_t so_far, uint8_t status);
herr_t store_given_taken(const tf_store *store, int stage, int source, int64_t first, int64_t count, uint8_t *status);
herr_t store_array_taken(const tf_store *store, int stage, int array, int64_t index, uint8_t *status);

#endif
