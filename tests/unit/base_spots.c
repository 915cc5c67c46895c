/* Rows by the hash of what they are. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/base.h"

Test(spots, are_found_by_their_hash_in_the_order_of_their_rows) {
    tf_spot spots[] = {{7, 0}, {3, 1}, {7, 2}, {5, 3}, {7, 4}};
    const int64_t count = sizeof spots / sizeof *spots;
    tf_spots_sort(spots, count);
    cr_expect_eq(tf_spots_claim(spots, count, 5), 3);
    cr_expect_eq(tf_spots_claim(spots, count, 5), -1, "each is found once");
    cr_expect_eq(tf_spots_claim(spots, count, 4), -1, "there is none");
    cr_expect_eq(tf_spots_claim(spots, count, 9), -1);
    for (int64_t index = 0; index <= 4; index += 2)
        cr_expect_eq(tf_spots_claim(spots, count, 7), index);
    cr_expect_eq(tf_spots_claim(spots, count, 7), -1);
    cr_expect_eq(tf_spots_claim(spots, count, 3), 1);
    cr_expect_eq(tf_spots_claim(spots, 0, 3), -1, "there are no spots");
}

/* If each claim passed all earlier ones, this would take hours. */
Test(spots, of_the_same_point_are_found_as_fast) {
    enum { COUNT = 1000000 };
    tf_spot *spots = tf_alloc_array(COUNT, sizeof *spots);
    for (int64_t i = 0; i < COUNT; i++)
        spots[i] = (tf_spot){1, i};
    tf_spots_sort(spots, COUNT);
    for (int64_t i = 0; i < COUNT; i++)
        cr_assert_eq(tf_spots_claim(spots, COUNT, 1), i);
    free(spots);
}
