/* Order statistics by their digits, from the highest on, so that they are exact without anything being sorted or kept:
 * each pass over the rows counts one digit of all numbers that may still be the one that is looked for. */
#include "reduce/statistics.h"

#include <stdlib.h>
#include <string.h>

#include "store/meet.h"

enum { ROUGH_BITS = 32 }; /* bits that rough quantiles ignore: half of the passes */

/* What is looked for: the number of a rank (from 0) in a cell. */
typedef struct target {
    int64_t cell, rank;
    uint64_t found; /* the digits that are known, at their places */
} target;

typedef struct selecting {
    const stats *s;
    const double *center; /* see quantile_query */
    target *target;
    int64_t *at;        /* per cell: where its targets begin; and behind the last cell their end */
    int64_t first, end; /* targets of this pass */
    int bits, below;    /* the digit of this pass has so many bits, and so many bits are below it */
    int least;          /* number of low bits that are ignored */
    int64_t *counter;   /* per target of the pass: a counter for each of 2^bits digits */
} selecting;

static inline void count_digit(void *context, const cell_value *n) {
    const selecting *p = context;
    const int above = p->below + p->bits;
    const uint64_t mask = (UINT64_C(1) << p->bits) - 1;
    if (isnan(n->x))
        return;
    const double y = p->center ? fabs(n->x - p->center[n->cell]) : n->x;
    uint64_t order = tf_order_of(isnan(y) ? INFINITY : y);
    int64_t from = p->at[n->cell] > p->first ? p->at[n->cell] : p->first;
    int64_t end = p->at[n->cell + 1] < p->end ? p->at[n->cell + 1] : p->end;
    for (int64_t t = from; t < end; t++)
        if (above == 64 || order >> above == p->target[t].found >> above)
            p->counter[((t - p->first) << p->bits) + (int64_t)(order >> p->below & mask)]++;
}

static void scan_digits(void *context, const reduce_piece *piece) {
    const selecting *p = context;
    each_number(p->s, piece, count_digit, context);
}

/* Targets first .. end - 1, digit by digit. */
static tf_err select_some(selecting *p) {
    enum { DIGITS = 64 };
    tf_err err = TF_OK;
    int64_t targets = p->end - p->first;
    p->counter = tf_alloc_array((size_t)targets << p->bits, sizeof *p->counter);
    for (p->below = DIGITS - p->bits; p->below >= p->least && err == TF_OK; p->below -= p->bits) {
        memset(p->counter, 0, ((size_t)targets << p->bits) * sizeof *p->counter);
        err = reduce_each(p->s->r, p->s->value, scan_digits, p);
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

/* Quantile q by linear interpolation between the two nearest ranks, as numpy's default. On the way to an infinity all
 * is infinite, as in numpy's median; numpy's quantile is NaN for a part of it. */
static double interpolate(double a, double b, double part) {
    if (part == 0 || a == b)
        return a;
    if (isinf(a) || isinf(b))
        return a + b;
    if (is_beyond(b - a, a, b))
        return mix(a, b, part);
    return part < 0.5 ? a + (b - a) * part : b - (b - a) * (1 - part);
}

/* A number of which not all bits were looked at: the others are 0, in the order of negative numbers 1. */
static double found_value(const target *t, int least) {
    const bool negative = t->found >> 63 == 0;
    return tf_order_value(negative ? t->found | ((UINT64_C(1) << least) - 1) : t->found);
}

tf_err stats_quantiles(const stats *s, const quantile_query *query, double *out) {
    const int count = query->count;
    const double *q = query->q;
    selecting p = {.s = s, .center = query->center, .least = query->rough ? ROUGH_BITS : 0};
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

static tf_err make_quantiles(stats *s, const stats_request *request, int count, bool rough) {
    double *q = tf_alloc_array((size_t)count, sizeof *q);
    double *found = tf_alloc_array((size_t)s->cells * (size_t)count, sizeof *found);
    for (int k = 0; k < count; k++)
        q[k] = request[k].spec->quantile;
    const tf_err err = stats_quantiles(s, &(quantile_query){.q = q, .count = count, .rough = rough}, found);
    for (int k = 0; k < count && err == TF_OK; k++) {
        double *numbers = request[k].result->numbers = tf_alloc_array((size_t)s->cells, sizeof *numbers);
        for (int64_t c = 0; c < s->cells; c++)
            numbers[c] = found[c * count + k];
    }
    free(q);
    free(found);
    return err;
}

static tf_err make_exact(stats *s, const stats_request *request, int count) {
    const double half = 0.5;
    const tf_err err = make_quantiles(s, request, count, false);
    for (int k = 0; k < count && err == TF_OK; k++)
        if (request[k].spec->quantile == half)
            s->median = request[k].result->numbers;
    return err;
}

static tf_err make_rough(stats *s, const stats_request *request, int count) {
    return make_quantiles(s, request, count, true);
}

const statistic statistic_quantile = {.name = "quantile", .make_all = make_exact};
const statistic statistic_rough_quantile = {.name = "quantile~", .make_all = make_rough};
