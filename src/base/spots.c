/* Rows by the hash of what they are, to be found again in another order. */
#include <stdlib.h>

#include "base/base.h"

static int compare(const void *a, const void *b) {
    const tf_spot *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

void tf_spots_sort(tf_spot *spots, int64_t count) {
    qsort(spots, (size_t)count, sizeof *spots, compare);
}

/* The first spot with that hash; `count` if there is none. */
static int64_t find(const tf_spot *spots, int64_t count, uint64_t hash) {
    int64_t low = 0, high = count;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (spots[middle].hash < hash)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The index of the first of several spots counts how many of them have been claimed: -1, -2 ... */
int64_t tf_spots_claim(tf_spot *spots, int64_t count, uint64_t hash) {
    const int64_t first = find(spots, count, hash);
    if (first == count || spots[first].hash != hash)
        return -1;
    const int64_t claimed = spots[first].index < 0 ? -spots[first].index : 0;
    if (claimed >= count - first || spots[first + claimed].hash != hash)
        return -1;
    const int64_t index = spots[first + claimed].index;
    spots[first].index = -claimed - 1;
    return index;
}
