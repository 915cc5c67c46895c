/* Upstream values: what tasks take of other stages, which are finished by then. Rows, and blocks of arrays. */
#ifndef TF_STORE_UPSTREAM_H
#define TF_STORE_UPSTREAM_H

#include "store/state.h"

/* Rows of other stages (upstream_values.c): opened when the stage is laid out. */
tf_err store_open_upstream(tf_store *store, int stage, tf_error *error);
void store_close_upstream(tf_store *store, int stage);

/* Arrays that tasks read (arrays.c): likewise. */
tf_err store_open_arrays(tf_store *store, int stage, tf_error *error);
void store_close_arrays(tf_store *store, int stage);

/* Opens a stage's statuses, to be read as they are. */
tf_err store_open_status(tf_store *store, int stage, table *table, tf_error *error);

/* The upstream status of a task that takes several rows, after one more of them (join); of tasks first .. first + count
 * - 1, after all rows that they take of one source (rows); of a task, after all that it takes of an array (array). */
uint8_t store_join_upstream(uint8_t so_far, uint8_t status);
herr_t store_upstream_rows_status(const tf_store *store, int stage, int source, int64_t first, int64_t count,
                                  uint8_t *status);
herr_t store_upstream_array_status(const tf_store *store, int stage, int array, int64_t index, uint8_t *status);

#endif
