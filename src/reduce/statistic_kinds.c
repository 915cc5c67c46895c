/* The kinds of statistics, in the order in which they are made. */
#include "reduce/statistics.h"

extern const statistic statistic_count, statistic_missing, statistic_sum, statistic_mean, statistic_var, statistic_std,
    statistic_stderr, statistic_min, statistic_max, statistic_argmin, statistic_argmax, statistic_first,
    statistic_quantile, statistic_rough_quantile, statistic_mad, statistic_histogram, statistic_topk, statistic_nunique;

static const statistic *const kinds[] = {
    &statistic_count,     &statistic_missing,
    &statistic_sum,       &statistic_mean,
    &statistic_var,       &statistic_std,
    &statistic_stderr,    &statistic_min,
    &statistic_max,       &statistic_argmin,
    &statistic_argmax,    &statistic_first,
    &statistic_quantile,  &statistic_rough_quantile,
    &statistic_mad, /* behind quantiles: it takes the median that they have found */
    &statistic_histogram, &statistic_topk,
    &statistic_nunique,   NULL,
};

const statistic *const *reduce_statistics(void) {
    return kinds;
}
