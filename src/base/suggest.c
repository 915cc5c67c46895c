/* What somebody probably meant. */
#include "base/base.h"

#include <string.h>

/* Letters that are missing, too many, others, or swapped with their neighbour (F. J. Damerau, Commun. ACM 7 (1964) 171,
 * each letter changed once at most). */
static size_t edit_distance(const char *a, const char *b) {
    enum { LONGEST = 63 };
    const size_t n = strlen(a), m = strlen(b);
    size_t rows[3][LONGEST + 1], *before = rows[0], *last = rows[1], *row = rows[2];
    if (n > LONGEST || m > LONGEST)
        return SIZE_MAX;
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *free_row = before;
        before = last;
        last = row;
        row = free_row;
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            const size_t changed = last[j - 1] + (a[i - 1] != b[j - 1]);
            const size_t shorter = 1 + (last[j] < row[j - 1] ? last[j] : row[j - 1]);
            row[j] = changed < shorter ? changed : shorter;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < row[j])
                row[j] = before[j - 2] + 1;
        }
    }
    return row[m];
}

const char *tf_suggest(const char *name, const char *const *candidates, size_t count) {
    const char *best = NULL;
    const size_t slips = strlen(name) / 3 > 1 ? strlen(name) / 3 : 1;
    size_t nearest = slips + 1;
    for (size_t i = 0; i < count; i++) {
        size_t distance = edit_distance(name, candidates[i]);
        if (distance < nearest && distance < strlen(candidates[i])) {
            nearest = distance;
            best = candidates[i];
        }
    }
    return best;
}
