/* The statistics of one value, group by group. Each pass over the rows finds what the next one needs: counts and
 * extremes, then sums and histograms, and order statistics by their digits. */
#include "reduce/statistics.h"

#include <stdlib.h>

static double simple(const stats *s, tf_stat_kind kind, int64_t c) {
    const int64_t n = s->count[c];
    const bool both = s->below[c] && s->above[c], any = n > 0;
    const double infinity = both ? NAN : s->below[c] ? -INFINITY : INFINITY;
    const bool spread = n > 1 && !stats_has_infinities(s, c);
    switch (kind) {
    case TF_STAT_SUM: return stats_has_infinities(s, c) ? infinity : tf_sum_value(&s->sum[c]);
    case TF_STAT_MEAN: return stats_has_infinities(s, c) ? infinity : any ? tf_sum_mean(&s->sum[c], n) : NAN;
    case TF_STAT_VAR: return spread ? tf_sum_variance(&s->sum[c], &s->squares[c], n) : NAN;
    case TF_STAT_STD: return spread ? tf_sum_deviation(&s->sum[c], &s->squares[c], n, 1) : NAN;
    case TF_STAT_STDERR: return spread ? tf_sum_deviation(&s->sum[c], &s->squares[c], n, n) : NAN;
    case TF_STAT_MIN: return any ? stats_lowest(s, c) : NAN;
    case TF_STAT_MAX: return any ? stats_highest(s, c) : NAN;
    default: return s->first_number[c];
    }
}

static int64_t simple_integer(const stats *s, tf_stat_kind kind, int64_t c) {
    switch (kind) {
    case TF_STAT_COUNT: return s->count[c];
    case TF_STAT_MISSING: return s->missing[c];
    case TF_STAT_ARGMIN: return s->count[c] ? s->argmin[c] : -1;
    default: return s->count[c] ? s->argmax[c] : -1;
    }
}

static bool is_integer(tf_stat_kind kind) {
    return kind == TF_STAT_COUNT || kind == TF_STAT_MISSING || kind == TF_STAT_ARGMIN || kind == TF_STAT_ARGMAX ||
           kind == TF_STAT_HISTOGRAM;
}

static void fill_simple(const stats *s, const tf_stat_spec *stat, reduce_result *out) {
    if (out->integer)
        out->integers = tf_alloc_array((size_t)s->cells, sizeof *out->integers);
    else
        out->numbers = tf_alloc_array((size_t)s->cells, sizeof *out->numbers);
    for (int64_t c = 0; c < s->cells; c++) {
        if (out->integer)
            out->integers[c] = simple_integer(s, stat->kind, c);
        else
            out->numbers[c] = simple(s, stat->kind, c);
    }
}

static bool is_quantile(const stats *s, const tf_stat_spec *stat, bool rough) {
    return stat->value == s->value && stat->kind == TF_STAT_QUANTILE && stat->rough == rough;
}

/* All quantiles of the value at once, exact or rough. */
static tf_err fill_quantiles(stats *s, bool rough, reduce_result *result) {
    const tf_reduce_spec *spec = s->r->spec;
    double *q = tf_alloc_array((size_t)spec->stats, sizeof *q);
    int count = 0;
    for (int k = 0; k < spec->stats; k++)
        if (is_quantile(s, &spec->stat[k], rough))
            q[count++] = spec->stat[k].quantile;
    double *found = tf_alloc_array((size_t)(s->cells * count), sizeof *found);
    tf_err err = count ? stats_quantiles(s, q, count, rough, found) : TF_OK;
    for (int k = 0, n = 0; k < spec->stats && err == TF_OK; k++) {
        if (!is_quantile(s, &spec->stat[k], rough))
            continue;
        result[k].numbers = tf_alloc_array((size_t)s->cells, sizeof(double));
        for (int64_t c = 0; c < s->cells; c++)
            result[k].numbers[c] = found[c * count + n];
        n++;
    }
    free(q);
    free(found);
    return err;
}

/* The median of the deviations from the median, which may be known already. */
static tf_err fill_mad(stats *s, const reduce_result *result, reduce_result *out) {
    const tf_reduce_spec *spec = s->r->spec;
    const double half = 0.5;
    double *median = tf_alloc_array((size_t)s->cells, sizeof *median);
    bool known = false;
    for (int k = 0; k < spec->stats && !known; k++) {
        known = is_quantile(s, &spec->stat[k], false) && spec->stat[k].quantile == half;
        for (int64_t c = 0; c < s->cells && known; c++)
            median[c] = result[k].numbers[c];
    }
    out->numbers = tf_alloc_array((size_t)s->cells, sizeof *out->numbers);
    tf_err err = known ? TF_OK : stats_quantiles(s, &half, 1, false, median);
    s->center = median;
    if (err == TF_OK)
        err = stats_quantiles(s, &half, 1, false, out->numbers);
    s->center = NULL;
    free(median);
    return err;
}

static tf_err fill_all(stats *s, reduce_result *result) {
    const tf_reduce_spec *spec = s->r->spec;
    bool sums = false, squares = false;
    for (int k = 0; k < spec->stats; k++) {
        tf_stat_kind kind = spec->stat[k].kind;
        bool own = spec->stat[k].value == s->value;
        squares = squares || (own && (kind == TF_STAT_VAR || kind == TF_STAT_STD || kind == TF_STAT_STDERR));
        sums = sums || squares || (own && (kind == TF_STAT_SUM || kind == TF_STAT_MEAN));
    }
    tf_err err = stats_find_extremes(s);
    if (err == TF_OK && sums)
        err = stats_sum_up(s, squares);
    if (err == TF_OK)
        err = fill_quantiles(s, false, result);
    if (err == TF_OK)
        err = fill_quantiles(s, true, result);
    for (int k = 0; k < spec->stats && err == TF_OK; k++) {
        const tf_stat_spec *stat = &spec->stat[k];
        if (stat->value != s->value)
            continue;
        result[k].integer = is_integer(stat->kind);
        result[k].size = stat->size;
        if (stat->kind == TF_STAT_HISTOGRAM)
            err = stats_histogram(s, stat, &result[k]);
        else if (stat->kind == TF_STAT_TOPK)
            err = stats_find_top(s, stat, &result[k]);
        else if (stat->kind == TF_STAT_MAD)
            err = fill_mad(s, result, &result[k]);
        else if (stat->kind != TF_STAT_QUANTILE)
            fill_simple(s, stat, &result[k]);
    }
    return err;
}

tf_err reduce_value(reducing *r, int value, reduce_result *result) {
    stats s = {.r = r, .value = value, .elements = reduce_elements(r, value)};
    s.cells = r->groups * s.elements;
    size_t n = (size_t)s.cells;
    s.count = tf_alloc_array(n, sizeof *s.count);
    s.missing = tf_alloc_array(n, sizeof *s.missing);
    s.below = tf_alloc_array(n, sizeof *s.below);
    s.above = tf_alloc_array(n, sizeof *s.above);
    s.lowest = tf_alloc_array(n, sizeof *s.lowest);
    s.highest = tf_alloc_array(n, sizeof *s.highest);
    s.argmin = tf_alloc_array(n, sizeof *s.argmin);
    s.argmax = tf_alloc_array(n, sizeof *s.argmax);
    s.first = tf_alloc_array(n, sizeof *s.first);
    s.first_number = tf_alloc_array(n, sizeof *s.first_number);
    tf_err err = fill_all(&s, result);
    stats_free_sums(&s);
    void *all[] = {s.count,   s.missing, s.below,  s.above, s.lowest,
                   s.highest, s.argmin,  s.argmax, s.first, s.first_number};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    return err;
}
