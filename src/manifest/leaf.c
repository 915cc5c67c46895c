/* Leaves of a space, and the one that holds its values: a table. */
#include "manifest/tree.h"

#include <string.h>

tf_space *leaf_new(tf_arena *arena, const leaf_kind *kind, int params, int64_t size) {
    tf_space *leaf = tf_arena_alloc(arena, sizeof *leaf);
    leaf->leaf = kind;
    leaf->size = size;
    leaf->params = params;
    leaf->param = tf_arena_array(arena, (size_t)params, sizeof *leaf->param);
    return leaf;
}

tf_space *leaf_of_one(tf_arena *arena, const leaf_kind *kind, const char *name, tf_type type, int64_t size) {
    tf_space *leaf = leaf_new(arena, kind, 1, size);
    leaf->param[0] = (tf_param_spec){.name = name, .type = type};
    return leaf;
}

/* ---- Tables ---- */

/* The values of one parameter. */
typedef struct table_column {
    const void *values;
    const char *const *text; /* how its numbers were written; NULL: as they are printed */
} table_column;

static const table_column *column_of(const tf_space *leaf, int param) {
    return (const table_column *)leaf->data + param;
}

static void fill(const tf_space *leaf, int param, int64_t first, int64_t count, void *out) {
    const size_t size = tf_space_value_size(leaf->param[param].type);
    memcpy(out, (const char *)column_of(leaf, param)->values + (size_t)first * size, (size_t)count * size);
}

static uint64_t hash(const tf_space *leaf, int64_t points, uint64_t sum) {
    for (int p = 0; p < leaf->params; p++) {
        const void *values = column_of(leaf, p)->values;
        if (leaf->param[p].type != TF_STRING) {
            sum = tf_hash(values, (size_t)points * tf_space_value_size(leaf->param[p].type), sum);
            continue;
        }
        const char *const *strings = values;
        for (int64_t i = 0; i < points; i++)
            sum = tf_hash(strings[i], strlen(strings[i]) + 1, sum);
    }
    return sum;
}

static const char *text(const tf_space *leaf, int param, int64_t index) {
    return column_of(leaf, param)->text[index];
}

static const leaf_kind table_kind = {.number = 4, .fill = fill, .hash = hash, .text = text};

tf_space *table_new(tf_arena *arena, int params, int64_t size) {
    tf_space *table = leaf_new(arena, &table_kind, params, size);
    table->data = tf_arena_array(arena, (size_t)params, sizeof(table_column));
    return table;
}

void table_set(tf_space *table, int param, tf_type type, const void *values) {
    ((table_column *)(uintptr_t)table->data)[param].values = values;
    table->param[param].type = type;
}

void table_set_strings(tf_space *table, int param, const char *const *strings) {
    size_t most = 0;
    bool is_bytes = false;
    for (int64_t i = 0; i < table->size; i++) {
        const size_t length = strlen(strings[i]);
        most = length > most ? length : most;
        is_bytes = is_bytes || tf_utf8_invalid(strings[i], length) >= 0;
    }
    table_set(table, param, TF_STRING, strings);
    table->param[param].max_bytes = (int64_t)most;
    table->param[param].is_bytes = is_bytes;
}

void table_set_texts(tf_space *table, int param, const char *const *texts) {
    ((table_column *)(uintptr_t)table->data)[param].text = texts;
    table->param[param].has_texts = true;
}
