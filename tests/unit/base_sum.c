/* Sums in fixed point, and numbers as integers of the same order. */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "base/base.h"

static double sum_of(const double *x, int count, int step) {
    double largest = 0;
    for (int i = 0; i < count; i++)
        largest = fmax(largest, fabs(x[i]));
    int shift = tf_sum_shift(largest, count);
    tf_int128 total = 0;
    for (int i = 0; i < count; i++)
        total += tf_sum_term(x[(int64_t)i * step % count], shift);
    return tf_sum_value(total, shift);
}

Test(sum, is_exact_where_a_double_can_hold_it) {
    static const struct {
        double x[4], sum;
    } cases[] = {
        {{1, 2, 3, 4}, 10},
        {{1e16, 1, -1e16, 0}, 1},
        {{1, 1e-16, -1, 1e-18}, 1e-16 + 1e-18},
        {{DBL_MAX, -DBL_MAX, DBL_MAX, -DBL_MAX}, 0},
        {{DBL_MIN / 4, DBL_MIN, -DBL_MIN, 0}, DBL_MIN / 4},
        {{0x1p-1074, 0x1p-1074, 0, 0}, 0x1p-1073},
        {{-0.0, 0, 0, 0}, 0},
        {{0.1, 0.2, 0.3, 0.4}, 1},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
        cr_expect_eq(sum_of(cases[c].x, 4, 1), cases[c].sum, "case %zu: %.17g", c, sum_of(cases[c].x, 4, 1));
    cr_expect(isinf(sum_of((double[]){DBL_MAX, DBL_MAX}, 2, 1)));
}

/* Against long double, of terms over thirty orders of magnitude; in any order the same. */
Test(sum, does_not_depend_on_order) {
    enum { COUNT = 10007 }; /* a prime: every step goes through all */
    double *x = tf_alloc_array(COUNT, sizeof *x);
    tf_rng rng = tf_rng_start(1, 2);
    long double expected = 0;
    for (int i = 0; i < COUNT; i++) {
        x[i] = tf_rng_normal(&rng) * pow(10, 30 * tf_rng_double(&rng) - 15);
        expected += (long double)x[i];
    }
    double first = sum_of(x, COUNT, 1);
    cr_expect_lt(fabs(first - (double)expected), 4 * DBL_EPSILON * fabs((double)expected));
    for (int step = 2; step < 200; step += 17)
        cr_expect_eq(sum_of(x, COUNT, step), first);
    free(x);
}

Test(order, is_that_of_the_numbers) {
    static const double x[] = {-INFINITY, -DBL_MAX, -1, -DBL_MIN, -0x1p-1074, -0.0,    0,
                               0x1p-1074, DBL_MIN,  1,  1.5,      DBL_MAX,    INFINITY};
    for (size_t i = 0; i < sizeof x / sizeof *x; i++) {
        cr_expect_eq(tf_order_value(tf_order_of(x[i])), x[i]);
        cr_expect(i == 0 || tf_order_of(x[i - 1]) < tf_order_of(x[i]), "%zu", i);
    }
    cr_expect(signbit(tf_order_value(tf_order_of(-0.0))));
}
