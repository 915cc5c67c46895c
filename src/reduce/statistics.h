/* Statistics of one value, group by group. A cell is one element of one group. A kind of statistic is a row of the
 * table in statistic_kinds.c, and a file where it has code of its own. */
#ifndef TF_REDUCE_STATISTICS_H
#define TF_REDUCE_STATISTICS_H

#include <math.h>

#include "reduce/reducing.h"

/* What is known of the cells of one value. */
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
    tf_sum *sum, *squares;            /* of finite numbers; NULL: no statistic needs them */
    const double *median;             /* borrowed from its result; NULL: it has not been made */
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

/* Calls `visit` for each of them. It is inlined: this is the innermost loop of all statistics. */
typedef void on_number(void *context, const cell_value *value);
__attribute__((always_inline)) static inline void each_number(const stats *s, const reduce_piece *piece,
                                                              on_number *visit, void *context) {
    for (int64_t i = 0; i < piece->count; i++) {
        if (piece->group[i] == NO_GROUP)
            continue;
        const int64_t row = piece->row ? piece->row[i] : piece->first + i;
        for (int64_t e = 0; e < s->elements; e++)
            visit(context, &(cell_value){.cell = stats_cell(s, piece->group[i], e),
                                         .row = row,
                                         .x = piece->numbers[i * s->elements + e]});
    }
}

static inline bool stats_has_infinities(const stats *s, int64_t cell) {
    return s->below[cell] || s->above[cell];
}

/* ---- Kinds of statistics ---- */

/* What is found of all cells before any statistic is made. Each includes those before it. */
typedef enum cell_facts {
    FACTS_EXTREMES, /* counts, extremes and first numbers */
    FACTS_SUMS,
    FACTS_SQUARES /* sums of squares */
} cell_facts;

/* A statistic that the reduction asks for. `result` has room for it, all zeros. */
typedef struct stats_request {
    const tf_stat_spec *spec;
    reduce_result *result;
} stats_request;

/* A kind has one of these functions. Those that make statistics are collective. */
typedef struct statistic {
    const char *name; /* tf_stat_spec.kind */
    cell_facts needs;
    double (*number)(const stats *s, int64_t cell);   /* from what is known of the cell */
    int64_t (*integer)(const stats *s, int64_t cell); /* likewise */
    tf_err (*make)(stats *s, const stats_request *request);
    tf_err (*make_all)(stats *s, const stats_request *request,
                       int count); /* all that are asked for share their passes */
} statistic;

/* The table; its end is NULL. */
const statistic *const *reduce_statistics(void);

/* ---- What several kinds use. All of these are collective, and go through the rows ---- */

/* Counts, extremes and first numbers (extremes.c). */
tf_err stats_find_extremes(stats *s);

/* Sums of numbers; of their squares, too (sums.c). */
tf_err stats_sum_up(stats *s, bool squares);
void stats_free_sums(stats *s);

/* Order statistics that are looked for. */
typedef struct quantile_query {
    const double *q; /* from 0 to 1 */
    int count;
    bool rough;           /* numbers are cut off after 21 binary digits */
    const double *center; /* per cell: quantiles are of |x - center|; NULL: of x */
} quantile_query;

/* out[cell * count + k] becomes quantile q[k] (quantiles.c). */
tf_err stats_quantiles(const stats *s, const quantile_query *query, double *out);

/* ---- Arithmetic that stays finite ---- */

/* Is `made`, which was made of a and b, too large for a double? */
static inline bool is_beyond(double made, double a, double b) {
    return isinf(made) && isfinite(a) && isfinite(b);
}

/* From a to b by a part of the way. It is never too large. */
static inline double mix(double a, double b, double part) {
    return a * (1 - part) + b * part;
}

#endif
