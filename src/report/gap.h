/* How far numbers of two outputs are apart, whatever their types. */
#ifndef TF_REPORT_GAP_H
#define TF_REPORT_GAP_H

#include "rows/rows.h"

/* The largest difference of numbers so far. All zeros is ready for use. */
typedef struct gap {
    bool measured;   /* there are numbers that differ by an amount that is known */
    double largest;  /* of these amounts */
    double relative; /* the largest relative to the larger of the two numbers */
} gap;

/* Numbers of one output. */
typedef struct gap_side {
    tf_type type;
    const void *cells;
    const double *number; /* the same as doubles */
} gap_side;

/* Compares elements first .. first + count - 1 of both: of integers exactly, else as doubles; NaN is the same as NaN.
 * Returns the first that differs, -1 if none does. `widest` may be NULL. */
int64_t gap_find(const gap_side side[2], int64_t first, int64_t count, gap *widest);

#endif
