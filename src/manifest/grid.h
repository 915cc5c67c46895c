/* Arrays in blocks, and tables in parts: what tasks get pieces of. */
#ifndef TF_MANIFEST_GRID_H
#define TF_MANIFEST_GRID_H

#include "manifest/space.h"

/* ---- Tables in parts ---- */

/* CSV files with the same columns, as one table that is read a part at a time. */
typedef struct tf_csv tf_csv;

/* Goes through a file, of which parts of `batch` records are made; `before` are in the files before it. What there is
 * to know of it is added to `out`, for the loader. Returns 0 or an errno. */
int tf_csv_scan(const char *path, int64_t batch, int64_t before, tf_buf *out);

int tf_csv_fields(const tf_csv *csv);
tf_param_spec tf_csv_field(const tf_csv *csv, int field);

/* Reads the records of a part: out[f] gets the values of field f (int64_t, double, or texts as NUL-padded cells), NULL:
 * they are not wanted. Fails if a file can't be read or has changed. */
tf_err tf_csv_read(const tf_csv *csv, int64_t part, void *const *out, tf_error *error);

/* ---- Arrays ---- */

/* An array with a block for each point of a space: the dimensions of a "blocks" axis, and of the axes before and behind
 * it, each point of which is a block's length. The order of the blocks, the last dimension fastest, is that of the
 * points. */
typedef struct tf_grid {
    const char *axis; /* its name */
    int rank;
    int64_t shape[TF_MAX_RANK], chunk[TF_MAX_RANK]; /* chunks are cut off at the ends */
    const char *label[TF_MAX_RANK];                 /* of the dimensions */
    int first, inner;                               /* dimensions first .. first + inner - 1 are the axis's */
} tf_grid;

/* Where point's block begins, and its lengths. */
void tf_grid_block(const tf_grid *grid, int64_t point, int64_t *start, int64_t *count);

/* Line n of a block that has `count` elements by dimension: where it begins in a chunk whose corner the block is. */
int64_t tf_line_in_chunk(int rank, const int64_t *count, const int64_t *chunk, int64_t n);

/* An array that tasks read a block of, with a halo. Elements come in C order. */
typedef struct tf_array_spec {
    const char *name;
    const char *pointer; /* JSON pointer */
    tf_type type;        /* of the elements, as tasks get them */
    const tf_grid *grid;
    int64_t halo[TF_MAX_RANK]; /* elements on either side; by the axis's dimensions */
    bool reflect;              /* beyond the ends the halo is as in a mirror; else it ends there */
    int64_t elements;          /* the most that a block has, with its halo */
    size_t element;            /* bytes of one */
    const tf_csv *csv;         /* a column of such a table: this field; NULL: it is none */
    int field;
    int file;            /* which of the stage's inputs it is in; -1: it is */
    const char *dataset; /* in that file */
    int stage, column;   /* that column of another stage */
} tf_array_spec;

static inline size_t tf_array_bytes(const tf_array_spec *array) {
    return (size_t)array->elements * array->element;
}

/* Which part of its table a task has. */
int64_t tf_array_part(const tf_array_spec *array, int64_t index);

/* The axis's dimensions of the task's block: of an array that is read, and of a column with a grid. */
void tf_array_place(const tf_array_spec *array, int64_t index, tf_block *block);
void tf_grid_place(const tf_grid *grid, int64_t index, tf_block *block);
int64_t tf_block_elements(const tf_block *block);

#endif
