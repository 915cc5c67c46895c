/* Random streams: the generator's published vectors, the bits that must never change, and that the numbers are what
 * they are said to be. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "base/base.h"

/* The known-answer vectors of Random123's distribution (kat_vectors) for philox4x32-10. */
Test(philox, gives_the_published_vectors) {
    static const struct {
        uint32_t counter[4], key[2], answer[4];
    } vectors[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        uint32_t out[4];
        tf_philox(vectors[i].counter, vectors[i].key, out);
        cr_assert_arr_eq(out, vectors[i].answer, sizeof out, "vector %zu", i);
    }
}

Test(streams, are_philox_with_the_index_in_the_upper_half_of_the_counter) {
    uint64_t key = tf_rng_stage_key(7, "resample", 0);
    int64_t index = INT64_C(0x123456789a);
    tf_rng rng = tf_rng_start(key, index);
    for (uint32_t block = 0; block < 3; block++) {
        uint32_t expected[4];
        tf_philox((uint32_t[4]){block, 0, (uint32_t)index, (uint32_t)(index >> 32)},
                  (uint32_t[2]){(uint32_t)key, (uint32_t)(key >> 32)}, expected);
        for (int word = 0; word < 4; word++)
            cr_assert_eq(tf_rng_u32(&rng), expected[word]);
    }
}

/* Campaigns are resumed, and papers repeated, by later versions: these numbers are part of the file format. */
Test(streams, never_change) {
    tf_rng rng = tf_rng_start(tf_rng_stage_key(20261124, "resample", 0), 5);
    cr_expect_eq(tf_rng_u64(&rng), UINT64_C(0x69cae93f048303));
    cr_expect_eq(tf_rng_double(&rng), 0x1.bae9f8a669317p-1);
    double normal = tf_rng_normal(&rng);
    cr_expect_float_eq(normal, -2.0083423018989843, 1e-15);
    cr_expect_eq(tf_rng_below(&rng, 1000), 452);
    cr_expect_eq(tf_rng_below(&rng, UINT64_C(1) << 40), UINT64_C(918696714382));
    cr_expect_eq(tf_rng_task_seed(20261124, "resample", 5), UINT64_C(0x4a0e517956540301));
    tf_rng seeded = tf_rng_seeded(UINT64_C(0x0123456789abcdef));
    cr_expect_eq(tf_rng_u32(&seeded), 0xb850222eu);
}

Test(streams, differ_by_seed_stage_number_and_index) {
    uint64_t key[] = {tf_rng_stage_key(1, "a", 0), tf_rng_stage_key(2, "a", 0), tf_rng_stage_key(1, "b", 0),
                      tf_rng_stage_key(1, "a", 1)};
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < i; k++)
            cr_expect_neq(key[i], key[k]);
    tf_rng a = tf_rng_start(key[0], 0), b = tf_rng_start(key[0], 1);
    cr_expect_neq(tf_rng_u64(&a), tf_rng_u64(&b));
}

Test(numbers, have_the_moments_of_their_distributions) {
    enum { COUNT = 1000000 };
    tf_rng rng = tf_rng_start(3, 0);
    double sum = 0, squares = 0, normal = 0, normal_squares = 0, normal_fourth = 0;
    for (int i = 0; i < COUNT; i++) {
        double u = tf_rng_double(&rng), z = tf_rng_normal(&rng);
        cr_assert(u >= 0 && u < 1);
        sum += u;
        squares += u * u;
        normal += z;
        normal_squares += z * z;
        normal_fourth += z * z * z * z;
    }
    /* within five standard errors of the mean */
    cr_expect_float_eq(sum / COUNT, 0.5, 5 * sqrt(1.0 / 12 / COUNT));
    cr_expect_float_eq(squares / COUNT, 1.0 / 3, 5 * sqrt(4.0 / 45 / COUNT));
    cr_expect_float_eq(normal / COUNT, 0, 5 * sqrt(1.0 / COUNT));
    cr_expect_float_eq(normal_squares / COUNT, 1, 5 * sqrt(2.0 / COUNT));
    cr_expect_float_eq(normal_fourth / COUNT, 3, 5 * sqrt(96.0 / COUNT));
}

/* Chi-square over n cells, n - 1 degrees of freedom: beyond mean + 5 sigma would be bias. */
static double chi_square(const int *counts, int cells, int draws) {
    double expected = (double)draws / cells, sum = 0;
    for (int i = 0; i < cells; i++)
        sum += (counts[i] - expected) * (counts[i] - expected) / expected;
    return sum;
}

Test(numbers, below_n_are_unbiased) {
    enum { CELLS = 37, DRAWS = 370000 };
    int narrow[CELLS] = {0}, wide[3] = {0};
    tf_rng rng = tf_rng_start(11, 0);
    for (int i = 0; i < DRAWS; i++) {
        uint64_t k = tf_rng_below(&rng, CELLS);
        cr_assert(k < CELLS);
        narrow[k]++;
        /* 3 * 2^62: a plain remainder would favour the first third by half */
        wide[tf_rng_below(&rng, UINT64_C(3) << 62) >> 62]++;
    }
    cr_expect(chi_square(narrow, CELLS, DRAWS) < CELLS - 1 + 5 * sqrt(2.0 * (CELLS - 1)));
    cr_expect(chi_square(wide, 3, DRAWS) < 2 + 5 * sqrt(4.0));
    cr_expect_eq(tf_rng_below(&rng, 1), 0);
}

Test(numbers, shuffle_to_every_order_equally_often) {
    enum { DRAWS = 240000 };
    int orders[24] = {0};
    tf_rng rng = tf_rng_start(12, 0);
    for (int i = 0; i < DRAWS; i++) {
        int32_t x[4] = {0, 1, 2, 3};
        tf_rng_shuffle(&rng, x, 4, sizeof *x);
        int rank = 0; /* of the permutation: its factorial digits */
        for (int a = 0; a < 4; a++) {
            int smaller = 0;
            for (int b = a + 1; b < 4; b++)
                smaller += x[b] < x[a];
            rank = rank * (4 - a) + smaller;
        }
        orders[rank]++;
    }
    cr_expect(chi_square(orders, 24, DRAWS) < 23 + 5 * sqrt(46.0));
}

Test(numbers, shuffle_large_elements_whole) {
    char wide[5][300];
    for (int i = 0; i < 5; i++)
        memset(wide[i], 'a' + i, sizeof wide[i]);
    tf_rng rng = tf_rng_start(1, 0);
    tf_rng_shuffle(&rng, wide, 5, sizeof *wide);
    int seen = 0;
    for (int i = 0; i < 5; i++) {
        for (size_t k = 1; k < sizeof *wide; k++)
            cr_assert_eq(wide[i][k], wide[i][0]);
        seen |= 1 << (wide[i][0] - 'a');
    }
    cr_expect_eq(seen, 31);
}

Test(numbers, bootstrap_indices_are_what_below_gives) {
    uint32_t index[100];
    tf_rng a = tf_rng_start(9, 4), b = tf_rng_start(9, 4);
    tf_rng_bootstrap(&a, index, 100);
    for (int i = 0; i < 100; i++)
        cr_assert_eq(index[i], tf_rng_below(&b, 100));
}
