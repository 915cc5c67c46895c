/* Where a manifest's contents come from. */
#ifndef TF_MANIFEST_SOURCE_H
#define TF_MANIFEST_SOURCE_H

#include "manifest/diags.h"

/* What a manifest names (lists, tables, patterns) is read from a source: the disk, a bundle that rank 0 has recorded,
 * or a test's table. Functions return 0 or an errno. */
typedef struct tf_source tf_source;
struct tf_source {
    /* Adds the file's bytes to `out`. */
    int (*read)(tf_source *self, const char *path, tf_buf *out);
    /* Adds the matching paths in byte order, each ended by a NUL; none matching is no error. */
    int (*glob)(tf_source *self, const char *pattern, tf_buf *out);
    /* Adds what tf_csv_scan finds. NULL: there are no such tables. */
    int (*scan)(tf_source *self, const char *path, int64_t batch, int64_t before, tf_buf *out);
};

/* The file system, relative to the current folder. */
tf_source tf_source_disk(void);

#endif
