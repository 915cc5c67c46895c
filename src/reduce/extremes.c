/* Counts, extremes and first numbers of each cell, with their rows: the lowest row of those that are equal, whatever
 * rank has it. All other statistics are made from there on. */
#include "reduce/statistics.h"

#include <stdlib.h>
#include <string.h>

#include "store/meet.h"

static inline void note_extremes(void *context, const cell_value *n) {
    stats *s = context;
    if (isnan(n->x)) {
        s->missing[n->cell]++;
        return;
    }
    uint64_t order = tf_order_of(n->x);
    s->count[n->cell]++;
    if (order < s->lowest[n->cell] || (order == s->lowest[n->cell] && n->row < s->argmin[n->cell])) {
        s->lowest[n->cell] = order;
        s->argmin[n->cell] = n->row;
    }
    if (order > s->highest[n->cell] || (order == s->highest[n->cell] && n->row < s->argmax[n->cell])) {
        s->highest[n->cell] = order;
        s->argmax[n->cell] = n->row;
    }
    if (n->row < s->first[n->cell]) {
        s->first[n->cell] = n->row;
        s->first_number[n->cell] = n->x;
    }
    if (isinf(n->x)) {
        int64_t *infinite = n->x > 0 ? s->above : s->below;
        infinite[n->cell]++;
        return;
    }
    s->least = n->x < s->least ? n->x : s->least;
    s->most = n->x > s->most ? n->x : s->most;
    s->least_positive = n->x > 0 && n->x < s->least_positive ? n->x : s->least_positive;
}

static void scan_extremes(void *context, const reduce_piece *piece) {
    stats *s = context;
    each_number(s, piece, note_extremes, context);
}

static double lowest_of_all(const stats *s, double x) {
    uint64_t order = tf_order_of(x);
    store_lowest_all(s->r->store, &order, 1);
    return tf_order_value(order);
}

/* A row counts where its rank has the extreme of all. */
static void agree_on_row(const tf_store *store, const uint64_t *own, const uint64_t *all, int64_t *row, int64_t cells) {
    for (int64_t c = 0; c < cells; c++)
        row[c] = own[c] == all[c] ? row[c] : INT64_MAX;
    store_min_all(store, row, cells);
}

static uint64_t *copy_words(const uint64_t *words, int64_t count) {
    uint64_t *copy = tf_alloc_array((size_t)count, sizeof *copy);
    memcpy(copy, words, (size_t)count * sizeof *copy);
    return copy;
}

tf_err stats_find_extremes(stats *s) {
    const tf_store *store = s->r->store;
    const int64_t n = s->cells;
    memset(s->lowest, 0xff, (size_t)n * sizeof *s->lowest);
    for (int64_t c = 0; c < n; c++)
        s->argmin[c] = s->argmax[c] = s->first[c] = INT64_MAX;
    s->least = s->least_positive = INFINITY;
    s->most = -INFINITY;
    tf_err err = reduce_each(s->r, s->value, scan_extremes, s);
    if (err != TF_OK)
        return err;
    uint64_t *low = copy_words(s->lowest, n), *high = copy_words(s->highest, n);
    int64_t *own_first = tf_alloc_array((size_t)n, sizeof *own_first);
    memcpy(own_first, s->first, (size_t)n * sizeof *own_first);
    store_sum_all(store, s->count, n);
    store_sum_all(store, s->missing, n);
    store_sum_all(store, s->below, n);
    store_sum_all(store, s->above, n);
    store_lowest_all(store, s->lowest, n);
    store_highest_all(store, s->highest, n);
    agree_on_row(store, low, s->lowest, s->argmin, n);
    agree_on_row(store, high, s->highest, s->argmax, n);
    store_min_all(store, s->first, n);
    for (int64_t c = 0; c < n; c++) /* the others' place holders are above all numbers */
        low[c] = s->first[c] != INT64_MAX && own_first[c] == s->first[c] ? tf_order_of(s->first_number[c]) : UINT64_MAX;
    store_lowest_all(store, low, n);
    for (int64_t c = 0; c < n; c++)
        s->first_number[c] = s->count[c] ? tf_order_value(low[c]) : NAN;
    s->least = lowest_of_all(s, s->least);
    s->least_positive = lowest_of_all(s, s->least_positive);
    s->most = -lowest_of_all(s, -s->most);
    free(low);
    free(high);
    free(own_first);
    return TF_OK;
}

/* ---- Statistics that are these ---- */

static int64_t count_numbers(const stats *s, int64_t cell) {
    return s->count[cell];
}

static int64_t count_missing(const stats *s, int64_t cell) {
    return s->missing[cell];
}

static int64_t count_rows(const stats *s, int64_t cell) {
    return s->count[cell] + s->missing[cell];
}

static double lowest(const stats *s, int64_t cell) {
    return s->count[cell] ? tf_order_value(s->lowest[cell]) : NAN;
}

static double highest(const stats *s, int64_t cell) {
    return s->count[cell] ? tf_order_value(s->highest[cell]) : NAN;
}

static int64_t row_of_lowest(const stats *s, int64_t cell) {
    return s->count[cell] ? s->argmin[cell] : -1;
}

static int64_t row_of_highest(const stats *s, int64_t cell) {
    return s->count[cell] ? s->argmax[cell] : -1;
}

static double first_number(const stats *s, int64_t cell) {
    return s->first_number[cell];
}

const statistic statistic_count = {.name = "count", .integer = count_numbers};
const statistic statistic_missing = {.name = "missing", .integer = count_missing};
const statistic statistic_size = {.name = "size", .integer = count_rows};
const statistic statistic_min = {.name = "min", .number = lowest};
const statistic statistic_max = {.name = "max", .number = highest};
const statistic statistic_argmin = {.name = "argmin", .integer = row_of_lowest};
const statistic statistic_argmax = {.name = "argmax", .integer = row_of_highest};
const statistic statistic_first = {.name = "first", .number = first_number};
