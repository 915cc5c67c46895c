/* Records that are sorted by their keys, in bounded memory. */
#ifndef TF_BASE_SORTER_H
#define TF_BASE_SORTER_H

#include "base/base.h"

typedef struct tf_sorter tf_sorter;

/* Records take at most some `memory` bytes; what is more goes to a file without a name in `folder`, which is gone with
 * the process. One record at a time may take any. `folder` must outlive it. */
tf_sorter *tf_sorter_new(size_t memory, const char *folder);
void tf_sorter_free(tf_sorter *s);

tf_err tf_sorter_add(tf_sorter *s, const tf_buf *key, const tf_buf *record, tf_error *error);

/* Calls `visit` for each record, in the order of their keys, which are compared as bytes; of equal keys in the order in
 * which they were added. Stops where it fails. To be called once, after the last record. */
typedef tf_err tf_on_record(void *context, const char *bytes, size_t size, tf_error *error);
tf_err tf_sorter_each(tf_sorter *s, tf_on_record *visit, void *context, tf_error *error);

#endif
