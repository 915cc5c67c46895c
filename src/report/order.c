/* Keys of rows, which have as bytes the order of their values. Of each column a byte tells whether there is a value:
 * rows without one, and numbers that are none, are the last ones. Numbers are words with the highest byte first, texts
 * end in a mark that no text has. Where the largest is to be the first all bits of the value are turned round. */
#include "report/order.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/export.h"

typedef struct sort_column {
    int field; /* or EXPORT_INDEX */
    bool is_descending, is_status;
    view_values values;
} sort_column;

struct row_order {
    view *view;
    int columns;
    sort_column *column;
    int64_t first; /* the task that was read first */
    tf_arena *arena;
};

/* ---- Which columns ---- */

static tf_err add_column(row_order *o, const char *name, tf_error *error) {
    sort_column *c = &o->column[o->columns++];
    c->is_descending = *name == '-';
    name += c->is_descending;
    tf_err err = export_find_column(o->view, name, &c->field, error);
    if (err != TF_OK || c->field == EXPORT_INDEX)
        return err;
    c->is_status = c->field == view_record(o->view, "status");
    if (view_field(o->view, c->field)->rank == 0)
        return TF_OK;
    return tf_error_set_as(error, TF_ERR_USAGE, TF_DIAG_UNSUITABLE_TYPE,
                           "--sort: column \"%s\" has several numbers in a row, which have no order", name);
}

row_order *order_new(view *v, const char *list, tf_error *error) {
    row_order *o = tf_alloc(sizeof *o);
    *o = (row_order){.view = v, .arena = tf_arena_new()};
    size_t most = 1;
    for (const char *c = list; *c; c++)
        most += *c == ',';
    o->column = tf_arena_array(o->arena, most, sizeof *o->column);
    char *rest = tf_arena_strdup(o->arena, list), *name;
    tf_err err = TF_OK;
    while (err == TF_OK && (name = strsep(&rest, ",")))
        err = add_column(o, name, error);
    if (err == TF_OK)
        return o;
    order_free(o);
    return NULL;
}

void order_free(row_order *o) {
    if (!o)
        return;
    for (int c = 0; c < o->columns; c++)
        view_values_free(&o->column[c].values);
    tf_arena_free(o->arena);
    free(o);
}

int64_t order_width(const row_order *o) {
    int64_t width = 0;
    for (int c = 0; c < o->columns; c++)
        width += o->column[c].field == EXPORT_INDEX ? 0 : view_width(o->view, o->column[c].field);
    return width;
}

tf_err order_read(row_order *o, int64_t first, int64_t count, tf_error *error) {
    tf_err err = TF_OK;
    o->first = first;
    for (int c = 0; c < o->columns && err == TF_OK; c++)
        if (o->column[c].field != EXPORT_INDEX)
            err = view_read(o->view, o->column[c].field, first, count, &o->column[c].values, error);
    return err;
}

/* ---- Keys ---- */

static void add_word(tf_buf *key, uint64_t word) {
    for (int shift = 56; shift >= 0; shift -= 8)
        tf_buf_addc(key, (char)(word >> shift & 0xff));
}

/* Its end is before all that goes on: 00 01. A NUL of the text itself is 00 02. */
static void add_text(tf_buf *key, const char *text, size_t length) {
    for (size_t i = 0; i < length; i++) {
        tf_buf_addc(key, text[i]);
        if (text[i] == '\0')
            tf_buf_addc(key, 2);
    }
    tf_buf_add(key, "\0\1", 2);
}

/* Integers as such, as doubles may not tell two of them apart; -0 is 0. */
static uint64_t word_of(const view_values *v, int64_t row, double x) {
    const uint64_t sign = UINT64_C(1) << 63;
    if (v->field->type == TF_INT64)
        return (uint64_t)((const int64_t *)v->numbers)[row] ^ sign;
    if (v->field->type == TF_UINT64)
        return ((const uint64_t *)v->numbers)[row];
    return tf_order_of(x == 0 ? 0 : x);
}

/* false: there is no value. */
static bool add_value(const row_order *o, const sort_column *c, int64_t row, tf_buf *key) {
    const view_values *v = &c->values;
    size_t length;
    double x;
    if (c->field == EXPORT_INDEX) {
        add_word(key, (uint64_t)(o->first + row));
        return true;
    }
    if (!view_is_known(v, row))
        return false;
    if (c->is_status) {
        const char *name = tf_status_name(((const uint8_t *)v->numbers)[row]);
        add_text(key, name, strlen(name));
        return true;
    }
    if (tf_type_size(v->field->type) == 0) {
        const char *text = tf_blobs_at(&v->texts, row, &length);
        add_text(key, text, length);
        return true;
    }
    tf_load_doubles(v->field->type, v->numbers, row, 1, &x);
    if (isnan(x))
        return false;
    add_word(key, word_of(v, row, x));
    return true;
}

void order_add_key(const row_order *o, int64_t row, tf_buf *key) {
    tf_buf_clear(key);
    for (int c = 0; c < o->columns; c++) {
        const size_t mark = key->length;
        tf_buf_addc(key, 0);
        key->data[mark] = !add_value(o, &o->column[c], row, key);
        for (size_t i = mark + 1; o->column[c].is_descending && i < key->length; i++)
            key->data[i] = (char)~key->data[i];
    }
}
