/* A rank's side file: the blobs of its tasks, appended during a run as records (tf_record). Behind the blobs of
 * adjacent rows stands a record that vouches for these rows: it says that the blobs are complete, and has a hash of the
 * rows themselves. A later run trusts a row only if such a record covers it. The hash matters behind the last record of
 * synced bytes: what comes before is known to have reached the disk, rows and records. */
#ifndef TF_STORE_SIDE_H
#define TF_STORE_SIDE_H

#include "base/base.h"

/* Kinds of records besides those of blobs. */
enum { SIDE_ROWS = -1, SIDE_SYNCED = -2 };

/* SIDE_ROWS: tasks index .. index + count - 1 of the record's stage. */
typedef struct side_rows {
    int64_t count;
    uint64_t hash; /* of all their numbers, the status included: see store_hash_rows */
} side_rows;

/* SIDE_SYNCED: all before this byte of the side file, and the rows that it covers, is on disk. */
typedef struct side_synced {
    int64_t size;
} side_synced;

typedef struct side_file side_file;

/* Opens OUTPUT.d/run-N/rank-NNNN.text, to append to it. NULL on failure. */
side_file *side_open(const char *output, int64_t run, int rank, tf_error *error);
void side_close(side_file *side);

/* Appends whole records. */
tf_err side_append(side_file *side, const void *records, size_t size, tf_error *error);

/* Appends a record of rows, with the blobs before it, in one write. */
tf_err side_append_rows(side_file *side, const void *blobs, size_t size, int stage, int64_t first, side_rows rows,
                        tf_error *error);
tf_err side_append_synced(side_file *side, int64_t size, tf_error *error);

int64_t side_size(const side_file *side);
bool side_is_there(const side_file *side); /* else somebody has removed it */
int side_fd(const side_file *side);

/* All of it, mapped for reading (NULL and 0 if it is empty), to be given to side_unmap. */
tf_err side_map(const side_file *side, const char **bytes, size_t *size, tf_error *error);

/* The same of a file that is open to read it; `path` is for messages. */
tf_err side_map_file(int fd, const char *path, const char **bytes, size_t *size, tf_error *error);
void side_unmap(const char *bytes, size_t size);

#endif
