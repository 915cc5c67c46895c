/* Arrays in blocks, and tables in parts: what tasks get pieces of. */
#ifndef TF_MANIFEST_GRID_H
#define TF_MANIFEST_GRID_H

#include "manifest/space.h"

/* ---- Tables in parts ---- */

/* CSV files with the same columns, as one table that is read a part at a time. */
typedef struct tf_csv tf_csv;

/* Reads a file through, to make parts of `batch` records. `before`: how many records are in the files before it. Adds
 * what is known of it then to `out`, for the loader. Returns 0 or an errno. */
int tf_csv_scan(const char *path, int64_t batch, int64_t before, tf_buf *out);

int tf_csv_fields(const tf_csv *csv);
tf_param_spec tf_csv_field(const tf_csv *csv, int field);

/* Reads the records of a part. out[f] gets the values of field f: int64_t, double, or strings as NUL-padded cells;
 * NULL: they are not wanted. Fails if a file can't be read or has changed. */
tf_err tf_csv_read(const tf_csv *csv, int64_t part, void *const *out, tf_error *error);

/* ---- Arrays ---- */

/* An array with a block for each point of a space: the dimensions of a "blocks" axis, and of the axes before and behind
 * it, each point of which is a block's length. The order of the blocks, the last dimension fastest, is that of the
 * points. */
typedef struct tf_grid {
    const char *axis; /* the name of the axis */
    int rank;
    int64_t shape[TF_MAX_RANK];     /* elements, per dimension */
    int64_t chunk[TF_MAX_RANK];     /* elements of a block, per dimension; the last block may have fewer */
    const char *label[TF_MAX_RANK]; /* per dimension: its name in the output */
    int first, inner;               /* dimensions first .. first + inner - 1 are the axis's */
} tf_grid;

/* Where the block of a point begins, and its lengths. */
void tf_grid_block(const tf_grid *grid, int64_t point, int64_t *start, int64_t *count);

/* The element of a chunk at which line n of a block begins, if the block is the chunk's corner. `count` and `chunk`:
 * their lengths, per dimension. */
int64_t tf_line_in_chunk(int rank, const int64_t *count, const int64_t *chunk, int64_t n);

/* An array that tasks read a block of, with a halo. Elements come in C order. */
typedef struct tf_array_spec {
    const char *name;
    const char *pointer; /* JSON pointer */
    tf_type type;        /* of the elements, as tasks get them */
    const tf_grid *grid;
    int64_t halo[TF_MAX_RANK]; /* per dimension of the axis: elements on either side */
    bool reflect;              /* the halo goes on as in a mirror beyond the array's ends; else it is cut off there */
    int64_t elements;          /* elements of the largest block, with its halo */
    size_t element;            /* bytes of an element */

    /* Of a column of a table */
    const tf_csv *csv; /* NULL: it is no such column */
    int field;

    /* Of a dataset of a file */
    int file;            /* which of the stage's inputs the file is; -1: it is no dataset */
    const char *dataset; /* its path in the file */

    /* Of a column of another stage */
    int stage; /* -1: it is no such column */
    int column;
} tf_array_spec;

static inline size_t tf_array_bytes(const tf_array_spec *array) {
    return (size_t)array->elements * array->element;
}

/* The part of its table that a task has. */
int64_t tf_array_part(const tf_array_spec *array, int64_t index);

/* The task's block in the dimensions of the axis: of an array that is read, with its halo, or of a column with a grid.
 */
void tf_array_place(const tf_array_spec *array, int64_t index, tf_block *block);
void tf_grid_place(const tf_grid *grid, int64_t index, tf_block *block);
int64_t tf_block_elements(const tf_block *block);

#endif
