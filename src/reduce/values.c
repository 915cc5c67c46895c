/* What a reduction reads of a stage: parameters, columns, strings and blocks of arrays, each opened when it is first
 * asked for, and read a piece at a time. */
#include "reduce/rows.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_KEPT = 64 << 20 /* bytes of a table's column that are not read again */ };

const tf_stage_spec *reduce_stage_spec(const reducing *r) {
    return &r->store->campaign->stage[r->stage];
}

tf_value reduce_value_of(const reducing *r, int value) {
    return tf_stage_value(reduce_stage_spec(r), value);
}

int64_t reduce_elements(const reducing *r, int value) {
    const tf_value v = reduce_value_of(r, value);
    return v.column < 0 || r->spec->grid ? 1 : reduce_stage_spec(r)->column[v.column].elements;
}

/* ---- Opening ---- */

static bool open_strings(const reducing *r, value_source *s, const char *name, hsize_t rows) {
    const store_stage *st = &r->store->stage[r->stage];
    h5_fault fault = {0};
    bool good = store_open_cells(st->results, name, rows, &s->table, &fault);
    if (good && s->table.dataset == 0)
        good = store_open_byte_heap(st->text, name, rows, &s->table, &s->byte_heap, &fault);
    store_blame(r->store, &fault);
    return good && s->table.dataset > 0;
}

/* The type that cells are read as: the widest of its sort. */
static tf_type cell_type(tf_value value) {
    if (value.array >= 0 || value.type == TF_STRING || value.type == TF_BOOL || value.type == TF_UINT64)
        return value.type;
    return tf_type_is_integer(value.type) ? TF_INT64 : TF_FLOAT64;
}

/* How many bytes of the value are in memory at once. */
static size_t cell_bytes(const reducing *r, const value_source *s) {
    const tf_stage_spec *spec = reduce_stage_spec(r);
    if (s->value.array >= 0)
        return tf_array_bytes(&spec->array[s->value.array]);
    if (s->value.param >= 0)
        return PIECE_NUMBERS * (tf_space_cell_size(spec->space, s->value.param) + 8);
    if (s->cell == TF_STRING)
        return PIECE_NUMBERS * (s->byte_heap.dataset > 0 ? 16 : H5Tget_size(s->table.type));
    const size_t elements = (size_t)spec->column[s->value.column].elements;
    return 8 * (elements > PIECE_NUMBERS ? elements : PIECE_NUMBERS);
}

/* Tables of text take long to read: what was read is kept where there is memory for it. */
static bool keep_blocks(const reducing *r, value_source *s) {
    const int64_t tasks = r->rows->end - r->rows->first;
    int64_t bytes;
    if (s->value.array < 0 || !reduce_stage_spec(r)->array[s->value.array].csv ||
        __builtin_mul_overflow(tasks, (int64_t)cell_bytes(r, s), &bytes) || bytes > MOST_KEPT)
        return false;
    s->kept = tf_alloc((size_t)bytes);
    s->known = tf_alloc_array((size_t)tasks, sizeof *s->known);
    return true;
}

static bool open_source(reducing *r, int value) {
    const tf_stage_spec *spec = reduce_stage_spec(r);
    value_source *s = &r->rows->source[value];
    if (s->is_open)
        return true;
    const int64_t elements = reduce_elements(r, value);
    bool good = true;
    s->is_open = true;
    s->task = -1;
    s->value = reduce_value_of(r, value);
    s->cell = cell_type(s->value);
    s->number = tf_alloc_array(PIECE_NUMBERS > elements ? PIECE_NUMBERS : (size_t)elements, sizeof *s->number);
    if (s->cell == TF_STRING)
        s->string = tf_alloc_array(PIECE_NUMBERS, sizeof *s->string);
    if (s->value.column >= 0 && s->cell == TF_STRING) {
        good = open_strings(r, s, s->value.name, (hsize_t)tf_stage_so_far(spec));
    } else if (s->value.column >= 0) {
        s->table = r->store->stage[r->stage].column[s->value.column]; /* borrowed, but for the type */
        s->table.type = s->cell == TF_BOOL     ? H5Tcopy(s->table.type)
                        : s->cell == TF_UINT64 ? H5Tcopy(H5T_NATIVE_UINT64)
                        : s->cell == TF_INT64  ? H5Tcopy(H5T_NATIVE_INT64)
                                               : H5Tcopy(H5T_NATIVE_DOUBLE);
    }
    if (good && !keep_blocks(r, s))
        s->cells = tf_alloc(cell_bytes(r, s));
    return good;
}

void value_close(value_source *s) {
    if (!s->is_open)
        return;
    if (s->value.column >= 0 && s->cell == TF_STRING) {
        store_close_table(&s->table);
        store_close_table(&s->byte_heap);
    } else if (s->value.column >= 0) {
        H5Tclose(s->table.type);
    }
    free(s->kept ? s->kept : s->cells);
    free(s->known);
    free(s->number);
    free(s->string);
    tf_buf_free(&s->strings);
}

/* ---- Reading ---- */

tf_err reduce_cant_read(reducing *r) {
    return store_error(r->store, r->error, "can't read rows of stage \"%s\"", reduce_stage_spec(r)->name);
}

/* Makes strings of the cells, which may lack a NUL, or are offsets and lengths in the byte heap. */
static tf_err read_strings(reducing *r, value_source *s, int64_t count, size_t width) {
    tf_buf_clear(&s->strings);
    tf_buf_reserve(&s->strings, (size_t)count * (width + 1));
    size_t *start = tf_alloc_array((size_t)count, sizeof *start);
    tf_err err = TF_OK;
    for (int64_t i = 0; i < count && err == TF_OK; i++) {
        start[i] = s->strings.length;
        if (s->byte_heap.dataset > 0) {
            const int64_t *place = (const int64_t *)(const void *)s->cells + 2 * i;
            if (!store_is_in_byte_heap(place, (int64_t)s->byte_heap.shape[0])) {
                store_blame(r->store, &(h5_fault){.text = "a text lies outside of its heap"});
                err = reduce_cant_read(r);
                break;
            }
            tf_buf_reserve(&s->strings, s->strings.length + (size_t)place[1] + 1);
            if (place[1] > 0 &&
                store_read_rows(&s->byte_heap, place[0], place[1], s->strings.data + s->strings.length) < 0)
                err = reduce_cant_read(r);
            s->strings.length += (size_t)place[1];
        } else {
            const char *cell = s->cells + (size_t)i * width;
            tf_buf_add(&s->strings, cell, strnlen(cell, width));
        }
        tf_buf_addc(&s->strings, '\0');
    }
    for (int64_t i = 0; i < count; i++)
        s->string[i] = s->strings.data + start[i];
    free(start);
    return err;
}

static tf_err read_param(reducing *r, value_source *s, int64_t first, int64_t count) {
    const tf_space *space = reduce_stage_spec(r)->space;
    const int param = s->value.param;
    if (!tf_space_param(space, param)->upstream) {
        tf_space_fill(space, param, first, count, s->cell == TF_STRING ? (void *)s->string : (void *)s->cells);
        return TF_OK;
    }
    tf_err err = tf_store_upstream_values(r->store, r->stage, param, first, count, s->cells, r->error);
    return err == TF_OK && s->cell == TF_STRING ? read_strings(r, s, count, tf_space_cell_size(space, param)) : err;
}

static tf_err read_block(reducing *r, value_source *s, int64_t task) {
    const int64_t n = task - r->rows->first;
    if (s->kept)
        s->cells = s->kept + (size_t)n * cell_bytes(r, s);
    if (s->kept && s->known[n])
        return TF_OK;
    tf_err err = tf_store_block(r->store, r->stage, s->value.array, task, s->cells, r->error);
    if (s->kept)
        s->known[n] = err == TF_OK;
    return err;
}

/* Reads some rows of a value, as strings or as cells; of arrays all elements of one task. */
static tf_err read_cells(reducing *r, value_source *s, int64_t first, int64_t count) {
    if (s->value.param >= 0)
        return read_param(r, s, first, count);
    if (s->value.array >= 0)
        return read_block(r, s, first);
    if (s->value.grid ? store_read_block(&s->table, first, s->cells) < 0
                      : store_read_rows(&s->table, first, count, s->cells) < 0)
        return reduce_cant_read(r);
    return s->cell == TF_STRING ? read_strings(r, s, count, s->byte_heap.dataset > 0 ? 0 : H5Tget_size(s->table.type))
                                : TF_OK;
}

int64_t value_cell(const reducing *r, const value_source *s, const cursor *c, int64_t i) {
    return !r->spec->grid ? i : s->value.grid ? c->from + i : 0;
}

const char *value_string(const reducing *r, const value_source *s, const cursor *c, int64_t i, size_t *length) {
    const int64_t cell = value_cell(r, s, c, i);
    if (s->value.array < 0) {
        *length = strlen(s->string[cell]);
        return s->string[cell];
    }
    const size_t width = reduce_stage_spec(r)->array[s->value.array].element;
    *length = strnlen(s->cells + (size_t)cell * width, width);
    return s->cells + (size_t)cell * width;
}

/* Integers that a double may not hold. */
static bool has_64_bits(const value_source *s) {
    return s->cell == TF_INT64 || s->cell == TF_UINT64;
}

tf_err value_read(reducing *r, int value, const cursor *c) {
    value_source *s = &r->rows->source[value];
    if (!open_source(r, value))
        return reduce_cant_read(r);
    if (!r->spec->grid || s->task != c->first) {
        tf_err err = read_cells(r, s, c->first, r->spec->grid ? 1 : c->count);
        if (err != TF_OK)
            return err;
        s->task = c->first;
    }
    if (s->cell == TF_STRING)
        return TF_OK;
    if (!r->spec->grid || s->value.grid) {
        tf_load_doubles(s->cell, s->cells, c->from, c->count * reduce_elements(r, value), s->number);
        return TF_OK;
    }
    tf_load_doubles(s->cell, s->cells, 0, 1, s->number);
    for (int64_t i = 1; i < c->count; i++)
        s->number[i] = s->number[0];
    for (int64_t i = 1; i < c->count && has_64_bits(s); i++)
        ((int64_t *)(void *)s->cells)[i] = ((int64_t *)(void *)s->cells)[0];
    return TF_OK;
}

const int64_t *value_exact(const value_source *s, const cursor *c) {
    const int64_t *cells = (const int64_t *)(const void *)s->cells;
    return !has_64_bits(s) ? NULL : s->value.grid ? cells + c->from : cells;
}
