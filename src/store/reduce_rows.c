/* The rows that a reduction reads, and their groups. A group's key is a run of bytes whose order is that of the values:
 * numbers with the highest byte first and the sign turned round, strings with a NUL behind. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/meet.h"
#include "store/reduce.h"

enum {
    PIECE_NUMBERS = 1 << 16, /* of one value, at once */
    MOST_CACHED = 16 << 20,  /* rows whose groups are remembered */
    MOST_KEPT = 64 << 20,    /* bytes of a table's column that are not read again */
    MOST_GROUPS = 10000000
};

/* What is read of one parameter or column. */
typedef struct source {
    bool opened;
    tf_value value;
    tf_type cell;   /* type of the cells; of texts TF_STRING */
    table table;    /* of a column; memory type as read */
    table heap;     /* of long strings: their bytes, and `table` is the index */
    char *cells;    /* what was read of a piece; of an array a block */
    double *number; /* of a piece, as numbers */
    const char **text;
    tf_buf texts;
    int64_t task; /* whose value or block it is, in a reduction of arrays; -1: nobody's yet */
    char *kept;   /* of a table: the blocks of all this rank's tasks, in which `cells` is; NULL: they are too many */
    bool *known;  /* per task: its block is there */
} source;

/* Rows that are taken together. */
typedef struct cursor {
    int64_t first, count; /* tasks; in a reduction of arrays one task, and */
    int64_t from, block;  /* elements from .. from + count - 1, of so many */
    int64_t before;       /* rows of this rank that were taken before */
} cursor;

struct reduce_rows {
    source *source; /* per value */
    int values;
    int64_t first, end; /* this rank's tasks, */
    int64_t all;        /* and how many rows these have */
    table status;
    tf_eval *where;
    const void **named; /* per value, for `where` */
    double *truth;
    tf_table number; /* groups by key */
    tf_buf key;
    uint32_t *cached;       /* per row of this rank: its group; NULL: there are too many */
    uint32_t *group;        /* of a piece */
    int64_t *number_of_row; /* likewise, in a reduction of arrays */
    uint8_t *states;
};

static const tf_stage_spec *spec_of(const reducing *r) {
    return &r->store->campaign->stage[r->stage];
}

static tf_value value_of(const reducing *r, int value) {
    return tf_stage_value(spec_of(r), value);
}

int64_t reduce_elements(const reducing *r, int value) {
    const tf_value v = value_of(r, value);
    return v.column < 0 || r->spec->grid ? 1 : spec_of(r)->column[v.column].elements;
}

/* ---- Opening ---- */

static bool open_texts(const reducing *r, source *s, const char *name, hsize_t rows) {
    const store_stage *st = &r->store->stage[r->stage];
    h5_fault fault = {0};
    bool good = store_open_cells(st->results, name, rows, &s->table, &fault);
    if (good && s->table.dataset == 0)
        good = store_open_heap(st->text, name, rows, &s->table, &s->heap, &fault);
    store_blame(r->store, &fault);
    return good && s->table.dataset > 0;
}

/* What cells are read as: integers and numbers as the widest that they fit. */
static tf_type cell_type(tf_value value) {
    if (value.array >= 0 || value.type == TF_STRING || value.type == TF_BOOL || value.type == TF_UINT64)
        return value.type;
    return tf_type_is_integer(value.type) ? TF_INT64 : TF_FLOAT64;
}

/* Bytes of what is in memory of the value at once. */
static size_t cell_bytes(const reducing *r, const source *s) {
    const tf_stage_spec *spec = spec_of(r);
    if (s->value.array >= 0)
        return tf_array_bytes(&spec->array[s->value.array]);
    if (s->value.param >= 0)
        return PIECE_NUMBERS * (tf_space_cell_size(spec->space, s->value.param) + 8);
    if (s->cell == TF_STRING)
        return PIECE_NUMBERS * (s->heap.dataset > 0 ? 16 : H5Tget_size(s->table.type));
    const size_t elements = (size_t)spec->column[s->value.column].elements;
    return 8 * (elements > PIECE_NUMBERS ? elements : PIECE_NUMBERS);
}

/* Text takes long to be read: where there is memory for it, what was read stays. */
static bool keep_blocks(const reducing *r, source *s) {
    const int64_t tasks = r->rows->end - r->rows->first;
    int64_t bytes;
    if (s->value.array < 0 || !spec_of(r)->array[s->value.array].csv ||
        __builtin_mul_overflow(tasks, (int64_t)cell_bytes(r, s), &bytes) || bytes > MOST_KEPT)
        return false;
    s->kept = tf_alloc((size_t)bytes);
    s->known = tf_alloc_array((size_t)tasks, sizeof *s->known);
    return true;
}

static bool open_source(reducing *r, int value) {
    const tf_stage_spec *spec = spec_of(r);
    source *s = &r->rows->source[value];
    if (s->opened)
        return true;
    const int64_t elements = reduce_elements(r, value);
    bool good = true;
    s->opened = true;
    s->task = -1;
    s->value = value_of(r, value);
    s->cell = cell_type(s->value);
    s->number = tf_alloc_array(PIECE_NUMBERS > elements ? PIECE_NUMBERS : (size_t)elements, sizeof *s->number);
    if (s->cell == TF_STRING)
        s->text = tf_alloc_array(PIECE_NUMBERS, sizeof *s->text);
    if (s->value.column >= 0 && s->cell == TF_STRING) {
        good = open_texts(r, s, s->value.name, (hsize_t)tf_space_size(spec->space));
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

static void close_source(source *s) {
    if (!s->opened)
        return;
    if (s->value.column >= 0 && s->cell == TF_STRING) {
        store_close_table(&s->table);
        store_close_table(&s->heap);
    } else if (s->value.column >= 0) {
        H5Tclose(s->table.type);
    }
    free(s->kept ? s->kept : s->cells);
    free(s->known);
    free(s->number);
    free(s->text);
    tf_buf_free(&s->texts);
}

/* ---- Reading ---- */

static tf_err cant_read(reducing *r) {
    return store_error(r->store, r->error, "can't read rows of stage \"%s\"", spec_of(r)->name);
}

/* Strings: cells that may lack a NUL, or offsets and lengths in the heap. */
static tf_err take_texts(reducing *r, source *s, int64_t count, size_t width) {
    tf_buf_clear(&s->texts);
    tf_buf_reserve(&s->texts, (size_t)count * (width + 1));
    size_t *start = tf_alloc_array((size_t)count, sizeof *start);
    tf_err err = TF_OK;
    for (int64_t i = 0; i < count && err == TF_OK; i++) {
        start[i] = s->texts.length;
        if (s->heap.dataset > 0) {
            const int64_t *place = (const int64_t *)(const void *)s->cells + 2 * i;
            if (!store_is_in_heap(place, (int64_t)s->heap.shape[0])) {
                store_blame(r->store, &(h5_fault){"a text lies outside of its heap"});
                err = cant_read(r);
                break;
            }
            tf_buf_reserve(&s->texts, s->texts.length + (size_t)place[1] + 1);
            if (place[1] > 0 && store_read_rows(&s->heap, place[0], place[1], s->texts.data + s->texts.length) < 0)
                err = cant_read(r);
            s->texts.length += (size_t)place[1];
        } else {
            const char *cell = s->cells + (size_t)i * width;
            tf_buf_add(&s->texts, cell, strnlen(cell, width));
        }
        tf_buf_addc(&s->texts, '\0');
    }
    for (int64_t i = 0; i < count; i++)
        s->text[i] = s->texts.data + start[i];
    free(start);
    return err;
}

static tf_err read_param(reducing *r, source *s, int64_t first, int64_t count) {
    const tf_space *space = spec_of(r)->space;
    const int param = s->value.param;
    if (!tf_space_param(space, param)->given) {
        tf_space_fill(space, param, first, count, s->cell == TF_STRING ? (void *)s->text : (void *)s->cells);
        return TF_OK;
    }
    tf_err err = tf_store_given(r->store, r->stage, param, first, count, s->cells, r->error);
    return err == TF_OK && s->cell == TF_STRING ? take_texts(r, s, count, tf_space_cell_size(space, param)) : err;
}

static tf_err read_block(reducing *r, source *s, int64_t task) {
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

/* Rows of one value: as texts, or as cells; of arrays all elements of one task. */
static tf_err read_cells(reducing *r, source *s, int64_t first, int64_t count) {
    if (s->value.param >= 0)
        return read_param(r, s, first, count);
    if (s->value.array >= 0)
        return read_block(r, s, first);
    if (s->value.grid ? store_read_block(&s->table, first, s->cells) < 0
                      : store_read_rows(&s->table, first, count, s->cells) < 0)
        return cant_read(r);
    return s->cell == TF_STRING ? take_texts(r, s, count, s->heap.dataset > 0 ? 0 : H5Tget_size(s->table.type)) : TF_OK;
}

/* Where the value of the piece's row i is. */
static int64_t cell_at(const reducing *r, const source *s, const cursor *c, int64_t i) {
    return !r->spec->grid ? i : s->value.grid ? c->from + i : 0;
}

/* The text of the piece's row i. */
static const char *text_at(const reducing *r, const source *s, const cursor *c, int64_t i, size_t *length) {
    const int64_t cell = cell_at(r, s, c, i);
    if (s->value.array < 0) {
        *length = strlen(s->text[cell]);
        return s->text[cell];
    }
    const size_t width = spec_of(r)->array[s->value.array].element;
    *length = strnlen(s->cells + (size_t)cell * width, width);
    return s->cells + (size_t)cell * width;
}

/* The piece's rows of one value. */
static tf_err read_source(reducing *r, int value, const cursor *c) {
    source *s = &r->rows->source[value];
    if (!open_source(r, value))
        return cant_read(r);
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
    return TF_OK;
}

/* ---- Keys ---- */

static uint64_t word_of(const source *s, int64_t i) {
    const void *cells = s->cells;
    const uint64_t sign = UINT64_C(1) << 63;
    switch (s->cell) {
    case TF_BOOL:
    case TF_UINT8: return ((const uint8_t *)cells)[i] ^ (s->cell == TF_BOOL ? 0 : sign);
    case TF_INT8: return (uint64_t)((const int8_t *)cells)[i] ^ sign;
    case TF_INT16: return (uint64_t)((const int16_t *)cells)[i] ^ sign;
    case TF_INT32: return (uint64_t)((const int32_t *)cells)[i] ^ sign;
    case TF_INT64: return (uint64_t)((const int64_t *)cells)[i] ^ sign;
    case TF_UINT16: return ((const uint16_t *)cells)[i] ^ sign;
    case TF_UINT32: return ((const uint32_t *)cells)[i] ^ sign;
    case TF_UINT64: return ((const uint64_t *)cells)[i];
    default: return isnan(((const double *)cells)[i]) ? UINT64_MAX : tf_order_of(((const double *)cells)[i]);
    }
}

static void make_key(const reducing *r, const cursor *c, int64_t i, tf_buf *out) {
    tf_buf_clear(out);
    for (int k = 0; k < r->spec->keys; k++) {
        const source *s = &r->rows->source[r->spec->key[k]];
        if (s->cell == TF_STRING) {
            size_t length;
            const char *text = text_at(r, s, c, i, &length);
            tf_buf_add(out, text, length);
            tf_buf_addc(out, '\0');
            continue;
        }
        uint64_t word = word_of(s, cell_at(r, s, c, i));
        for (int shift = 56; shift >= 0; shift -= 8)
            tf_buf_addc(out, (char)(word >> shift & 0xff));
    }
}

/* Where a key of a group begins. */
static const char *find_key(const reducing *r, int64_t group, int key) {
    const char *at = r->keys.data + r->key_at[group];
    for (int k = 0; k < key; k++)
        at += value_of(r, r->spec->key[k]).type == TF_STRING ? strlen(at) + 1 : 8;
    return at;
}

const char *reduce_key_text(const reducing *r, int64_t group, int key) {
    return find_key(r, group, key);
}

uint64_t reduce_key_word(const reducing *r, int64_t group, int key) {
    const unsigned char *at = (const unsigned char *)find_key(r, group, key);
    tf_type type = value_of(r, r->spec->key[key]).type;
    uint64_t word = 0;
    for (int b = 0; b < 8; b++)
        word = word << 8 | at[b];
    if (tf_type_is_float(type)) {
        double number = word == UINT64_MAX ? NAN : tf_order_value(word);
        memcpy(&word, &number, sizeof word);
        return word;
    }
    return type == TF_BOOL || type == TF_UINT64 ? word : word ^ UINT64_C(1) << 63;
}

/* ---- Pieces ---- */

/* The next piece of rows of which a value has so many elements; the first one follows {.first = rows->first}. */
static bool next_piece(const reducing *r, int64_t elements, cursor *c) {
    const int64_t most = PIECE_NUMBERS / elements > 1 ? PIECE_NUMBERS / elements : 1;
    int64_t left;
    c->before += c->count;
    if (r->spec->grid) {
        c->from += c->count;
        if (c->from == c->block) {
            tf_block block;
            c->first += c->block > 0;
            c->from = 0;
            if (c->first >= r->rows->end)
                return false;
            tf_grid_place(r->spec->grid, c->first, &block);
            c->block = tf_block_elements(&block);
        }
        left = c->block - c->from;
    } else {
        c->first += c->count;
        left = r->rows->end - c->first;
    }
    c->count = left < most ? left : most;
    return c->count > 0;
}

/* Which rows of the piece count: they get group 0, and the others none. */
static tf_err choose(reducing *r, const cursor *c) {
    reduce_rows *rows = r->rows;
    const bool arrays = r->spec->grid != NULL;
    if (store_read_rows(&rows->status, c->first, arrays ? 1 : c->count, rows->states) < 0)
        return cant_read(r);
    for (int64_t i = 0; i < c->count; i++)
        rows->group[i] = rows->states[arrays ? 0 : i] == TF_STATUS_DONE ? 0 : NO_GROUP;
    if (!r->spec->where || (arrays && rows->group[0] == NO_GROUP))
        return TF_OK;
    for (int v = 0; v < rows->values; v++) {
        if (!tf_expr_uses(r->spec->where, v))
            continue;
        tf_err err = read_source(r, v, c);
        if (err != TF_OK)
            return err;
        source *s = &rows->source[v];
        rows->named[v] = s->cell != TF_STRING  ? (const void *)s->number
                         : s->value.array >= 0 ? s->cells + (size_t)c->from * spec_of(r)->array[s->value.array].element
                                               : (const void *)s->text;
    }
    if (arrays)
        tf_eval_elements(rows->where, rows->named, c->first, c->count, rows->truth);
    else
        tf_eval_run(rows->where, rows->named, c->first, c->count, rows->truth);
    for (int64_t i = 0; i < c->count; i++)
        if (!tf_eval_is_true(rows->truth[i]))
            rows->group[i] = NO_GROUP;
    return TF_OK;
}

static tf_err read_keys(reducing *r, const cursor *c) {
    tf_err err = choose(r, c);
    for (int k = 0; k < r->spec->keys && err == TF_OK; k++)
        err = read_source(r, r->spec->key[k], c);
    return err;
}

static tf_err find_groups(reducing *r, const cursor *c) {
    reduce_rows *rows = r->rows;
    if (rows->cached) {
        memcpy(rows->group, rows->cached + c->before, (size_t)c->count * sizeof *rows->group);
        return TF_OK;
    }
    tf_err err = read_keys(r, c);
    for (int64_t i = 0; i < c->count && err == TF_OK && r->spec->keys > 0; i++) {
        if (rows->group[i] == NO_GROUP)
            continue;
        make_key(r, c, i, &rows->key);
        rows->group[i] = tf_table_get(&rows->number, tf_buf_text(&rows->key), rows->key.length);
    }
    return err;
}

/* Where the piece's elements are in the whole array. */
static const int64_t *number_rows(const reducing *r, const cursor *c) {
    const tf_grid *grid = r->spec->grid;
    if (!grid)
        return NULL;
    int64_t start[TF_MAX_RANK], count[TF_MAX_RANK], at[TF_MAX_RANK], rest = c->from;
    tf_grid_block(grid, c->first, start, count);
    for (int d = grid->rank - 1; d >= 0; d--) {
        at[d] = rest % count[d];
        rest /= count[d];
    }
    for (int64_t i = 0; i < c->count; i++) {
        int64_t number = 0;
        for (int d = 0; d < grid->rank; d++)
            number = number * grid->shape[d] + start[d] + at[d];
        r->rows->number_of_row[i] = number;
        for (int d = grid->rank - 1; d >= 0 && ++at[d] == count[d]; d--)
            at[d] = 0;
    }
    return r->rows->number_of_row;
}

tf_err reduce_each(reducing *r, int value, reduce_take *take, void *context) {
    reduce_rows *rows = r->rows;
    tf_err err = TF_OK;
    for (cursor c = {.first = rows->first}; err == TF_OK && next_piece(r, reduce_elements(r, value), &c);) {
        err = find_groups(r, &c);
        if (err == TF_OK)
            err = read_source(r, value, &c);
        if (err == TF_OK)
            take(context, &(reduce_piece){.first = c.first,
                                          .count = c.count,
                                          .row = number_rows(r, &c),
                                          .group = rows->group,
                                          .numbers = rows->source[value].number});
    }
    return tf_store_agree(r->store->comm, err, r->error);
}

/* ---- Groups ---- */

/* Keys: a length (uint64_t) and so many bytes, one after the other. */
typedef struct key {
    const char *bytes;
    uint64_t length;
} key;

static int compare_keys(const void *a, const void *b) {
    const key *x = a, *y = b;
    int order = memcmp(x->bytes, y->bytes, x->length < y->length ? x->length : y->length);
    return order ? order : x->length < y->length ? -1 : x->length > y->length;
}

static void add_key(tf_buf *keys, const key *k) {
    tf_buf_add(keys, &k->length, sizeof k->length);
    tf_buf_add(keys, k->bytes, k->length);
}

/* The key behind `at`, where the one behind it begins then. false at the end. */
static bool next_key(const tf_buf *keys, size_t *at, key *k) {
    if (*at == keys->length)
        return false;
    memcpy(&k->length, keys->data + *at, sizeof k->length);
    k->bytes = keys->data + *at + sizeof k->length;
    *at += sizeof k->length + k->length;
    return true;
}

static void sort_keys(const tf_buf *keys, size_t count, tf_buf *sorted) {
    key *list = tf_alloc_array(count, sizeof *list);
    size_t n = 0;
    for (size_t at = 0; next_key(keys, &at, &list[n]); n++)
        ;
    if (count)
        qsort(list, count, sizeof *list, compare_keys);
    for (size_t i = 0; i < count; i++)
        add_key(sorted, &list[i]);
    free(list);
}

/* Sorted keys of two: each once. */
static void merge_keys(void *context, const tf_buf *part) {
    tf_buf *all = context, merged = {0};
    size_t at = 0, part_at = 0;
    key a = {0}, b = {0};
    bool more_a = next_key(all, &at, &a), more_b = next_key(part, &part_at, &b);
    while (more_a || more_b) {
        const int order = !more_b ? -1 : !more_a ? 1 : compare_keys(&a, &b);
        add_key(&merged, order <= 0 ? &a : &b);
        more_a = order <= 0 ? next_key(all, &at, &a) : more_a;
        more_b = order >= 0 ? next_key(part, &part_at, &b) : more_b;
    }
    tf_buf_free(all);
    *all = merged;
}

/* Keys of this rank's rows; rows get local numbers of them if they are remembered. */
static tf_err collect_keys(reducing *r, tf_buf *found) {
    reduce_rows *rows = r->rows;
    tf_err err = TF_OK;
    for (cursor c = {.first = rows->first}; err == TF_OK && next_piece(r, 1, &c);) {
        err = read_keys(r, &c);
        for (int64_t i = 0; i < c.count && err == TF_OK && r->spec->keys > 0; i++) {
            if (rows->group[i] == NO_GROUP)
                continue;
            make_key(r, &c, i, &rows->key);
            uint32_t next = (uint32_t)rows->number.count;
            uint32_t number = tf_table_add(&rows->number, tf_buf_text(&rows->key), rows->key.length, next);
            if (number == next)
                add_key(found, &(key){tf_buf_text(&rows->key), rows->key.length});
            rows->group[i] = number;
        }
        if (rows->cached)
            memcpy(rows->cached + c.before, rows->group, (size_t)c.count * sizeof *rows->group);
        if (err == TF_OK && rows->number.count > MOST_GROUPS)
            err = tf_error_set(r->error, TF_ERR_RUN, "reduction \"%s\" of stage \"%s\" has more than %d groups",
                               r->spec->name, spec_of(r)->name, MOST_GROUPS);
    }
    return tf_store_agree(r->store->comm, err, r->error);
}

/* From the numbers that keys had here to those of all. */
static void renumber(reducing *r, const tf_buf *found) {
    reduce_rows *rows = r->rows;
    uint32_t *now = tf_alloc_array(rows->number.count + 1, sizeof *now), n = 0;
    key k;
    tf_table_free(&rows->number);
    for (int64_t g = 0; g < r->groups; g++)
        tf_table_add(&rows->number, r->keys.data + r->key_at[g], (size_t)(r->key_at[g + 1] - r->key_at[g]),
                     (uint32_t)g);
    for (size_t at = 0; next_key(found, &at, &k);)
        now[n++] = tf_table_get(&rows->number, k.bytes, k.length);
    for (int64_t i = 0; rows->cached && i < rows->all; i++)
        if (rows->cached[i] != NO_GROUP)
            rows->cached[i] = now[rows->cached[i]];
    free(now);
}

static tf_err agree_on_groups(reducing *r) {
    tf_buf found = {0}, sorted = {0}, all = {0};
    tf_err err = collect_keys(r, &found);
    if (err == TF_OK && r->spec->keys == 0) {
        r->groups = 1;
        r->key_at = tf_alloc_array(2, sizeof *r->key_at);
    } else if (err == TF_OK) {
        sort_keys(&found, r->rows->number.count, &sorted);
        store_gather(r->store, &sorted, merge_keys, &all);
        store_spread(r->store, &all);
        key k;
        for (size_t at = 0; next_key(&all, &at, &k); r->groups++)
            ;
        r->key_at = tf_alloc_array((size_t)r->groups + 1, sizeof *r->key_at);
        int64_t g = 0;
        for (size_t at = 0; next_key(&all, &at, &k); r->key_at[++g] = (int64_t)r->keys.length)
            tf_buf_add(&r->keys, k.bytes, k.length);
        renumber(r, &found);
    }
    tf_buf_free(&found);
    tf_buf_free(&sorted);
    tf_buf_free(&all);
    return err;
}

static tf_err count_members(reducing *r) {
    reduce_rows *rows = r->rows;
    tf_err err = TF_OK;
    r->members = tf_alloc_array((size_t)r->groups + 1, sizeof *r->members);
    for (cursor c = {.first = rows->first}; err == TF_OK && next_piece(r, 1, &c);) {
        err = find_groups(r, &c);
        for (int64_t i = 0; i < c.count && err == TF_OK; i++)
            if (rows->group[i] != NO_GROUP)
                r->members[rows->group[i]]++;
    }
    err = tf_store_agree(r->store->comm, err, r->error);
    if (err == TF_OK)
        store_sum_all(r->store, r->members, r->groups);
    return err;
}

/* Of this rank; of arrays it may be a few more. */
static int64_t count_rows(const reducing *r) {
    const tf_grid *grid = r->spec->grid;
    int64_t rows = r->rows->end - r->rows->first;
    for (int d = 0; grid && d < grid->rank; d++)
        if (__builtin_mul_overflow(rows, grid->chunk[d], &rows))
            return INT64_MAX;
    return rows;
}

tf_err reduce_open(reducing *r) {
    const tf_stage_spec *spec = spec_of(r);
    const tf_store *s = r->store;
    int64_t tasks = r->limit, share = tasks / s->ranks;
    reduce_rows *rows = r->rows = tf_alloc(sizeof *rows);
    rows->values = tf_stage_values(spec);
    rows->source = tf_alloc_array((size_t)rows->values, sizeof *rows->source);
    rows->named = tf_alloc_array((size_t)rows->values, sizeof *rows->named);
    rows->first = share * s->rank;
    rows->end = s->rank == s->ranks - 1 ? tasks : share * (s->rank + 1);
    rows->status = s->stage[r->stage].task[TASK_STATUS];
    rows->group = tf_alloc_array(PIECE_NUMBERS, sizeof *rows->group);
    rows->states = tf_alloc(PIECE_NUMBERS);
    rows->truth = tf_alloc_array(PIECE_NUMBERS, sizeof *rows->truth);
    if (r->spec->where)
        rows->where = tf_eval_new(r->spec->where, s->campaign->seed, spec->name);
    if (r->spec->grid)
        rows->number_of_row = tf_alloc_array(PIECE_NUMBERS, sizeof *rows->number_of_row);
    rows->all = count_rows(r);
    if (rows->all <= MOST_CACHED)
        rows->cached = tf_alloc_array((size_t)rows->all + 1, sizeof *rows->cached);
    tf_err err = agree_on_groups(r);
    return err == TF_OK ? count_members(r) : err;
}

void reduce_close(reducing *r) {
    reduce_rows *rows = r->rows;
    for (int v = 0; v < rows->values; v++)
        close_source(&rows->source[v]);
    tf_eval_free(rows->where);
    tf_table_free(&rows->number);
    tf_buf_free(&rows->key);
    tf_buf_free(&r->keys);
    free(rows->source);
    free(rows->named);
    free(rows->truth);
    free(rows->cached);
    free(rows->group);
    free(rows->number_of_row);
    free(rows->states);
    free(rows);
    free(r->key_at);
    free(r->members);
}
