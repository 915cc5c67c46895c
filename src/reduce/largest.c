/* The largest numbers of each cell: each rank keeps so many of its own, the first puts them together. */
#include "reduce/statistics.h"

#include <stdlib.h>
#include <string.h>

#include "store/meet.h"

typedef struct top {
    const stats *s;
    int64_t size;
    double *number; /* cells x size, from the largest on; NaN: none */
    int64_t *row;   /* likewise; -1 */
} top;

/* The larger first, of equal ones the lower row. */
static void insert(const top *t, int64_t cell, double x, int64_t row) {
    double *number = t->number + cell * t->size;
    int64_t *rows = t->row + cell * t->size, i = t->size;
    while (i > 0 && (rows[i - 1] < 0 || tf_order_of(x) > tf_order_of(number[i - 1]) ||
                     (tf_order_of(x) == tf_order_of(number[i - 1]) && row < rows[i - 1])))
        i--;
    if (i == t->size)
        return;
    memmove(number + i + 1, number + i, (size_t)(t->size - i - 1) * sizeof *number);
    memmove(rows + i + 1, rows + i, (size_t)(t->size - i - 1) * sizeof *rows);
    number[i] = x;
    rows[i] = row;
}

static inline void keep_if_large(void *context, const cell_value *n) {
    const top *t = context;
    if (!isnan(n->x))
        insert(t, n->cell, n->x, n->row);
}

static void scan_largest(void *context, const reduce_piece *piece) {
    const top *t = context;
    each_number(t->s, piece, keep_if_large, context);
}

typedef struct entry {
    double number;
    int64_t cell, row;
} entry;

static void insert_entries(void *context, const tf_buf *part) {
    const top *t = context;
    for (size_t at = 0; at < part->length; at += sizeof(entry)) {
        entry e;
        memcpy(&e, part->data + at, sizeof e);
        insert(t, e.cell, e.number, e.row);
    }
}

/* What all ranks have, put together on the first, where its own is already. */
static void merge_top(top *t) {
    const tf_store *store = t->s->r->store;
    tf_buf mine = {0};
    const int64_t most = t->s->cells * t->size;
    for (int64_t i = 0; i < most; i++)
        if (t->row[i] >= 0 && store->rank > 0)
            tf_buf_add(&mine, &(entry){t->number[i], i / t->size, t->row[i]}, sizeof(entry));
    store_gather(store, &mine, insert_entries, t);
    tf_buf_free(&mine);
}

tf_err stats_find_top(const stats *s, const tf_stat_spec *stat, reduce_result *out) {
    size_t most = (size_t)(s->cells * stat->size);
    out->numbers = tf_alloc_array(most, sizeof *out->numbers);
    out->integers = tf_alloc_array(most, sizeof *out->integers);
    for (size_t i = 0; i < most; i++) {
        out->numbers[i] = NAN;
        out->integers[i] = -1;
    }
    top t = {.s = s, .size = stat->size, .number = out->numbers, .row = out->integers};
    tf_err err = reduce_each(s->r, s->value, scan_largest, &t);
    if (err == TF_OK)
        merge_top(&t);
    return err;
}
