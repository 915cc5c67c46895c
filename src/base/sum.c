/* Exact sums of doubles and of their squares: integers of as many digits as the terms call for, so that terms may come
 * in any order and from any number of processes, and nothing is rounded but the result, once. Digits of 32 bits are
 * kept in words of 64, so that a term is two additions and carries wait until there are many of them (R. M. Neal 2015,
 * arXiv:1505.05571, "Fast exact summation using small and large superaccumulators"). And numbers as integers of the
 * same order. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

enum {
    DIGIT = 32,
    MANTISSA = 52,
    LOWEST = -68 * DIGIT,    /* the exponent of digit 0's lowest bit: the least double's square is 2^-2148 */
    MOST_UNCARRIED = 1 << 10 /* terms: each adds less than 2^52 to a word */
};

/* ---- Terms ---- */

/* Makes room for digits from .. end - 1, and for one above them that takes carries. */
static void widen(tf_sum *sum, int32_t from, int32_t end) {
    const int32_t old_end = sum->low + sum->digits;
    int32_t low = from, high = end + 1;
    if (sum->digits) {
        low = from < sum->low ? from : sum->low;
        high = high > old_end ? high : old_end;
    }
    int64_t *digit = tf_alloc_array((size_t)(high - low), sizeof *digit);
    for (int32_t i = 0; i < sum->digits; i++)
        digit[sum->low - low + i] = sum->digit[i];
    free(sum->digit);
    *sum = (tf_sum){.digit = digit, .low = low, .digits = high - low, .uncarried = sum->uncarried};
}

/* Adds the carries: all digits but the highest, which has the sign, become numbers from 0 to 2^32 - 1. */
static void carry(tf_sum *sum) {
    const int64_t base = INT64_C(1) << DIGIT;
    int64_t over = 0;
    for (int32_t i = 0; i < sum->digits; i++) {
        const int64_t word = sum->digit[i] + over;
        over = 0;
        if (i < sum->digits - 1) {
            over = word >> DIGIT; /* rounded down */
            sum->digit[i] = word - over * base;
        } else {
            sum->digit[i] = word;
        }
    }
    sum->uncarried = 0;
    if (sum->digits && (sum->digit[sum->digits - 1] >= base || sum->digit[sum->digits - 1] < -base)) {
        widen(sum, sum->low, sum->low + sum->digits);
        carry(sum);
    }
}

/* A finite number: mantissa x 2^exponent, with a sign. */
typedef struct parts {
    uint64_t mantissa;
    int exponent;
    bool negative;
} parts;

static inline parts split_double(double x) {
    uint64_t word;
    memcpy(&word, &x, sizeof word);
    const int biased = (int)(word >> MANTISSA & 0x7ff);
    const uint64_t fraction = word & ((UINT64_C(1) << MANTISSA) - 1);
    assert(biased != 0x7ff);
    return (parts){.mantissa = biased ? fraction | UINT64_C(1) << MANTISSA : fraction,
                   .exponent = (biased ? biased : 1) - 1075,
                   .negative = word >> 63};
}

static int64_t *digits_at(tf_sum *sum, int32_t from, int32_t end) {
    if (from < sum->low || end >= sum->low + sum->digits)
        widen(sum, from, end);
    if (++sum->uncarried == MOST_UNCARRIED)
        carry(sum);
    return sum->digit + (from - sum->low);
}

void tf_sum_add(tf_sum *sum, double x) {
    const parts p = split_double(x);
    if (p.mantissa == 0)
        return;
    const int place = p.exponent - LOWEST, from = place / DIGIT, shift = place % DIGIT;
    const int64_t low = (uint32_t)(p.mantissa << shift), high = (int64_t)(p.mantissa >> (DIGIT - shift));
    int64_t *digit = digits_at(sum, from, from + 2);
    digit[0] += p.negative ? -low : low;
    digit[1] += p.negative ? -high : high;
}

void tf_sum_add_square(tf_sum *sum, double x) {
    enum { DIGITS = 5 }; /* 106 bits and up to 31 below them */
    const parts p = split_double(x);
    if (p.mantissa == 0)
        return;
    const int place = 2 * p.exponent - LOWEST, from = place / DIGIT, shift = place % DIGIT;
    tf_uint128 square = (tf_uint128)p.mantissa * p.mantissa;
    int64_t *digit = digits_at(sum, from, from + DIGITS);
    digit[0] += (uint32_t)(square << shift);
    square >>= DIGIT - shift;
    for (int i = 1; i < DIGITS; i++, square >>= DIGIT)
        digit[i] += (uint32_t)square;
}

void tf_sum_widen(tf_sum *sum, int32_t low, int32_t digits) {
    carry(sum);
    if (digits > 0 && (!sum->digits || low < sum->low || low + digits > sum->low + sum->digits))
        widen(sum, low, low + digits - 1);
}

void tf_sum_free(tf_sum *sum) {
    free(sum->digit);
    *sum = (tf_sum){0};
}

/* ---- Arithmetic on whole sums ---- */

/* digit[0] + digit[1] x 2^32 + ..., of 2^exponent each. */
typedef struct natural {
    uint32_t *digit;
    int32_t digits;
    int exponent;
    bool negative;
    bool inexact; /* a division has left a remainder: the number is a little larger than its digits */
} natural;

static natural natural_new(int32_t digits, int exponent) {
    return (natural){.digit = tf_alloc_array((size_t)digits, sizeof(uint32_t)), .digits = digits, .exponent = exponent};
}

static natural natural_of(const tf_sum *sum) {
    tf_sum copy = {0};
    tf_sum_widen(&copy, sum->low, sum->digits);
    for (int32_t i = 0; i < sum->digits; i++)
        copy.digit[i] = sum->digit[i];
    carry(&copy);
    const bool negative = copy.digits && copy.digit[copy.digits - 1] < 0;
    for (int32_t i = 0; i < copy.digits && negative; i++)
        copy.digit[i] = -copy.digit[i];
    carry(&copy);
    natural n = natural_new(copy.digits, copy.low * DIGIT + LOWEST);
    n.negative = negative;
    for (int32_t i = 0; i < copy.digits; i++)
        n.digit[i] = (uint32_t)copy.digit[i];
    tf_sum_free(&copy);
    return n;
}

static natural multiply(const natural *a, const natural *b) {
    natural product = natural_new(a->digits + b->digits, a->exponent + b->exponent);
    for (int32_t i = 0; i < a->digits; i++) {
        uint64_t over = 0;
        for (int32_t k = 0; k < b->digits; k++) {
            over += (uint64_t)a->digit[i] * b->digit[k] + product.digit[i + k];
            product.digit[i + k] = (uint32_t)over;
            over >>= DIGIT;
        }
        product.digit[i + b->digits] = (uint32_t)over;
    }
    return product;
}

static natural multiply_by(const natural *a, int64_t factor) {
    uint32_t digit[] = {(uint32_t)factor, (uint32_t)((uint64_t)factor >> DIGIT)};
    return multiply(a, &(natural){.digit = digit, .digits = 2});
}

/* The digit of weight 2^exponent; exponents differ by whole digits. */
static uint32_t digit_of(const natural *n, int exponent) {
    const int i = (exponent - n->exponent) / DIGIT;
    return exponent >= n->exponent && i < n->digits ? n->digit[i] : 0;
}

/* a - b, which is not negative. */
static natural subtract(const natural *a, const natural *b) {
    const int low = a->exponent < b->exponent ? a->exponent : b->exponent;
    const int a_end = a->exponent + a->digits * DIGIT, b_end = b->exponent + b->digits * DIGIT;
    natural difference = natural_new(((a_end > b_end ? a_end : b_end) - low) / DIGIT, low);
    int64_t over = 0;
    for (int32_t i = 0; i < difference.digits; i++) {
        over += (int64_t)digit_of(a, low + i * DIGIT) - (int64_t)digit_of(b, low + i * DIGIT);
        difference.digit[i] = (uint32_t)over;
        over >>= DIGIT;
    }
    assert(over == 0);
    return difference;
}

/* Replaces the number by its quotient, with enough digits below the point for a double. */
static void divide_by(natural *n, int64_t divisor) {
    enum { BELOW = 5 }; /* digits: the divisor takes up to two, a double three */
    natural quotient = natural_new(n->digits + BELOW, n->exponent - BELOW * DIGIT);
    tf_uint128 rest = 0;
    for (int32_t i = quotient.digits - 1; i >= 0; i--) {
        rest = rest << DIGIT | (i >= BELOW ? n->digit[i - BELOW] : 0);
        quotient.digit[i] = (uint32_t)(rest / (uint64_t)divisor);
        rest %= (uint64_t)divisor;
    }
    quotient.negative = n->negative;
    quotient.inexact = n->inexact || rest;
    free(n->digit);
    *n = quotient;
}

/* The highest 64 bits of a number, as bits x 2^exponent. The first of them is set; the last is set, too, if anything is
 * left out. 0: the number is zero. */
static uint64_t highest_bits(const natural *n, int *exponent) {
    int32_t high = n->digits - 1;
    while (high >= 0 && n->digit[high] == 0)
        high--;
    if (high < 0)
        return 0;
    const int zeros = __builtin_clz(n->digit[high]);
    tf_uint128 top = 0;
    for (int32_t i = high; i > high - 4; i--)
        top = top << DIGIT | (i >= 0 ? n->digit[i] : 0);
    top <<= zeros;
    bool more = n->inexact || (uint64_t)top != 0;
    for (int32_t i = high - 4; i >= 0 && !more; i--)
        more = n->digit[i] != 0;
    *exponent = n->exponent + (high - 3) * DIGIT - zeros + 64;
    return (uint64_t)(top >> 64) | more;
}

/* The nearest double, ties to even. */
static double round_natural(const natural *n) {
    enum { SPARE = 64 - MANTISSA - 1, LEAST = -1074 };
    int exponent = 0;
    const uint64_t bits = highest_bits(n, &exponent);
    int spare = exponent + SPARE < LEAST ? LEAST - exponent : SPARE; /* bits that are rounded off */
    if (bits == 0 || spare > 64)
        return n->negative ? -0.0 : 0.0;
    const uint64_t half = UINT64_C(1) << (spare - 1), rest = bits & (half | (half - 1));
    uint64_t kept = spare < 64 ? bits >> spare : 0;
    kept += rest > half || (rest == half && (kept & 1));
    const double size = ldexp((double)kept, exponent + spare);
    return n->negative ? -size : size;
}

/* The square root of the number, which may be beyond what a double can hold: of its nearest 53 bits. */
static double round_root(const natural *n) {
    int exponent = 0;
    const uint64_t bits = highest_bits(n, &exponent);
    const int odd = exponent & 1;
    return ldexp(sqrt(ldexp((double)bits, odd)), (exponent - odd) / 2);
}

/* ---- Results ---- */

double tf_sum_value(const tf_sum *sum) {
    natural n = natural_of(sum);
    const double value = round_natural(&n);
    free(n.digit);
    return value;
}

double tf_sum_mean(const tf_sum *sum, int64_t count) {
    natural n = natural_of(sum);
    divide_by(&n, count);
    const double mean = round_natural(&n);
    free(n.digit);
    return mean;
}

/* (count x squares - sum^2) / count / (count - 1): what cancels is exact. */
static natural variance(const tf_sum *sum, const tf_sum *squares, int64_t count) {
    natural s = natural_of(sum), q = natural_of(squares);
    natural minuend = multiply_by(&q, count), square = multiply(&s, &s);
    natural n = subtract(&minuend, &square);
    divide_by(&n, count);
    divide_by(&n, count - 1);
    free(s.digit);
    free(q.digit);
    free(minuend.digit);
    free(square.digit);
    return n;
}

double tf_sum_variance(const tf_sum *sum, const tf_sum *squares, int64_t count) {
    natural n = variance(sum, squares, count);
    const double value = round_natural(&n);
    free(n.digit);
    return value;
}

double tf_sum_deviation(const tf_sum *sum, const tf_sum *squares, int64_t count, int64_t of) {
    natural n = variance(sum, squares, count);
    divide_by(&n, of);
    const double value = round_root(&n);
    free(n.digit);
    return value;
}

/* ---- Order ---- */

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
