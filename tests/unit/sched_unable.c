/* Stages that some workers can't run. */
#include <criterion/criterion.h>

#include "sched/sched.h"

static tf_action expect_next(tf_sched *s, double now, tf_action_kind kind) {
    tf_action action = {0};
    cr_assert(tf_sched_next(s, now, &action), "nothing to do");
    cr_assert_eq(action.kind, kind);
    return action;
}

static void expect_grant(tf_sched *s, int worker, int stage, int64_t first, int64_t count, int attempt) {
    const tf_action a = expect_next(s, 0, TF_ACTION_GRANT);
    cr_expect(a.worker == worker && a.stage == stage && a.first == first && a.count == count && a.attempt == attempt,
              "worker %d gets %lld + %lld of stage %d, attempt %d", a.worker, (long long)a.first, (long long)a.count,
              a.stage, a.attempt);
}

static void expect_nothing(tf_sched *s) {
    tf_action action;
    cr_assert(!tf_sched_next(s, 0, &action), "an action of kind %d", (int)action.kind);
}

/* Laid out, with workers 0 .. workers - 1 of one slot each. */
static tf_sched *begin(const tf_sched_stage *stages, int count, int workers) {
    tf_sched *s = tf_sched_new(stages, count);
    for (int i = 0; i < count; i++)
        expect_next(s, 0, TF_ACTION_LAYOUT);
    for (int w = 0; w < workers; w++)
        tf_sched_worker_up(s, w, (tf_resources){.slots = 1});
    return s;
}

Test(unable, gives_its_tasks_to_another_worker_at_the_same_attempt) {
    const tf_sched_stage stage = {.tasks = 3};
    tf_sched *s = begin(&stage, 1, 2);
    expect_grant(s, 0, 0, 0, 1, 1);
    expect_grant(s, 1, 0, 1, 1, 1);
    cr_expect(tf_sched_unable(s, 0, 0, 0, 1, 1, 0));
    cr_expect_not(tf_sched_is_unable(s, 0), "the other may");
    expect_nothing(s);
    cr_expect(tf_sched_report(s, 1, 0, 1, 1, 0, 1));
    expect_grant(s, 1, 0, 0, 1, 1);
    cr_expect(tf_sched_retry(s, 1, 0, 0, 1, 1, 1, 0));
    expect_grant(s, 1, 0, 0, 1, 2);
    cr_expect(tf_sched_report(s, 1, 0, 0, 1, 0, 1));
    expect_grant(s, 1, 0, 2, 1, 1);
    cr_expect(tf_sched_report(s, 1, 0, 2, 1, 0, 1));
    expect_next(s, 0, TF_ACTION_FINISH);
    expect_next(s, 0, TF_ACTION_END);
    tf_sched_free(s);
}

Test(unable, gives_back_a_second_attempt_as_one) {
    const tf_sched_stage stage = {.tasks = 1};
    tf_sched *s = begin(&stage, 1, 2);
    expect_grant(s, 0, 0, 0, 1, 1);
    cr_expect(tf_sched_retry(s, 0, 0, 0, 1, 1, 1, 0));
    expect_grant(s, 1, 0, 0, 1, 2);
    cr_expect(tf_sched_unable(s, 1, 0, 0, 1, 2, 0));
    tf_action a;
    cr_assert(tf_sched_next(s, 6, &a)); /* on the worker where it failed, as there is no other */
    cr_expect(a.kind == TF_ACTION_GRANT && a.worker == 0 && a.attempt == 2);
    tf_sched_free(s);
}

/* Stages of one class, of which the worker has tasks and retries: only the one that it can't run is kept from it. */
Test(unable, leaves_the_worker_the_other_stages) {
    const tf_sched_stage stages[] = {{.tasks = 2}, {.tasks = 2}};
    tf_sched *s = begin(stages, 2, 1);
    expect_grant(s, 0, 0, 0, 1, 1);
    cr_expect(tf_sched_retry(s, 0, 0, 0, 1, 1, 1, 0));
    expect_grant(s, 0, 0, 0, 1, 2);
    cr_expect(tf_sched_unable(s, 0, 0, 0, 1, 2, 0));
    cr_expect(tf_sched_is_unable(s, 0) && !tf_sched_is_unable(s, 1));
    expect_grant(s, 0, 1, 0, 1, 1);
    cr_expect(tf_sched_retry(s, 0, 1, 0, 1, 1, 1, 0));
    expect_grant(s, 0, 1, 0, 1, 2);
    tf_sched_free(s);
}

Test(unable, is_told_of_tasks_that_it_holds_alone) {
    const tf_sched_stage stage = {.tasks = 3};
    tf_sched *s = begin(&stage, 1, 1);
    expect_grant(s, 0, 0, 0, 1, 1);
    cr_expect_not(tf_sched_unable(s, 0, 0, 0, 2, 1, 0));
    cr_expect_not(tf_sched_unable(s, 1, 0, 0, 1, 1, 0), "there is no such worker");
    cr_expect_not(tf_sched_unable(s, 0, 1, 0, 1, 1, 0), "there is no such stage");
    cr_expect(tf_sched_unable(s, 0, 0, 0, 1, 1, 0));
    cr_expect_not(tf_sched_unable(s, 0, 0, 0, 1, 1, 0), "twice");
    tf_sched_free(s);
}

Test(unable, ends_a_stage_that_is_given_up_once_what_runs_has_ended) {
    const tf_sched_stage stages[] = {{.tasks = 9}, {.tasks = 1, .afters = 1, .after = &(int){0}}};
    tf_sched *s = tf_sched_new(stages, 2);
    expect_next(s, 0, TF_ACTION_LAYOUT);
    tf_sched_worker_up(s, 0, (tf_resources){.slots = 2});
    expect_grant(s, 0, 0, 0, 2, 1);
    cr_expect(tf_sched_unable(s, 0, 0, 0, 1, 1, 0)); /* in one slot; the other runs a task */
    cr_expect(tf_sched_is_unable(s, 0));
    tf_sched_give_up(s, 0);
    cr_expect_not(tf_sched_is_unable(s, 0), "it is known");
    cr_expect_not(tf_sched_is_stuck(s));
    expect_nothing(s);
    cr_expect(tf_sched_report(s, 0, 0, 1, 1, 0, 1));
    expect_next(s, 0, TF_ACTION_END);
    const tf_sched_counts n = tf_sched_stage_counts(s, 0);
    cr_expect(n.pending == 8 && n.done == 1 && n.running == 0 && n.failed == 0);
    cr_expect_eq(tf_sched_stage_counts(s, 1).pending, 1, "what comes after it is for a later run, too");
    tf_sched_free(s);
}

Test(unable, stops_the_campaign_if_failures_do) {
    const tf_sched_stage stages[] = {{.tasks = 1, .stop_after = 1}, {.tasks = 9}};
    tf_sched *s = begin(stages, 2, 1);
    expect_grant(s, 0, 0, 0, 1, 1);
    cr_expect(tf_sched_unable(s, 0, 0, 0, 1, 1, 0));
    tf_sched_give_up(s, 0);
    cr_expect_eq(expect_next(s, 0, TF_ACTION_FINISH).stage, 1);
    expect_next(s, 0, TF_ACTION_END);
    tf_sched_free(s);
}

/* The only worker that could run the stage dies. */
Test(unable, counts_workers_that_are_up) {
    const tf_sched_stage stage = {.tasks = 4};
    tf_sched *s = begin(&stage, 1, 2);
    expect_grant(s, 0, 0, 0, 1, 1);
    expect_grant(s, 1, 0, 1, 1, 1);
    cr_expect(tf_sched_unable(s, 0, 0, 0, 0, 1, 0));
    cr_expect_not(tf_sched_is_unable(s, 0));
    tf_sched_worker_down(s, 1);
    cr_expect(tf_sched_is_unable(s, 0));
    tf_sched_worker_up(s, 1, (tf_resources){.slots = 1}); /* its next life is another */
    cr_expect_not(tf_sched_is_unable(s, 0));
    tf_sched_give_up(s, 0);
    tf_sched_worker_up(s, 2, (tf_resources){.slots = 1});
    expect_nothing(s);
    tf_sched_free(s);
}

Test(unable, looks_at_no_until_of_a_stage_that_is_given_up) {
    const tf_sched_stage stage = {.tasks = 9, .linked = true, .awaits_cut = true};
    tf_sched *s = begin(&stage, 1, 1);
    tf_sched_ready(s, 0, 0, 2, 0);
    expect_grant(s, 0, 0, 0, 1, 1);
    cr_expect(tf_sched_unable(s, 0, 0, 0, 1, 1, 0));
    tf_sched_give_up(s, 0);
    cr_expect_not(tf_sched_has_caught_up(s, 0));
    tf_sched_ready(s, 0, 2, 1, 0);
    tf_sched_skip(s, 0, 1);
    expect_next(s, 0, TF_ACTION_END);
    const tf_sched_counts n = tf_sched_stage_counts(s, 0);
    cr_expect(n.pending == 8 && n.skipped == 1 && n.running == 0);
    tf_sched_free(s);
}
