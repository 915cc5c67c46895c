/* What somebody probably meant. */
#include "base/base.h"

#include <string.h>

static size_t edit_distance(const char *a, const char *b) {
    enum { LONGEST = 63 };
    size_t n = strlen(a), m = strlen(b);
    if (n > LONGEST || m > LONGEST)
        return SIZE_MAX;
    size_t row[LONGEST + 1];
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t change = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            size_t shorter = row[j] < row[j - 1] ? row[j] : row[j - 1];
            row[j] = change < shorter + 1 ? change : shorter + 1;
        }
    }
    return row[m];
}

const char *tf_suggest(const char *name, const char *const *candidates, size_t count) {
    const char *best = NULL;
    size_t nearest = strlen(name) / 3 + 2; /* one more than what counts as a slip */
    for (size_t i = 0; i < count; i++) {
        size_t distance = edit_distance(name, candidates[i]);
        if (distance < nearest && distance < strlen(candidates[i])) {
            nearest = distance;
            best = candidates[i];
        }
    }
    return best;
}
