/* The scheduler, one event at a time. (Whole clusters: tests/sim.) */
#include <criterion/criterion.h>

#include "sched/sched.h"

static tf_action expect_next(tf_sched *s, tf_action_kind kind) {
    tf_action action = {0};
    cr_assert(tf_sched_next(s, 0, &action), "nothing to do");
    cr_assert_eq(action.kind, kind);
    return action;
}

static void expect_grant(tf_sched *s, int worker, int64_t first, int64_t count) {
    tf_action a = expect_next(s, TF_ACTION_GRANT);
    cr_expect(a.worker == worker && a.first == first && a.count == count, "worker %d gets %lld + %lld", a.worker,
              (long long)a.first, (long long)a.count);
}

static void expect_nothing(tf_sched *s) {
    tf_action action;
    cr_assert(!tf_sched_next(s, 0, &action), "an action of kind %d", (int)action.kind);
}

static bool report(tf_sched *s, int worker, int stage, int64_t first, int64_t count) {
    return tf_sched_report(s, worker, stage, first, count, 0, (double)count);
}

static void expect_stage_grant(tf_sched *s, int worker, int stage, int64_t first, int64_t count) {
    tf_action a = expect_next(s, TF_ACTION_GRANT);
    cr_expect(a.worker == worker && a.stage == stage && a.first == first && a.count == count,
              "worker %d gets %lld + %lld of stage %d", a.worker, (long long)a.first, (long long)a.count, a.stage);
}

/* Two stages: small tasks of one slot and large ones of `slots`. */
static tf_sched *small_and_large(int64_t small, int64_t large, int slots, bool linked) {
    const tf_sched_stage stages[] = {{.tasks = small}, {.tasks = large, .need = {.slots = slots}, .linked = linked}};
    tf_sched *s = tf_sched_new(stages, 2);
    expect_next(s, TF_ACTION_LAYOUT);
    expect_next(s, TF_ACTION_LAYOUT);
    return s;
}

Test(sched, hands_out_what_needs_most_first_and_fills_what_it_leaves) {
    tf_sched *s = small_and_large(100, 100, 4, false);
    tf_sched_worker_up(s, 0, (tf_resources){.slots = 11});
    expect_stage_grant(s, 0, 1, 0, 2);
    expect_stage_grant(s, 0, 0, 0, 3);
    expect_nothing(s);
    cr_expect(report(s, 0, 0, 0, 1));
    expect_stage_grant(s, 0, 0, 3, 4); /* for three slots, and as many in hand */
    expect_nothing(s);
    tf_sched_free(s);
}

Test(sched, gives_a_worker_nothing_that_it_has_too_little_for) {
    const tf_sched_stage stages[] = {{.tasks = 4, .need = {.memory = 2000}}, {.tasks = 4, .need = {.gpus = 1}}};
    tf_sched *s = tf_sched_new(stages, 2);
    expect_next(s, TF_ACTION_LAYOUT);
    expect_next(s, TF_ACTION_LAYOUT);
    tf_sched_worker_up(s, 0, (tf_resources){.slots = 8, .memory = 1000});
    expect_nothing(s);
    cr_expect(tf_sched_is_stuck(s));
    tf_sched_worker_up(s, 1, (tf_resources){.slots = 8, .memory = 5000});
    expect_stage_grant(s, 1, 0, 0, 2);
    expect_nothing(s);
    tf_sched_worker_up(s, 2, (tf_resources){.slots = 8, .memory = 3000, .gpus = 3});
    expect_stage_grant(s, 2, 1, 0, 3);
    expect_stage_grant(s, 2, 0, 2, 1);
    expect_nothing(s);
    cr_expect_not(tf_sched_is_stuck(s));
    tf_sched_worker_down(s, 2);
    cr_expect(tf_sched_is_stuck(s));
    tf_sched_free(s);
}

/* Small tasks without end must not keep a large one from running. */
Test(sched, keeps_a_worker_free_for_a_large_task_that_waits) {
    tf_sched *s = small_and_large(100, 1, 4, true);
    tf_sched_worker_up(s, 0, (tf_resources){.slots = 4});
    tf_sched_worker_up(s, 1, (tf_resources){.slots = 4});
    expect_stage_grant(s, 0, 0, 0, 4);
    expect_stage_grant(s, 1, 0, 4, 4);
    tf_sched_ready(s, 1, 0, 1, 0);
    expect_nothing(s);
    cr_expect(report(s, 0, 0, 0, 1));
    expect_nothing(s);
    cr_expect(report(s, 1, 0, 4, 1));
    expect_stage_grant(s, 1, 0, 8, 5); /* one worker is enough */
    cr_expect(report(s, 0, 0, 1, 2));
    expect_nothing(s);
    cr_expect(report(s, 0, 0, 3, 1));
    expect_stage_grant(s, 0, 1, 0, 1);
    cr_expect(report(s, 0, 1, 0, 1));
    expect_next(s, TF_ACTION_FINISH);
    expect_stage_grant(s, 0, 0, 13, 8);
    tf_sched_free(s);
}

/* Small tasks that run one after the other in few slots leave the others to a large one. */
Test(sched, gives_idle_slots_to_a_large_task_though_small_ones_are_held) {
    tf_sched *s = small_and_large(8, 1, 3, true);
    tf_sched_worker_up(s, 0, (tf_resources){.slots = 4});
    expect_stage_grant(s, 0, 0, 0, 4);
    cr_expect(report(s, 0, 0, 0, 4));
    expect_stage_grant(s, 0, 0, 4, 4);
    tf_sched_ready(s, 1, 0, 1, 0);
    expect_nothing(s);
    tf_sched_idle(s, 0, 3);
    expect_stage_grant(s, 0, 1, 0, 1);
    tf_sched_free(s);
}

/* Three stages: long and short tasks of one slot, and a large one that becomes ready. */
Test(sched, gives_a_worker_that_is_kept_what_is_soon_over) {
    const tf_sched_stage stages[] = {{.tasks = 3}, {.tasks = 100}, {.tasks = 1, .need = {.slots = 4}, .linked = true}};
    tf_sched *s = tf_sched_new(stages, 3);
    for (int i = 0; i < 3; i++)
        expect_next(s, TF_ACTION_LAYOUT);
    tf_sched_worker_up(s, 0, (tf_resources){.slots = 4});
    expect_stage_grant(s, 0, 0, 0, 3);
    expect_stage_grant(s, 0, 1, 0, 1);
    expect_nothing(s);
    tf_sched_ready(s, 2, 0, 1, 0);
    cr_expect(tf_sched_report(s, 0, 0, 0, 1, 0, 50));
    cr_expect(tf_sched_report(s, 0, 1, 0, 1, 0, 1));
    expect_stage_grant(s, 0, 1, 1, 2); /* two slots are idle, and two long tasks run */
    expect_nothing(s);
    cr_expect(tf_sched_report(s, 0, 0, 1, 2, 0, 100));
    expect_next(s, TF_ACTION_FINISH);
    expect_nothing(s); /* now it would wait for short tasks alone */
    cr_expect(tf_sched_report(s, 0, 1, 1, 2, 0, 2));
    expect_stage_grant(s, 0, 2, 0, 1);
    tf_sched_free(s);
}

/* A stage with plenty left is given out in hand; a task of another that is to be tried again goes first. */
Test(sched, tries_again_before_it_gives_more_in_hand) {
    const tf_sched_stage stages[] = {{.tasks = 1}, {.tasks = 1000}};
    tf_action action = {0};
    tf_sched *s = tf_sched_new(stages, 2);
    expect_next(s, TF_ACTION_LAYOUT);
    expect_next(s, TF_ACTION_LAYOUT);
    tf_sched_worker_up(s, 0, (tf_resources){.slots = 2});
    expect_stage_grant(s, 0, 0, 0, 1);
    expect_stage_grant(s, 0, 1, 0, 1);
    cr_expect(report(s, 0, 1, 0, 1));
    while (tf_sched_next(s, 0, &action))
        cr_assert_eq(action.stage, 1);
    cr_assert_eq(tf_sched_holds(s, 0, 1)->total, 3);
    cr_expect(tf_sched_retry(s, 0, 0, 0, 1, 1, 1, 0));
    expect_stage_grant(s, 0, 0, 0, 1);
    tf_sched_free(s);
}

/* Workers without a GPU, for which there is nothing, are not forgotten. */
Test(sched, offers_what_is_new_to_those_for_whom_there_was_nothing) {
    const tf_sched_stage stages[] = {{.tasks = 3, .need = {.gpus = 1}},
                                     {.tasks = 2, .linked = true},
                                     {.tasks = 1, .afters = 1, .after = (const int[]){1}}};
    tf_sched *s = tf_sched_new(stages, 3);
    expect_next(s, TF_ACTION_LAYOUT);
    expect_next(s, TF_ACTION_LAYOUT);
    tf_sched_worker_up(s, 0, (tf_resources){.slots = 1, .gpus = 1});
    tf_sched_worker_up(s, 1, (tf_resources){.slots = 1});
    expect_stage_grant(s, 0, 0, 0, 1);
    expect_nothing(s);
    tf_sched_ready(s, 1, 0, 1, 0); /* a task is ready */
    expect_stage_grant(s, 1, 1, 0, 1);
    cr_expect(tf_sched_retry(s, 1, 1, 0, 1, 1, 1, 0)); /* one is to be tried again, by somebody else at first */
    cr_expect(report(s, 0, 0, 0, 1));
    expect_stage_grant(s, 0, 1, 0, 1);
    expect_nothing(s);
    tf_sched_worker_down(s, 0); /* what it held is there again */
    expect_stage_grant(s, 1, 1, 0, 1);
    cr_expect(report(s, 1, 1, 0, 1));
    tf_sched_worker_up(s, 0, (tf_resources){.slots = 1, .gpus = 1});
    expect_stage_grant(s, 0, 0, 1, 1);
    expect_nothing(s);
    tf_sched_ready(s, 1, 1, 1, 0);
    expect_stage_grant(s, 1, 1, 1, 1);
    cr_expect(report(s, 1, 1, 1, 1)); /* a stage begins */
    expect_next(s, TF_ACTION_FINISH);
    expect_next(s, TF_ACTION_LAYOUT);
    expect_stage_grant(s, 1, 2, 0, 1);
    tf_sched_free(s);
}

Test(estimate, is_one_task_while_nothing_is_known) {
    tf_estimate estimate = {0};
    cr_expect_eq(tf_estimate_count(&estimate, 1000), 1);
    tf_estimate_add(&estimate, 1, 1e-9);
    cr_expect_eq(tf_estimate_count(&estimate, 0.1), 2, "one lucky quick task does not send out a million slow ones");
    for (int i = 0; i < 20; i++) {
        int64_t next = tf_estimate_count(&estimate, 0.1);
        tf_estimate_add(&estimate, next, 1e-3 * (double)next);
    }
    int64_t settled = tf_estimate_count(&estimate, 0.1);
    cr_expect(settled >= 95 && settled <= 105, "%lld", (long long)settled);
    tf_estimate_add(&estimate, 1, 1e6);
    cr_expect_eq(tf_estimate_count(&estimate, 0.1), 1);
}

Test(estimate, follows_when_tasks_become_slower) {
    tf_estimate estimate = {0};
    tf_estimate_add(&estimate, 1000000, 1);
    for (int i = 0; i < 1000; i++)
        tf_estimate_add(&estimate, 1000, 1000 * 0.01);
    int64_t now = tf_estimate_count(&estimate, 1);
    cr_expect(now >= 95 && now <= 105, "%lld", (long long)now);
}

Test(sched, hands_out_one_task_a_slot_while_nothing_is_known) {
    tf_sched *s = tf_sched_new(&(tf_sched_stage){.tasks = 1000}, 1);
    expect_next(s, TF_ACTION_LAYOUT);
    expect_nothing(s);
    tf_sched_worker_up(s, 1, (tf_resources){.slots = 1});
    tf_sched_worker_up(s, 2, (tf_resources){.slots = 3});
    expect_grant(s, 1, 0, 1);
    expect_grant(s, 2, 1, 3);
    expect_nothing(s);
    tf_sched_free(s);
}

Test(sched, hands_out_whole_batches) {
    tf_sched *s = tf_sched_new(&(tf_sched_stage){.tasks = 100, .batch = 7}, 1);
    expect_next(s, TF_ACTION_LAYOUT);
    tf_sched_worker_up(s, 1, (tf_resources){.slots = 1});
    tf_sched_worker_up(s, 2, (tf_resources){.slots = 3});
    expect_grant(s, 1, 0, 7);
    expect_grant(s, 2, 7, 21);
    expect_nothing(s);
    cr_expect(report(s, 1, 0, 0, 7));
    expect_grant(s, 1, 28, 14); /* for its slot, and as much in hand */
    tf_sched_worker_down(s, 2);
    cr_expect(report(s, 1, 0, 28, 14));
    expect_grant(s, 1, 7, 14);
    tf_sched_free(s);
}

/* Another call would compute all of it once more. */
Test(sched, gives_what_is_left_of_a_batch_to_one_worker) {
    tf_intervals pending = {0};
    const tf_interval left[] = {{0, 2}, {4, 5}, {6, 9}, {10, 14}};
    for (size_t n = 0; n < sizeof left / sizeof *left; n++)
        tf_intervals_add(&pending, left[n].first, left[n].end);
    tf_sched *s = tf_sched_new(&(tf_sched_stage){.tasks = 14, .batch = 7, .pending = &pending}, 1);
    tf_intervals_free(&pending);
    expect_next(s, TF_ACTION_LAYOUT);
    tf_sched_worker_up(s, 1, (tf_resources){.slots = 1});
    tf_sched_worker_up(s, 2, (tf_resources){.slots = 1});
    expect_grant(s, 1, 0, 2);
    expect_grant(s, 1, 4, 1);
    expect_grant(s, 1, 6, 1);
    expect_grant(s, 2, 7, 2);
    expect_grant(s, 2, 10, 4);
    expect_nothing(s);
    tf_sched_free(s);
}

Test(sched, gives_the_rest_of_a_batch_to_others_when_its_worker_is_gone) {
    tf_intervals pending = {0};
    tf_intervals_add(&pending, 0, 2);
    tf_intervals_add(&pending, 4, 7);
    tf_sched *s = tf_sched_new(&(tf_sched_stage){.tasks = 7, .batch = 7, .pending = &pending}, 1);
    tf_intervals_free(&pending);
    expect_next(s, TF_ACTION_LAYOUT);
    tf_sched_worker_up(s, 1, (tf_resources){.slots = 1});
    expect_grant(s, 1, 0, 2);
    tf_sched_worker_down(s, 1);
    expect_nothing(s);
    tf_sched_worker_up(s, 2, (tf_resources){.slots = 1});
    expect_grant(s, 2, 0, 2);
    expect_grant(s, 2, 4, 3);
    tf_sched_free(s);
}

/* Two workers of one slot, each with one of the two tasks. */
static tf_sched *two_workers_at_work(const tf_sched_stage *stage) {
    tf_sched *s = tf_sched_new(stage, 1);
    expect_next(s, TF_ACTION_LAYOUT);
    tf_sched_worker_up(s, 0, (tf_resources){.slots = 1});
    tf_sched_worker_up(s, 1, (tf_resources){.slots = 1});
    expect_grant(s, 0, 0, 1);
    expect_grant(s, 1, 1, 1);
    return s;
}

Test(sched, tries_a_failed_task_again_on_another_worker_after_a_delay) {
    tf_sched *s = two_workers_at_work(&(tf_sched_stage){.tasks = 2, .retry_delay = 10});
    tf_action a;
    cr_assert(tf_sched_retry(s, 0, 0, 0, 1, 1, 0.1, 100));
    cr_expect(!tf_sched_retry(s, 0, 0, 0, 1, 1, 0.1, 100), "a report that comes twice");
    cr_expect_eq(tf_sched_due(s), 110);
    cr_assert(!tf_sched_next(s, 109, &a));
    cr_assert(!tf_sched_next(s, 110, &a), "the other worker is busy, and may soon be free");
    cr_expect_eq(tf_sched_stage_counts(s, 0).pending, 1);
    cr_assert(tf_sched_report(s, 1, 0, 1, 1, 0, 0.1));
    cr_assert(tf_sched_next(s, 111, &a) && a.kind == TF_ACTION_GRANT);
    cr_expect(a.worker == 1 && a.first == 0 && a.count == 1 && a.attempt == 2);
    cr_assert(tf_sched_retry(s, 1, 0, 0, 1, 2, 0.1, 200));
    cr_expect_eq(tf_sched_due(s), 220, "the delay has doubled");
    tf_sched_worker_down(s, 0);
    cr_assert(tf_sched_next(s, 220, &a) && a.worker == 1 && a.attempt == 3, "there is no other worker");
    cr_assert(tf_sched_report(s, 1, 0, 0, 1, 1, 0.1));
    expect_next(s, TF_ACTION_FINISH);
    expect_next(s, TF_ACTION_END);
    tf_sched_free(s);
}

Test(sched, gives_a_retry_to_the_same_worker_when_no_other_wants_it) {
    tf_sched *s = two_workers_at_work(&(tf_sched_stage){.tasks = 2});
    tf_action a;
    cr_assert(tf_sched_retry(s, 0, 0, 0, 1, 1, 0.1, 100));
    cr_assert(!tf_sched_next(s, 104, &a));
    cr_assert(tf_sched_next(s, 105, &a) && a.worker == 0 && a.attempt == 2);
    tf_sched_free(s);
}

Test(sched, goes_on_where_earlier_runs_were) {
    tf_intervals left = {0};
    tf_intervals_add(&left, 3, 4);
    tf_sched_stage stages[] = {{.tasks = 10, .finished = true, .pending = &(tf_intervals){0}},
                               {.tasks = 10, .pending = &left, .afters = 1, .after = &(int){0}}};
    tf_sched *s = tf_sched_new(stages, 2);
    tf_intervals_free(&left);
    cr_expect_eq(tf_sched_stage_counts(s, 0).done, 10);
    cr_expect_eq(expect_next(s, TF_ACTION_LAYOUT).stage, 1);
    tf_sched_worker_up(s, 0, (tf_resources){.slots = 4});
    expect_grant(s, 0, 3, 1);
    cr_assert(tf_sched_report(s, 0, 1, 3, 1, 0, 0.1));
    cr_expect_eq(tf_sched_stage_counts(s, 1).done, 10);
    expect_next(s, TF_ACTION_FINISH);
    expect_next(s, TF_ACTION_END);
    tf_sched_free(s);
}

Test(sched, ends_when_drained_with_what_was_granted_left_undone) {
    tf_sched_stage stages[] = {{.tasks = 1000}, {.tasks = 10, .afters = 1, .after = &(int){0}}};
    tf_sched *s = tf_sched_new(stages, 2);
    expect_next(s, TF_ACTION_LAYOUT);
    tf_sched_worker_up(s, 0, (tf_resources){.slots = 2});
    tf_sched_worker_up(s, 1, (tf_resources){.slots = 2});
    expect_grant(s, 0, 0, 2);
    expect_grant(s, 1, 2, 2);
    tf_sched_drain(s);
    expect_nothing(s);
    cr_assert(tf_sched_report(s, 0, 0, 0, 1, 0, 0.1));
    expect_nothing(s);
    tf_sched_worker_down(s, 0);
    expect_nothing(s);
    tf_sched_worker_down(s, 1);
    expect_next(s, TF_ACTION_END);
    expect_nothing(s);
    tf_sched_counts n = tf_sched_stage_counts(s, 0);
    cr_expect(n.pending == 999 && n.done == 1 && n.running == 0);
    tf_sched_free(s);
}

Test(sched, keeps_a_grant_in_hand_once_durations_are_known) {
    tf_sched *s = tf_sched_new(&(tf_sched_stage){.tasks = 1000}, 1);
    expect_next(s, TF_ACTION_LAYOUT);
    tf_sched_worker_up(s, 1, (tf_resources){.slots = 1});
    expect_grant(s, 1, 0, 1);
    cr_assert(tf_sched_report(s, 1, 0, 0, 1, 0, 0.1));
    expect_grant(s, 1, 1, 2); /* one to run, one in hand */
    expect_nothing(s);
    cr_assert(tf_sched_report(s, 1, 0, 1, 1, 0, 0.1));
    expect_grant(s, 1, 3, 1);
    tf_sched_free(s);
}

Test(sched, feeds_idle_slots_though_the_worker_holds_enough) {
    tf_sched *s = tf_sched_new(&(tf_sched_stage){.tasks = 1000}, 1);
    expect_next(s, TF_ACTION_LAYOUT);
    tf_sched_worker_up(s, 0, (tf_resources){.slots = 4});
    expect_grant(s, 0, 0, 4);
    cr_assert(tf_sched_report(s, 0, 0, 0, 3, 0, 3e-6));
    tf_action a = expect_next(s, TF_ACTION_GRANT);
    cr_assert_gt(a.count, 8, "tasks that seem short");
    expect_nothing(s);
    cr_assert(tf_sched_report(s, 0, 0, a.first, 1, 0, 10)); /* they are not: what it holds is enough for long */
    expect_nothing(s);
    tf_sched_idle(s, 0, 2);
    expect_grant(s, 0, a.first + a.count, 2);
    expect_nothing(s);
    tf_sched_free(s);
}

Test(sched, never_gives_more_than_a_fair_share_of_what_is_left) {
    tf_sched *s = tf_sched_new(&(tf_sched_stage){.tasks = 100}, 1);
    expect_next(s, TF_ACTION_LAYOUT);
    for (int w = 0; w < 10; w++)
        tf_sched_worker_up(s, w, (tf_resources){.slots = 1});
    for (int w = 0; w < 10; w++)
        expect_grant(s, w, w, 1);
    cr_assert(tf_sched_report(s, 0, 0, 0, 1, 0, 1e-6));
    for (int i = 0; i < 10; i++) { /* however quick they are */
        tf_action a;
        if (!tf_sched_next(s, 0, &a))
            break;
        cr_expect(a.count <= 9, "%lld of 90 tasks for one of ten workers", (long long)a.count);
    }
    tf_sched_free(s);
}

Test(sched, refuses_reports_of_tasks_that_the_worker_does_not_hold) {
    tf_sched *s = tf_sched_new(&(tf_sched_stage){.tasks = 2}, 1);
    expect_next(s, TF_ACTION_LAYOUT);
    tf_sched_worker_up(s, 0, (tf_resources){.slots = 1});
    expect_grant(s, 0, 0, 1);
    cr_expect(!tf_sched_report(s, 0, 0, 1, 1, 0, 1), "not granted");
    cr_expect(!tf_sched_report(s, 0, 0, 0, 2, 0, 1), "granted in part");
    cr_expect(!tf_sched_report(s, 1, 0, 0, 1, 0, 1), "another worker's");
    cr_expect(!tf_sched_report(s, 0, 1, 0, 1, 0, 1), "no such stage");
    cr_expect(!tf_sched_report(s, 0, 0, 0, 1, 2, 1), "more failed than ended");
    cr_expect(tf_sched_report(s, 0, 0, 0, 1, 0, 1));
    cr_expect(!tf_sched_report(s, 0, 0, 0, 1, 0, 1), "twice");
    tf_sched_free(s);
}

Test(sched, gives_the_tasks_of_a_lost_worker_to_others) {
    tf_sched *s = tf_sched_new(&(tf_sched_stage){.tasks = 4}, 1);
    expect_next(s, TF_ACTION_LAYOUT);
    tf_sched_worker_up(s, 0, (tf_resources){.slots = 2});
    tf_sched_worker_up(s, 1, (tf_resources){.slots = 2});
    expect_grant(s, 0, 0, 2);
    expect_grant(s, 1, 2, 2);
    cr_assert(tf_sched_report(s, 0, 0, 0, 1, 0, 1));
    expect_nothing(s);
    tf_sched_worker_down(s, 1);
    expect_grant(s, 0, 2, 1);
    cr_expect(!tf_sched_report(s, 1, 0, 2, 1, 0, 1), "from beyond the grave");
    cr_assert(tf_sched_report(s, 0, 0, 1, 2, 1, 1));
    expect_grant(s, 0, 3, 1);
    cr_assert(tf_sched_report(s, 0, 0, 3, 1, 0, 1));
    expect_next(s, TF_ACTION_FINISH);
    tf_sched_counts counts = tf_sched_stage_counts(s, 0);
    cr_expect(counts.done == 3 && counts.failed == 1 && counts.pending == 0 && counts.running == 0);
    expect_next(s, TF_ACTION_END);
    expect_nothing(s);
    tf_sched_free(s);
}

Test(sched, stops_after_so_many_failures_when_what_was_granted_has_ended) {
    tf_sched_stage stages[] = {
        {.tasks = 6, .stop_after = 2}, {.tasks = 5}, {.tasks = 5, .afters = 1, .after = (int[]){0}}};
    tf_sched *s = tf_sched_new(stages, 3);
    expect_next(s, TF_ACTION_LAYOUT);
    cr_expect_eq(expect_next(s, TF_ACTION_LAYOUT).stage, 1);
    tf_sched_worker_up(s, 0, (tf_resources){.slots = 1});
    tf_sched_worker_up(s, 1, (tf_resources){.slots = 1});
    expect_grant(s, 0, 0, 1);
    expect_grant(s, 1, 1, 1);
    cr_assert(tf_sched_report(s, 0, 0, 0, 1, 1, 100));
    expect_grant(s, 0, 2, 1);
    cr_assert(tf_sched_report(s, 0, 0, 2, 1, 1, 100));
    cr_expect_eq(expect_next(s, TF_ACTION_FINISH).stage, 1, "of which nothing was begun");
    expect_nothing(s);
    cr_assert(tf_sched_report(s, 1, 0, 1, 1, 0, 100));
    cr_expect_eq(expect_next(s, TF_ACTION_FINISH).stage, 0);
    expect_next(s, TF_ACTION_END);
    expect_nothing(s);
    tf_sched_counts counts = tf_sched_stage_counts(s, 0);
    cr_expect(counts.done == 1 && counts.failed == 2 && counts.pending == 3 && counts.running == 0);
    tf_sched_free(s);
}

Test(sched, starts_a_stage_when_those_before_it_are_finished) {
    tf_sched_stage stages[] = {{.tasks = 1},
                               {.tasks = 0, .afters = 1, .after = (int[]){0}},
                               {.tasks = 1, .afters = 2, .after = (int[]){0, 1}}};
    tf_sched *s = tf_sched_new(stages, 3);
    tf_sched_worker_up(s, 0, (tf_resources){.slots = 1});
    cr_expect_eq(expect_next(s, TF_ACTION_LAYOUT).stage, 0);
    expect_grant(s, 0, 0, 1);
    expect_nothing(s);
    cr_assert(tf_sched_report(s, 0, 0, 0, 1, 0, 1));
    cr_expect_eq(expect_next(s, TF_ACTION_FINISH).stage, 0);
    cr_expect_eq(expect_next(s, TF_ACTION_LAYOUT).stage, 1);
    cr_expect_eq(expect_next(s, TF_ACTION_FINISH).stage, 1, "a stage without tasks");
    cr_expect_eq(expect_next(s, TF_ACTION_LAYOUT).stage, 2);
    expect_grant(s, 0, 0, 1);
    cr_assert(tf_sched_report(s, 0, 2, 0, 1, 0, 1));
    expect_next(s, TF_ACTION_FINISH);
    expect_next(s, TF_ACTION_END);
    tf_sched_free(s);
}

Test(sched, holds_a_thousand_million_tasks_in_little_memory) {
    tf_sched *s = tf_sched_new(&(tf_sched_stage){.tasks = 1000000000}, 1);
    expect_next(s, TF_ACTION_LAYOUT);
    tf_sched_worker_up(s, 0, (tf_resources){.slots = 64});
    expect_grant(s, 0, 0, 64);
    cr_expect_eq(tf_sched_stage_counts(s, 0).pending, 1000000000 - 64);
    tf_sched_free(s);
}

Test(report, waits_until_it_is_worth_a_message) {
    static const struct {
        tf_standing standing;
        bool expected;
        const char *why;
    } cases[] = {
        {{.ended = 0, .slots = 1, .idle = 1, .queue_empty = true, .since = 9}, false, "nothing has ended"},
        {{.ended = 1, .held = 0, .slots = 1, .idle = 1, .queue_empty = true}, true, "the only slot starves"},
        {{.ended = 1, .held = 3, .slots = 1}, true, "a quarter of what it had has ended"},
        {{.ended = 1, .held = 4, .slots = 1}, false, "there is enough in hand"},
        {{.ended = 1, .held = 4, .slots = 1, .since = 0.06}, true, "the last report is long ago"},
        {{.ended = 1, .held = 127, .slots = 128, .idle = 1, .queue_empty = true}, false, "one slot of many is idle"},
        {{.ended = 16, .held = 112, .slots = 128, .idle = 16, .queue_empty = true}, true, "one slot in eight is idle"},
        {{.workers = 10000, .ended = 1, .slots = 1, .idle = 1, .queue_empty = true, .since = 0.03}, false, "too early"},
        {{.workers = 10000, .ended = 1, .slots = 1, .idle = 1, .queue_empty = true, .since = 0.05}, true, "in turn"},
        {{.ended = 16, .held = 112, .slots = 128, .idle = 16}, false, "the queue will feed them"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_assert_eq(tf_should_report(&cases[i].standing), cases[i].expected, "%s", cases[i].why);
}

Test(report, of_idle_slots_is_made_once_and_by_who_works) {
    static const struct {
        tf_standing standing;
        int known;
        bool expected;
        const char *why;
    } cases[] = {
        {{.held = 3, .slots = 4, .idle = 1, .queue_empty = true}, 0, true, "a slot is stuck, another idle"},
        {{.held = 3, .slots = 4, .idle = 1, .queue_empty = true}, 1, false, "the master knows"},
        {{.held = 3, .slots = 4, .idle = 2, .queue_empty = true}, 1, true, "there is another one"},
        {{.held = 3, .slots = 4, .idle = 1}, 0, false, "the queue will feed it"},
        {{.held = 3, .ended = 1, .slots = 4, .idle = 1, .queue_empty = true}, 0, false, "a report will tell"},
        {{.held = 0, .slots = 4, .idle = 4, .queue_empty = true}, 0, false, "by its reports it has nothing"},
        {{.workers = 1000, .held = 3, .slots = 4, .idle = 1, .queue_empty = true}, 0, false, "too early"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_assert_eq(tf_should_say_idle(&cases[i].standing, cases[i].known), cases[i].expected, "%s", cases[i].why);
}

Test(sched, hands_out_what_is_ready_and_furthest_from_the_end) {
    tf_sched_stage stages[] = {{.tasks = 2, .level = 1}, {.tasks = 6, .linked = true, .level = 3}};
    tf_sched *s = tf_sched_new(stages, 2);
    expect_next(s, TF_ACTION_LAYOUT);
    expect_next(s, TF_ACTION_LAYOUT);
    tf_sched_worker_up(s, 0, (tf_resources){.slots = 1});
    expect_grant(s, 0, 0, 1); /* of stage 0: of the other nothing is ready */
    tf_sched_ready(s, 1, 0, 1, 1);
    tf_sched_ready(s, 1, 4, 1, 2);
    tf_sched_ready(s, 1, 2, 1, 3);
    expect_nothing(s);
    cr_assert(tf_sched_report(s, 0, 0, 0, 1, 0, 1));
    expect_grant(s, 0, 2, 1);
    tf_sched_skip(s, 1, 1);
    cr_assert(tf_sched_report(s, 0, 1, 2, 1, 0, 1));
    expect_grant(s, 0, 4, 1);
    cr_assert(tf_sched_report(s, 0, 1, 4, 1, 1, 1));
    expect_grant(s, 0, 1, 1); /* the same level: the first stage */
    cr_assert(tf_sched_report(s, 0, 0, 1, 1, 0, 1));
    cr_expect_eq(expect_next(s, TF_ACTION_FINISH).stage, 0);
    expect_grant(s, 0, 0, 1);
    tf_sched_worker_up(s, 1, (tf_resources){.slots = 2});
    tf_sched_worker_down(s, 0);
    expect_grant(s, 1, 0, 1);
    cr_assert(tf_sched_report(s, 1, 1, 0, 1, 0, 1));
    expect_nothing(s); /* tasks 1 and 3 wait for others */
    tf_sched_ready(s, 1, 1, 1, 1);
    expect_grant(s, 1, 1, 1);
    cr_assert(tf_sched_report(s, 1, 1, 1, 1, 0, 1));
    tf_sched_counts n = tf_sched_stage_counts(s, 1);
    cr_expect(n.pending == 1 && n.done == 3 && n.failed == 1 && n.skipped == 1 && n.running == 0);
    tf_sched_skip(s, 1, 1);
    expect_next(s, TF_ACTION_FINISH);
    expect_next(s, TF_ACTION_END);
    tf_sched_free(s);
}

/* A stage of which some tasks are not selected is not finished, and none that comes after it begins. */
Test(sched, leaves_what_is_withheld) {
    const tf_intervals none = {0};
    tf_intervals two = {0};
    tf_intervals_add(&two, 3, 5);
    tf_sched_stage stages[] = {
        {.tasks = 10, .pending = &two, .withheld = 8},
        {.tasks = 5, .pending = &none, .withheld = 5},
        {.tasks = 5, .pending = &none, .adopted = 5},
        {.tasks = 5, .pending = &none, .withheld = 1, .adopted = 4, .afters = 1, .after = &(int){0}}};
    tf_sched *s = tf_sched_new(stages, 4);
    tf_intervals_free(&two);
    cr_expect_eq(expect_next(s, TF_ACTION_LAYOUT).stage, 0);
    cr_expect_eq(expect_next(s, TF_ACTION_LAYOUT).stage, 2);
    cr_expect_eq(expect_next(s, TF_ACTION_FINISH).stage, 2);
    expect_nothing(s);
    tf_sched_worker_up(s, 0, (tf_resources){.slots = 2});
    expect_grant(s, 0, 3, 2);
    cr_assert(tf_sched_report(s, 0, 0, 3, 2, 0, 1));
    expect_next(s, TF_ACTION_END);
    cr_expect_eq(tf_sched_stage_counts(s, 0).withheld, 8);
    cr_expect_eq(tf_sched_stage_counts(s, 0).done, 2);
    tf_sched_free(s);
}

Test(sched, finishes_a_stage_that_is_cut) {
    tf_sched_stage stage = {.tasks = 1000, .linked = true};
    tf_sched *s = tf_sched_new(&stage, 1);
    tf_sched_worker_up(s, 0, (tf_resources){.slots = 2});
    expect_next(s, TF_ACTION_LAYOUT);
    cr_expect(tf_sched_has_caught_up(s, 0), "nothing is ready");
    tf_sched_ready(s, 0, 0, 2, 0);
    cr_expect_not(tf_sched_has_caught_up(s, 0));
    expect_grant(s, 0, 0, 2);
    expect_nothing(s);
    cr_expect(tf_sched_report(s, 0, 0, 0, 1, 1, 0.1));
    cr_expect(tf_sched_retry(s, 0, 0, 1, 1, 1, 0.1, 0));
    cr_expect_not(tf_sched_has_caught_up(s, 0), "one is to be tried again");
    expect_grant(s, 0, 1, 1);
    cr_expect(tf_sched_report(s, 0, 0, 1, 1, 0, 0.1));
    cr_expect(tf_sched_has_caught_up(s, 0));
    expect_nothing(s);
    tf_sched_cut(s, 0);
    expect_next(s, TF_ACTION_FINISH);
    expect_next(s, TF_ACTION_END);
    tf_sched_counts counts = tf_sched_stage_counts(s, 0);
    cr_expect(counts.tasks == 2 && counts.done == 1 && counts.failed == 1 && counts.pending == 0);
    tf_sched_free(s);
}

/* Stage 1 waits for files of stage 2, which is not begun any more. */
Test(sched, ends_when_all_that_is_left_waits_for_a_stage_that_is_not_begun) {
    tf_sched_stage stages[] = {
        {.tasks = 1}, {.tasks = 2, .linked = true}, {.tasks = 1, .linked = true, .afters = 1, .after = &(int){0}}};
    tf_sched *s = tf_sched_new(stages, 3);
    expect_next(s, TF_ACTION_LAYOUT);
    expect_next(s, TF_ACTION_LAYOUT);
    tf_sched_ready(s, 1, 0, 1, 1);
    tf_sched_worker_up(s, 0, (tf_resources){.slots = 2});
    expect_stage_grant(s, 0, 1, 0, 1);
    expect_stage_grant(s, 0, 0, 0, 1);
    tf_sched_freeze(s);
    cr_expect(report(s, 0, 0, 0, 1));
    cr_expect_eq(expect_next(s, TF_ACTION_FINISH).stage, 0);
    expect_nothing(s); /* a task of stage 1 runs */
    cr_expect(report(s, 0, 1, 0, 1));
    expect_next(s, TF_ACTION_END);
    tf_sched_free(s);
}
