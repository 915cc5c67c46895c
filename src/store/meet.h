/* Ranks together: the few collective calls that the store makes itself. */
#ifndef TF_STORE_MEET_H
#define TF_STORE_MEET_H

#include "store/state.h"

/* The same error on all ranks: that of the lowest that has one. */
tf_err store_agree(const tf_store *store, tf_err err, tf_error *error);

void store_meet(const tf_store *store); /* waits for all ranks */

/* What each rank has written the others can read from now on, also where the file system takes a call for that. */
void store_show_rows(const tf_store *store);

void store_broadcast(const tf_store *store, void *data, size_t size); /* from rank 0 */
int64_t store_sum(const tf_store *store, int64_t value);
int64_t store_max(const tf_store *store, int64_t value);
int64_t store_min(const tf_store *store, int64_t value);
int64_t store_sum_before(const tf_store *store, int64_t value); /* of lower ranks */
void store_exchange_counts(const tf_store *store, const int *send, int *receive);
void store_exchange(const tf_store *store, const int64_t *send, const int *sends, const int *send_at, int64_t *receive,
                    const int *receives, const int *receive_at);

/* Replace each of `count` numbers by its sum, or its least or largest value, over all ranks. */
void store_sum_all(const tf_store *store, int64_t *values, int64_t count);
void store_min_all(const tf_store *store, int64_t *values, int64_t count);
void store_lowest_all(const tf_store *store, uint64_t *values, int64_t count);
void store_highest_all(const tf_store *store, uint64_t *values, int64_t count);

/* Calls `visit` on rank 0 with the bytes of each rank, in the order of ranks, one after the other: rank 0 never holds
 * all of them. store_spread gives all ranks the bytes of rank 0. */
typedef void store_on_part(void *context, const tf_buf *part);
void store_gather(const tf_store *store, const tf_buf *mine, store_on_part *visit, void *context);
void store_spread(const tf_store *store, tf_buf *bytes);

#endif
