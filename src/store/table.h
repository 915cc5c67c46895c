/* A dataset with one row a task, and how rows of it lie in memory. */
#ifndef TF_STORE_TABLE_H
#define TF_STORE_TABLE_H

#include <hdf5.h>

#include "store/h5read.h"
#include "store/types.h"

typedef struct table {
    hid_t dataset; /* 0: not there */
    hid_t type;    /* in memory; as a rule the same as in the file */
    int rank;
    hsize_t shape[H5_RANKS]; /* shape[0]: tasks; with a grid the array's */
    const tf_grid *grid;     /* its blocks are the rows; NULL: the dataset is no array in blocks */
} table;

/* One of the arrays that make a row, in the order in which they are hashed. */
typedef struct row_part {
    const char *folder, *name; /* "results", "snr" */
    int column;                /* which column of the stage it is; -1: it is a per-task dataset */
    int task;                  /* which per-task dataset it is: TASK_STATUS ... */
    size_t bytes;              /* of a row */
    const tf_grid *grid;       /* its blocks are the rows; NULL: it is no array in blocks */
} row_part;

/* Opens the dataset of a table. Type, rank and shape are set, and the dataset must have them; of text, cells may have
 * any length. Where there is no dataset, `dataset` stays 0. false: it is something else. */
bool store_open_table(hid_t parent, const char *path, table *table, h5_fault *fault);

/* Rows are read and written as they are in the file. HDF5 converts an enum only to one that has all of its names: of
 * statuses a file has those that there were when it was made. */
void store_keep_type(table *table);

/* Blobs of that many tasks, to be read: cells, or an index and the byte heap that it is of. Where there are none,
 * `dataset` stays 0. To be closed in any case. */
bool store_open_cells(hid_t parent, const char *name, hsize_t tasks, table *cells, h5_fault *fault);
bool store_open_byte_heap(hid_t parent, const char *name, hsize_t tasks, table *index, table *byte_heap,
                          h5_fault *fault);

void store_close_table(table *table);

/* Does a blob at (offset, length) lie within a byte heap of so many bytes? Indices may be damaged as well. */
static inline bool store_is_in_byte_heap(const int64_t place[2], int64_t bytes) {
    return place[0] >= 0 && place[1] >= 0 && place[1] <= bytes && place[0] <= bytes - place[1];
}

/* Read and write rows first .. first + count - 1. Independent; negative is HDF5's failure. */
herr_t store_read_rows(const table *from, int64_t first, int64_t count, void *data);
herr_t store_write_rows(const table *to, int64_t first, int64_t count, const void *data);

/* Reads a block of a table that has a grid, element behind element. */
herr_t store_read_block(const table *from, int64_t row, void *data);

/* Reads count[d] elements from start[d] on, per dimension, element behind element. */
herr_t store_read_elements(const table *from, const int64_t *start, const int64_t *count, void *data);

/* The hash of rows, going on from `hash`: of what is in the file. */
uint64_t store_hash_rows(const row_part *part, int64_t first, int64_t count, const void *data, uint64_t hash);

#endif
