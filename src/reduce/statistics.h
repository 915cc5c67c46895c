/* What statistics of one value share. A "cell" is one element of one group. */
#ifndef TF_REDUCE_STATS_H
#define TF_REDUCE_STATS_H

#include <math.h>

#include "reduce/reducing.h"

typedef struct stats {
    reducing *r;
    int value;
    int64_t elements, cells;
    /* Per cell. */
    int64_t *count;                   /* numbers, infinite ones too */
    int64_t *missing;                 /* NaNs */
    int64_t *below, *above;           /* negative and positive infinities */
    uint64_t *lowest, *highest;       /* numbers, by tf_order_of */
    int64_t *argmin, *argmax, *first; /* rows; INT64_MAX: there is none */
    double *first_number;             /* the number of the first row that has one */
    tf_sum *sum, *squares;            /* of finite numbers; NULL: nobody asks for them */
    double *center;                   /* order statistics are of |x - center|; NULL: of x */
    /* Of all finite numbers of all cells. */
    double least_positive, least, most;
} stats;

static inline int64_t stats_cell(const stats *s, uint32_t group, int64_t element) {
    return (int64_t)group * s->elements + element;
}

/* A value of a row that is in a group. */
typedef struct cell_value {
    int64_t cell, row;
    double x;
} cell_value;

/* Calls `take` for each of them. It is inlined: this is the innermost loop of all statistics. */
typedef void on_number(void *context, const cell_value *value);
__attribute__((always_inline)) static inline void each_number(const stats *s, const reduce_piece *piece,
                                                              on_number *take, void *context) {
    for (int64_t i = 0; i < piece->count; i++) {
        if (piece->group[i] == NO_GROUP)
            continue;
        const int64_t row = piece->row ? piece->row[i] : piece->first + i;
        for (int64_t e = 0; e < s->elements; e++)
            take(context, &(cell_value){.cell = stats_cell(s, piece->group[i], e),
                                        .row = row,
                                        .x = piece->numbers[i * s->elements + e]});
    }
}

static inline double stats_lowest(const stats *s, int64_t cell) {
    return tf_order_value(s->lowest[cell]);
}

static inline double stats_highest(const stats *s, int64_t cell) {
    return tf_order_value(s->highest[cell]);
}

static inline bool stats_has_infinities(const stats *s, int64_t cell) {
    return s->below[cell] || s->above[cell];
}

/* All of these are collective, and go through the rows. */

/* Counts, extremes and first numbers: all others need them. */
tf_err stats_find_extremes(stats *s);

/* Sums of numbers; of their squares too. */
tf_err stats_sum_up(stats *s, bool squares);
void stats_free_sums(stats *s);

/* out[cell x count + k] is quantile q[k]; rough ones are of numbers that are cut off after 21 binary digits. */
tf_err stats_quantiles(stats *s, const double *q, int count, bool rough, double *out);

tf_err stats_histogram(const stats *s, const tf_stat_spec *stat, reduce_result *out);

/* The largest numbers of each cell, and their rows. */
tf_err stats_find_top(const stats *s, const tf_stat_spec *stat, reduce_result *out);

/* What was made of two finite numbers is too large for a double, */
static inline bool is_beyond(double made, double a, double b) {
    return isinf(made) && isfinite(a) && isfinite(b);
}

/* and this is not. */
static inline double mix(double a, double b, double part) {
    return a * (1 - part) + b * part;
}

#endif
