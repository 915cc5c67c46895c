/* Tasks that are started a second time. */
#include <criterion/criterion.h>
#include <math.h>

#include "sched/sched.h"

enum { WORKERS = 4, TASKS = 7 };

/* Worker 0 has task 0 and is slow; the others have done all else within a second a task. Each is a machine. */
static tf_sched *begin(tf_sched_stage stage) {
    tf_action a;
    stage.tasks = TASKS;
    stage.speculative = true;
    tf_sched *s = tf_sched_new(&stage, 1);
    cr_assert(tf_sched_next(s, 0, &a) && a.kind == TF_ACTION_LAYOUT);
    for (int w = 0; w < WORKERS; w++) {
        tf_sched_worker_up(s, w, (tf_resources){.slots = 1});
        tf_sched_set_host(s, w, (uint64_t)w + 1);
    }
    while (tf_sched_next(s, 0, &a)) {
        cr_assert(a.kind == TF_ACTION_GRANT && a.count == 1 && a.attempt == 1);
        if (a.worker != 0)
            cr_assert(tf_sched_report(s, a.worker, 0, a.first, 1, 0, 1));
    }
    cr_assert_eq(tf_sched_holds(s, 0, 0)->total, 1);
    cr_assert(tf_sched_holds(s, 0, 0)->items[0].first == 0 && tf_sched_stage_counts(s, 0).done == TASKS - 1);
    return s;
}

static tf_action expect_next(tf_sched *s, double now, tf_action_kind kind) {
    tf_action action = {0};
    cr_assert(tf_sched_next(s, now, &action), "nothing to do");
    cr_assert_eq(action.kind, kind, "%d", (int)action.kind);
    return action;
}

static void expect_nothing(tf_sched *s, double now) {
    tf_action action;
    cr_assert(!tf_sched_next(s, now, &action), "an action of kind %d", (int)action.kind);
}

static void expect_rule(tf_sched *s, int worker, bool may_write) {
    const tf_action a = expect_next(s, 10, TF_ACTION_RULE);
    cr_expect(a.worker == worker && a.stage == 0 && a.first == 0 && a.may_write == may_write, "worker %d %s", a.worker,
              a.may_write ? "may write" : "is to leave");
}

static int64_t ask(tf_sched *s, double now) {
    const tf_action a = expect_next(s, now, TF_ACTION_DOUBLE);
    cr_expect(a.worker == 0 && a.stage == 0 && a.first == 0 && a.count == 1);
    return a.number;
}

static void answer(tf_sched *s, int64_t number, tf_doubled how, double seconds, double now) {
    const tf_doubled_answer said = {.how = how, .attempt = 1, .seconds = seconds, .number = number};
    tf_sched_doubled(s, 0, 0, 0, &said, now);
}

/* Task 0 is worker 0's and another's. Returns which one that is. */
static int start_twice(tf_sched *s) {
    const int64_t asked = ask(s, 3);
    answer(s, asked, TF_DOUBLED_ASKS, 3, 3);
    const tf_action a = expect_next(s, 3.2, TF_ACTION_SECOND);
    cr_expect(a.worker > 0 && a.first == 0 && a.count == 1 && a.attempt == 1);
    cr_expect(tf_sched_holds(s, 0, 0)->total == 1 && tf_sched_holds(s, a.worker, 0)->total == 1);
    const tf_sched_counts counts = tf_sched_stage_counts(s, 0);
    cr_expect(counts.running == 1 && counts.pending == 0);
    return a.worker;
}

static void expect_end(tf_sched *s, int64_t failed) {
    expect_next(s, 20, TF_ACTION_FINISH);
    expect_next(s, 20, TF_ACTION_END);
    const tf_sched_counts counts = tf_sched_stage_counts(s, 0);
    cr_expect(counts.done == TASKS - failed && counts.failed == failed && counts.running == 0);
    tf_sched_free(s);
}

Test(twins, are_started_once_a_task_takes_longer_than_elsewhere) {
    tf_sched *s = begin((tf_sched_stage){0});
    expect_nothing(s, 1.9);
    const int64_t asked = ask(s, 2.1);
    expect_nothing(s, 2.3);
    answer(s, asked, TF_DOUBLED_ASKS, 1.5, 2.3); /* it has waited for its slot */
    expect_nothing(s, 2.7);
    expect_next(s, 2.9, TF_ACTION_SECOND);
    expect_nothing(s, 1000); /* and no third time */
    tf_sched_free(s);
}

Test(twins, are_started_of_no_other_stage) {
    tf_action a;
    const tf_sched_stage stage = {.tasks = 3};
    tf_sched *s = tf_sched_new(&stage, 1);
    expect_next(s, 0, TF_ACTION_LAYOUT);
    for (int w = 0; w < 2; w++)
        tf_sched_worker_up(s, w, (tf_resources){.slots = 1});
    while (tf_sched_next(s, 0, &a))
        if (a.worker == 1)
            cr_assert(tf_sched_report(s, a.worker, 0, a.first, 1, 0, 1));
    expect_nothing(s, 1000);
    tf_sched_free(s);
}

Test(twins, whose_first_worker_is_done_first_leave_the_other_nothing) {
    tf_sched *s = begin((tf_sched_stage){0});
    const int second = start_twice(s);
    tf_sched_claim(s, 0, 0, 0, false);
    expect_rule(s, 0, true);
    expect_rule(s, second, false);
    tf_sched_claim(s, second, 0, 0, false); /* it was on its way */
    expect_rule(s, second, false);
    expect_nothing(s, 10);
    cr_expect_not(tf_sched_report(s, second, 0, 0, 1, 0, 1));
    cr_expect(tf_sched_report(s, 0, 0, 0, 1, 0, 9));
    expect_end(s, 0);
}

Test(twins, whose_second_worker_is_done_first_leave_the_first_nothing) {
    tf_sched *s = begin((tf_sched_stage){0});
    const int second = start_twice(s);
    tf_sched_claim(s, second, 0, 0, false);
    const tf_action a = expect_next(s, 10, TF_ACTION_RULE);
    cr_expect(a.worker == second && a.may_write && a.is_second);
    expect_rule(s, 0, false);
    cr_expect(tf_sched_report(s, second, 0, 0, 1, 0, 1));
    expect_end(s, 0);
}

Test(twins, fail_once_if_both_do) {
    for (int is_retried = 0; is_retried < 2; is_retried++) {
        tf_sched *s = begin((tf_sched_stage){0});
        const int second = start_twice(s), first_to_fail = is_retried ? 0 : second, other = is_retried ? second : 0;
        tf_sched_claim(s, first_to_fail, 0, 0, true);
        expect_rule(s, first_to_fail, false);
        expect_nothing(s, 10);
        tf_sched_claim(s, other, 0, 0, true);
        expect_rule(s, other, true);
        if (is_retried) {
            cr_expect(tf_sched_retry(s, other, 0, 0, 1, 1, 1, 11));
            const tf_action a = expect_next(s, 11, TF_ACTION_GRANT);
            cr_expect(a.attempt == 2 && a.worker != other);
            cr_expect(tf_sched_report(s, a.worker, 0, 0, 1, 0, 1));
        } else {
            cr_expect(tf_sched_report(s, other, 0, 0, 1, 1, 1));
        }
        expect_end(s, !is_retried);
    }
}

Test(twins, are_on_two_machines_if_another_is_idle) {
    for (int others = 0; others < 2; others++) {
        tf_sched *s = begin((tf_sched_stage){0});
        for (int w = 1; w < WORKERS; w++)
            tf_sched_set_host(s, w, w == 2 && others ? 7 : 1);
        const int second = start_twice(s);
        cr_expect(second == 2 || !others, "%d", second);
        tf_sched_free(s);
    }
}

/* Worker 1 comes late: nobody knows what it is good for, but whether it is on the slow worker's machine. */
Test(twins, are_where_tasks_of_the_stage_have_done_well) {
    for (int is_elsewhere = 0; is_elsewhere < 2; is_elsewhere++) {
        const tf_sched_stage stage = {.tasks = TASKS, .speculative = true};
        tf_action a;
        tf_sched *s = tf_sched_new(&stage, 1);
        cr_assert(tf_sched_next(s, 0, &a) && a.kind == TF_ACTION_LAYOUT);
        tf_sched_worker_up(s, 0, (tf_resources){.slots = 1});
        tf_sched_worker_up(s, 2, (tf_resources){.slots = 1});
        tf_sched_set_host(s, 2, is_elsewhere ? 2 : 0);
        while (tf_sched_next(s, 0, &a))
            if (a.worker == 2)
                cr_assert(tf_sched_report(s, 2, 0, a.first, 1, 0, 1));
        tf_sched_worker_up(s, 1, (tf_resources){.slots = 1});
        tf_sched_set_host(s, 1, 1);
        cr_expect_eq(start_twice(s), is_elsewhere ? 2 : 1);
        tf_sched_free(s);
    }
}

Test(twins, that_were_not_begun_are_given_to_another_alone) {
    tf_sched *s = begin((tf_sched_stage){0});
    const int64_t asked = ask(s, 3);
    answer(s, asked, TF_DOUBLED_BACK, 0, 3);
    const tf_action a = expect_next(s, 3, TF_ACTION_GRANT);
    cr_expect(a.worker != 0 && a.first == 0 && a.attempt == 1);
    cr_expect_not(tf_sched_report(s, 0, 0, 0, 1, 0, 1));
    cr_expect(tf_sched_report(s, a.worker, 0, 0, 1, 0, 1));
    expect_end(s, 0);
}

Test(twins, that_have_ended_are_not_asked_for_again) {
    tf_sched *s = begin((tf_sched_stage){0});
    const int64_t asked = ask(s, 3);
    answer(s, asked, TF_DOUBLED_ENDED, 0, 3);
    expect_nothing(s, 10);
    cr_expect(tf_sched_report(s, 0, 0, 0, 1, 0, 1));
    expect_end(s, 0);
}

Test(twins, whose_report_was_on_its_way_are_over) {
    tf_sched *s = begin((tf_sched_stage){0});
    const int64_t asked = ask(s, 3);
    cr_expect(tf_sched_report(s, 0, 0, 0, 1, 0, 1));
    answer(s, asked, TF_DOUBLED_ENDED, 0, 3);
    expect_end(s, 0);
}

Test(twins, outlive_the_loss_of_either_worker) {
    for (int lost = 0; lost < 2; lost++) {
        tf_sched *s = begin((tf_sched_stage){0});
        const int second = start_twice(s), left = lost ? 0 : second;
        tf_sched_worker_down(s, lost ? second : 0);
        expect_nothing(s, 10);
        tf_sched_claim(s, left, 0, 0, false);
        expect_rule(s, left, true);
        cr_expect(tf_sched_report(s, left, 0, 0, 1, 0, 1));
        expect_end(s, 0);
    }
}

Test(twins, are_begun_anew_when_both_workers_are_lost) {
    tf_sched *s = begin((tf_sched_stage){0});
    tf_sched_worker_down(s, start_twice(s));
    tf_sched_worker_down(s, 0);
    const tf_action a = expect_next(s, 10, TF_ACTION_GRANT);
    cr_expect(a.first == 0 && a.attempt == 1);
    cr_expect(tf_sched_report(s, a.worker, 0, 0, 1, 0, 1));
    expect_end(s, 0);
}

Test(twins, are_begun_anew_when_the_worker_is_lost_that_may_write) {
    tf_sched *s = begin((tf_sched_stage){0});
    const int second = start_twice(s);
    tf_sched_claim(s, second, 0, 0, false);
    expect_rule(s, second, true);
    expect_rule(s, 0, false);
    tf_sched_worker_down(s, second);
    const tf_action a = expect_next(s, 10, TF_ACTION_GRANT);
    cr_expect(a.first == 0 && a.worker != second);
    tf_sched_free(s);
}

Test(twins, are_not_started_once_their_worker_is_lost_that_was_asked) {
    for (int is_answered = 0; is_answered < 2; is_answered++) {
        tf_sched *s = begin((tf_sched_stage){0});
        const int64_t asked = ask(s, 3);
        if (is_answered)
            answer(s, asked, TF_DOUBLED_ASKS, 3, 3);
        tf_sched_worker_down(s, 0);
        answer(s, asked, TF_DOUBLED_ASKS, 3, 3);
        const tf_action a = expect_next(s, 3.5, TF_ACTION_GRANT);
        cr_expect_eq(a.first, 0);
        expect_nothing(s, 3.5);
        tf_sched_free(s);
    }
}

Test(twins, are_given_back_by_a_worker_that_can_not_run_the_stage) {
    tf_sched *s = begin((tf_sched_stage){0});
    const int second = start_twice(s);
    cr_expect(tf_sched_unable(s, second, 0, 0, 1, 1, 4));
    expect_nothing(s, 10);
    const tf_sched_counts counts = tf_sched_stage_counts(s, 0);
    cr_expect(counts.running == 1 && counts.pending == 0);
    tf_sched_claim(s, 0, 0, 0, false);
    expect_rule(s, 0, true);
    cr_expect(tf_sched_report(s, 0, 0, 0, 1, 0, 1));
    expect_end(s, 0);
}

Test(twins, are_not_started_by_a_run_that_is_to_end) {
    tf_sched *s = begin((tf_sched_stage){0});
    const int64_t asked = ask(s, 3);
    tf_sched_drain(s);
    answer(s, asked, TF_DOUBLED_ASKS, 3, 3);
    expect_nothing(s, 10);
    tf_sched_claim(s, 0, 0, 0, false);
    expect_rule(s, 0, true);
    cr_expect(tf_sched_report(s, 0, 0, 0, 1, 0, 1));
    expect_next(s, 10, TF_ACTION_END);
    tf_sched_free(s);
}

/* Of very uneven ones few take longer than two standard deviations above the mean. */
Test(twins, are_not_started_of_tasks_that_are_just_long) {
    const tf_sched_stage stage = {.tasks = 101, .speculative = true};
    tf_sched *s = tf_sched_new(&stage, 1);
    tf_action a;
    for (int w = 0; w < 2; w++)
        tf_sched_worker_up(s, w, (tf_resources){.slots = 1});
    for (int n = 0; tf_sched_next(s, 0, &a);)
        if (a.kind == TF_ACTION_GRANT && a.worker == 1)
            for (int64_t task = a.first; task < a.first + a.count; task++, n++)
                cr_assert(tf_sched_report(s, 1, 0, task, 1, 0, n % 10 ? 1 : 10));
    expect_nothing(s, 7);
    expect_next(s, 7.5, TF_ACTION_DOUBLE);
    tf_sched_free(s);
}

/* The task has failed meanwhile, and is the same worker's again, which is asked once more. */
Test(twins, are_not_mistaken_for_those_that_an_old_answer_is_about) {
    tf_sched *s = begin((tf_sched_stage){0});
    const int64_t before = ask(s, 3);
    cr_expect(tf_sched_retry(s, 0, 0, 0, 1, 1, 1, 3));
    for (int w = 1; w < WORKERS; w++)
        tf_sched_worker_down(s, w);
    const tf_action a = expect_next(s, 3.5, TF_ACTION_GRANT);
    cr_expect(a.worker == 0 && a.attempt == 2);
    tf_sched_worker_up(s, 1, (tf_resources){.slots = 1});
    const int64_t asked = ask(s, 8);
    answer(s, before, TF_DOUBLED_ENDED, 0, 8);
    answer(s, asked, TF_DOUBLED_ASKS, 4, 8);
    expect_next(s, 8.5, TF_ACTION_SECOND);
    tf_sched_free(s);
}

/* It is no longer away since the first time. */
Test(twins, are_not_started_of_a_task_that_its_worker_has_got_again) {
    tf_sched *s = begin((tf_sched_stage){0});
    for (int w = 1; w < WORKERS; w++)
        tf_sched_worker_down(s, w);
    cr_expect(tf_sched_retry(s, 0, 0, 0, 1, 1, 1, 1.5));
    cr_expect_eq(expect_next(s, 1.5, TF_ACTION_GRANT).attempt, 2);
    tf_sched_worker_up(s, 1, (tf_resources){.slots = 1});
    expect_nothing(s, 3);
    ask(s, 4);
    tf_sched_free(s);
}
