/* The tree behind a space: leaves give values, inner nodes join them. */
#ifndef TF_MANIFEST_TREE_H
#define TF_MANIFEST_TREE_H

#include "manifest/manifest.h"

/* What a kind of leaf does. Each kind is in the file of its axis, and this is all that the tree knows of it. */
typedef struct leaf_kind {
    int number; /* part of hashes, which outputs store: never changed, and never given to another kind */

    /* Stores values of a parameter for points first .. first + count - 1, as tf_space_fill does. */
    void (*fill)(const tf_space *leaf, int param, int64_t first, int64_t count, void *out);

    /* Adds the first `points` points to a hash. 0: so few of them are no space of this kind. */
    uint64_t (*hash)(const tf_space *leaf, int64_t points, uint64_t hash);

    /* How a value was written, for parameters that have texts. NULL: no parameter has. */
    const char *(*text)(const tf_space *leaf, int param, int64_t index);
} leaf_kind;

/* How an inner node joins its children. The numbers are part of hashes, as those of leaves are. */
typedef enum space_join {
    JOIN_PRODUCT = 7, /* the last child varies fastest */
    JOIN_ZIP = 8,     /* children side by side */
    JOIN_CONCAT = 9   /* one child after another, the same parameters in each */
} space_join;

/* Chunks of an array. */
typedef struct space_blocks {
    int rank;
    int64_t shape[TF_MAX_RANK], chunk[TF_MAX_RANK];
    const char *name; /* of the axis; the last member, since hashes of the points leave it out */
} space_blocks;

struct tf_space {
    const leaf_kind *leaf; /* NULL: an inner node */
    space_join join;       /* of an inner node */
    int64_t size;
    int params;
    tf_param_spec *param;
    int children;
    tf_space **child;
    int sources;
    tf_space_source *source;
    const void *data;     /* of a leaf: what its kind needs */
    space_blocks *blocks; /* the chunks that its points are, of an array or a table; NULL: they are none */
    const tf_csv *csv;    /* the table whose parts its points are; NULL: they are none */
};

/* Make inner nodes of children whose sizes and parameters are set. NULL: there are more than 2^62 points. */
tf_space *space_product(tf_arena *arena, tf_space **child, int children);
tf_space *space_zip(tf_arena *arena, tf_space **child, int children);

/* The parameters are those of the first child, with the wider of two numeric types. */
tf_space *space_concat(tf_arena *arena, tf_space **child, int children);

/* ---- Leaves ---- */

/* Makes a leaf whose parameters and data are to be filled in. */
tf_space *leaf_new(tf_arena *arena, const leaf_kind *kind, int params, int64_t size);

/* Makes a leaf of a single parameter. */
tf_space *leaf_of_one(tf_arena *arena, const leaf_kind *kind, const char *name, tf_type type, int64_t size);

/* ---- Tables: a column of values per parameter ---- */

tf_space *table_new(tf_arena *arena, int params, int64_t size);

/* Sets the values of a parameter, which the table does not own: numbers or booleans, or strings. */
void table_set(tf_space *table, int param, tf_type type, const void *values);
void table_set_strings(tf_space *table, int param, const char *const *strings);

/* Sets how the numbers of a parameter were written. */
void table_set_texts(tf_space *table, int param, const char *const *texts);

#endif
