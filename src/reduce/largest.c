/* The largest numbers of each cell: each rank keeps so many of its own, the first puts them together. */
#include "reduce/statistics.h"

#include <stdlib.h>
#include <string.h>

#include "store/meet.h"

typedef struct largest {
    const stats *s;
    int64_t size;   /* how many numbers a cell keeps */
    double *number; /* cells x size, the largest first; NaN where there are fewer */
    int64_t *row;   /* cells x size: the rows of these numbers; -1 where there are fewer */
} largest;

/* The larger first, of equal ones the lower row. */
static void insert(const largest *l, int64_t cell, double x, int64_t row) {
    double *number = l->number + cell * l->size;
    int64_t *rows = l->row + cell * l->size, i = l->size;
    while (i > 0 && (rows[i - 1] < 0 || tf_order_of(x) > tf_order_of(number[i - 1]) ||
                     (tf_order_of(x) == tf_order_of(number[i - 1]) && row < rows[i - 1])))
        i--;
    if (i == l->size)
        return;
    memmove(number + i + 1, number + i, (size_t)(l->size - i - 1) * sizeof *number);
    memmove(rows + i + 1, rows + i, (size_t)(l->size - i - 1) * sizeof *rows);
    number[i] = x;
    rows[i] = row;
}

static inline void keep_if_large(void *context, const cell_value *n) {
    const largest *l = context;
    if (!isnan(n->x))
        insert(l, n->cell, n->x, n->row);
}

static void scan_largest(void *context, const reduce_piece *piece) {
    const largest *l = context;
    each_number(l->s, piece, keep_if_large, context);
}

typedef struct entry {
    double number;
    int64_t cell, row;
} entry;

static void insert_entries(void *context, const tf_buf *part) {
    const largest *l = context;
    for (size_t at = 0; at < part->length; at += sizeof(entry)) {
        entry e;
        memcpy(&e, part->data + at, sizeof e);
        insert(l, e.cell, e.number, e.row);
    }
}

/* What all ranks have, put together on the first, where its own is already. */
static void merge(largest *l) {
    const tf_store *store = l->s->r->store;
    tf_buf mine = {0};
    const int64_t most = l->s->cells * l->size;
    for (int64_t i = 0; i < most; i++)
        if (l->row[i] >= 0 && store->team.rank > 0)
            tf_buf_add(&mine, &(entry){l->number[i], i / l->size, l->row[i]}, sizeof(entry));
    store_gather(store, &mine, insert_entries, l);
    tf_buf_free(&mine);
}

static tf_err make_largest(stats *s, const stats_request *request) {
    const int64_t size = request->spec->size;
    reduce_result *out = request->result;
    const size_t most = (size_t)(s->cells * size);
    out->numbers = tf_alloc_array(most, sizeof *out->numbers);
    out->rows = tf_alloc_array(most, sizeof *out->rows);
    for (size_t i = 0; i < most; i++) {
        out->numbers[i] = NAN;
        out->rows[i] = -1;
    }
    largest l = {.s = s, .size = size, .number = out->numbers, .row = out->rows};
    tf_err err = reduce_each(s->r, s->value, scan_largest, &l);
    if (err == TF_OK)
        merge(&l);
    return err;
}

const statistic statistic_topk = {.name = "topk", .make = make_largest};
