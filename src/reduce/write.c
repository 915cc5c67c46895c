/* A reduction in the file: /STAGE/reduce/NAME has a dataset a key and a dataset a statistic, one row a group. All ranks
 * make them, the first writes them. */
#include "reduce/reducing.h"

#include <stdlib.h>
#include <string.h>

#include "store/attributes.h"
#include "store/make.h"

/* Datasets on their way: made by all ranks, written by the first. */
typedef struct output {
    hid_t group;
    scales *dimensions; /* of the group */
    tf_store *store;
    int64_t groups;
    bool failed;
} output;

/* `first` names the dimension of the rows; further ones have names of their own. */
static void add_dataset(output *o, const char *name, hid_t type, const char *first, int rank, const hsize_t *shape,
                        const void *data) {
    scale *of[TF_MAX_RANK + 2];
    for (int d = 0; d < rank && !o->failed; d++) {
        tf_buf label = {0};
        if (d == 0)
            tf_buf_adds(&label, first);
        else
            tf_buf_addf(&label, "%s_dim%d", name, d);
        of[d] = scales_get(o->dimensions, label.data, shape[d]);
        o->failed = !of[d];
        tf_buf_free(&label);
    }
    if (o->failed)
        return;
    hid_t dataset = store_dataset(o->store, o->group, name, type, rank, shape);
    o->failed = dataset < 0 || !scale_attach(dataset, rank, of);
    if (!o->failed && o->store->team.rank == 0 && shape[0] > 0)
        o->failed = H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0;
    H5Dclose(dataset);
}

#define ROWS "group" /* the dimension of all that has one row a group */

static void add_rows(output *o, const char *name, hid_t type, const void *data) {
    hsize_t shape = (hsize_t)o->groups;
    add_dataset(o, name, type, ROWS, 1, &shape, data);
}

/* ---- Keys ---- */

static void note_encoding(output *o, const char *name) {
    hid_t dataset = o->failed ? -1 : H5Dopen2(o->group, name, H5P_DEFAULT);
    o->failed = dataset < 0 || store_attribute_encoding(dataset) < 0;
    H5Dclose(dataset);
}

static void add_text_key(output *o, const reducing *r, int key, const char *name) {
    size_t longest = 1;
    bool is_bytes = false;
    for (int64_t g = 0; g < r->groups; g++) {
        const char *text = reduce_key_text(r, g, key);
        size_t length = strlen(text);
        longest = length > longest ? length : longest;
        is_bytes = is_bytes || tf_utf8_invalid(text, length) >= 0;
    }
    char *cells = tf_alloc_array((size_t)r->groups, longest);
    for (int64_t g = 0; g < r->groups; g++) {
        const char *text = reduce_key_text(r, g, key);
        for (size_t i = 0; text[i]; i++)
            cells[(size_t)g * longest + i] = text[i];
    }
    hid_t type = is_bytes ? store_bytes_type(longest) : store_string_type(longest);
    add_rows(o, name, type, cells);
    if (!is_bytes)
        note_encoding(o, name);
    H5Tclose(type);
    free(cells);
}

static void add_key(output *o, const reducing *r, int key) {
    const char *name = reduce_value_of(r, r->spec->key[key]).name;
    tf_type type = reduce_value_of(r, r->spec->key[key]).type;
    if (type == TF_STRING) {
        add_text_key(o, r, key, name);
        return;
    }
    uint64_t *words = tf_alloc_array((size_t)r->groups, sizeof *words);
    uint8_t *truths = tf_alloc((size_t)r->groups);
    for (int64_t g = 0; g < r->groups; g++) {
        words[g] = reduce_key_word(r, g, key);
        truths[g] = words[g] != 0;
    }
    hid_t boolean = store_number_type(TF_BOOL);
    if (type == TF_BOOL)
        add_rows(o, name, boolean, truths);
    else
        add_rows(o, name,
                 tf_type_is_float(type) ? H5T_IEEE_F64LE
                 : type == TF_UINT64    ? H5T_STD_U64LE
                                        : H5T_STD_I64LE,
                 words);
    H5Tclose(boolean);
    free(words);
    free(truths);
}

/* ---- Statistics ---- */

static void add_statistic(output *o, const reducing *r, const tf_stat_spec *stat, const reduce_result *result) {
    const tf_stage_spec *spec = &r->store->campaign->stage[r->stage];
    const tf_value v = reduce_value_of(r, stat->value);
    int rank = 1;
    hsize_t shape[TF_MAX_RANK + 2] = {(hsize_t)r->groups};
    for (int d = 0; !v.grid && d < v.rank; d++)
        shape[rank++] = (hsize_t)spec->column[v.column].shape[d];
    if (stat->size > 0)
        shape[rank++] = (hsize_t)stat->size;
    tf_buf name = {0};
    tf_buf_addf(&name, "%s.%s", v.name, stat->text);
    if (result->numbers)
        add_dataset(o, tf_buf_text(&name), H5T_IEEE_F64LE, ROWS, rank, shape, result->numbers);
    else
        add_dataset(o, tf_buf_text(&name), H5T_STD_I64LE, ROWS, rank, shape, result->integers);
    if (result->rows) {
        tf_buf_adds(&name, r->spec->grid ? ".element" : ".task");
        add_dataset(o, tf_buf_text(&name), H5T_STD_I64LE, ROWS, rank, shape, result->rows);
    }
    if (result->edges) {
        hsize_t edges = (hsize_t)stat->size + 1;
        tf_buf dimension = {0};
        tf_buf_addf(&dimension, "%s_edge", tf_buf_text(&name));
        tf_buf_adds(&name, ".edges");
        add_dataset(o, tf_buf_text(&name), H5T_IEEE_F64LE, dimension.data, 1, &edges, result->edges);
        tf_buf_free(&dimension);
    }
    tf_buf_free(&name);
}

bool reduce_write(const reducing *r, hid_t parent, const reduce_result *result) {
    const tf_reduce_spec *spec = r->spec;
    output o = {.store = r->store, .groups = r->groups};
    o.group = H5Gcreate2(parent, spec->name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (o.group < 0)
        return false;
    o.dimensions = scales_open(r->store, o.group);
    o.failed = store_attribute_text(o.group, "settings", spec->json) < 0;
    for (int k = 0; k < spec->keys; k++)
        add_key(&o, r, k);
    add_rows(&o, "rows", H5T_STD_I64LE, r->members);
    for (int k = 0; k < spec->stats; k++)
        add_statistic(&o, r, &spec->stat[k], &result[k]);
    o.failed = !scales_close(o.dimensions) || o.failed;
    H5Gclose(o.group);
    return !o.failed;
}
