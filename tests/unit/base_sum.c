/* Exact sums, and numbers as integers of the same order. */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "base/base.h"

typedef struct sums {
    tf_sum sum, squares;
} sums;

static sums sums_of(const double *x, int64_t count, int64_t step) {
    sums s = {0};
    for (int64_t i = 0; i < count; i++) {
        tf_sum_add(&s.sum, x[i * step % count]);
        tf_sum_add_square(&s.squares, x[i * step % count]);
    }
    return s;
}

static void free_sums(sums *s) {
    tf_sum_free(&s->sum);
    tf_sum_free(&s->squares);
}

/* What exact arithmetic gives (Python's fractions), rounded once. */
Test(sum, is_the_nearest_double_to_the_true_one) {
    static const struct {
        double x[4], sum, mean, variance;
    } cases[] = {
        {{1, 2, 3, 4}, 10, 2.5, 0x1.aaaaaaaaaaaabp+0},
        {{1e16, 1, -1e16, 0}, 1, 0.25, 0x1.a4b9cf15c92c9p+105},
        {{1e25, 1e-10, -1e25, 0}, 1e-10, 2.5e-11, 0x1.6cebe5ca88623p+165},
        {{1e40, 1, -1e40, 0}, 1, 0.25, 0x1.1fdf4e14b5240p+265},
        {{DBL_MAX, -DBL_MAX, DBL_MAX, -DBL_MAX}, 0, 0, INFINITY},
        {{DBL_MAX, DBL_MAX, DBL_MAX, DBL_MAX}, INFINITY, DBL_MAX, 0},
        {{DBL_MIN / 4, DBL_MIN, -DBL_MIN, 0}, DBL_MIN / 4, DBL_MIN / 16, 0},
        {{0x1p-1074, 0x1p-1074, 0x1p-1074, 0}, 0x1.8p-1073, 0x1p-1074, 0},
        {{0x1p-1074, 0x1p-1074, 0, 0}, 0x1p-1073, 0, 0},
        {{-0.0, 0, 0, 0}, 0, 0, 0},
        {{0.1, 0.2, 0.3, 0.4}, 1, 0.25, 0x1.1111111111111p-6},
        {{1 + DBL_EPSILON, 1, 1, 1}, 4, 1, 0x1p-106},
        {{-3, -3, -3, 0x1p-60}, -9, -2.25, 2.25},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        sums s = sums_of(cases[c].x, 4, 1);
        cr_expect_eq(tf_sum_value(&s.sum), cases[c].sum, "case %zu: sum %a", c, tf_sum_value(&s.sum));
        cr_expect_eq(tf_sum_mean(&s.sum, 4), cases[c].mean, "case %zu: mean %a", c, tf_sum_mean(&s.sum, 4));
        cr_expect_eq(tf_sum_variance(&s.sum, &s.squares, 4), cases[c].variance, "case %zu: variance %a", c,
                     tf_sum_variance(&s.sum, &s.squares, 4));
        free_sums(&s);
    }
    sums none = {0};
    cr_expect_eq(tf_sum_value(&none.sum), 0);
}

Test(sum, tells_deviations_whose_squares_no_double_holds) {
    static const double sizes[] = {1, 1e200, 1e-200, 0x1p-1074};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        const double x[] = {-sizes[k], sizes[k]};
        sums s = sums_of(x, 2, 1);
        cr_expect_eq(tf_sum_deviation(&s.sum, &s.squares, 2, 2), sizes[k], "%a", sizes[k]);
        free_sums(&s);
    }
}

/* Sums of terms over thirty orders of magnitude agree with long double, and are the same in any order. */
Test(sum, does_not_depend_on_order) {
    enum { COUNT = 10007 }; /* a prime: every step goes through all */
    double *x = tf_alloc_array(COUNT, sizeof *x);
    tf_rng rng = tf_rng_start(1, 2);
    long double expected = 0;
    for (int i = 0; i < COUNT; i++) {
        x[i] = tf_rng_normal(&rng) * pow(10, 30 * tf_rng_double(&rng) - 15);
        expected += (long double)x[i];
    }
    sums first = sums_of(x, COUNT, 1);
    const double sum = tf_sum_value(&first.sum), variance = tf_sum_variance(&first.sum, &first.squares, COUNT);
    cr_expect_lt(fabs(sum - (double)expected), 4 * DBL_EPSILON * fabs((double)expected));
    for (int step = 2; step < 200; step += 17) {
        sums s = sums_of(x, COUNT, step);
        cr_expect_eq(tf_sum_value(&s.sum), sum);
        cr_expect_eq(tf_sum_variance(&s.sum, &s.squares, COUNT), variance);
        free_sums(&s);
    }
    free_sums(&first);
    free(x);
}

/* As ranks do it: sums of the same places are added digit by digit. */
Test(sum, of_parts_is_that_of_the_whole) {
    enum { COUNT = 4000, PARTS = 7 };
    tf_sum whole = {0}, part[PARTS] = {0};
    tf_rng rng = tf_rng_start(3, 4);
    int32_t low = INT32_MAX, end = INT32_MIN;
    for (int i = 0; i < COUNT; i++) {
        const double x = tf_rng_normal(&rng) * pow(10, 600 * tf_rng_double(&rng) - 300);
        tf_sum_add(&whole, x);
        tf_sum_add(&part[i % PARTS], i % 2 ? x : -x);
        tf_sum_add(&whole, i % 2 ? 0 : -2 * x);
    }
    for (int p = 0; p < PARTS; p++) {
        tf_sum_widen(&part[p], part[p].low, part[p].digits);
        low = part[p].low < low ? part[p].low : low;
        end = part[p].low + part[p].digits > end ? part[p].low + part[p].digits : end;
    }
    for (int p = 0; p < PARTS; p++)
        tf_sum_widen(&part[p], low, end - low);
    for (int p = 1; p < PARTS; p++)
        for (int32_t d = 0; d < part[0].digits; d++)
            part[0].digit[d] += part[p].digit[d];
    cr_expect_eq(tf_sum_value(&part[0]), tf_sum_value(&whole));
    for (int p = 0; p < PARTS; p++)
        tf_sum_free(&part[p]);
    tf_sum_free(&whole);
}

/* More terms than words have room for without a carry, of either sign. */
Test(sum, carries) {
    enum { COUNT = 100000 };
    tf_sum sum = {0}, squares = {0};
    for (int i = 0; i < COUNT; i++) {
        tf_sum_add(&sum, -0x1.fffffffffffffp31);
        tf_sum_add_square(&squares, 0x1.8p10);
    }
    cr_expect_eq(tf_sum_mean(&sum, COUNT), -0x1.fffffffffffffp31);
    cr_expect_eq(tf_sum_value(&squares), COUNT * 0x1.2p21);
    tf_sum_free(&sum);
    tf_sum_free(&squares);
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
