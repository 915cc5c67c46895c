/* A task's parameters are written with its row, and a row says nothing of the axes. So what these are is noted when the
 * stage is laid out: by that alone its results are an array with a dimension for each axis, whichever rows there are.
 */
#include "store/axes.h"

#include <stdlib.h>
#include <string.h>

#include "store/attributes.h"
#include "store/make.h"

enum { MOST_BYTES = 8 << 20 /* of a parameter along its axis */ };

/* ---- How they are made ---- */

static void add_axis(const tf_space *axis, tf_buf *out) {
    tf_buf_addf(out, "%s{\"size\": %lld, \"parameters\": [", out->length ? ", " : "[", (long long)tf_space_size(axis));
    for (int p = 0; p < tf_space_params(axis); p++) {
        tf_buf_adds(out, p ? ", " : "");
        tf_buf_add_json(out, tf_space_param(axis, p)->name, strlen(tf_space_param(axis, p)->name));
    }
    tf_buf_addc(out, ']');
    const char *blocks = tf_space_blocks(axis);
    if (blocks) {
        tf_buf_adds(out, ", \"blocks\": ");
        tf_buf_add_json(out, blocks, strlen(blocks));
    }
    tf_buf_addc(out, '}');
}

static bool note_sizes(const tf_space *space, hid_t group) {
    tf_buf text = {0};
    for (int a = 0; a < tf_space_axes(space); a++)
        add_axis(tf_space_axis(space, a), &text);
    tf_buf_adds(&text, text.length ? "]" : "[]");
    const bool good = store_attribute_text(group, "axes", tf_buf_text(&text)) >= 0;
    tf_buf_free(&text);
    return good;
}

/* ---- Their values ---- */

static herr_t write_values(const tf_space *axis, int param, const table *t) {
    const int64_t size = tf_space_size(axis);
    void *values = tf_alloc_array((size_t)size, tf_space_value_size(tf_space_param(axis, param)->type));
    void *cells = tf_alloc_array((size_t)size, tf_space_cell_size(axis, param));
    tf_space_fill(axis, param, 0, size, values);
    tf_space_cells(axis, param, values, size, cells);
    const herr_t result = store_write_rows(t, 0, size, cells);
    free(cells);
    free(values);
    return result;
}

static bool place_values(tf_store *s, const tf_space *axis, int param, hid_t group, table *t) {
    const tf_param_spec *spec = tf_space_param(axis, param);
    *t = (table){.type = store_param_type(spec), .rank = 1, .shape = {(hsize_t)tf_space_size(axis)}};
    t->dataset = store_dataset(s, group, spec->name, t->type, t->rank, t->shape);
    return t->dataset >= 0 && (spec->type != TF_STRING || spec->is_bytes || store_attribute_encoding(t->dataset) >= 0);
}

bool store_note_axes(tf_store *s, const tf_stage_spec *spec, store_stage *st) {
    const tf_space *space = spec->space;
    if (spec->wheres > 0 || !tf_space_is_grid(space))
        return true;
    bool good = note_sizes(space, st->group);
    if (!good || tf_space_axes(space) == 0)
        return good;
    const hid_t values = H5Gcreate2(st->group, "axes", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    good = values >= 0;
    st->axis = tf_alloc_array((size_t)tf_space_params(space), sizeof *st->axis);
    table *next = st->axis;
    for (int a = 0; a < tf_space_axes(space); a++) {
        const tf_space *axis = tf_space_axis(space, a);
        for (int p = 0; p < tf_space_params(axis) && good; p++, next++)
            if (tf_space_size(axis) <= MOST_BYTES / (int64_t)tf_space_cell_size(axis, p))
                good = place_values(s, axis, p, values, next);
    }
    H5Gclose(values);
    return good;
}

bool store_fill_axes(const tf_store *s, const tf_stage_spec *spec, store_stage *st) {
    const tf_space *space = spec->space;
    bool good = true;
    table *next = st->axis;
    for (int a = 0; a < tf_space_axes(space) && st->axis; a++) {
        const tf_space *axis = tf_space_axis(space, a);
        for (int p = 0; p < tf_space_params(axis); p++, next++)
            if (good && s->team.rank == 0 && next->dataset > 0 && tf_space_size(axis) > 0)
                good = write_values(axis, p, next) >= 0;
    }
    return good;
}

void store_close_axes(const tf_stage_spec *spec, store_stage *st) {
    for (int p = 0; p < tf_space_params(spec->space) && st->axis; p++)
        store_close_table(&st->axis[p]);
    free(st->axis);
    st->axis = NULL;
}
