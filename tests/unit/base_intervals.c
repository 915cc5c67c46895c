/* Sets of intervals against the plainest model of a set: one flag a member. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/base.h"

enum { UNIVERSE = 200, STEPS = 20000 };

static void check_against(const tf_intervals *set, const bool member[UNIVERSE]) {
    int64_t total = 0, before = -1;
    bool found[UNIVERSE] = {0};
    for (size_t i = 0; i < set->count; i++) {
        cr_assert(set->items[i].first < set->items[i].end, "an empty interval");
        cr_assert(set->items[i].first > before, "intervals overlap, touch or are out of order");
        before = set->items[i].end;
        for (int64_t k = set->items[i].first; k < set->items[i].end; k++)
            found[k] = true;
    }
    for (int k = 0; k < UNIVERSE; k++) {
        cr_assert_eq(found[k], member[k], "member %d", k);
        total += member[k];
    }
    cr_assert_eq(set->total, total);
}

Test(intervals, behave_as_a_set_of_flags) {
    tf_intervals set = {0};
    bool member[UNIVERSE] = {0};
    tf_rng rng = tf_rng_start(42, 0);
    for (int step = 0; step < STEPS; step++) {
        int64_t first = (int64_t)tf_rng_below(&rng, UNIVERSE), length = (int64_t)tf_rng_below(&rng, 30);
        int64_t end = first + length < UNIVERSE ? first + length : UNIVERSE;
        switch (tf_rng_below(&rng, 4)) {
        case 0:
        case 1:
            tf_intervals_add(&set, first, end);
            memset(member + first, 1, (size_t)(end - first));
            break;
        case 2:
            tf_intervals_remove(&set, first, end);
            memset(member + first, 0, (size_t)(end - first));
            break;
        default: {
            tf_interval taken = tf_intervals_pop(&set, length);
            cr_assert(taken.end - taken.first <= length);
            for (int64_t k = 0; k < taken.first; k++)
                cr_assert(!member[k] || length == 0, "taken from behind the front");
            for (int64_t k = taken.first; k < taken.end; k++) {
                cr_assert(member[k]);
                member[k] = false;
            }
        }
        }
        check_against(&set, member);
        tf_interval piece = {0};
        int64_t most = 1 + length, before = 0;
        while (tf_intervals_next(&set, most, &piece)) {
            cr_assert(piece.first >= before && piece.end > piece.first && piece.end - piece.first <= most);
            for (int64_t k = before; k < piece.end; k++)
                cr_assert_eq(member[k], k >= piece.first, "pieces hold all members and nothing else");
            before = piece.end;
        }
        for (int64_t k = before; k < UNIVERSE; k++)
            cr_assert(!member[k]);
        bool all = true;
        for (int64_t k = first; k < end; k++)
            all = all && member[k];
        cr_assert_eq(tf_intervals_contain(&set, first, end), all);
        if (first < end) {
            int64_t same = first;
            while (same < end && member[same] == member[first])
                same++;
            cr_assert_eq(tf_intervals_same_until(&set, first, end), same);
        }
    }
    tf_intervals_free(&set);
}

Test(intervals, hold_a_thousand_million_tasks_in_one_interval) {
    tf_intervals set = {0};
    tf_intervals_add(&set, 0, 1000000000);
    tf_interval first = tf_intervals_pop(&set, 10);
    cr_assert_eq(first.end, 10);
    tf_intervals_add(&set, 0, 10);
    cr_assert_eq(set.count, 1);
    cr_assert_eq(set.total, 1000000000);
    tf_intervals_free(&set);
}
