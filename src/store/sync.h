/* Rows are brought to disk in the background. */
#ifndef TF_STORE_SYNC_H
#define TF_STORE_SYNC_H

#include "store/state.h"

/* Says that the file can't be brought to disk: `failure` is an errno. */
tf_err store_cant_sync(const char *path, int failure, tf_error *error);

/* Notes that so many bytes of rows have been written, which are to reach the disk. */
tf_err store_note_written(tf_store *store, int64_t bytes, tf_error *error);

/* Waits for a sync under way, and forgets it. */
void store_end_sync(tf_store *store);

#endif
