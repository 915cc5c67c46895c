/* The tree behind a space: leaves give values, inner nodes join them. */
#ifndef TF_MANIFEST_SPACE_H
#define TF_MANIFEST_SPACE_H

#include "manifest/manifest.h"

typedef enum node_kind {
    NODE_RANGE,    /* from + i * step, integers */
    NODE_LINEAR,   /* start + i * width, numbers */
    NODE_LINSPACE, /* start .. stop, both ends in */
    NODE_LOGSPACE,
    NODE_TABLE,   /* a column of values per parameter */
    NODE_ROWS,    /* rows of another stage */
    NODE_BLOCKS,  /* chunks of an array: where they begin, then how long they are */
    NODE_PRODUCT, /* the last child varies fastest */
    NODE_ZIP,     /* children side by side */
    NODE_CONCAT   /* one child after another, the same parameters in each */
} node_kind;

typedef struct space_blocks {
    int rank;
    int64_t shape[TF_MAX_RANK], chunk[TF_MAX_RANK];
    const char *name; /* of the axis; last, as it is no part of what the points are */
} space_blocks;

struct tf_space {
    node_kind kind;
    int64_t size;
    int params;
    tf_param_spec *param;
    int children;
    tf_space **child;
    int sources;
    tf_space_source *source;
    union {
        struct {
            int64_t from, step;
        } range;
        struct {
            double start, stop, width;
        } line;
        const void **table; /* per parameter: values as tf_space_fill gives them */
        const tf_space *of; /* NODE_ROWS: that stage's space */
    };
    const char *const *
        *text;            /* NODE_TABLE, per parameter: its numbers as they were written; NULL: as they are printed */
    space_blocks *blocks; /* of NODE_BLOCKS, and where a table is read in parts; else NULL */
    const tf_csv *csv;    /* such a table */
};

/* Values of a parameter of a table, which owns them not: texts; and the texts that its numbers were written as. */
void space_set_strings(tf_space *table, int param, const char *const *strings);
void space_set_texts(tf_arena *arena, tf_space *table, int param, const char *const *texts);

/* Inner nodes. Children's sizes and parameters are set; NULL if there are more than 2^62 points. */
tf_space *space_product(tf_arena *arena, tf_space **child, int children);
tf_space *space_zip(tf_arena *arena, tf_space **child, int children);
/* Parameters are those of the first child, with the wider of two numeric types. */
tf_space *space_concat(tf_arena *arena, tf_space **child, int children);

#endif
