/* Parameter spaces: what the points of a stage are. */
#ifndef TF_MANIFEST_SPACE_H
#define TF_MANIFEST_SPACE_H

#include "base/base.h"

/* A lazy parameter space: point i's values are computed from i, and nothing is ever expanded. */
typedef struct tf_space tf_space;

/* Why a column of a table is of its type. */
typedef enum tf_type_reason {
    TF_REASON_CELLS,  /* its cells look like that */
    TF_REASON_TYPES,  /* "types" says so */
    TF_REASON_QUOTED, /* some are numbers in quotes, which may be identifiers */
    TF_REASON_PADDED, /* some are numbers that begin with 0, and may be identifiers */
    TF_REASON_HUGE    /* some are integers beyond int64, and may be identifiers */
} tf_type_reason;

/* The reason for people; NULL: the cells look like that. */
const char *tf_type_reason_text(tf_type_reason reason);

typedef struct tf_param_spec {
    const char *name;
    tf_type type;          /* TF_BOOL, TF_INT64, TF_FLOAT64 or TF_STRING */
    int64_t max_bytes;     /* of strings: the longest value */
    bool upstream;         /* its values are another stage's rows: tf_space_fill does not know them */
    bool has_texts;        /* some of its numbers were not written as they are printed: see tf_space_text */
    bool is_bytes;         /* of strings: some are no UTF-8, as paths may be */
    tf_type_reason reason; /* of a column of a table: why it is of this type */
    const char *cell;      /* likewise: which cell made it text; NULL: none among numbers */
} tf_param_spec;

/* Why the parameter, a column of a table, is of its type, for people; NULL: its cells look like that. */
const char *tf_param_why(const tf_param_spec *param);

/* Rows of another stage that give parameters: point i of the space has the one at i / stride % rows of the list. */
typedef struct tf_space_source {
    int stage;        /* the other stage's number */
    const char *name; /* the other stage's name */
    int64_t rows;     /* length of the list */
    int64_t stride;
    const int64_t *row; /* the list; NULL: all rows in order */
    int first, params;  /* parameters first .. first + params - 1 of the space come from these rows */
    const int *param;   /* per such parameter: which of that stage's parameters it is; -1: it is none */
    const int *column;  /* per such parameter: which of that stage's columns it is; -1: it is none */
    const char *where;  /* an expression that the parameters must make true; NULL: none */
} tf_space_source;

enum { TF_LONGEST_UPSTREAM = 1024 }; /* bytes of a string that is a column of another stage */

int64_t tf_space_size(const tf_space *space);
int tf_space_params(const tf_space *space);
const tf_param_spec *tf_space_param(const tf_space *space, int param);
int tf_space_find(const tf_space *space, const char *name); /* -1 if there is none */

/* A space that is the plain product of axes, each of which has its points by itself: no axis is a concat or has rows of
 * another stage. The last axis varies fastest. */
bool tf_space_is_grid(const tf_space *space);

/* The axes of such a space, each a space of its own; their parameters follow each other. */
int tf_space_axes(const tf_space *space);
const tf_space *tf_space_axis(const tf_space *space, int axis);

/* The name of an axis of blocks; NULL: it is none. */
const char *tf_space_blocks(const tf_space *axis);

/* The row of the other stage that point i has. */
static inline int64_t tf_space_source_row(const tf_space_source *source, int64_t point) {
    const int64_t place = point / source->stride % source->rows;
    return source->row ? source->row[place] : place;
}

/* The source that a parameter which is upstream comes from. */
const tf_space_source *tf_space_source_of(const tf_space *space, int param);

int tf_space_sources(const tf_space *space);
const tf_space_source *tf_space_source_at(const tf_space *space, int n);

/* Stores values of one parameter, which must not be upstream, for points first .. first + count - 1 in `out`: uint8_t,
 * int64_t, double or const char * (owned by the space) by its type. */
void tf_space_fill(const tf_space *space, int param, int64_t first, int64_t count, void *out);

/* How a number of the point is written in the table that it comes from: "1E5", "+1.10". NULL: as it is printed. */
const char *tf_space_text(const tf_space *space, int param, int64_t index);

/* Bytes of one value in such an array. */
size_t tf_space_value_size(tf_type type);

/* Values as they are stored in the output: strings as cells of one size, padded with NULs. */
size_t tf_space_cell_size(const tf_space *space, int param);
void tf_space_cells(const tf_space *space, int param, const void *values, int64_t count, void *cells);

/* A hash of how the first `points` points are made, which tells spaces apart without computing their points. Equal
 * hashes mean equal points. 0: there is no such hash of so few points of this space. */
uint64_t tf_space_hash(const tf_space *space, int64_t points);

#endif
