/* The master, one message at a time. Its workers are this test. (Whole farms: tests/sim.) */
#include "farm_memory.h"
#include "fixture.h"
#include "sched/sched.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RUN "\"run\": {\"expr\": {\"x\": \"1.0\"}}"

typedef struct scene {
    farm farm;
    tf_campaign *campaign;
    tf_disk disk;
    tf_graph *graph;
    bool is_deaf; /* workers answer no summons */
    int warnings;
    char warning[300]; /* the last one */
} scene;

static int64_t missing(tf_disk *disk, const char *path, tf_disk_id *id) {
    (void)disk, (void)path, (void)id;
    return TF_DISK_MISSING;
}

static void take_warning(void *context, const char *id, const char *text) {
    (void)id;
    scene *s = context;
    s->warnings++;
    snprintf(s->warning, sizeof s->warning, "%s", text);
}

static scene *open_scene(const char *manifest, farm_setting setting) {
    scene *s = tf_alloc(sizeof *s);
    tf_diags diags = {.file = "test.json"};
    const tf_intervals nothing = {0};
    tf_past past[FARM_STAGES];
    const tf_wish wish = {0};
    for (int i = 0; i < FARM_STAGES; i++)
        past[i] = (tf_past){.done = &nothing};
    s->campaign = fixture_load(manifest, NULL);
    s->disk = (tf_disk){.time = missing};
    s->graph = tf_graph_new(s->campaign, &s->disk, &diags);
    cr_assert(s->graph && tf_graph_plan(s->graph, past, &wish, &diags));
    setting.campaign = s->campaign;
    setting.graph = s->graph;
    setting.ranks = setting.ranks ? setting.ranks : 3;
    farm_open(&s->farm, &setting);
    s->farm.options.on_warning = take_warning;
    s->farm.options.context = s;
    farm_start_master(&s->farm);
    return s;
}

static void close_scene(scene *s) {
    farm_close(&s->farm);
    tf_graph_free(s->graph);
    tf_campaign_free(s->campaign);
    free(s);
}

/* A summons on its way to the worker is answered, and is gone. */
static bool answer_summons(scene *s, int worker_id) {
    route *r = &s->farm.route[0][worker_id];
    letter **place = &r->first;
    while (*place && (*place)->tag != TAG_SUMMON)
        place = &(*place)->next;
    letter *summons = *place;
    if (!summons)
        return false;
    *place = summons->next;
    if (!summons->next)
        r->last = place;
    transport_send(&s->farm.node[worker_id].transport, 0, TAG_HERE, summons->payload, summons->size);
    free(summons);
    return true;
}

/* The master turns; workers that are not deaf say that they are there when they are asked. */
static void turn(scene *s) {
    bool any = true;
    while (any) {
        rank_turn(&s->farm.node[0].rank);
        any = false;
        for (int r = 1; r < s->farm.setting.ranks && !s->farm.node[0].rank.ended; r++)
            if (!s->farm.node[r].dead && !s->is_deaf)
                any = answer_summons(s, r) || any;
    }
}

/* A worker says something, and the master turns. */
static void say(scene *s, int worker_id, int tag, const void *payload, size_t size) {
    transport_send(&s->farm.node[worker_id].transport, 0, tag, payload, size);
    turn(s);
}

static void say_hello(scene *s, int worker_id, int locked) {
    const hello_message hello = {.slots = 1, .locked = locked, .host = "node"};
    say(s, worker_id, TAG_HELLO, &hello, sizeof hello);
}

static void report(scene *s, int worker_id, const grant_message *grant, int64_t failed) {
    const report_message r = {
        .stage = grant->stage, .first = grant->first, .count = grant->count, .failed = failed, .seconds = 1};
    memset(&s->farm.status[grant->stage][grant->first], failed ? TF_STATUS_FAILED : TF_STATUS_DONE,
           (size_t)grant->count);
    say(s, worker_id, TAG_REPORT, &r, sizeof r);
}

/* All turn all the time, or it would be as if the process had been stopped. */
static void wait_for(scene *s, double seconds) {
    const double end = s->farm.now + seconds;
    while (s->farm.now < end) {
        s->farm.now = fmin(s->farm.now + 0.5, end);
        turn(s);
    }
}

/* The next message to a worker, which must be this; NULL for one without a payload. */
static const void *expect(scene *s, int worker_id, int tag) {
    const transport *t = &s->farm.node[worker_id].transport;
    parcel next;
    cr_assert(t->receive(t->context, &next), "worker %d hears nothing, not %d", worker_id, tag);
    cr_assert_eq(next.tag, tag, "worker %d hears %d, not %d", worker_id, next.tag, tag);
    return next.payload;
}

static grant_message expect_grant(scene *s, int worker_id, int64_t first, int64_t count) {
    const grant_message grant = *(const grant_message *)expect(s, worker_id, TAG_GRANT);
    cr_expect(grant.first == first && grant.count == count, "worker %d gets %lld + %lld", worker_id,
              (long long)grant.first, (long long)grant.count);
    return grant;
}

static void expect_silence(scene *s, int worker_id) {
    const transport *t = &s->farm.node[worker_id].transport;
    parcel next;
    cr_expect(!t->receive(t->context, &next), "worker %d hears %d", worker_id, next.tag);
}

static collect_what expect_collect(scene *s, int worker_id) {
    return (collect_what)((const collect_message *)expect(s, worker_id, TAG_COLLECT))->what;
}

/* All in one message. */
static void expect_steps(scene *s, int worker_id, const collect_what *what, size_t steps) {
    const transport *t = &s->farm.node[worker_id].transport;
    parcel next;
    cr_assert(t->receive(t->context, &next) && next.tag == TAG_COLLECT);
    cr_assert_eq(next.size, steps * sizeof(collect_message));
    for (size_t n = 0; n < steps; n++)
        cr_expect_eq((collect_what)((const collect_message *)next.payload)[n].what, what[n], "step %zu", n);
}

static tf_farm_progress progress(const scene *s) {
    tf_farm_result result;
    master_result(s->farm.node[0].rank.master, &result);
    return result.progress;
}

Test(master, lays_out_grants_finishes_and_closes) {
    scene *s = open_scene("{\"over\": {\"i\": [0, 1]}, " RUN "}", (farm_setting){0});
    say_hello(s, 1, true);
    cr_expect_eq(expect_collect(s, 1), COLLECT_LAYOUT);
    grant_message grant = expect_grant(s, 1, 0, 1);
    report(s, 1, &grant, 0);
    grant = expect_grant(s, 1, 1, 1);
    report(s, 1, &grant, 0);
    cr_expect_eq(expect_collect(s, 1), COLLECT_FINISH);
    cr_expect_eq(expect_collect(s, 1), COLLECT_CLOSE);
    cr_expect(!s->farm.node[0].rank.ended, "it takes part, as all do");
    turn(s);
    cr_expect(s->farm.node[0].rank.ended && s->farm.node[0].rank.outcome == TF_OK);
    cr_expect(progress(s).done == 2 && progress(s).finished == 1);
    close_scene(s);
}

Test(master, asks_for_the_end_of_a_stage_and_the_beginning_of_the_next_in_one_message) {
    scene *s = open_scene("{\"defaults\": {" RUN "}, \"stages\": [{\"name\": \"a\"}, "
                          "{\"name\": \"b\", \"after\": [\"a\"]}, {\"name\": \"c\", \"after\": [\"a\"]}]}",
                          (farm_setting){0});
    say_hello(s, 1, true);
    cr_expect_eq(expect_collect(s, 1), COLLECT_LAYOUT);
    const grant_message grant = expect_grant(s, 1, 0, 1);
    report(s, 1, &grant, 0);
    expect_steps(s, 1, (const collect_what[]){COLLECT_FINISH, COLLECT_LAYOUT, COLLECT_LAYOUT}, 3);
    expect_grant(s, 1, 0, 1);
    close_scene(s);
}

Test(master, counts_a_report_that_comes_twice_once) {
    scene *s = open_scene("{\"over\": {\"i\": [0, 1, 2]}, " RUN "}", (farm_setting){0});
    say_hello(s, 1, true);
    expect(s, 1, TAG_COLLECT);
    const grant_message grant = expect_grant(s, 1, 0, 1);
    const report_message r = {.first = grant.first, .count = 1, .excluded = 1};
    say(s, 1, TAG_REPORT, &r, sizeof r);
    say(s, 1, TAG_REPORT, &r, sizeof r);
    cr_expect(progress(s).done == 1 && progress(s).excluded == 1);
    close_scene(s);
}

Test(master, gives_another_attempt_to_another_worker) {
    scene *s = open_scene("{\"retries\": 1, \"retry_delay\": 0, " RUN "}", (farm_setting){0});
    say_hello(s, 1, true);
    expect(s, 1, TAG_COLLECT);
    cr_expect_eq(expect_grant(s, 1, 0, 1).attempt, 1);
    say_hello(s, 2, true);
    expect(s, 2, TAG_COLLECT);
    const report_message r = {.count = 1, .retry = 1};
    say(s, 1, TAG_REPORT, &r, sizeof r);
    cr_expect_eq(expect_grant(s, 2, 0, 1).attempt, 2);
    expect_silence(s, 1);
    close_scene(s);
}

static void say_unable(scene *s, int worker_id, int64_t first, int64_t count, const char *why) {
    unable_message m = {.attempt = 1, .first = first, .count = count};
    snprintf(m.why, sizeof m.why, "%s", why);
    say(s, worker_id, TAG_UNABLE, &m, sizeof m);
}

Test(master, stops_a_stage_that_no_worker_can_run) {
    scene *s = open_scene("{\"over\": {\"i\": [0, 1, 2]}, " RUN "}", (farm_setting){.unable = {{0}, {1}, {1}}});
    int stops;
    say_hello(s, 1, true);
    expect(s, 1, TAG_COLLECT);
    expect_grant(s, 1, 0, 1);
    say_unable(s, 1, 0, 0, "it lacks what it needs");
    say_unable(s, 1, 0, 1, "");
    expect_silence(s, 1);
    master_stopped(s->farm.node[0].rank.master, &stops);
    cr_expect_eq(stops, 0, "another worker is still to come");
    say_hello(s, 2, true);
    expect(s, 2, TAG_COLLECT);
    expect_grant(s, 2, 0, 1);
    cr_expect_eq(s->warnings, 0);
    say_unable(s, 2, 0, 0, "it lacks what it needs");
    say_unable(s, 2, 0, 1, "");
    cr_expect_eq(expect_collect(s, 2), COLLECT_CLOSE);
    rank_turn(&s->farm.node[0].rank);
    cr_expect_eq(s->farm.node[0].rank.outcome, TF_ERR_TASKS);
    cr_expect_str_eq(s->farm.state, "stopped");
    const tf_farm_stop *stop = master_stopped(s->farm.node[0].rank.master, &stops);
    cr_assert_eq(stops, 1);
    cr_expect(stop->stage == 0 && strcmp(stop->why, "it lacks what it needs") == 0);
    cr_expect_eq(progress(s).failed, 0);
    close_scene(s);
}

Test(master, says_which_worker_can_not_run_a_stage) {
    scene *s =
        open_scene("{\"name\": \"c\", \"over\": {\"i\": [0, 1, 2]}, " RUN "}", (farm_setting){.unable[1][0] = true});
    say_hello(s, 1, true);
    say_hello(s, 2, true);
    expect(s, 1, TAG_COLLECT);
    expect_grant(s, 1, 0, 1);
    say_unable(s, 1, 0, 0, "the service ended: exit status 1\nTraceback\nno numpy\n");
    cr_expect_str_eq(s->warning,
                     "rank 1 on node gets no more tasks of stage \"c\": the service ended: exit status 1; no numpy");
    say_unable(s, 1, 0, 1, "");
    cr_expect_eq(s->warnings, 1);
    expect(s, 2, TAG_COLLECT);
    expect_grant(s, 2, 1, 1);
    close_scene(s);
}

static void say_alive(scene *s, int worker_id) {
    const alive_message question = {.asked = s->farm.now};
    say(s, worker_id, TAG_ALIVE, &question, sizeof question);
}

static void expect_heard(scene *s, int worker_id) {
    cr_expect_eq(((const alive_message *)expect(s, worker_id, TAG_HEARD))->asked, s->farm.now);
}

/* Two workers, of which the first one has been given a task, and the second one none. */
static scene *open_pair(const char *manifest, farm_setting setting) {
    scene *s = open_scene(manifest, setting);
    say_hello(s, 1, !setting.unlocked);
    expect(s, 1, TAG_COLLECT);
    expect_grant(s, 1, 0, 1);
    say_hello(s, 2, !setting.unlocked);
    expect(s, 2, TAG_COLLECT);
    return s;
}

/* Nothing is heard of the first worker, for so long that it has been given up. */
static void outlast_patience(scene *s) {
    farm_cut(&s->farm, 1, true);
    wait_for(s, 58);
    say_alive(s, 2);
    expect_heard(s, 2);
    wait_for(s, 5);
    farm_cut(&s->farm, 1, false);
}

Test(master, gives_up_a_worker_that_is_silent_for_longer_than_the_patience) {
    static const farm_setting settings[] = {{0}, {.unlocked = true}, {.blind = true}};
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        scene *s = open_pair("{\"name\": \"c\", " RUN "}", settings[i]);
        farm_cut(&s->farm, 1, true);
        wait_for(s, 58);
        say_alive(s, 2);
        expect_heard(s, 2);
        expect_silence(s, 2);
        cr_expect_eq(s->warnings, 0);
        wait_for(s, 5);
        expect_grant(s, 2, 0, 1);
        const char *told = "rank 1 on node has not been heard for 1m0";
        cr_expect_eq(strncmp(s->warning, told, strlen(told)), 0, "%s", s->warning);
        cr_expect(strstr(s->warning, ", and holds c[0]; the others go on with its tasks"), "%s", s->warning);
        cr_expect_eq(s->farm.incidents, 1);
        const char *kept = "{\"kind\":\"silent\",\"rank\":1,\"host\":\"node\",\"since\":\"";
        cr_expect_eq(strncmp(s->farm.incident, kept, strlen(kept)), 0, "%s", s->farm.incident);
        close_scene(s);
    }
}

Test(master, turns_away_a_worker_that_it_has_given_up) {
    scene *s = open_pair("{\"over\": {\"i\": [0, 1]}, " RUN "}", (farm_setting){0});
    expect_grant(s, 2, 1, 1);
    outlast_patience(s);
    const grant_message grant = {.first = 0, .count = 1};
    const int64_t done = progress(s).done;
    report(s, 1, &grant, 0);
    cr_expect_eq(progress(s).done, done, "what it says counts for nothing");
    say_alive(s, 1);
    expect(s, 1, TAG_PART);
    close_scene(s);
}

Test(master, ends_where_the_launcher_would_end_all_because_of_a_silent_worker) {
    scene *s =
        open_pair("{\"over\": {\"i\": [0, 1]}, " RUN "}", (farm_setting){.terms = {.patience = 60, .recovers = false}});
    expect_grant(s, 2, 1, 1);
    outlast_patience(s);
    cr_expect(strstr(s->warning, "; this run ends, and the same command line goes on"), "%s", s->warning);
    cr_expect_eq(((const drain_message *)expect(s, 2, TAG_DRAIN))->how, DRAIN_AT_ONCE);
    cr_expect_eq(progress(s).stopping, TF_FARM_SILENCE);
    say(s, 2, TAG_DRAINED, NULL, 0);
    expect(s, 2, TAG_PART);
    cr_expect_eq(master_outcome(s->farm.node[0].rank.master), TF_ERR_STOPPED);
    close_scene(s);
}

Test(master, gives_nobody_up_since_it_was_stopped_itself) {
    scene *s = open_pair("{" RUN "}", (farm_setting){0});
    s->farm.now += 10000;
    turn(s);
    wait_for(s, 50);
    cr_expect_eq(s->warnings, 0);
    close_scene(s);
}

Test(master, begins_nothing_together_before_all_have_said_that_they_are_there) {
    scene *s = open_scene("{" RUN "}", (farm_setting){0});
    s->is_deaf = true;
    say_hello(s, 1, true);
    expect(s, 1, TAG_SUMMON);
    say(s, 1, TAG_HERE, &(summon_message){.number = 1}, sizeof(summon_message));
    expect_silence(s, 1);
    say(s, 2, TAG_HERE, &(summon_message){.number = 1}, sizeof(summon_message));
    expect(s, 1, TAG_COLLECT);
    close_scene(s);
}

Test(master, does_without_a_rank_that_has_not_said_that_it_is_there) {
    scene *s = open_scene("{" RUN "}", (farm_setting){.terms = {.patience = 5, .recovers = true}});
    s->is_deaf = true;
    say_hello(s, 1, true);
    expect(s, 1, TAG_SUMMON);
    farm_cut(&s->farm, 2, true);
    wait_for(s, 6);
    say_alive(s, 1);
    expect_heard(s, 1);
    wait_for(s, 4);
    cr_expect(strstr(s->warning, "rank 2 has not been heard for 7"), "%s", s->warning);
    expect(s, 1, TAG_DRAIN);
    say(s, 1, TAG_DRAINED, NULL, 0);
    expect(s, 1, TAG_PART);
    close_scene(s);
}

Test(master, runs_again_only_what_a_dead_worker_has_not_written) {
    scene *s = open_scene("{\"over\": {\"i\": [0]}, " RUN "}", (farm_setting){0});
    say_hello(s, 1, true);
    expect(s, 1, TAG_COLLECT);
    expect_grant(s, 1, 0, 1);
    say_hello(s, 2, true);
    expect(s, 2, TAG_COLLECT);
    s->farm.status[0][0] = TF_STATUS_DONE;
    farm_kill(&s->farm, 1);
    wait_for(s, 4);
    cr_expect(progress(s).done == 1);
    expect(s, 2, TAG_PART);
    cr_expect_eq(master_parting(s->farm.node[0].rank.master), PARTING_WAITS);
    close_scene(s);
}

Test(master, asks_a_worker_that_lives_to_write_what_follows_from_rows_of_a_dead_one) {
    scene *s = open_scene("{\"defaults\": {" RUN "}, \"stages\": [{\"name\": \"make\", \"outputs\": \"a\"}, "
                          "{\"name\": \"read\", \"inputs\": \"a\"}]}",
                          (farm_setting){0});
    say_hello(s, 1, true);
    say_hello(s, 2, true);
    s->farm.status[0][0] = TF_STATUS_FAILED;
    farm_kill(&s->farm, 1);
    wait_for(s, 4);
    expect_steps(s, 2, (const collect_what[]){COLLECT_LAYOUT, COLLECT_LAYOUT}, 2);
    cr_expect_str_eq(((const settle_message *)expect(s, 2, TAG_SETTLE))->message, "make has failed");
    close_scene(s);
}

Test(master, waits_ten_seconds_for_ranks_that_part) {
    scene *s = open_scene("{" RUN "}", (farm_setting){0});
    const master *m = s->farm.node[0].rank.master;
    say_hello(s, 1, true);
    say_hello(s, 2, true);
    farm_kill(&s->farm, 1);
    wait_for(s, 4);
    expect(s, 2, TAG_COLLECT);
    const grant_message grant = expect_grant(s, 2, 0, 1);
    report(s, 2, &grant, 0);
    expect(s, 2, TAG_PART);
    wait_for(s, 9);
    cr_expect_eq(master_parting(m), PARTING_WAITS);
    wait_for(s, 2);
    cr_expect_eq(master_parting(m), PARTING_OVER);
    cr_expect_str_eq(s->warning,
                     "rank 2 on node was told to end, and has not within 10s; it is not waited for any longer");
    cr_expect_eq(s->farm.incidents, 2, "both are in the history");
    cr_expect(s->farm.node[0].rank.ended && s->farm.node[0].rank.outcome == TF_OK);
    close_scene(s);
}

Test(master, lets_running_tasks_end_until_the_grace_is_over) {
    scene *s = open_scene("{\"over\": {\"i\": [0, 1]}, " RUN "}", (farm_setting){.grace = 5});
    const signal_message once = {.signal = 15, .count = 1};
    say_hello(s, 1, true);
    expect(s, 1, TAG_COLLECT);
    const grant_message grant = expect_grant(s, 1, 0, 1);
    say(s, 1, TAG_SIGNAL, &once, sizeof once);
    cr_expect_eq(((const drain_message *)expect(s, 1, TAG_DRAIN))->how, DRAIN_WAIT);
    report(s, 1, &grant, 0);
    cr_expect_eq(expect_collect(s, 1), COLLECT_CLOSE);
    cr_expect_eq(progress(s).stopping, 15);
    close_scene(s);
}

Test(master, waits_no_longer_after_a_second_signal_or_the_grace) {
    for (int second = 0; second < 2; second++) {
        scene *s = open_scene("{" RUN "}", (farm_setting){.grace = 5});
        const signal_message once = {.signal = 15, .count = 1}, twice = {.signal = 15, .count = 2};
        say_hello(s, 1, true);
        expect(s, 1, TAG_COLLECT);
        expect_grant(s, 1, 0, 1);
        say(s, 1, TAG_SIGNAL, &once, sizeof once);
        expect(s, 1, TAG_DRAIN);
        expect_silence(s, 1);
        if (second)
            say(s, 1, TAG_SIGNAL, &twice, sizeof twice);
        else
            wait_for(s, 6);
        cr_expect_eq(((const drain_message *)expect(s, 1, TAG_DRAIN))->how, DRAIN_AT_ONCE);
        say(s, 1, TAG_DRAINED, NULL, 0);
        cr_expect_eq(expect_collect(s, 1), COLLECT_CLOSE);
        close_scene(s);
    }
}

/* The grace is taken from the end of the wall time, but no more than half of it. */
Test(master, hands_out_nothing_when_the_wall_time_is_nearly_over) {
    static const struct { double walltime, grace, drains, ends; } cases[] = {{100, 20, 80, 100}, {100, 80, 50, 100}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        scene *s = open_scene(
            "{" RUN "}",
            (farm_setting){.walltime = cases[i].walltime, .grace = cases[i].grace, .terms = {.patience = 1000}});
        say_hello(s, 1, true);
        expect(s, 1, TAG_COLLECT);
        expect_grant(s, 1, 0, 1);
        wait_for(s, cases[i].drains - 1);
        expect_silence(s, 1);
        wait_for(s, 2);
        cr_expect_eq(((const drain_message *)expect(s, 1, TAG_DRAIN))->how, DRAIN_WAIT);
        wait_for(s, cases[i].ends - cases[i].drains - 2);
        expect_silence(s, 1);
        wait_for(s, 2);
        cr_expect_eq(((const drain_message *)expect(s, 1, TAG_DRAIN))->how, DRAIN_AT_ONCE);
        cr_expect_eq(progress(s).stopping, TF_FARM_WALLTIME);
        close_scene(s);
    }
}

Test(master, says_what_is_noticed_once) {
    static const struct {
        tf_notice first, second;
        int warnings;
        const char *warning; /* the last one */
    } cases[] = {
        {{.kind = TF_NOTICE_CHANGES, .parts = 1, .text = "noop changes the umask"},
         {.kind = TF_NOTICE_CHANGES, .parts = 1, .text = "noop changes the umask"},
         1,
         "stage \"s\": noop changes the umask of its process; its tasks run one by one, in processes of their own: let "
         "it put back what it changes"},
        {{.kind = TF_NOTICE_CHANGES, .parts = 1, .text = "noop changes the umask"},
         {.kind = TF_NOTICE_CHANGES, .parts = 3, .text = "noop changes the umask and the locale"},
         2,
         "stage \"s\": noop changes the umask and the locale of its process; its tasks run one by one, in processes of "
         "their own: let it put back what it changes"},
        {{.kind = TF_NOTICE_COLD, .parts = 1, .text = "has threads"},
         {.kind = TF_NOTICE_COLD, .parts = 1, .text = "has other threads"},
         1,
         "stage \"s\": each slot imports by itself, since the interpreter that imports for all has threads; with "
         "\"warm\": false that is not tried"},
        {{.kind = TF_NOTICE_BATCHES, .parts = 1, .count = 1, .text = "ValueError: x"},
         {.kind = TF_NOTICE_BATCHES, .parts = 1, .count = 2, .text = "ValueError: y"},
         1,
         "stage \"s\": a batch failed and is run task by task: ValueError: x"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        scene *s = open_scene("{\"name\": \"s\", " RUN "}", (farm_setting){0});
        say_hello(s, 1, true);
        say_hello(s, 2, true);
        say(s, 1, TAG_NOTICE, &cases[i].first, sizeof cases[i].first);
        say(s, 2, TAG_NOTICE, &cases[i].second, sizeof cases[i].second);
        cr_expect_eq(s->warnings, cases[i].warnings);
        cr_expect_str_eq(s->warning, cases[i].warning);
        close_scene(s);
    }
}

Test(master, counts_batches_that_failed_among_all) {
    scene *s = open_scene("{\"over\": {\"i\": {\"range\": [2]}}, " RUN "}", (farm_setting){0});
    const tf_notice notice = {.kind = TF_NOTICE_BATCHES, .parts = 1, .count = 2, .text = "ValueError: x"};
    say_hello(s, 1, true);
    expect(s, 1, TAG_COLLECT);
    for (int n = 0; n < 2; n++) {
        const report_message done = {.first = n, .count = 1, .calls = n == 0 ? 3 : 1};
        expect_grant(s, 1, n, 1);
        say(s, 1, TAG_REPORT, &done, sizeof done);
        if (n == 0)
            say(s, 1, TAG_NOTICE, &notice, sizeof notice);
    }
    const tf_farm_progress now = progress(s);
    cr_assert_eq(now.notices, 1);
    cr_expect(now.noticed->count == 2 && now.noticed->of == 6);
    cr_expect_eq(expect_collect(s, 1), COLLECT_FINISH);
    cr_expect_eq(expect_collect(s, 1), COLLECT_CLOSE);
    cr_expect(s->farm.noticed == 1 && s->farm.last_noticed.of == 6, "the output has it at the end");
    close_scene(s);
}

#define PYTHON "\"name\": \"s\", \"run\": {\"python\": \"os:getpid\"}, \"results\": {\"pid\": \"int64\"}"

Test(master, tells_what_many_ranks_on_a_node_cost_that_import) {
    static const struct {
        int ranks;
        const char *manifest, *warning;
    } cases[] = {
        {9, "{" PYTHON "}",
         "stage \"s\": 8 ranks on node node import it 8 times; a single rank there with --slots 8 imports it once, for "
         "all slots"},
        {8, "{" PYTHON "}", ""},
        {9, "{" RUN "}", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        scene *s = open_scene(cases[i].manifest, (farm_setting){.ranks = cases[i].ranks});
        for (int from = 1; from < cases[i].ranks; from++)
            say_hello(s, from, true);
        cr_expect_eq(s->warnings, *cases[i].warning != 0);
        cr_expect_str_eq(s->warning, cases[i].warning);
        close_scene(s);
    }
}

Test(master, tells_all_ranks_why_one_can_not_go_on) {
    scene *s = open_scene("{" RUN "}", (farm_setting){0});
    const broken_message broken = {.code = TF_ERR_RUN, .text = "the disk is full"};
    say_hello(s, 1, true);
    expect(s, 2, TAG_COLLECT);
    say(s, 1, TAG_BROKEN, &broken, sizeof broken);
    cr_expect_str_eq(((const broken_message *)expect(s, 2, TAG_LEAVE))->text, "the disk is full");
    turn(s);
    cr_expect(s->farm.node[0].rank.ended && s->farm.node[0].rank.outcome == TF_ERR_RUN);
    cr_expect_str_eq(s->farm.node[0].error.text, "the disk is full");
    close_scene(s);
}

Test(master, looks_at_until_when_all_tasks_before_have_ended) {
    scene *s = open_scene(
        "{\"over\": {\"i\": {\"range\": [3]}}, \"until\": {\"expr\": \"x.count > 5\", \"first\": 1}, " RUN "}",
        (farm_setting){.stage[0].enough = 1});
    say_hello(s, 1, true);
    expect(s, 1, TAG_COLLECT);
    rank_turn(&s->farm.node[0].rank); /* it has laid the stage out itself */
    const grant_message grant = expect_grant(s, 1, 0, 1);
    expect_silence(s, 1);
    report(s, 1, &grant, 0);
    cr_expect_eq(((const collect_message *)expect(s, 1, TAG_COLLECT))->enough, 1);
    cr_expect_str_eq(s->warning, "stage test: after 1 tasks enough is known: x.count > 5");
    close_scene(s);
}

/* ---- Second starts ---- */

#define TWICE "\"speculative\": true, \"run\": {\"command\": \"it\"}, \"results\": {\"x\": \"float64\"}"

/* Worker 1 has task 0, and worker 2 has done the others. */
static scene *open_twice(void) {
    scene *s = open_scene("{\"name\": \"s\", \"over\": {\"i\": {\"range\": [4]}}, " TWICE "}", (farm_setting){0});
    say_hello(s, 1, true);
    expect(s, 1, TAG_COLLECT);
    expect_grant(s, 1, 0, 1);
    say_hello(s, 2, true);
    expect(s, 2, TAG_COLLECT);
    for (int64_t task = 1; task < 4; task++) {
        const grant_message grant = expect_grant(s, 2, task, 1);
        report(s, 2, &grant, 0);
    }
    return s;
}

/* Returns the number of the question. */
static int64_t expect_double(scene *s, int worker_id, bool is_second) {
    const double_message *message = expect(s, worker_id, TAG_DOUBLE);
    cr_expect(message->task == 0 && message->stage == 0 && message->is_second == is_second);
    return message->number;
}

static void expect_rule(scene *s, int worker_id, bool may_write) {
    const rule_message *message = expect(s, worker_id, TAG_RULE);
    cr_expect(message->task == 0 && message->stage == 0 && message->may_write == may_write);
}

/* The first worker, which has been at the task for long, says that it asks; so the second gets it. */
static void begin_second(scene *s) {
    doubled_message answer = {.task = 0, .answer = TF_DOUBLED_ASKS, .attempt = 1, .seconds = 5};
    wait_for(s, 5);
    answer.number = expect_double(s, 1, false);
    say(s, 1, TAG_DOUBLED, &answer, sizeof answer);
    wait_for(s, 0.5);
    expect_double(s, 2, true);
    expect_grant(s, 2, 0, 1);
}

Test(master, has_a_task_that_takes_too_long_begun_a_second_time) {
    scene *s = open_twice();
    const claim_message claim = {.task = 0};
    begin_second(s);
    cr_expect_str_eq(s->warning, "stage \"s\": a task takes longer than it would elsewhere and is started a second "
                                 "time: s[i=0] of rank 1 on node");
    say(s, 2, TAG_CLAIM, &claim, sizeof claim);
    expect_rule(s, 2, true);
    expect_rule(s, 1, false);
    say(s, 1, TAG_CLAIM, &claim, sizeof claim); /* too late */
    expect_rule(s, 1, false);
    const report_message done = {.count = 1, .seconds = 1};
    say(s, 2, TAG_REPORT, &done, sizeof done);
    cr_expect_eq(expect_collect(s, 1), COLLECT_FINISH);
    const tf_farm_progress end = progress(s);
    cr_assert_eq(end.notices, 1);
    cr_expect(end.noticed->count == 1 && end.noticed->of == 1 && end.done == 4 && end.running == 0);
    close_scene(s);
}

Test(master, tells_nothing_to_a_dead_worker_whose_task_another_has) {
    scene *s = open_twice();
    const claim_message claim = {.task = 0};
    begin_second(s);
    farm_kill(&s->farm, 1);
    wait_for(s, 5);
    cr_expect_eq(progress(s).running, 1);
    say(s, 2, TAG_CLAIM, &claim, sizeof claim);
    expect_rule(s, 2, true);
    close_scene(s);
}
