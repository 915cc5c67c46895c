/* The statistics of one value, group by group. A "cell" is one element of one group. Each pass over the rows finds what
 * the next one needs: counts and extremes, then sums and histograms; and order statistics by their digits, from the
 * highest on, so that they are exact without anything being sorted or kept. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "store/meet.h"
#include "store/reduce.h"

typedef struct stats {
    reducing *r;
    int value;
    int64_t elements, cells;
    int64_t *count, *missing, *infinite; /* per cell: numbers, NaNs; infinities by sign: 2 */
    uint64_t *lowest, *highest;          /* by tf_order_of */
    int64_t *argmin, *argmax, *first;    /* rows; INT64_MAX: none */
    double *first_number;
    double least_positive, least, most; /* of all finite numbers */
    tf_sum *sum, *squares;              /* of finite numbers; NULL: nobody asks for them */
    double *center;                     /* for order statistics of |x - center|; NULL: of x */
} stats;

static int64_t cell_of(const stats *s, uint32_t group, int64_t element) {
    return (int64_t)group * s->elements + element;
}

/* Calls `body` with the cell, the row's number and the value for each that is in a group. */
#define EACH_NUMBER(s, piece, body)                                                                                    \
    for (int64_t i = 0; i < (piece)->count; i++) {                                                                     \
        if ((piece)->group[i] == NO_GROUP)                                                                             \
            continue;                                                                                                  \
        for (int64_t e = 0; e < (s)->elements; e++) {                                                                  \
            const int64_t cell = cell_of(s, (piece)->group[i], e);                                                     \
            const int64_t row = (piece)->row ? (piece)->row[i] : (piece)->first + i;                                   \
            const double x = (piece)->numbers[i * (s)->elements + e];                                                  \
            (void)row;                                                                                                 \
            body                                                                                                       \
        }                                                                                                              \
    }

/* ---- Counts and extremes ---- */

static void take_extremes(void *context, const reduce_piece *piece) {
    stats *s = context;
    EACH_NUMBER(s, piece, {
        if (isnan(x)) {
            s->missing[cell]++;
            continue;
        }
        uint64_t order = tf_order_of(x);
        s->count[cell]++;
        if (order < s->lowest[cell] || (order == s->lowest[cell] && row < s->argmin[cell])) {
            s->lowest[cell] = order;
            s->argmin[cell] = row;
        }
        if (order > s->highest[cell] || (order == s->highest[cell] && row < s->argmax[cell])) {
            s->highest[cell] = order;
            s->argmax[cell] = row;
        }
        if (row < s->first[cell]) {
            s->first[cell] = row;
            s->first_number[cell] = x;
        }
        if (isinf(x)) {
            s->infinite[2 * cell + (x > 0)]++;
            continue;
        }
        s->least = x < s->least ? x : s->least;
        s->most = x > s->most ? x : s->most;
        s->least_positive = x > 0 && x < s->least_positive ? x : s->least_positive;
    })
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

static tf_err find_extremes(stats *s) {
    const tf_store *store = s->r->store;
    const int64_t n = s->cells;
    memset(s->lowest, 0xff, (size_t)n * sizeof *s->lowest);
    for (int64_t c = 0; c < n; c++)
        s->argmin[c] = s->argmax[c] = s->first[c] = INT64_MAX;
    s->least = s->least_positive = INFINITY;
    s->most = -INFINITY;
    tf_err err = reduce_each(s->r, s->value, take_extremes, s);
    if (err != TF_OK)
        return err;
    uint64_t *low = copy_words(s->lowest, n), *high = copy_words(s->highest, n);
    int64_t *own_first = tf_alloc_array((size_t)n, sizeof *own_first);
    memcpy(own_first, s->first, (size_t)n * sizeof *own_first);
    store_sum_all(store, s->count, n);
    store_sum_all(store, s->missing, n);
    store_sum_all(store, s->infinite, 2 * n);
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

/* ---- Sums ---- */

static double lowest_number(const stats *s, int64_t cell) {
    return tf_order_value(s->lowest[cell]);
}

static double highest_number(const stats *s, int64_t cell) {
    return tf_order_value(s->highest[cell]);
}

static bool has_infinities(const stats *s, int64_t cell) {
    return s->infinite[2 * cell] || s->infinite[2 * cell + 1];
}

static void take_terms(void *context, const reduce_piece *piece) {
    stats *s = context;
    EACH_NUMBER(s, piece, {
        if (!isfinite(x))
            continue;
        tf_sum_add(&s->sum[cell], x);
        if (s->squares)
            tf_sum_add_square(&s->squares[cell], x);
    })
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

static tf_err sum_up(stats *s, bool squares) {
    s->sum = tf_alloc_array((size_t)s->cells, sizeof *s->sum);
    if (squares)
        s->squares = tf_alloc_array((size_t)s->cells, sizeof *s->squares);
    tf_err err = reduce_each(s->r, s->value, take_terms, s);
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

/* ---- Order statistics ---- */

enum { ROUGH_BITS = 32 }; /* that rough quantiles do without: half of the passes */

/* What is looked for: the number of a rank (from 0) in a cell. */
typedef struct target {
    int64_t cell, rank;
    uint64_t found; /* its digits so far, at their places */
} target;

typedef struct selecting {
    const stats *s;
    target *target;
    int64_t *at;        /* per cell, and one more: where its targets begin */
    int64_t first, end; /* targets of this pass */
    int bits, below;    /* the digit: so many bits, above so many others */
    int least;          /* bits that are not looked at */
    int64_t *counter;   /* per target of the pass: 2^bits */
} selecting;

static void take_digits(void *context, const reduce_piece *piece) {
    const selecting *p = context;
    const stats *s = p->s;
    const int above = p->below + p->bits;
    const uint64_t mask = (UINT64_C(1) << p->bits) - 1;
    EACH_NUMBER(s, piece, {
        if (isnan(x))
            continue;
        double y = s->center ? fabs(x - s->center[cell]) : x;
        uint64_t order = tf_order_of(isnan(y) ? INFINITY : y);
        int64_t from = p->at[cell] > p->first ? p->at[cell] : p->first;
        int64_t end = p->at[cell + 1] < p->end ? p->at[cell + 1] : p->end;
        for (int64_t t = from; t < end; t++)
            if (above == 64 || order >> above == p->target[t].found >> above)
                p->counter[((t - p->first) << p->bits) + (int64_t)(order >> p->below & mask)]++;
    })
}

/* Targets first .. end - 1, digit by digit. */
static tf_err select_some(selecting *p) {
    enum { DIGITS = 64 };
    tf_err err = TF_OK;
    int64_t targets = p->end - p->first;
    p->counter = tf_alloc_array((size_t)targets << p->bits, sizeof *p->counter);
    for (p->below = DIGITS - p->bits; p->below >= p->least && err == TF_OK; p->below -= p->bits) {
        memset(p->counter, 0, ((size_t)targets << p->bits) * sizeof *p->counter);
        err = reduce_each(p->s->r, p->s->value, take_digits, p);
        if (err != TF_OK)
            break;
        store_sum_all(p->s->r->store, p->counter, targets << p->bits);
        for (int64_t t = p->first; t < p->end; t++) {
            const int64_t *counter = &p->counter[(t - p->first) << p->bits];
            int64_t digit = 0;
            for (; p->target[t].rank >= counter[digit]; digit++)
                p->target[t].rank -= counter[digit];
            p->target[t].found |= (uint64_t)digit << p->below;
        }
    }
    free(p->counter);
    return err;
}

/* As many bits at once as the counters have memory for. */
static tf_err select_all(selecting *p, int64_t targets) {
    static const int digits[] = {16, 8, 4};
    enum { MOST_COUNTERS = 8 << 20 };
    size_t d = 0;
    while (d < 2 && targets > (int64_t)MOST_COUNTERS >> digits[d])
        d++;
    p->bits = digits[d];
    tf_err err = TF_OK;
    for (p->first = 0; p->first < targets && err == TF_OK; p->first = p->end) {
        p->end = p->first + (MOST_COUNTERS >> p->bits);
        p->end = p->end < targets ? p->end : targets;
        err = select_some(p);
    }
    return err;
}

/* What was made of two finite numbers is too large for a double, */
static bool is_beyond(double made, double a, double b) {
    return isinf(made) && isfinite(a) && isfinite(b);
}

/* and this is not. */
static double mix(double a, double b, double part) {
    return a * (1 - part) + b * part;
}

/* Quantile q by linear interpolation between the two nearest ranks, as numpy's default. */
static double interpolate(double a, double b, double part) {
    if (part == 0 || a == b)
        return a;
    if (is_beyond(b - a, a, b))
        return mix(a, b, part);
    return part < 0.5 ? a + (b - a) * part : b - (b - a) * (1 - part);
}

/* A number of which not all bits were looked at: the others are 0, in the order of negative numbers 1. */
static double found_value(const target *t, int least) {
    const bool negative = t->found >> 63 == 0;
    return tf_order_value(negative ? t->found | ((UINT64_C(1) << least) - 1) : t->found);
}

/* out[cell x count + k] is quantile q[k]; rough ones are of numbers that are cut off after 21 binary digits. */
static tf_err quantiles(stats *s, const double *q, int count, bool rough, double *out) {
    selecting p = {.s = s, .least = rough ? ROUGH_BITS : 0};
    p.at = tf_alloc_array((size_t)s->cells + 1, sizeof *p.at);
    p.target = tf_alloc_array((size_t)s->cells * (size_t)count * 2, sizeof *p.target);
    int64_t targets = 0;
    for (int64_t c = 0; c < s->cells; c++) {
        p.at[c] = targets;
        for (int k = 0; k < count && s->count[c] > 0; k++) {
            int64_t low = (int64_t)floor((double)(s->count[c] - 1) * q[k]);
            int64_t high = low + 1 < s->count[c] ? low + 1 : low;
            p.target[targets++] = (target){.cell = c, .rank = low};
            p.target[targets++] = (target){.cell = c, .rank = high};
        }
    }
    p.at[s->cells] = targets;
    tf_err err = select_all(&p, targets);
    for (int64_t c = 0; c < s->cells && err == TF_OK; c++) {
        for (int k = 0; k < count; k++) {
            const target *t = &p.target[p.at[c] + 2 * k];
            double place = (double)(s->count[c] - 1) * q[k];
            out[c * count + k] = s->count[c] > 0 ? interpolate(found_value(&t[0], p.least), found_value(&t[1], p.least),
                                                               place - floor(place))
                                                 : NAN;
        }
    }
    free(p.at);
    free(p.target);
    return err;
}

/* ---- Histograms ---- */

typedef struct binning {
    const stats *s;
    int64_t bins;
    const double *edges;
    int64_t *counter; /* cells x bins */
} binning;

static double linear_edge(double low, double high, double part) {
    return is_beyond(high - low, low, high) ? mix(low, high, part) : low + (high - low) * part;
}

static double log_edge(double low, double high, double part) {
    const double half = 0.5;
    if (!is_beyond(high / low, low, high))
        return low * pow(high / low, part);
    const double root = sqrt(high) / sqrt(low);
    return part < half ? low * pow(root, 2 * part) : high * pow(root, 2 * (part - 1));
}

/* Bins of equal width between the least and the most of all groups, so that these can be compared. */
static double *make_edges(const stats *s, const tf_stat_spec *stat) {
    double low = stat->log ? s->least_positive : s->least, high = s->most;
    double *edges = tf_alloc_array((size_t)stat->size + 1, sizeof *edges);
    if (!isfinite(low) || !isfinite(high)) {
        low = stat->log ? 1 : 0;
        high = stat->log ? 10 : 1;
    } else if (!(low < high)) {
        high = stat->log ? low * 2 : low + 0.5;
        low = stat->log ? low / 2 : low - 0.5;
    }
    for (int64_t i = 0; i <= stat->size; i++) {
        const double part = (double)i / (double)stat->size;
        edges[i] = stat->log ? log_edge(low, high, part) : linear_edge(low, high, part);
    }
    edges[0] = low;
    edges[stat->size] = high;
    return edges;
}

/* The bin that holds x: closed below, the last above too. */
static int64_t find_bin(const binning *b, double x) {
    int64_t low = 0, high = b->bins; /* edges[low] <= x < edges[high], or x is the last edge */
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (x < b->edges[middle])
            high = middle;
        else
            low = middle;
    }
    return low;
}

static void take_bins(void *context, const reduce_piece *piece) {
    const binning *b = context;
    EACH_NUMBER(b->s, piece, {
        if (x >= b->edges[0] && x <= b->edges[b->bins])
            b->counter[cell * b->bins + find_bin(b, x)]++;
    })
}

static tf_err histogram(const stats *s, const tf_stat_spec *stat, reduce_result *out) {
    out->edges = make_edges(s, stat);
    out->integers = tf_alloc_array((size_t)(s->cells * stat->size), sizeof *out->integers);
    binning b = {.s = s, .bins = stat->size, .edges = out->edges, .counter = out->integers};
    tf_err err = reduce_each(s->r, s->value, take_bins, &b);
    if (err == TF_OK)
        store_sum_all(s->r->store, out->integers, s->cells * stat->size);
    return err;
}

/* ---- The largest ---- */

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

static void take_top(void *context, const reduce_piece *piece) {
    const top *t = context;
    EACH_NUMBER(t->s, piece, {
        if (!isnan(x))
            insert(t, cell, x, row);
    })
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

static tf_err find_top(const stats *s, const tf_stat_spec *stat, reduce_result *out) {
    size_t most = (size_t)(s->cells * stat->size);
    out->numbers = tf_alloc_array(most, sizeof *out->numbers);
    out->integers = tf_alloc_array(most, sizeof *out->integers);
    for (size_t i = 0; i < most; i++) {
        out->numbers[i] = NAN;
        out->integers[i] = -1;
    }
    top t = {.s = s, .size = stat->size, .number = out->numbers, .row = out->integers};
    tf_err err = reduce_each(s->r, s->value, take_top, &t);
    if (err == TF_OK)
        merge_top(&t);
    return err;
}

/* ---- All of one value ---- */

static double simple(const stats *s, tf_stat_kind kind, int64_t c) {
    const int64_t n = s->count[c];
    const bool both = s->infinite[2 * c] && s->infinite[2 * c + 1], any = n > 0;
    const double infinity = both ? NAN : s->infinite[2 * c] ? -INFINITY : INFINITY;
    const bool spread = n > 1 && !has_infinities(s, c);
    switch (kind) {
    case TF_STAT_SUM: return has_infinities(s, c) ? infinity : tf_sum_value(&s->sum[c]);
    case TF_STAT_MEAN: return has_infinities(s, c) ? infinity : any ? tf_sum_mean(&s->sum[c], n) : NAN;
    case TF_STAT_VAR: return spread ? tf_sum_variance(&s->sum[c], &s->squares[c], n) : NAN;
    case TF_STAT_STD: return spread ? tf_sum_deviation(&s->sum[c], &s->squares[c], n, 1) : NAN;
    case TF_STAT_STDERR: return spread ? tf_sum_deviation(&s->sum[c], &s->squares[c], n, n) : NAN;
    case TF_STAT_MIN: return any ? lowest_number(s, c) : NAN;
    case TF_STAT_MAX: return any ? highest_number(s, c) : NAN;
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
    tf_err err = count ? quantiles(s, q, count, rough, found) : TF_OK;
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
    tf_err err = known ? TF_OK : quantiles(s, &half, 1, false, median);
    s->center = median;
    if (err == TF_OK)
        err = quantiles(s, &half, 1, false, out->numbers);
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
    tf_err err = find_extremes(s);
    if (err == TF_OK && sums)
        err = sum_up(s, squares);
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
            err = histogram(s, stat, &result[k]);
        else if (stat->kind == TF_STAT_TOPK)
            err = find_top(s, stat, &result[k]);
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
    s.infinite = tf_alloc_array(2 * n, sizeof *s.infinite);
    s.lowest = tf_alloc_array(n, sizeof *s.lowest);
    s.highest = tf_alloc_array(n, sizeof *s.highest);
    s.argmin = tf_alloc_array(n, sizeof *s.argmin);
    s.argmax = tf_alloc_array(n, sizeof *s.argmax);
    s.first = tf_alloc_array(n, sizeof *s.first);
    s.first_number = tf_alloc_array(n, sizeof *s.first_number);
    tf_err err = fill_all(&s, result);
    free_sums(s.sum, s.cells);
    free_sums(s.squares, s.cells);
    void *all[] = {s.count, s.missing, s.infinite, s.lowest, s.highest, s.argmin, s.argmax, s.first, s.first_number};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    return err;
}
