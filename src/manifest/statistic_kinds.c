/* The kinds of statistics. */
#include "manifest/statistic.h"

#define FROM_1_TO(most)  FROM_1_TO_(most)
#define FROM_1_TO_(most) "N from 1 to " #most

static const statistic_kind kinds[] = {
    {.name = "count"},
    {.name = "missing"},
    {.name = "size"},
    {.name = "nunique"},
    {.name = "sum"},
    {.name = "mean"},
    {.name = "var"},
    {.name = "std"},
    {.name = "stderr"},
    {.name = "min"},
    {.name = "max"},
    {.name = "argmin"},
    {.name = "argmax"},
    {.name = "first"},
    {.name = "median", .made_as = "quantile"},
    {.name = "mad"},
    {.name = "quantile", .form = {"quantile:Q"}, .rule = "Q from 0 to 1", .parse = parse_quantile},
    {.name = "quantile~", .form = {"quantile~:Q"}, .rule = "Q from 0 to 1", .parse = parse_quantile},
    {.name = "histogram",
     .form = {"histogram:N", "histogram:N:log"},
     .rule = FROM_1_TO(MOST_BINS),
     .parse = parse_bins},
    {.name = "topk", .form = {"topk:N"}, .rule = FROM_1_TO(MOST_LARGEST), .parse = parse_largest},
    {0}};

const statistic_kind *statistic_kinds(void) {
    return kinds;
}
