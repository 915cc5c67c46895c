/* How far numbers are apart (see gap.h). */
#include "report/gap.h"

#include <math.h>

/* An integer of any type, as a double may not tell two of them apart. */
typedef struct whole {
    bool is_negative;
    uint64_t size; /* without the sign */
} whole;

static whole whole_of(const gap_side *side, int64_t at) {
    const int64_t *integers = side->cells;
    const uint64_t *naturals = side->cells;
    if (side->type == TF_UINT64)
        return (whole){false, naturals[at]};
    if (side->type == TF_INT64)
        return (whole){integers[at] < 0, integers[at] < 0 ? 0 - (uint64_t)integers[at] : (uint64_t)integers[at]};
    return (whole){side->number[at] < 0, (uint64_t)fabs(side->number[at])};
}

static double whole_gap(whole a, whole b) {
    if (a.is_negative != b.is_negative)
        return (double)a.size + (double)b.size;
    return (double)(a.size > b.size ? a.size - b.size : b.size - a.size);
}

static void widen(gap *widest, double distance, double x, double y) {
    const double relative = distance / fmax(fabs(x), fabs(y));
    if (isnan(distance)) /* one of them is missing */
        return;
    widest->measured = true;
    widest->largest = fmax(widest->largest, distance);
    widest->relative = isnan(relative) ? widest->relative : fmax(widest->relative, relative);
}

int64_t gap_find(const gap_side side[2], int64_t first, int64_t count, gap *widest) {
    const bool is_whole = !tf_type_is_float(side[0].type) && !tf_type_is_float(side[1].type);
    int64_t differs = -1;
    for (int64_t e = first; e < first + count; e++) {
        const double x = side[0].number[e], y = side[1].number[e];
        const double distance = is_whole ? whole_gap(whole_of(&side[0], e), whole_of(&side[1], e)) : fabs(x - y);
        if (distance == 0 || (!is_whole && (x == y || (isnan(x) && isnan(y)))))
            continue;
        differs = differs < 0 ? e : differs;
        if (widest)
            widen(widest, distance, x, y);
    }
    return differs;
}
