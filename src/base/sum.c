/* Sums in fixed point: integers, so that terms may come in any order, and from any number of processes. The point is
 * where the largest term and their number leave room, so that what is rounded off a term is 2^-126 times their number
 * of the largest term: below what a double can hold of the sum, unless nearly all of it cancels. (Sums by prerounding:
 * Demmel & Nguyen 2013, ARITH 21, "Fast reproducible floating-point summation"; here with the largest term known and
 * one level of 127 bits.) */
#include <math.h>
#include <string.h>

#include "base/base.h"

enum { BITS = 126, MANTISSA = 52, BIAS = 1075 };

int tf_sum_shift(double largest, int64_t count) {
    int exponent = 0, bits = 0;
    frexp(largest, &exponent);
    for (; count > 0; count >>= 1)
        bits++;
    return BITS - bits - exponent;
}

tf_int128 tf_sum_term(double x, int shift) {
    uint64_t word;
    memcpy(&word, &x, sizeof word);
    int exponent = (int)(word >> MANTISSA & 0x7ff);
    uint64_t mantissa = word & ((UINT64_C(1) << MANTISSA) - 1);
    if (exponent > 0)
        mantissa |= UINT64_C(1) << MANTISSA;
    else
        exponent = 1;
    int left = exponent - BIAS + shift;
    tf_int128 size = (tf_int128)mantissa;
    if (left >= 0)
        size <<= left;
    else
        size = left < -MANTISSA - 1 ? 0 : (size + ((tf_int128)1 << (-left - 1))) >> -left;
    return word >> 63 ? -size : size;
}

double tf_sum_value(tf_int128 total, int shift) {
    return ldexp((double)total, -shift);
}

uint64_t tf_order_of(double x) {
    uint64_t word;
    memcpy(&word, &x, sizeof word);
    return word >> 63 ? ~word : word | UINT64_C(1) << 63;
}

double tf_order_value(uint64_t order) {
    uint64_t word = order >> 63 ? order & ~(UINT64_C(1) << 63) : ~order;
    double x;
    memcpy(&x, &word, sizeof x);
    return x;
}
