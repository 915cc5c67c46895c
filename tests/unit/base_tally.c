/* Counts of texts. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

static void add(tf_tally *tally, int owner, const char *text, int64_t number) {
    tf_tally_add_one(tally, owner, text, strlen(text), number);
}

Test(tally, takes_texts_that_differ_in_numbers_for_the_same) {
    tf_tally tally = {0};
    for (int64_t i = 0; i < 100; i++) {
        char text[60];
        snprintf(text, sizeof text, "star %d: residual 0.%d is too large", (int)i, (int)(i * 37 % 100));
        add(&tally, 0, text, 100 - i);
    }
    cr_assert_eq(tally.count, 1);
    cr_expect_eq(tally.entry[0].count, 100);
    cr_expect_str_eq(tally.entry[0].text, "star 99: residual 0.63 is too large"); /* the lowest number's */
    for (int n = 0; n < TF_TALLY_NUMBERS; n++)
        cr_expect_eq(tally.entry[0].number[n], n + 1);
    tf_tally_free(&tally);
}

Test(tally, tells_owners_and_exit_statuses_apart) {
    tf_tally tally = {0};
    add(&tally, 0, "exit status 1: line 7", 5);
    add(&tally, 0, "exit status 2: line 7", 6);
    add(&tally, 0, "exit status 2: line 8", 7);
    add(&tally, 1, "exit status 2: line 7", 8);
    add(&tally, 0, "exit status 12", 9);
    add(&tally, 0, "exit status 1", 10);
    tf_tally_sort(&tally);
    cr_assert_eq(tally.count, 5);
    cr_expect_eq(tally.entry[0].count, 2);
    cr_expect_eq(tally.entry[0].number[0], 6);
    cr_expect_eq(tally.total, 6);
    tf_tally_free(&tally);
}

/* Parts of one tally, in any order, are the whole. */
Test(tally, is_the_same_however_it_came_about) {
    for (unsigned seed = 0; seed < 50; seed++) {
        tf_tally whole = {0}, parts = {0};
        srand(seed);
        for (int part = 0; part < 20; part++) {
            tf_tally one = {0};
            for (int i = rand() % 10; i >= 0; i--) {
                const char *text = rand() % 3 ? "no sky" : "no stars";
                const int64_t number = rand() % 1000;
                add(&whole, 0, text, number);
                add(&one, 0, text, number);
            }
            for (int e = 0; e < one.count; e++)
                tf_tally_add(&parts, 0, one.entry[e].text, strlen(one.entry[e].text), one.entry[e].count,
                             one.entry[e].number, one.entry[e].numbers);
            tf_tally_free(&one);
        }
        tf_tally_sort(&whole);
        tf_tally_sort(&parts);
        cr_assert_eq(whole.count, parts.count);
        for (int e = 0; e < whole.count; e++) {
            cr_expect_str_eq(whole.entry[e].text, parts.entry[e].text);
            cr_expect_eq(whole.entry[e].count, parts.entry[e].count);
            cr_assert_eq(whole.entry[e].numbers, parts.entry[e].numbers);
            for (int n = 0; n < whole.entry[e].numbers; n++)
                cr_expect_eq(whole.entry[e].number[n], parts.entry[e].number[n]);
        }
        tf_tally_free(&whole);
        tf_tally_free(&parts);
    }
}

Test(tally, holds_so_many_texts_and_counts_the_rest) {
    tf_tally tally = {0};
    char text[20] = "";
    for (int i = 0; i < 1000; i++) {
        for (int d = 0, rest = i; d < 3; d++, rest /= 10)
            text[d] = (char)('a' + rest % 10);
        add(&tally, 0, text, i);
    }
    cr_expect_lt(tally.count, 1000);
    cr_expect_eq(tally.others, 1000 - tally.count);
    cr_expect_eq(tally.total, 1000);
    tf_tally_free(&tally);
}
