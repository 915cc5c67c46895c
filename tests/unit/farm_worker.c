/* A worker, one message at a time. Its master is this test. */
#include "farm_memory.h"
#include "fixture.h"
#include "sched/sched.h"

#include <stdlib.h>
#include <string.h>

#define RUN "\"run\": {\"expr\": {\"x\": \"1.0\"}}"

enum { WORKER = 1 };

typedef struct scene {
    farm farm;
    tf_campaign *campaign;
} scene;

static void lay_out(scene *s, int stage) {
    const collect_message message = {.what = COLLECT_LAYOUT, .stage = stage};
    s->farm.layout_asked[stage] = true;
    transport_send(&s->farm.node[0].transport, WORKER, TAG_COLLECT, &message, sizeof message);
}

/* Rows of the first stages are laid out. Tasks take up to two seconds. */
static scene *open_scene(const char *manifest, farm_setting setting) {
    scene *s = tf_alloc(sizeof *s);
    s->campaign = fixture_load(manifest, NULL);
    setting.campaign = s->campaign;
    setting.ranks = 2;
    farm_open(&s->farm, &setting);
    farm_start_worker(&s->farm, WORKER);
    for (int stage = 0; stage < s->campaign->stages; stage++) {
        s->farm.setting.stage[stage].seconds = 1;
        lay_out(s, stage);
    }
    return s;
}

static void close_scene(scene *s) {
    farm_close(&s->farm);
    tf_campaign_free(s->campaign);
    free(s);
}

static void turn(scene *s) {
    farm_node *node = &s->farm.node[WORKER];
    rank_turn(&node->rank);
    if (!node->rank.ended && !node->rank.is_unheard)
        worker_step(node->rank.worker, 0);
}

static void wait_for(scene *s, double seconds) {
    s->farm.now += seconds;
    turn(s);
}

static void grant(scene *s, int stage, int attempt, int64_t first, int64_t count) {
    const grant_message message = {.stage = stage, .attempt = attempt, .first = first, .count = count};
    transport_send(&s->farm.node[0].transport, WORKER, TAG_GRANT, &message, sizeof message);
    turn(s);
}

static void drain(scene *s, drain_how how) {
    const drain_message message = {.how = (int32_t)how};
    transport_send(&s->farm.node[0].transport, WORKER, TAG_DRAIN, &message, sizeof message);
    turn(s);
}

static int next_tag(scene *s, parcel *next) {
    const transport *t = &s->farm.node[0].transport;
    return t->receive(t->context, next) ? next->tag : 0;
}

/* The next message but ALIVE, which must be this. */
static parcel expect(scene *s, int tag) {
    parcel next;
    int got;
    while ((got = next_tag(s, &next)) == TAG_ALIVE)
        ;
    cr_assert_eq(got, tag, "%d comes, not %d", got, tag);
    return next;
}

static void expect_silence(scene *s) {
    parcel next;
    int got;
    while ((got = next_tag(s, &next)) == TAG_ALIVE)
        ;
    cr_expect_eq(got, 0, "%d comes", got);
}

static report_message expect_report(scene *s) {
    const parcel message = expect(s, TAG_REPORT);
    cr_assert_eq(message.size, sizeof(report_message));
    return *(const report_message *)message.payload;
}

Test(worker, says_what_it_has) {
    scene *s = open_scene("{" RUN "}", (farm_setting){.slots[WORKER] = 3});
    const parcel message = expect(s, TAG_HELLO);
    const hello_message *hello = message.payload;
    cr_expect(hello->slots == 3 && hello->locked == 1);
    close_scene(s);
}

Test(worker, reports_what_has_ended) {
    scene *s = open_scene("{\"over\": {\"i\": [0, 1]}, " RUN "}", (farm_setting){.slots[WORKER] = 1});
    expect(s, TAG_HELLO);
    grant(s, 0, 1, 1, 1);
    expect_silence(s);
    wait_for(s, 2);
    const report_message r = expect_report(s);
    cr_expect(r.first == 1 && r.count == 1 && r.failed == 0 && r.retry == 0);
    cr_expect_eq(s->farm.status[0][1], TF_STATUS_DONE);
    close_scene(s);
}

Test(worker, leaves_the_row_of_a_failed_attempt_open_but_for_the_last) {
    scene *s = open_scene("{\"retries\": 1, " RUN "}", (farm_setting){.slots[WORKER] = 1, .stage[0].fails = 1});
    expect(s, TAG_HELLO);
    grant(s, 0, 1, 0, 1);
    wait_for(s, 2);
    cr_expect_eq(expect_report(s).retry, 1);
    cr_expect_eq(s->farm.status[0][0], TF_STATUS_PENDING);
    grant(s, 0, 2, 0, 1);
    wait_for(s, 2);
    const parcel message = expect(s, TAG_FAILURE);
    const failure_message *failure = message.payload;
    cr_expect(failure->count == 1 && failure->index[0] == 0 && strcmp(failure->message, "because") == 0);
    const report_message r = expect_report(s);
    cr_expect(r.retry == 0 && r.failed == 1);
    cr_expect_eq(s->farm.status[0][0], TF_STATUS_FAILED);
    close_scene(s);
}

static unable_message expect_unable(scene *s) {
    return *(const unable_message *)expect(s, TAG_UNABLE).payload;
}

Test(worker, gives_back_what_it_has_not_begun_of_a_stage_that_it_can_not_run) {
    scene *s = open_scene("{\"defaults\": {\"over\": {\"i\": {\"range\": [9]}}, " RUN
                          "}, \"stages\": [{\"name\": \"a\"}, {\"name\": \"b\"}]}",
                          (farm_setting){.slots[WORKER] = 1, .unable[WORKER][0] = true});
    expect(s, TAG_HELLO);
    grant(s, 0, 1, 0, 1);
    grant(s, 0, 2, 4, 2);
    grant(s, 1, 1, 0, 1);
    for (int turns = 0; turns < 100 && !s->farm.node[WORKER].refuses[0]; turns++)
        turn(s);
    unable_message m = expect_unable(s);
    cr_expect(m.stage == 0 && m.count == 0 && strcmp(m.why, "it lacks what it needs") == 0);
    const unable_message back[] = {expect_unable(s), expect_unable(s)}; /* what waited, and what was tried */
    const bool is_first = back[0].first == 0;
    const unable_message *one = &back[!is_first], *two = &back[is_first];
    cr_expect(one->first == 0 && one->count == 1 && one->attempt == 1 && !*one->why);
    cr_expect(two->first == 4 && two->count == 2 && two->attempt == 2 && !*two->why);
    wait_for(s, 2);
    cr_expect_eq(expect_report(s).stage, 1, "other stages go on");
    grant(s, 0, 1, 7, 2);
    m = expect_unable(s);
    cr_expect(m.first == 7 && m.count == 2, "a grant that was on its way");
    expect_silence(s);
    close_scene(s);
}

Test(worker, passes_on_what_is_news_or_counted) {
    static const tf_notice notices[] = {{.kind = TF_NOTICE_COLD, .parts = 1, .text = "has threads"},
                                        {.kind = TF_NOTICE_BATCHES, .parts = 1, .count = 2, .text = "ValueError"}};
    for (size_t n = 0; n < sizeof notices / sizeof *notices; n++) {
        scene *s = open_scene("{\"over\": {\"i\": {\"range\": [9]}}, " RUN "}",
                              (farm_setting){.slots[WORKER] = 1, .notice[0] = &notices[n]});
        expect(s, TAG_HELLO);
        for (int i = 0; i < 3; i++) {
            grant(s, 0, 1, i, 1);
            wait_for(s, 2);
            if (i == 0 || n == 1)
                cr_expect_eq(memcmp(expect(s, TAG_NOTICE).payload, &notices[n], sizeof notices[n]), 0);
            cr_expect_eq(expect_report(s).first, i);
        }
        close_scene(s);
    }
}

Test(worker, says_now_and_then_that_it_lives) {
    scene *s = open_scene("{" RUN "}", (farm_setting){.slots[WORKER] = 1});
    expect(s, TAG_HELLO);
    parcel next;
    wait_for(s, 0.9);
    expect_silence(s);
    wait_for(s, 0.2);
    cr_expect_eq(next_tag(s, &next), TAG_ALIVE);
    close_scene(s);
}

Test(worker, ends_what_runs_and_nothing_else_when_it_drains) {
    scene *s = open_scene("{\"over\": {\"i\": [0, 1, 2]}, " RUN "}", (farm_setting){.slots[WORKER] = 1});
    expect(s, TAG_HELLO);
    grant(s, 0, 1, 0, 1);
    grant(s, 0, 1, 1, 2);
    drain(s, DRAIN_WAIT);
    expect_silence(s);
    wait_for(s, 2);
    cr_expect_eq(expect_report(s).count, 1);
    expect(s, TAG_DRAINED);
    wait_for(s, 2);
    parcel next;
    cr_expect_eq(next_tag(s, &next), TAG_ALIVE);
    while (next_tag(s, &next) == TAG_ALIVE)
        ;
    expect_silence(s);
    cr_expect(s->farm.status[0][0] == TF_STATUS_DONE && s->farm.status[0][1] == TF_STATUS_PENDING);
    close_scene(s);
}

Test(worker, waits_for_nothing_when_it_drains_at_once) {
    scene *s = open_scene("{" RUN "}", (farm_setting){.slots[WORKER] = 1});
    expect(s, TAG_HELLO);
    grant(s, 0, 1, 0, 1);
    drain(s, DRAIN_AT_ONCE);
    expect(s, TAG_DRAINED);
    cr_expect_eq(s->farm.status[0][0], TF_STATUS_PENDING);
    close_scene(s);
}

Test(worker, says_once_why_it_can_not_go_on) {
    scene *s = open_scene("{\"over\": {\"i\": [0, 1]}, " RUN "}", (farm_setting){.slots[WORKER] = 1, .breaks = 1});
    expect(s, TAG_HELLO);
    grant(s, 0, 1, 0, 1);
    wait_for(s, 2);
    const parcel message = expect(s, TAG_BROKEN);
    cr_expect_str_eq(((const broken_message *)message.payload)->text, "the disk of rank 1 is full");
    grant(s, 0, 1, 1, 1);
    wait_for(s, 5);
    expect_silence(s);
    close_scene(s);
}

Test(worker, writes_rows_of_tasks_that_are_not_run) {
    scene *s = open_scene("{\"over\": {\"i\": [0, 1, 2]}, " RUN "}", (farm_setting){.slots[WORKER] = 1});
    const settle_message message = {.status = TF_STATUS_SKIPPED, .first = 1, .count = 2, .message = "x[0] has failed"};
    expect(s, TAG_HELLO);
    transport_send(&s->farm.node[0].transport, WORKER, TAG_SETTLE, &message, sizeof message);
    turn(s);
    cr_expect(s->farm.status[0][0] == TF_STATUS_PENDING && s->farm.status[0][1] == TF_STATUS_SKIPPED &&
              s->farm.status[0][2] == TF_STATUS_SKIPPED);
    expect_silence(s);
    close_scene(s);
}

/* A task of two slots finds one idle. Those of one slot go before it, but only for a while. */
Test(worker, lets_small_tasks_overtake_a_large_one_for_a_while) {
    scene *s = open_scene("{\"defaults\": {\"over\": {\"i\": {\"range\": [9]}}, " RUN "}, \"stages\": [{\"name\": "
                          "\"small\"}, {\"name\": \"large\", \"resources\": {\"slots\": 2}}]}",
                          (farm_setting){.slots[WORKER] = 2});
    s->farm.setting.stage[0].seconds = 1000;
    grant(s, 0, 1, 0, 1);
    grant(s, 1, 1, 0, 1);
    cr_expect_eq(farm_idle(&s->farm, WORKER), 1);
    grant(s, 0, 1, 1, 1);
    cr_expect_eq(farm_idle(&s->farm, WORKER), 0, "it overtakes");
    close_scene(s);
    s = open_scene("{\"defaults\": {\"over\": {\"i\": {\"range\": [9]}}, " RUN "}, \"stages\": [{\"name\": "
                   "\"small\"}, {\"name\": \"large\", \"resources\": {\"slots\": 2}}]}",
                   (farm_setting){.slots[WORKER] = 2});
    s->farm.setting.stage[0].seconds = 1000;
    grant(s, 0, 1, 0, 1);
    grant(s, 1, 1, 0, 1);
    wait_for(s, 1.5);
    grant(s, 0, 1, 1, 1);
    cr_expect_eq(farm_idle(&s->farm, WORKER), 1, "it waits");
    close_scene(s);
}

/* The tasks of a batch are run together, though some of them were done before. */
Test(worker, submits_what_is_left_of_a_batch_at_once) {
    scene *s = open_scene("{\"over\": {\"i\": {\"range\": [9]}}, \"results\": {\"x\": \"float64\"}, "
                          "\"run\": {\"python\": \"m.py:f\", \"batch\": 4}}",
                          (farm_setting){.slots[WORKER] = 1});
    const grant_message left[] = {{.attempt = 1, .first = 0, .count = 2}, {.attempt = 1, .first = 3, .count = 3}};
    expect(s, TAG_HELLO);
    transport_send(&s->farm.node[0].transport, WORKER, TAG_GRANT, left, sizeof left);
    turn(s);
    cr_expect_eq(s->farm.node[WORKER].offered, 3, "%d are offered", (int)s->farm.node[WORKER].offered);
    close_scene(s);
}

/* The master has heard what was asked at that time. */
static void hear(scene *s, double asked) {
    const alive_message answer = {.asked = asked};
    transport_send(&s->farm.node[0].transport, WORKER, TAG_HEARD, &answer, sizeof answer);
    turn(s);
}

Test(worker, asks_every_second_whether_it_is_heard) {
    scene *s = open_scene("{" RUN "}", (farm_setting){.slots[WORKER] = 1});
    parcel next;
    expect(s, TAG_HELLO);
    wait_for(s, 1.1);
    cr_assert_eq(next_tag(s, &next), TAG_ALIVE);
    cr_expect_float_eq(((const alive_message *)next.payload)->asked, s->farm.now, 1e-9);
    cr_expect_eq(next_tag(s, &next), 0);
    close_scene(s);
}

Test(worker, writes_nothing_from_the_moment_that_the_master_does_not_count_on_it) {
    scene *s = open_scene("{" RUN "}", (farm_setting){.slots[WORKER] = 1, .terms = {.patience = 10}});
    const double start = s->farm.now;
    const rank *r = &s->farm.node[WORKER].rank;
    expect(s, TAG_HELLO);
    wait_for(s, 5);
    hear(s, start + 2);
    wait_for(s, 6); /* 11 s */
    cr_expect(!r->is_unheard);
    wait_for(s, 1.5);
    cr_expect(r->is_unheard);
    hear(s, start + 11.5);
    cr_expect(!r->is_unheard && !r->ended);
    close_scene(s);
}

Test(worker, ends_when_the_master_is_not_heard_for_longer_than_the_patience) {
    scene *s = open_scene("{" RUN "}", (farm_setting){.slots[WORKER] = 1, .terms = {.patience = 10}});
    const rank *r = &s->farm.node[WORKER].rank;
    expect(s, TAG_HELLO);
    hear(s, s->farm.now);
    for (int i = 0; i < 18; i++)
        wait_for(s, 0.5);
    cr_expect(!r->ended);
    for (int i = 0; i < 4 && !r->ended; i++)
        wait_for(s, 0.5);
    cr_expect(r->ended && r->parted && r->outcome == TF_ERR_STOPPED);
    cr_expect(strstr(r->error->text, "has not heard rank 0 for 10 s"), "%s", r->error->text);
    close_scene(s);
}

Test(worker, waits_for_an_answer_when_it_was_stopped) {
    scene *s = open_scene("{" RUN "}", (farm_setting){.slots[WORKER] = 1, .terms = {.patience = 10}});
    const rank *r = &s->farm.node[WORKER].rank;
    expect(s, TAG_HELLO);
    hear(s, s->farm.now);
    wait_for(s, 1000);
    cr_expect(r->is_unheard && !r->ended);
    hear(s, s->farm.now);
    cr_expect(!r->is_unheard && !r->ended);
    close_scene(s);
}

/* As one that is stopped between two steps of a turn. */
Test(worker, begins_nothing_that_others_may_have) {
    scene *s = open_scene("{" RUN "}", (farm_setting){.slots[WORKER] = 1, .terms = {.patience = 60}});
    farm_node *node = &s->farm.node[WORKER];
    const grant_message message = {.attempt = 1, .count = 1};
    expect(s, TAG_HELLO);
    transport_send(&s->farm.node[0].transport, WORKER, TAG_GRANT, &message, sizeof message);
    rank_turn(&node->rank);
    s->farm.now += 61;
    worker_step(node->rank.worker, 0);
    cr_expect_eq(s->farm.runs_on[0][0], 0);
    hear(s, s->farm.now);
    cr_expect_eq(s->farm.runs_on[0][0], WORKER + 1);
    close_scene(s);
}

/* ---- Storage that fails ---- */

static storage_message expect_storage(scene *s) {
    return *(const storage_message *)expect(s, TAG_STORAGE).payload;
}

Test(worker, keeps_rows_while_storage_fails_and_writes_them_later) {
    scene *s = open_scene("{\"over\": {\"i\": {\"range\": [9]}}, " RUN "}",
                          (farm_setting){.slots[WORKER] = 2, .away = 1020, .terms = {.patience = 60}});
    expect(s, TAG_HELLO);
    grant(s, 0, 1, 0, 2);
    wait_for(s, 2);
    const storage_message fails = expect_storage(s);
    cr_expect_eq(fails.fails, 1);
    cr_expect_str_eq(fails.text, "the disk of rank 1 is full; trying again for up to 1m00s");
    grant(s, 0, 1, 2, 2);
    wait_for(s, 2);
    expect_silence(s); /* nothing is reported that is not written, and nothing more begins */
    cr_expect_eq(s->farm.status[0][0], TF_STATUS_PENDING);
    wait_for(s, 20);
    const storage_message works = expect_storage(s);
    cr_expect_eq(works.fails, 0);
    cr_expect_eq(expect_report(s).count, 2);
    cr_expect(s->farm.status[0][0] == TF_STATUS_DONE && s->farm.status[0][1] == TF_STATUS_DONE);
    wait_for(s, 2);
    cr_expect_eq(expect_report(s).first, 2); /* what came meanwhile */
    close_scene(s);
}

Test(worker, says_what_is_wrong_with_storage_when_its_patience_ends) {
    scene *s = open_scene("{" RUN "}", (farm_setting){.slots[WORKER] = 1, .away = 2000, .terms = {.patience = 10}});
    expect(s, TAG_HELLO);
    grant(s, 0, 1, 0, 1);
    for (int second = 0; second < 14; second++) {
        wait_for(s, 1);
        hear(s, s->farm.now);
    }
    expect_storage(s);
    const parcel message = expect(s, TAG_BROKEN);
    const broken_message *broken = message.payload;
    cr_expect_eq(broken->code, TF_ERR_STOPPED);
    cr_expect_str_eq(broken->text, "the disk of rank 1 is full");
    cr_expect_eq(s->farm.status[0][0], TF_STATUS_PENDING);
    close_scene(s);
}

Test(worker, is_not_drained_before_all_is_written) {
    scene *s = open_scene("{" RUN "}", (farm_setting){.slots[WORKER] = 1, .away = 1020, .terms = {.patience = 60}});
    expect(s, TAG_HELLO);
    grant(s, 0, 1, 0, 1);
    wait_for(s, 2);
    expect_storage(s);
    drain(s, DRAIN_WAIT);
    expect_silence(s);
    wait_for(s, 20);
    expect_storage(s);
    expect(s, TAG_REPORT);
    expect(s, TAG_DRAINED);
    close_scene(s);
}

Test(worker, takes_a_grant_after_a_long_start_for_a_sign_of_life) {
    scene *s = open_scene("{" RUN "}", (farm_setting){.slots[WORKER] = 1, .terms = {.patience = 10}});
    const rank *r = &s->farm.node[WORKER].rank;
    expect(s, TAG_HELLO);
    for (int i = 0; i < 40; i++) /* the master plans */
        wait_for(s, 0.5);
    grant(s, 0, 1, 0, 1);
    wait_for(s, 0.5);
    cr_expect(!r->ended);
    close_scene(s);
}

/* ---- Tasks that another worker has, too ---- */

#define TWICE "\"speculative\": true, \"run\": {\"command\": \"it\"}, \"results\": {\"x\": \"float64\"}"

static void send_double(scene *s, int64_t task, bool is_second) {
    const double_message message = {.task = task, .is_second = is_second};
    transport_send(&s->farm.node[0].transport, WORKER, TAG_DOUBLE, &message, sizeof message);
    s->farm.doubled[0][task] = true;
    turn(s);
}

static doubled_message expect_doubled(scene *s) {
    return *(const doubled_message *)expect(s, TAG_DOUBLED).payload;
}

static void rule(scene *s, int64_t task, bool may_write) {
    const rule_message message = {.task = task, .may_write = may_write};
    transport_send(&s->farm.node[0].transport, WORKER, TAG_RULE, &message, sizeof message);
    turn(s);
}

static claim_message expect_claim(scene *s) {
    return *(const claim_message *)expect(s, TAG_CLAIM).payload;
}

static scene *open_twice(const char *more, farm_setting setting) {
    char manifest[400];
    snprintf(manifest, sizeof manifest, "{\"over\": {\"i\": {\"range\": [9]}}, %s" TWICE "}", more);
    setting.slots[WORKER] = 1;
    scene *s = open_scene(manifest, setting);
    expect(s, TAG_HELLO);
    return s;
}

Test(worker, gives_a_task_back_that_it_has_not_begun) {
    scene *s = open_twice("\"retries\": 1, ", (farm_setting){0});
    grant(s, 0, 1, 0, 1);
    grant(s, 0, 2, 3, 3);
    send_double(s, 4, false);
    const doubled_message back = expect_doubled(s);
    cr_expect(back.task == 4 && back.answer == TF_DOUBLED_BACK && back.attempt == 2);
    static const int tasks[] = {0, 3, 5};
    for (int n = 0; n < 3; n++) {
        wait_for(s, 2);
        const report_message r = expect_report(s);
        cr_expect(r.count == 1 && r.first == tasks[n]);
    }
    expect_silence(s);
    close_scene(s);
}

Test(worker, asks_before_it_writes_a_row_that_another_may_write) {
    for (int may_write = 0; may_write < 2; may_write++) {
        scene *s = open_twice("", (farm_setting){0});
        grant(s, 0, 1, 0, 1);
        send_double(s, 0, false);
        const doubled_message answer = expect_doubled(s);
        cr_expect(answer.task == 0 && answer.answer == TF_DOUBLED_ASKS && answer.attempt == 1);
        wait_for(s, 2);
        const claim_message claim = expect_claim(s);
        cr_expect(claim.task == 0 && !claim.has_failed);
        expect_silence(s);
        cr_expect_eq(s->farm.status[0][0], TF_STATUS_PENDING);
        rule(s, 0, may_write);
        if (may_write)
            cr_expect_eq(expect_report(s).count, 1);
        expect_silence(s);
        cr_expect_eq(s->farm.status[0][0], may_write ? TF_STATUS_DONE : TF_STATUS_PENDING);
        grant(s, 0, 1, 1, 1); /* it goes on */
        wait_for(s, 2);
        cr_expect_eq(expect_report(s).first, 1);
        close_scene(s);
    }
}

Test(worker, says_whether_an_attempt_of_two_has_failed) {
    scene *s = open_twice("\"retries\": 1, ", (farm_setting){.stage[0].fails = 1});
    send_double(s, 0, true); /* it is the second */
    grant(s, 0, 1, 0, 1);
    wait_for(s, 2);
    cr_expect_eq(expect_claim(s).has_failed, 1);
    rule(s, 0, true);
    cr_expect_eq(expect_report(s).retry, 1);
    cr_expect_eq(s->farm.status[0][0], TF_STATUS_PENDING);
    close_scene(s);
}

Test(worker, leaves_a_task_that_another_has_done) {
    scene *s = open_twice("", (farm_setting){0});
    send_double(s, 0, true);
    grant(s, 0, 1, 0, 1);
    grant(s, 0, 1, 5, 1);
    send_double(s, 7, true);
    grant(s, 0, 1, 7, 1);
    rule(s, 7, false); /* before it is begun */
    rule(s, 0, false);
    turn(s);
    wait_for(s, 2);
    cr_expect_eq(expect_report(s).first, 5);
    wait_for(s, 2);
    expect_silence(s);
    cr_expect(s->farm.status[0][0] == TF_STATUS_PENDING && s->farm.status[0][7] == TF_STATUS_PENDING);
    rule(s, 0, false);    /* once more, to a claim that was on its way */
    grant(s, 0, 1, 0, 1); /* the other is lost, and has not written it */
    wait_for(s, 2);
    cr_expect_eq(expect_report(s).first, 0);
    close_scene(s);
}

Test(worker, tells_of_a_task_that_has_ended) {
    scene *s = open_twice("", (farm_setting){0});
    grant(s, 0, 1, 0, 1);
    wait_for(s, 2);
    expect_report(s);
    send_double(s, 0, false);
    cr_expect_eq(expect_doubled(s).answer, TF_DOUBLED_ENDED);
    close_scene(s);
}

Test(worker, is_not_drained_before_it_knows_of_its_claims) {
    scene *s = open_twice("", (farm_setting){0});
    send_double(s, 0, true);
    grant(s, 0, 1, 0, 1);
    wait_for(s, 2);
    expect_claim(s);
    drain(s, DRAIN_WAIT);
    expect_silence(s);
    rule(s, 0, true);
    expect_report(s);
    expect(s, TAG_DRAINED);
    close_scene(s);
}
