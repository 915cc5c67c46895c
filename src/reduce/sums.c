/* Exact sums (tf_sum) of finite numbers and of their squares: the same to the bit whatever rank has which rows. */
#include "reduce/statistics.h"

#include <stdlib.h>

#include "store/meet.h"

static inline void add_term(void *context, const cell_value *n) {
    stats *s = context;
    if (!isfinite(n->x))
        return;
    tf_sum_add(&s->sum[n->cell], n->x);
    if (s->squares)
        tf_sum_add_square(&s->squares[n->cell], n->x);
}

static void scan_terms(void *context, const reduce_piece *piece) {
    stats *s = context;
    each_number(s, piece, add_term, context);
}

/* The ranks' sums become the sums of all: first they get the same places, then digits are added. */
static void add_up(const tf_store *store, tf_sum *sum, int64_t cells) {
    int64_t *ends = tf_alloc_array(2 * (size_t)cells, sizeof *ends); /* per cell: its lowest place, minus its end */
    for (int64_t c = 0; c < cells; c++) {
        tf_sum_widen(&sum[c], sum[c].low, sum[c].digits);
        ends[2 * c] = sum[c].digits ? sum[c].low : INT32_MAX;
        ends[2 * c + 1] = sum[c].digits ? -(sum[c].low + sum[c].digits) : INT32_MAX;
    }
    store_min_all(store, ends, 2 * cells);
    int64_t all = 0, at = 0;
    for (int64_t c = 0; c < cells; c++) {
        if (ends[2 * c] < INT32_MAX)
            tf_sum_widen(&sum[c], (int32_t)ends[2 * c], (int32_t)(-ends[2 * c + 1] - ends[2 * c]));
        all += sum[c].digits;
    }
    int64_t *digit = tf_alloc_array((size_t)all, sizeof *digit);
    for (int64_t c = 0; c < cells; at += sum[c++].digits)
        for (int32_t i = 0; i < sum[c].digits; i++)
            digit[at + i] = sum[c].digit[i];
    store_sum_all(store, digit, all);
    at = 0;
    for (int64_t c = 0; c < cells; at += sum[c++].digits)
        for (int32_t i = 0; i < sum[c].digits; i++)
            sum[c].digit[i] = digit[at + i];
    free(digit);
    free(ends);
}

tf_err stats_sum_up(stats *s, bool squares) {
    s->sum = tf_alloc_array((size_t)s->cells, sizeof *s->sum);
    if (squares)
        s->squares = tf_alloc_array((size_t)s->cells, sizeof *s->squares);
    tf_err err = reduce_each(s->r, s->value, scan_terms, s);
    if (err != TF_OK)
        return err;
    add_up(s->r->store, s->sum, s->cells);
    if (squares)
        add_up(s->r->store, s->squares, s->cells);
    return TF_OK;
}

static void free_sums(tf_sum *sum, int64_t cells) {
    for (int64_t c = 0; sum && c < cells; c++)
        tf_sum_free(&sum[c]);
    free(sum);
}

void stats_free_sums(stats *s) {
    free_sums(s->sum, s->cells);
    free_sums(s->squares, s->cells);
}

/* ---- Statistics that are made of them ---- */

/* The sum where some numbers are infinite. */
static double infinite_sum(const stats *s, int64_t cell) {
    if (s->below[cell] && s->above[cell])
        return NAN;
    return s->below[cell] ? -INFINITY : INFINITY;
}

static double sum(const stats *s, int64_t cell) {
    return stats_has_infinities(s, cell) ? infinite_sum(s, cell) : tf_sum_value(&s->sum[cell]);
}

static double mean(const stats *s, int64_t cell) {
    if (stats_has_infinities(s, cell))
        return infinite_sum(s, cell);
    return s->count[cell] ? tf_sum_mean(&s->sum[cell], s->count[cell]) : NAN;
}

/* Is there a variance? It is by n - 1. */
static bool has_spread(const stats *s, int64_t cell) {
    return s->count[cell] > 1 && !stats_has_infinities(s, cell);
}

static double variance(const stats *s, int64_t cell) {
    return has_spread(s, cell) ? tf_sum_variance(&s->sum[cell], &s->squares[cell], s->count[cell]) : NAN;
}

static double deviation(const stats *s, int64_t cell) {
    return has_spread(s, cell) ? tf_sum_deviation(&s->sum[cell], &s->squares[cell], s->count[cell], 1) : NAN;
}

/* Of the mean. */
static double standard_error(const stats *s, int64_t cell) {
    const int64_t n = s->count[cell];
    return has_spread(s, cell) ? tf_sum_deviation(&s->sum[cell], &s->squares[cell], n, n) : NAN;
}

const statistic statistic_sum = {.name = "sum", .needs = FACTS_SUMS, .number = sum};
const statistic statistic_mean = {.name = "mean", .needs = FACTS_SUMS, .number = mean};
const statistic statistic_var = {.name = "var", .needs = FACTS_SQUARES, .number = variance};
const statistic statistic_std = {.name = "std", .needs = FACTS_SQUARES, .number = deviation};
const statistic statistic_stderr = {.name = "stderr", .needs = FACTS_SQUARES, .number = standard_error};
