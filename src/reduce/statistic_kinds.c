/* The kinds of statistics, in the order in which they are made. */
#include "reduce/statistics.h"

extern const statistic statistic_count;
extern const statistic statistic_missing;
extern const statistic statistic_size;
extern const statistic statistic_sum;
extern const statistic statistic_mean;
extern const statistic statistic_var;
extern const statistic statistic_std;
extern const statistic statistic_stderr;
extern const statistic statistic_min;
extern const statistic statistic_max;
extern const statistic statistic_argmin;
extern const statistic statistic_argmax;
extern const statistic statistic_first;
extern const statistic statistic_quantile;
extern const statistic statistic_rough_quantile;
extern const statistic statistic_mad;
extern const statistic statistic_histogram;
extern const statistic statistic_topk;
extern const statistic statistic_nunique;

/* Without clang-format, which would move all rows for one more. */
/* clang-format off */
static const statistic *const kinds[] = {
    &statistic_count,
    &statistic_missing,
    &statistic_size,
    &statistic_sum,
    &statistic_mean,
    &statistic_var,
    &statistic_std,
    &statistic_stderr,
    &statistic_min,
    &statistic_max,
    &statistic_argmin,
    &statistic_argmax,
    &statistic_first,
    &statistic_quantile,
    &statistic_rough_quantile,
    &statistic_mad, /* behind quantiles: it takes the median that they have found */
    &statistic_histogram,
    &statistic_topk,
    &statistic_nunique,
    NULL,
};
/* clang-format on */

const statistic *const *reduce_statistics(void) {
    return kinds;
}
