/* Workers on which tasks fail: which are sick, and what becomes of the tasks. */
#include <criterion/criterion.h>

#include "sched/sched.h"

enum { WORKERS = 3, TASKS = 13 /* so few that nobody gets more than one at a time */ };

/* Workers 0 .. 2 of one slot each, and a stage that is laid out. */
static tf_sched *begin(int64_t tasks, int workers) {
    const tf_sched_stage stage = {.tasks = tasks};
    tf_action a;
    tf_sched *s = tf_sched_new(&stage, 1);
    cr_assert(tf_sched_next(s, 0, &a) && a.kind == TF_ACTION_LAYOUT);
    for (int w = 0; w < workers; w++)
        tf_sched_worker_up(s, w, (tf_resources){.slots = 1});
    return s;
}

static tf_action expect(tf_sched *s, tf_action_kind kind, int worker) {
    tf_action a = {0};
    cr_assert(tf_sched_next(s, 0, &a), "nothing to do");
    cr_assert(a.kind == kind && a.worker == worker, "action %d of worker %d", (int)a.kind, a.worker);
    return a;
}

static void expect_nothing(tf_sched *s) {
    tf_action a;
    cr_assert(!tf_sched_next(s, 0, &a), "action %d of worker %d", (int)a.kind, a.worker);
}

/* The next task that the worker gets: one, since nothing is known of how long tasks take, or since they take long. */
static int64_t granted(tf_sched *s, int worker) {
    const tf_action a = expect(s, TF_ACTION_GRANT, worker);
    cr_assert(a.count == 1 && a.attempt == 1);
    return a.first;
}

static void fail(tf_sched *s, int worker, int64_t task) {
    cr_assert(tf_sched_fail(s, worker, 0, task, 1, 1, 10, 0));
}

static void do_well(tf_sched *s, int worker, int64_t task) {
    cr_assert(tf_sched_report(s, worker, 0, task, 1, 0, 10));
}

/* Worker 0 fails `count` tasks in a row, while the others are at one each. */
static void fail_in_a_row(tf_sched *s, int count) {
    int64_t task = granted(s, 0);
    granted(s, 1);
    granted(s, 2);
    for (int n = 0; n < count; n++) {
        fail(s, 0, task);
        task = n + 1 < count ? granted(s, 0) : -1;
    }
}

Test(health, of_four_failures_in_a_row_nobody_is_suspected) {
    tf_sched *s = begin(TASKS, WORKERS);
    fail_in_a_row(s, 4);
    const int64_t next = granted(s, 0);
    cr_expect_eq(tf_sched_stage_counts(s, 0).failed, 0, "it is not known yet");
    do_well(s, 0, next);
    int64_t failed = 0;
    for (int n = 0; failed < 4; n++)
        failed += expect(s, TF_ACTION_FAIL, 0).count;
    cr_expect_eq(tf_sched_stage_counts(s, 0).failed, 4);
    tf_sched_free(s);
}

/* The suspect gets nothing, and others the same attempts at its tasks. */
Test(health, two_tasks_that_do_well_elsewhere_make_a_worker_sick) {
    tf_sched *s = begin(TASKS, WORKERS);
    int64_t dropped = 0;
    fail_in_a_row(s, 5);
    while (dropped < 5)
        dropped += expect(s, TF_ACTION_DROP, 0).count;
    expect_nothing(s);
    cr_expect_eq(tf_sched_count_well(s), 2);
    do_well(s, 1, 1);
    const int64_t first = granted(s, 1);
    cr_expect(first == 0 || first > 2, "one of those that failed");
    do_well(s, 1, first);
    const int64_t second = granted(s, 1);
    do_well(s, 1, second);
    const tf_action a = expect(s, TF_ACTION_SICK, 0);
    cr_expect(a.stage == 0 && a.first == second && a.count == 5 && a.well == 2);
    cr_expect_eq(tf_sched_count_well(s), 2);
    for (int n = 0; n < 9; n++)
        do_well(s, 1, granted(s, 1));
    tf_sched_worker_down(s, 0);
    cr_expect_eq(tf_sched_count_well(s), 2);
    tf_sched_free(s);
}

/* It has failed there only once that worker has done well again. */
Test(health, tasks_that_fail_elsewhere_too_acquit_a_worker) {
    tf_sched *s = begin(TASKS, WORKERS);
    int64_t dropped = 0, failed = 0;
    fail_in_a_row(s, 5);
    while (dropped < 5)
        dropped += expect(s, TF_ACTION_DROP, 0).count;
    do_well(s, 1, 1);
    for (int tried = 0; tried < 3; tried++)
        fail(s, 1, granted(s, 1));
    cr_expect_eq(tf_sched_count_well(s), 2, "it is not known yet");
    cr_expect(granted(s, 1) > 6, "three are enough for one worker");
    expect_nothing(s);
    do_well(s, 2, 2);
    fail(s, 2, granted(s, 2));
    tf_action a;
    while (tf_sched_next(s, 0, &a))
        cr_assert_eq(a.kind, TF_ACTION_GRANT);
    cr_expect_eq(tf_sched_count_well(s), 3);
    cr_expect_eq(tf_sched_stage_counts(s, 0).failed, 0);
    for (int w = 1; w <= 2; w++)
        while (tf_sched_holds(s, w, 0)->total > 0)
            do_well(s, w, tf_sched_holds(s, w, 0)->items[0].first);
    while (tf_sched_next_change(s, &a))
        failed += a.kind == TF_ACTION_FAIL && a.worker != 0 ? a.count : 0;
    cr_expect_eq(failed, 4);
    tf_sched_free(s);
}

/* Of workers that fail one after the other none can tell of the others: one that does well is waited for. */
Test(health, workers_on_which_tasks_fail_have_no_word_on_others) {
    tf_sched *s = begin(TASKS, WORKERS);
    tf_action a;
    int64_t of[WORKERS] = {granted(s, 0), granted(s, 1), granted(s, 2)};
    for (int n = 0; n < 5; n++) {
        fail(s, 0, of[0]);
        if (n < 4)
            of[0] = granted(s, 0);
        if (n == 4)
            continue;
        fail(s, 1, of[1]);
        of[1] = granted(s, 1);
    }
    while (tf_sched_next(s, 0, &a))
        cr_expect(a.kind == TF_ACTION_DROP && a.worker == 0, "action %d of worker %d", (int)a.kind, a.worker);
    fail(s, 1, of[1]);
    while (tf_sched_next(s, 0, &a))
        cr_expect(a.kind == TF_ACTION_DROP && a.worker == 1, "action %d of worker %d", (int)a.kind, a.worker);
    cr_expect_eq(tf_sched_count_well(s), 1);
    int sick = 0;
    while (tf_sched_holds(s, 2, 0)->total > 0) {
        do_well(s, 2, tf_sched_holds(s, 2, 0)->items[0].first);
        while (tf_sched_next(s, 0, &a)) {
            cr_expect(a.kind != TF_ACTION_FAIL && (a.kind != TF_ACTION_GRANT || a.worker == 2));
            sick += a.kind == TF_ACTION_SICK;
        }
    }
    cr_expect_eq(sick, 2);
    cr_expect_eq(tf_sched_stage_counts(s, 0).done, TASKS);
    tf_sched_free(s);
}

/* Nobody can tell why all fails, but that it does is to be seen, and a number of failures is to stop it. */
Test(health, doubts_have_an_end_where_nobody_can_tell) {
    for (int stop_after = 0; stop_after <= 20; stop_after += 20) {
        const tf_sched_stage stage = {.tasks = 1000, .stop_after = stop_after};
        tf_action a;
        int64_t ended = 0;
        tf_sched *s = tf_sched_new(&stage, 1);
        for (int w = 0; w < WORKERS; w++)
            tf_sched_worker_up(s, w, (tf_resources){.slots = 1});
        while (ended < 200 && tf_sched_stage_counts(s, 0).failed == 0 && tf_sched_next(s, 0, &a)) {
            ended += a.kind == TF_ACTION_GRANT ? a.count : 0;
            if (a.kind == TF_ACTION_GRANT)
                cr_assert(tf_sched_fail(s, a.worker, 0, a.first, a.count, a.attempt, 10, 0));
        }
        cr_expect(stop_after ? ended < 2 * stop_after : ended > 50 && ended < 100, "%lld", (long long)ended);
        tf_sched_free(s);
    }
}

/* As with one rank: whom could it be told from? */
Test(health, a_worker_that_is_alone_is_never_suspected) {
    tf_sched *s = begin(100, 1);
    tf_action a;
    while (tf_sched_stage_counts(s, 0).failed < 100) {
        a = expect(s, TF_ACTION_GRANT, 0);
        cr_assert(tf_sched_fail(s, 0, 0, a.first, a.count, 1, 1, 0));
        cr_expect_eq(expect(s, TF_ACTION_FAIL, 0).first, a.first);
    }
    expect(s, TF_ACTION_FINISH, 0);
    expect(s, TF_ACTION_END, 0);
    tf_sched_free(s);
}

Test(health, a_suspect_goes_on_when_nobody_else_is_left) {
    tf_sched *s = begin(TASKS, WORKERS);
    int64_t dropped = 0;
    fail_in_a_row(s, 5);
    while (dropped < 5)
        dropped += expect(s, TF_ACTION_DROP, 0).count;
    tf_sched_worker_down(s, 1);
    tf_sched_worker_down(s, 2);
    tf_action a;
    cr_assert(tf_sched_next(s, 10, &a));
    cr_expect(a.kind == TF_ACTION_GRANT && a.worker == 0);
    cr_expect_eq(tf_sched_count_well(s), 1);
    tf_sched_free(s);
}

Test(health, rows_that_a_dead_worker_kept_are_for_others) {
    tf_sched *s = begin(3, WORKERS);
    fail_in_a_row(s, 1);
    tf_sched_worker_down(s, 0);
    do_well(s, 1, 1);
    cr_expect_eq(granted(s, 1), 0);
    do_well(s, 1, 0);
    do_well(s, 2, 2);
    expect(s, TF_ACTION_FINISH, 0);
    cr_expect_eq(tf_sched_stage_counts(s, 0).done, 3);
    tf_sched_free(s);
}

/* A drain tells what can be told: what a suspect failed at is for the next run. */
Test(health, doubts_are_settled_when_the_run_drains) {
    tf_sched *s = begin(TASKS, WORKERS);
    fail_in_a_row(s, 2);
    tf_sched_drain(s);
    expect(s, TF_ACTION_FAIL, 0);
    expect(s, TF_ACTION_FAIL, 0);
    do_well(s, 1, 1);
    fail(s, 2, 2);
    expect(s, TF_ACTION_FAIL, 2);
    while (tf_sched_holds(s, 0, 0)->total > 0)
        do_well(s, 0, tf_sched_holds(s, 0, 0)->items[0].first);
    expect(s, TF_ACTION_END, 0);
    tf_sched_free(s);
}

/* Who stops at the first failure is not kept waiting. */
Test(health, a_failure_that_stops_the_campaign_counts_at_once) {
    const tf_sched_stage stage = {.tasks = TASKS, .stop_after = 1};
    tf_action a;
    tf_sched *s = tf_sched_new(&stage, 1);
    cr_assert(tf_sched_next(s, 0, &a) && a.kind == TF_ACTION_LAYOUT);
    for (int w = 0; w < WORKERS; w++)
        tf_sched_worker_up(s, w, (tf_resources){.slots = 1});
    fail(s, 0, granted(s, 0));
    expect(s, TF_ACTION_FAIL, 0);
    expect(s, TF_ACTION_FINISH, 0);
    tf_sched_free(s);
}

/* The attempts that failed on a sick worker are had again; one that waits is the same, one under way may fail once. */
Test(health, a_sick_worker_costs_no_attempts) {
    const tf_sched_stage stage = {.tasks = 9, .retry_delay = 100};
    tf_action a;
    tf_sched *s = tf_sched_new(&stage, 1);
    cr_assert(tf_sched_next(s, 0, &a) && a.kind == TF_ACTION_LAYOUT);
    for (int w = 0; w < 2; w++)
        tf_sched_worker_up(s, w, (tf_resources){.slots = 1});
    int64_t bad[6], found = 0;
    bad[0] = granted(s, 0);
    const int64_t own = granted(s, 1);
    for (int n = 0; n < 5; n++) {
        cr_assert(tf_sched_retry(s, 0, 0, bad[n], 1, 1, 10, 0));
        if (n < 4)
            bad[n + 1] = granted(s, 0);
    }
    expect_nothing(s);
    do_well(s, 1, own);
    for (int n = 0; n < 5; n++) {
        a = expect(s, n == 2 ? TF_ACTION_SICK : TF_ACTION_GRANT, n == 2 ? 0 : 1);
        if (n == 2)
            a = expect(s, TF_ACTION_GRANT, 1);
        cr_expect_eq(a.attempt, 1);
        for (int b = 0; b < 5; b++)
            found += bad[b] == a.first;
        do_well(s, 1, a.first);
    }
    cr_expect_eq(found, 5);
    tf_sched_free(s);
}

/* Tasks that take ten times as long, of which one now and then takes a thousand times as long everywhere. */
Test(pace, of_a_slow_worker_is_told_once) {
    tf_sched *s = begin(1000000, WORKERS);
    tf_action a;
    int told = 0;
    for (int n = 0; n < 300 && tf_sched_next(s, 0, &a); n++) {
        if (a.kind == TF_ACTION_SLOW) {
            cr_expect(a.worker == 2 && a.stage == 0 && a.times > 4.9 && a.times < 20, "%g", a.times);
            told++;
            continue;
        }
        const double task = (a.worker == 2 ? 1 : 0.1) * (n % 40 == 7 ? 1000 : 1);
        cr_assert(tf_sched_report(s, a.worker, 0, a.first, a.count, 0, task * (double)a.count));
    }
    cr_expect_eq(told, 1);
    tf_sched_free(s);
}
