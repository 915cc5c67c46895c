/* What stands behind the name of a statistic: "0.025" of "quantile:0.025". */
#include <string.h>

#include "manifest/statistic.h"

bool parse_quantile(const char *argument, tf_stat_spec *stat) {
    return tf_parse_double(argument, &stat->quantile) && stat->quantile >= 0 && stat->quantile <= 1;
}

static bool parse_size(const char *text, int64_t most, tf_stat_spec *stat) {
    return tf_parse_int(text, &stat->size) && stat->size >= 1 && stat->size <= most;
}

/* Parses "50" or "50:log". */
bool parse_bins(const char *argument, tf_stat_spec *stat) {
    char number[24] = "";
    const size_t length = strcspn(argument, ":");
    stat->log = strcmp(argument + length, ":log") == 0;
    if (length >= sizeof number || (argument[length] && !stat->log))
        return false;
    memcpy(number, argument, length);
    return parse_size(number, MOST_BINS, stat);
}

bool parse_largest(const char *argument, tf_stat_spec *stat) {
    return parse_size(argument, MOST_LARGEST, stat);
}
