/* The median of the absolute deviations from the median. */
#include "reduce/statistics.h"

#include <stdlib.h>

static tf_err make_mad(stats *s, const stats_request *request) {
    const double half = 0.5;
    quantile_query query = {.q = &half, .count = 1, .center = s->median};
    double *own = NULL;
    tf_err err = TF_OK;
    if (!s->median) {
        own = tf_alloc_array((size_t)s->cells, sizeof *own);
        err = stats_quantiles(s, &query, own);
        query.center = own;
    }
    request->result->numbers = tf_alloc_array((size_t)s->cells, sizeof(double));
    if (err == TF_OK)
        err = stats_quantiles(s, &query, request->result->numbers);
    for (int64_t c = 0; c < s->cells && err == TF_OK; c++)
        if (!isfinite(query.center[c])) /* an infinite number has no deviation from an infinite one */
            request->result->numbers[c] = NAN;
    free(own);
    return err;
}

const statistic statistic_mad = {.name = "mad", .make = make_mad};
