/* The quick clock against the system's. */
#include <criterion/criterion.h>

#include "base/base.h"

Test(quick_clock, tells_the_systems_time_and_never_goes_back) {
    const double error = 20e-6, length = 0.2;
    tf_quick_clock clock = {0};
    double start = tf_now(), last = 0;
    int64_t readings = 0;
    for (double before = start, after; before < start + length; before = after) {
        double quick = tf_quick_now(&clock);
        after = tf_now();
        cr_assert_geq(quick, last);
        cr_assert(quick >= before - error && quick <= after + error, "%.9f is not between %.9f and %.9f", quick, before,
                  after);
        last = quick;
        readings++;
    }
    cr_assert_gt(readings, 1000);
}

Test(quick_clock, does_not_trust_a_counter_that_is_no_clock) {
    tf_quick_clock clock = {0};
    double start = tf_now();
    while (tf_now() < start + 0.05)
        tf_quick_now(&clock);
    if (clock.rate == 0)
        cr_skip_test("no cycles can be counted here");
    for (double limit = tf_now() + 20; !clock.unsteady && tf_now() < limit;) {
        clock.rate *= 1.5; /* as if it had been slowed down meanwhile; unnoticed if we did not get to look in time */
        for (double end = tf_now() + 0.05; tf_now() < end;)
            tf_quick_now(&clock);
    }
    cr_expect(clock.unsteady);
    double before = tf_now(), quick = tf_quick_now(&clock);
    cr_expect(quick <= tf_now() + 1e-3 && quick >= before - 1e-3);
}
