/* The scheduler driving simulated clusters: workers with slots, messages that take their time, tasks of uneven length,
 * workers that die and come back, reports that arrive twice, runs that are drained or frozen. All from a seed, in
 * simulated time, so that what is measured is repeatable. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sched/sched.h"

enum { SPOKEN = 64 }; /* batches that a simulated worker reports at once, at most */

typedef enum event_kind {
    EVENT_GRANT,
    EVENT_BATCH_ENDED,
    EVENT_REPORT,
    EVENT_FAILED,
    EVENT_RETIRE,
    EVENT_UNABLE,
    EVENT_DOUBLE,
    EVENT_DOUBLED,
    EVENT_CLAIM,
    EVENT_RULE,
    EVENT_IDLE,
    EVENT_TELL,
    EVENT_TICK,
    EVENT_LOOK,
    EVENT_DOWN,
    EVENT_UP,
    EVENT_DRAIN,
    EVENT_DRAINED,
    EVENT_FREEZE
} event_kind;

typedef struct event {
    double time;
    uint64_t order; /* ties in the order they were made */
    event_kind kind;
    int worker, life;   /* of a life that is over: void, but for reports while the worker is down */
    int stage, attempt; /* of a grant, or of one that is given back */
    int retry;          /* of a report: the attempt that failed */
    int64_t first, count, failed;
    int idle; /* of a worker that says so */
    double seconds, began;
    tf_doubled answer;
    bool may_write, is_second;
    int64_t number; /* of a question and its answer */
} event;

typedef struct sim_worker {
    int life, busy, told_idle;
    bool up, waits;             /* waits for an EVENT_TELL */
    bool retired;               /* it is sick, and was told to end */
    int64_t held;               /* tasks granted that have not ended */
    double told;                /* when it last spoke */
    struct event batch[SPOKEN]; /* ended and not reported */
    int batches;
    int64_t ended;       /* tasks of these */
    tf_intervals *queue; /* per stage: granted and not begun */
    tf_intervals *asks;  /* per stage: tasks that another may have, too */
    event *running;      /* batches, as they will end */
    int runs;
    event *claimed; /* tasks that have ended, and of which it is not known yet whether they count */
    int claims;
} sim_worker;

/* What a simulation is made of, and what came out. */
typedef struct cluster {
    int workers, slots, stages;
    int wide;      /* slots that each task of the first stage needs; 0: 1, as the others */
    int64_t tasks; /* a stage */
    double latency;
    double mean, sigma; /* of task durations: log-normal, s; sigma 0: all the same */
    double by_stage[3]; /* times the mean, of the first, the second, all others; 0: 1 */
    int deaths;
    int unable; /* the first workers can't run one stage each, in turn; so many of them */
    int slow;   /* the first workers take ten times as long; so many of them */
    int sick;   /* on the first workers all tasks fail from `sickens` on; so many of them */
    double sickens;
    double sick_speed;            /* how many times as fast tasks fail there as they do well elsewhere; 0: 1 */
    int64_t bad_first, bad_count; /* tasks that fail always, of each stage */
    bool all_do_well;
    bool speculative; /* long tasks are started a second time */
    bool keeps;       /* workers keep rows of tasks that fail for good */
    int retries;
    double retry_delay;
    bool duplicates;
    bool chained;         /* each stage after the one before */
    bool drained, frozen; /* somewhere on the way */

    double end, work; /* s: makespan; sum of all durations that counted, times slots */
    double wide_end;  /* s: when the last task of the first stage had ended */
    int64_t grants;
    int64_t runs;         /* tasks that were granted, each as often as it was */
    int named, misjudged; /* workers that were found sick; those of them that are not */
    int slow_named, slow_misjudged;
    int64_t seconds, won; /* second starts, and those of them that were first */
    int64_t lost;         /* tasks that failed, though others could have done them */
} cluster;

typedef struct sim {
    cluster *c;
    tf_sched *sched;
    tf_rng rng;
    sim_worker *worker;
    tf_estimate *estimate;
    uint8_t *ended;   /* per stage and task: accepted reports */
    uint8_t *attempt; /* per stage and task: the last one granted */
    int *failed_on;   /* per stage and task: the worker of the last failed attempt, -1 for none */
    double *due;      /* per stage and task: of the next attempt */
    int up;
    tf_heap events;
    uint64_t made;
    double now;
    bool *given_up; /* per stage */
    bool draining, over;
} sim;

/* ---- The event queue ---- */

static bool before(const void *a, const void *b) {
    const event *x = a, *y = b;
    return x->time < y->time || (x->time == y->time && x->order < y->order);
}

static void post(sim *s, event e) {
    e.order = s->made++;
    tf_heap_add(&s->events, &e);
}

/* ---- Workers ---- */

/* The same for a task however often it is run. */
static double duration(const sim *s, int stage, int64_t index) {
    const double told = s->c->by_stage[stage < 2 ? stage : 2], by = told > 0 ? told : 1;
    if (s->c->sigma == 0)
        return by * s->c->mean;
    tf_rng rng = tf_rng_start((uint64_t)stage, index);
    return by * s->c->mean * exp(s->c->sigma * tf_rng_normal(&rng) - s->c->sigma * s->c->sigma / 2);
}

/* One task in 13 fails, one to four times in a row. */
static bool fails(const sim *s, int stage, int64_t index, int attempt) {
    if (index >= s->c->bad_first && index < s->c->bad_first + s->c->bad_count)
        return true;
    return !s->c->all_do_well && (stage * 7 + index) % 13 == 5 && attempt <= 1 + index % 4;
}

static bool is_sick(const sim *s, int w) {
    return w < s->c->sick && s->now >= s->c->sickens;
}

static double speed_of(const sim *s, int w) {
    return is_sick(s, w) && s->c->sick_speed > 0 ? s->c->sick_speed : 1;
}

static bool can_run(const sim *s, int w, int stage) {
    return w >= s->c->unable || stage != w % s->c->stages;
}

/* Of the workers that live and those that may come back. */
static bool can_anyone_run(const sim *s, int stage) {
    for (int w = 0; w < s->c->workers; w++)
        if (can_run(s, w, stage))
            return true;
    return false;
}

static int count_able(const sim *s, int stage) {
    int count = 0;
    for (int w = 0; w < s->c->workers; w++)
        count += s->worker[w].up && can_run(s, w, stage);
    return count;
}

static int slots_of(const sim *s, int stage) {
    return stage == 0 && s->c->wide ? s->c->wide : 1;
}

static int attempt_of(const sim *s, int stage, int64_t index) {
    return s->attempt[stage * s->c->tasks + index];
}

static bool fails_on(const sim *s, int w, int stage, int64_t index) {
    return is_sick(s, w) || fails(s, stage, index, attempt_of(s, stage, index));
}

/* 0 if the task's attempt ends it, else its number. */
static int retry_of(const sim *s, int w, int stage, int64_t index) {
    const int attempt = attempt_of(s, stage, index);
    return fails_on(s, w, stage, index) && attempt <= s->c->retries ? attempt : 0;
}

/* Do reports of both tasks go together? */
static bool are_alike(const sim *s, int w, int stage, int64_t a, int64_t b) {
    const bool same_retry = retry_of(s, w, stage, a) == retry_of(s, w, stage, b);
    return same_retry && (!s->c->keeps || (fails_on(s, w, stage, a) == fails_on(s, w, stage, b) &&
                                           attempt_of(s, stage, a) == attempt_of(s, stage, b)));
}

static bool queue_is_empty(const sim *s, const sim_worker *k) {
    for (int stage = 0; stage < s->c->stages; stage++)
        if (k->queue[stage].total > 0)
            return false;
    return true;
}

static void feed(sim *s, int w) {
    sim_worker *k = &s->worker[w];
    for (int stage = 0; stage < s->c->stages; stage++) {
        const int slots = slots_of(s, stage), capacity = s->c->slots / slots;
        while (k->busy + slots <= s->c->slots && k->queue[stage].total > 0) {
            int64_t by_time = tf_estimate_count(&s->estimate[stage], 0.05);
            int64_t share = (k->queue[stage].total + capacity - 1) / capacity;
            tf_interval run = tf_intervals_pop(&k->queue[stage], by_time < share ? by_time : share);
            event done = {.kind = EVENT_BATCH_ENDED, .worker = w, .life = k->life, .stage = stage, .first = run.first};
            for (int64_t i = run.first; i < run.end; i++)
                done.seconds += duration(s, stage, i) * (w < s->c->slow ? 10 : 1) / speed_of(s, w);
            done.count = run.end - run.first;
            done.time = s->now + done.seconds;
            k->busy += slots;
            done.began = s->now;
            done.order = s->made;
            k->running[k->runs++] = done;
            post(s, done);
        }
    }
}

static void drop_queue(const sim *s, sim_worker *k) {
    for (int stage = 0; stage < s->c->stages; stage++)
        tf_intervals_free(&k->queue[stage]);
}

/* ---- Second starts ---- */

/* The batch in which the worker is at the task; -1: there is none. */
static int find_running(const sim_worker *k, int stage, int64_t task) {
    for (int n = 0; n < k->runs; n++)
        if (k->running[n].stage == stage && task >= k->running[n].first &&
            task < k->running[n].first + k->running[n].count)
            return n;
    return -1;
}

static int find_claim(const sim_worker *k, int stage, int64_t task) {
    for (int n = 0; n < k->claims; n++)
        if (k->claimed[n].stage == stage && k->claimed[n].first == task)
            return n;
    return -1;
}

static void post_doubled(sim *s, const event *asked) {
    sim_worker *k = &s->worker[asked->worker];
    event answer = *asked;
    const int at = find_running(k, asked->stage, asked->first);
    answer.kind = EVENT_DOUBLED;
    answer.time = s->now + s->c->latency;
    answer.answer = at >= 0 ? TF_DOUBLED_ASKS : TF_DOUBLED_ENDED;
    answer.seconds = at >= 0 ? s->now - k->running[at].began : 0;
    if (tf_intervals_contain(&k->queue[asked->stage], asked->first, asked->first + 1)) {
        tf_intervals_remove(&k->queue[asked->stage], asked->first, asked->first + 1);
        k->held--;
        answer.answer = TF_DOUBLED_BACK;
    } else if (at >= 0) {
        tf_intervals_add(&k->asks[asked->stage], asked->first, asked->first + 1);
    }
    post(s, answer);
}

/* What ended of the batch but for tasks that ask first; these do. */
static void end_batch(sim *s, const event *batch) {
    sim_worker *k = &s->worker[batch->worker];
    for (int64_t i = batch->first, end; i < batch->first + batch->count; i = end) {
        event part = *batch;
        const bool asks = tf_intervals_contain(&k->asks[batch->stage], i, i + 1);
        end = asks ? i + 1 : tf_intervals_same_until(&k->asks[batch->stage], i, batch->first + batch->count);
        part.first = i;
        part.count = end - i;
        part.seconds = batch->seconds * (double)part.count / (double)batch->count;
        if (!asks) {
            k->held -= part.count;
            k->ended += part.count;
            k->batch[k->batches++] = part;
            continue;
        }
        tf_intervals_remove(&k->asks[batch->stage], i, end);
        k->claimed = tf_realloc_array(k->claimed, (size_t)k->claims + 1, sizeof *k->claimed);
        k->claimed[k->claims++] = part;
        part.kind = EVENT_CLAIM;
        part.time = s->now + s->c->latency;
        part.failed = fails_on(s, batch->worker, batch->stage, i);
        post(s, part);
    }
}

/* Others of its batch are begun again. */
static void stop_running(sim *s, sim_worker *k, int at, int64_t task) {
    const event batch = k->running[at];
    k->running[at] = k->running[--k->runs];
    k->busy -= slots_of(s, batch.stage);
    tf_intervals_add(&k->queue[batch.stage], batch.first, batch.first + batch.count);
    tf_intervals_remove(&k->queue[batch.stage], task, task + 1);
    tf_intervals_remove(&k->asks[batch.stage], task, task + 1);
    k->held--;
}

static void obey_rule(sim *s, const event *rule) {
    sim_worker *k = &s->worker[rule->worker];
    const int claim = find_claim(k, rule->stage, rule->first), at = find_running(k, rule->stage, rule->first);
    if (claim >= 0) {
        if (rule->may_write) {
            k->ended++;
            k->batch[k->batches++] = k->claimed[claim];
        }
        k->held--;
        k->claimed[claim] = k->claimed[--k->claims];
    } else if (!rule->may_write && at >= 0 &&
               tf_intervals_contain(&k->asks[rule->stage], rule->first, rule->first + 1)) {
        stop_running(s, k, at, rule->first);
    } else if (!rule->may_write && tf_intervals_contain(&k->queue[rule->stage], rule->first, rule->first + 1) &&
               tf_intervals_contain(&k->asks[rule->stage], rule->first, rule->first + 1)) {
        tf_intervals_remove(&k->queue[rule->stage], rule->first, rule->first + 1);
        tf_intervals_remove(&k->asks[rule->stage], rule->first, rule->first + 1);
        k->held--;
    }
}

static void check_counts(const sim *s) {
    for (int stage = 0; stage < s->c->stages; stage++) {
        tf_sched_counts n = tf_sched_stage_counts(s->sched, stage);
        cr_assert(n.pending >= 0 && n.running >= 0 && n.done >= 0 && n.failed >= 0);
        cr_assert_eq(n.pending + n.running + n.done + n.failed, n.tasks);
    }
}

/* A retry goes to another worker if there is one, and not before its time. */
static void note_attempt(sim *s, const tf_action *a) {
    for (int64_t i = a->stage * s->c->tasks + a->first; i < a->stage * s->c->tasks + a->first + a->count; i++) {
        const bool is_again = a->attempt == s->attempt[i]; /* the attempt before does not count */
        s->attempt[i] = (uint8_t)a->attempt;
        if (a->attempt == 1 || is_again)
            continue;
        cr_assert(s->now >= s->due[i], "too early");
        cr_assert(a->worker != s->failed_on[i] || count_able(s, a->stage) <= 1 || s->now >= s->due[i] + 5,
                  "on the same worker");
    }
}

static void give_up_stages(sim *s) {
    for (int stage = 0; stage < s->c->stages; stage++)
        if (tf_sched_is_unable(s->sched, stage) && !can_anyone_run(s, stage)) {
            tf_sched_give_up(s->sched, stage);
            s->given_up[stage] = true;
        }
}

static void end_tasks(sim *s, int stage, int64_t first, int64_t count) {
    for (int64_t i = first; i < first + count; i++)
        cr_assert_eq(s->ended[stage * s->c->tasks + i]++, 0, "task %lld ended twice", (long long)i);
}

static void retire(sim *s, const tf_action *a) {
    s->c->named++;
    s->c->misjudged += !is_sick(s, a->worker);
    cr_assert(a->well >= 2 && a->well <= a->count);
    post(s, (event){.kind = EVENT_RETIRE,
                    .time = s->now + s->c->latency,
                    .worker = a->worker,
                    .life = s->worker[a->worker].life});
}

static void post_to_worker(sim *s, const tf_action *a, event_kind kind) {
    post(s, (event){.kind = kind,
                    .time = s->now + s->c->latency,
                    .worker = a->worker,
                    .life = s->worker[a->worker].life,
                    .stage = a->stage,
                    .attempt = a->attempt,
                    .first = a->first,
                    .count = a->count,
                    .may_write = a->may_write,
                    .number = a->number,
                    .is_second = a->kind == TF_ACTION_SECOND});
}

static void act(sim *s) {
    tf_action a;
    give_up_stages(s);
    while (tf_sched_next(s->sched, s->now, &a)) {
        tf_sched_counts counts = {0};
        switch (a.kind) {
        case TF_ACTION_LAYOUT:
            if (s->c->chained && a.stage > 0) {
                counts = tf_sched_stage_counts(s->sched, a.stage - 1);
                cr_assert_eq(counts.done + counts.failed, counts.tasks, "a stage started before its time");
            }
            break;
        case TF_ACTION_GRANT:
            s->c->grants++;
            s->c->runs += a.count;
            cr_assert(!s->draining, "granted while draining");
            counts = tf_sched_stage_counts(s->sched, a.stage);
            int64_t left = counts.pending + a.count, sure = s->c->workers - s->c->deaths - s->c->unable - s->c->sick;
            cr_assert(a.count <= s->c->slots || sure <= 0 || a.count <= left / sure,
                      "%lld of %lld tasks for one of %d workers", (long long)a.count, (long long)left, s->c->workers);
            note_attempt(s, &a);
            post(s, (event){.kind = EVENT_GRANT,
                            .time = s->now + s->c->latency,
                            .worker = a.worker,
                            .life = s->worker[a.worker].life,
                            .stage = a.stage,
                            .attempt = a.attempt,
                            .first = a.first,
                            .count = a.count});
            break;
        case TF_ACTION_FAIL: end_tasks(s, a.stage, a.first, a.count); break;
        case TF_ACTION_DROP:
        case TF_ACTION_FINISH: break;
        case TF_ACTION_SICK: retire(s, &a); break;
        case TF_ACTION_DOUBLE: post_to_worker(s, &a, EVENT_DOUBLE); break;
        case TF_ACTION_SECOND:
            cr_assert(!s->draining && tf_sched_holds(s->sched, a.worker, a.stage)->total > 0);
            s->c->seconds++;
            post_to_worker(s, &a, EVENT_GRANT);
            break;
        case TF_ACTION_RULE:
            s->c->won += a.may_write && a.is_second;
            post_to_worker(s, &a, EVENT_RULE);
            break;
        case TF_ACTION_SLOW:
            s->c->slow_named++;
            s->c->slow_misjudged += a.worker >= s->c->slow;
            break;
        case TF_ACTION_END: s->over = true;
        }
    }
    if (s->made % 64 == 0)
        check_counts(s);
}

static void take_retry(sim *s, const event *e) {
    if (!tf_sched_retry(s->sched, e->worker, e->stage, e->first, e->count, e->retry, e->seconds, s->now))
        return;
    s->c->work += e->seconds * slots_of(s, e->stage);
    double due = s->now + ldexp(s->c->retry_delay, e->retry - 1);
    for (int64_t i = e->stage * s->c->tasks + e->first; i < e->stage * s->c->tasks + e->first + e->count; i++) {
        s->failed_on[i] = e->worker;
        s->due[i] = due;
    }
    post(s, (event){.kind = EVENT_TICK, .time = due});
    post(s, (event){.kind = EVENT_TICK, .time = due + 5});
}

static void take_report(sim *s, const event *e) {
    if (e->retry)
        take_retry(s, e);
    else if (!tf_sched_report(s->sched, e->worker, e->stage, e->first, e->count, e->failed, e->seconds))
        return;
    if (e->retry)
        return;
    s->c->work += e->seconds * slots_of(s, e->stage);
    if (e->stage == 0)
        s->c->wide_end = s->now;
    end_tasks(s, e->stage, e->first, e->count);
}

/* The worker keeps the rows. */
static void take_failed(sim *s, const event *e) {
    if (!tf_sched_fail(s->sched, e->worker, e->stage, e->first, e->count, e->attempt, e->seconds, s->now))
        return;
    s->c->work += e->seconds * slots_of(s, e->stage);
    if (e->stage == 0)
        s->c->wide_end = s->now;
}

/* The worker gives a grant back; some are given back twice. */
static void post_unable(sim *s, const event *grant) {
    event back = *grant;
    back.kind = EVENT_UNABLE;
    back.time = s->now + s->c->latency;
    post(s, back);
    back.time = s->now + 3 * s->c->latency;
    if (s->c->duplicates && tf_rng_below(&s->rng, 10) == 0)
        post(s, back);
}

static void take_back(sim *s, const event *e) {
    if (!tf_sched_unable(s->sched, e->worker, e->stage, e->first, e->count, e->attempt, s->now))
        return;
    for (int64_t i = e->stage * s->c->tasks + e->first; i < e->stage * s->c->tasks + e->first + e->count; i++)
        s->failed_on[i] = e->worker;
}

/* A report for each run of tasks that ended, and of tasks that are to be tried again; some come twice. */
static void post_reports(sim *s, const event *batch) {
    for (int64_t i = batch->first, end; i < batch->first + batch->count; i = end) {
        event report = *batch;
        report.first = i;
        report.retry = retry_of(s, batch->worker, batch->stage, i);
        for (end = i; end < batch->first + batch->count && are_alike(s, batch->worker, batch->stage, i, end); end++)
            report.failed += !report.retry && fails_on(s, batch->worker, batch->stage, end);
        report.attempt = attempt_of(s, batch->stage, i);
        report.kind = s->c->keeps && report.failed > 0 ? EVENT_FAILED : EVENT_REPORT;
        report.count = end - i;
        report.seconds = batch->seconds * (double)report.count / (double)batch->count;
        report.time = s->now + s->c->latency;
        post(s, report);
        report.time = s->now + 3 * s->c->latency;
        if (s->c->duplicates && tf_rng_below(&s->rng, 10) == 0)
            post(s, report);
    }
}

static void report(sim *s, sim_worker *k) {
    for (int b = 0; b < k->batches; b++)
        post_reports(s, &k->batch[b]);
    k->batches = 0;
    k->ended = 0;
    k->told = s->now;
}

/* A worker that is told to drain drops what it has not begun, and says so when nothing is under way. */
static void drain(sim *s, int w) {
    sim_worker *k = &s->worker[w];
    drop_queue(s, k);
    report(s, k);
    if (k->up && k->busy == 0 && k->claims == 0) /* behind its reports, the repeated ones too */
        post(s, (event){.kind = EVENT_DRAINED, .time = s->now + 4 * s->c->latency, .worker = w, .life = k->life});
}

/* As a worker does: what it has to say, or it looks again after a while. */
static void tell(sim *s, int w) {
    const double nap = 0.01;
    sim_worker *k = &s->worker[w];
    tf_standing standing = {.workers = s->c->workers,
                            .ended = k->ended,
                            .held = k->held,
                            .slots = s->c->slots,
                            .idle = s->c->slots - k->busy,
                            .queue_empty = queue_is_empty(s, k),
                            .since = s->now - k->told};
    if (tf_should_report(&standing) || k->batches == SPOKEN) {
        report(s, k);
    } else if (tf_should_say_idle(&standing, k->told_idle)) {
        k->told_idle = standing.idle;
        k->told = s->now;
        post(s, (event){.kind = EVENT_IDLE,
                        .time = s->now + s->c->latency,
                        .worker = w,
                        .life = k->life,
                        .idle = standing.idle});
    } else if (!k->waits && (k->ended > 0 || (standing.queue_empty && standing.idle > k->told_idle))) {
        k->waits = true;
        post(s, (event){.kind = EVENT_TELL, .time = s->now + nap, .worker = w, .life = k->life});
    }
}

static void take_answer(const sim *s, const event *e) {
    const tf_doubled_answer answer = {
        .how = e->answer, .attempt = attempt_of(s, e->stage, e->first), .seconds = e->seconds, .number = e->number};
    tf_sched_doubled(s->sched, e->worker, e->stage, e->first, &answer, s->now);
}

static void handle(sim *s, const event *e) {
    sim_worker *k = &s->worker[e->worker];
    bool alive = e->life == k->life;
    switch (e->kind) {
    case EVENT_GRANT:
        if (!alive || s->draining)
            return;
        if (!can_run(s, e->worker, e->stage)) {
            post_unable(s, e);
            return;
        }
        tf_intervals_add(&k->queue[e->stage], e->first, e->first + e->count);
        if (e->is_second)
            tf_intervals_add(&k->asks[e->stage], e->first, e->first + 1);
        k->told_idle = 0;
        k->held += e->count;
        feed(s, e->worker);
        tell(s, e->worker);
        break;
    case EVENT_BATCH_ENDED: {
        int at = 0;
        while (at < k->runs && k->running[at].order != e->order)
            at++;
        if (!alive || at == k->runs) /* it was stopped */
            return;
        k->running[at] = k->running[--k->runs];
        k->busy -= slots_of(s, e->stage);
        end_batch(s, e);
        tf_estimate_add(&s->estimate[e->stage], e->count, e->seconds);
        if (s->draining || k->retired) {
            drain(s, e->worker);
        } else {
            feed(s, e->worker);
            tell(s, e->worker);
        }
        break;
    }
    case EVENT_REPORT:
        if (alive || !k->up) /* a worker that is back has lost what it sent before */
            take_report(s, e);
        break;
    case EVENT_FAILED:
        if (alive || !k->up)
            take_failed(s, e);
        break;
    case EVENT_RETIRE:
        if (!alive)
            return;
        k->retired = true;
        drain(s, e->worker);
        break;
    case EVENT_UNABLE:
        if (alive || !k->up)
            take_back(s, e);
        break;
    case EVENT_DOUBLE:
        if (alive)
            post_doubled(s, e);
        break;
    case EVENT_DOUBLED:
        if (alive || !k->up)
            take_answer(s, e);
        break;
    case EVENT_CLAIM:
        if (alive || !k->up)
            tf_sched_claim(s->sched, e->worker, e->stage, e->first, e->failed > 0);
        break;
    case EVENT_RULE:
        if (!alive)
            return;
        obey_rule(s, e);
        if (s->draining || k->retired) {
            drain(s, e->worker);
        } else {
            feed(s, e->worker);
            tell(s, e->worker);
        }
        break;
    case EVENT_DOWN:
    case EVENT_DRAINED:
        if (!alive)
            return;
        drop_queue(s, k);
        for (int stage = 0; stage < s->c->stages; stage++)
            tf_intervals_free(&k->asks[stage]);
        k->runs = k->claims = 0;
        s->up -= k->up;
        k->up = false;
        k->retired = false;
        k->busy = 0;
        k->told_idle = 0;
        k->waits = false;
        k->held = k->ended = 0;
        k->batches = 0;
        k->life++;
        tf_sched_worker_down(s->sched, e->worker);
        break;
    case EVENT_TICK:
    case EVENT_LOOK: break;
    case EVENT_UP:
        s->up += !k->up;
        k->up = true;
        tf_sched_worker_up(s->sched, e->worker, (tf_resources){.slots = s->c->slots});
        if (s->draining)
            drain(s, e->worker);
        break;
    case EVENT_IDLE:
        if (alive)
            tf_sched_idle(s->sched, e->worker, e->idle);
        break;
    case EVENT_DRAIN:
        s->draining = true;
        tf_sched_drain(s->sched);
        for (int w = 0; w < s->c->workers; w++)
            drain(s, w);
        break;
    case EVENT_TELL:
        if (!alive)
            return;
        k->waits = false;
        if (!s->draining && !k->retired)
            tell(s, e->worker);
        break;
    case EVENT_FREEZE: tf_sched_freeze(s->sched); break;
    }
}

/* ---- A whole run ---- */

/* Does the stage come after one that was given up? */
static bool is_behind(const sim *s, int stage) {
    for (int before = 0; before < stage; before++)
        if (s->c->chained && s->given_up[before])
            return true;
    return false;
}

/* What fails on a sick worker is lost where there is nothing else that could tell of it. */
static void count_lost(const sim *s, int64_t failed, int64_t expected) {
    cr_assert(s->c->sick ? failed >= expected : failed == expected, "failures were miscounted: %lld for %lld",
              (long long)failed, (long long)expected);
    s->c->lost += failed - expected;
}

/* Every task has ended once. In a run that was drained only as many as are counted, in one that was frozen all of the
 * stages that were begun, and none of a stage that nobody could run. */
static void check_stage(const sim *s, int stage) {
    const cluster *c = s->c;
    int64_t ended = 0, failed = 0;
    for (int64_t i = 0; i < c->tasks; i++) {
        int times = s->ended[stage * c->tasks + i];
        cr_assert_leq(times, 1, "task %lld ended %d times", (long long)i, times);
        ended += times;
        failed += times && fails(s, stage, i, c->retries + 1);
    }
    tf_sched_counts counts = tf_sched_stage_counts(s->sched, stage);
    count_lost(s, counts.failed, failed);
    cr_assert_eq(counts.done + counts.failed, ended);
    cr_assert_eq(counts.running, 0);
    cr_assert(ended == 0 || can_anyone_run(s, stage));
    if (!s->draining)
        cr_assert(ended == c->tasks || ((c->frozen || s->given_up[stage] || is_behind(s, stage)) && ended == 0),
                  "%lld of %lld tasks", (long long)ended, (long long)c->tasks);
}

static void simulate(cluster *c, uint64_t seed) {
    sim s = {.c = c, .rng = tf_rng_start(seed, 0), .events = {.size = sizeof(event), .before = before}};
    tf_sched_stage *stages = tf_alloc_array((size_t)c->stages, sizeof *stages);
    int *numbers = tf_alloc_array((size_t)c->stages, sizeof *numbers);
    for (int i = 0; i < c->stages; i++) {
        numbers[i] = i;
        stages[i] = (tf_sched_stage){.tasks = c->tasks,
                                     .need = {.slots = i == 0 ? c->wide : 1},
                                     .afters = c->chained && i > 0,
                                     .after = i ? &numbers[i - 1] : NULL,
                                     .retry_delay = c->retry_delay,
                                     .speculative = c->speculative};
    }
    s.sched = tf_sched_new(stages, c->stages);
    s.worker = tf_alloc_array((size_t)c->workers, sizeof *s.worker);
    s.estimate = tf_alloc_array((size_t)c->stages, sizeof *s.estimate);
    s.ended = tf_alloc((size_t)(c->stages * c->tasks));
    s.attempt = tf_alloc((size_t)(c->stages * c->tasks));
    s.failed_on = tf_alloc_array((size_t)(c->stages * c->tasks), sizeof *s.failed_on);
    s.due = tf_alloc_array((size_t)(c->stages * c->tasks), sizeof *s.due);
    s.given_up = tf_alloc_array((size_t)c->stages, sizeof *s.given_up);
    for (int w = 0; w < c->workers; w++) {
        s.worker[w].queue = tf_alloc_array((size_t)c->stages, sizeof(tf_intervals));
        s.worker[w].asks = tf_alloc_array((size_t)c->stages, sizeof(tf_intervals));
        s.worker[w].running = tf_alloc_array((size_t)c->slots, sizeof(event));
        post(&s, (event){.kind = EVENT_UP, .time = tf_rng_double(&s.rng) * c->latency, .worker = w});
    }
    double span = c->mean * (double)c->tasks * c->stages / c->workers / c->slots;
    for (int d = 0; d < c->deaths; d++) {
        int w = (int)tf_rng_below(&s.rng, (uint64_t)c->workers);
        double when = c->latency + tf_rng_double(&s.rng) * span;
        post(&s, (event){.kind = EVENT_DOWN, .time = when, .worker = w});
        post(&s, (event){.kind = EVENT_UP, .time = when + 0.1 * span, .worker = w});
    }
    if (c->speculative)
        post(&s, (event){.kind = EVENT_LOOK});
    if (c->drained)
        post(&s, (event){.kind = EVENT_DRAIN, .time = tf_rng_double(&s.rng) * span});
    if (c->frozen)
        post(&s, (event){.kind = EVENT_FREEZE, .time = tf_rng_double(&s.rng) * span});
    while (!s.over && s.events.count > 0) {
        event e;
        tf_heap_pop(&s.events, &e);
        s.now = e.time;
        if (e.kind == EVENT_DOWN)
            e.life = s.worker[e.worker].life;
        handle(&s, &e);
        act(&s);
        if (e.kind == EVENT_LOOK && !s.over)
            post(&s, (event){.kind = EVENT_LOOK, .time = s.now + 0.1});
    }
    cr_assert(s.over, "the campaign stands still");
    c->end = s.now;
    for (int stage = 0; stage < c->stages; stage++)
        check_stage(&s, stage);
    for (int w = 0; w < c->workers; w++) {
        drop_queue(&s, &s.worker[w]);
        for (int stage = 0; stage < c->stages; stage++)
            tf_intervals_free(&s.worker[w].asks[stage]);
        free(s.worker[w].queue);
        free(s.worker[w].asks);
        free(s.worker[w].running);
        free(s.worker[w].claimed);
    }
    tf_sched_free(s.sched);
    free(s.worker);
    free(s.estimate);
    free(s.ended);
    free(s.attempt);
    free(s.failed_on);
    free(s.due);
    free(s.given_up);
    tf_heap_free(&s.events);
    free(stages);
    free(numbers);
}

/* Makespan over the bound that no schedule can beat. */
static double overhead(const cluster *c) {
    double ideal = c->work / c->workers / c->slots;
    return c->end / ideal - 1;
}

/* 100 seeds from 0, or the one in TASKFARM_SEED. */
static void seeds(uint64_t *first, uint64_t *count) {
    const char *text = getenv("TASKFARM_SEED");
    *first = 0;
    *count = text && tf_parse_uint(text, first) ? 1 : 100;
}

Test(cluster, ends_every_task_once_whatever_happens) {
    uint64_t first, count;
    int named = 0;
    int64_t seconds = 0;
    seeds(&first, &count);
    for (uint64_t seed = first; seed < first + count; seed++) {
        tf_rng rng = tf_rng_start(seed, 1);
        cluster c = {.workers = 2 + (int)tf_rng_below(&rng, 30),
                     .slots = 1 + (int)tf_rng_below(&rng, 8),
                     .stages = 1 + (int)tf_rng_below(&rng, 4),
                     .tasks = 1 + (int64_t)tf_rng_below(&rng, 3000),
                     .latency = 1e-5 * (double)(1 + tf_rng_below(&rng, 1000)),
                     .mean = 1e-4 * (double)(1 + tf_rng_below(&rng, 1000)),
                     .sigma = tf_rng_below(&rng, 2) ? 1.5 : 0,
                     .duplicates = true,
                     .retries = (int)tf_rng_below(&rng, 5),
                     .retry_delay = tf_rng_below(&rng, 2) ? 0.01 : 0,
                     .chained = tf_rng_below(&rng, 2) == 1};
        if (seed % 3 == 0)
            c.wide = 1 + (int)tf_rng_below(&rng, (uint64_t)c.slots);
        c.deaths = (int)tf_rng_below(&rng, (uint64_t)c.workers);
        c.drained = tf_rng_below(&rng, 4) == 0;
        c.frozen = tf_rng_below(&rng, 4) == 0;
        if (tf_rng_below(&rng, 3) == 0)
            c.unable = (int)tf_rng_below(&rng, (uint64_t)c.workers + 1);
        c.keeps = tf_rng_below(&rng, 2) == 1;
        if (seed % 2 == 1) {
            c.speculative = true;
            c.mean *= 20;
            c.slow = (int)tf_rng_below(&rng, (uint64_t)c.workers / 2 + 1);
        }
        if (c.keeps && tf_rng_below(&rng, 3) == 0) {
            c.bad_first = (int64_t)tf_rng_below(&rng, (uint64_t)c.tasks);
            c.bad_count = (int64_t)tf_rng_below(&rng, 500);
        }
        if (c.keeps && tf_rng_below(&rng, 3) == 0)
            c.sick = (int)tf_rng_below(&rng, (uint64_t)c.workers);
        printf("seed %llu\n", (unsigned long long)seed);
        fflush(stdout);
        simulate(&c, seed);
        cr_assert_eq(c.misjudged, 0);
        named += c.named;
        seconds += c.seconds;
    }
    cr_expect(named > 30 || count < 100, "%d of many sick workers were found", named);
    cr_expect(seconds > 300 || count < 100, "%lld tasks were started twice", (long long)seconds);
}

Test(cluster, is_kept_busy_by_even_tasks) {
    cluster c = {.workers = 64, .slots = 4, .stages = 1, .tasks = 1000000, .latency = 1e-3, .mean = 1e-3};
    simulate(&c, 1);
    cr_expect(overhead(&c) < 0.06, "%g", overhead(&c));
    cr_expect(c.grants < c.tasks / 50, "%lld grants", (long long)c.grants);
}

Test(cluster, is_kept_busy_by_uneven_tasks) {
    cluster c = {.workers = 8, .slots = 1, .stages = 1, .tasks = 20000, .latency = 2e-4, .mean = 5e-3, .sigma = 1};
    simulate(&c, 2);
    cr_expect(overhead(&c) < 0.06, "%g", overhead(&c));
}

Test(cluster, of_a_hundred_thousand_workers_is_kept_busy) {
    cluster c = {
        .workers = 100000, .slots = 1, .stages = 1, .tasks = 2000000, .latency = 1e-3, .mean = 10, .sigma = 0.1};
    simulate(&c, 3);
    cr_expect(overhead(&c) < 0.08, "%g", overhead(&c));
}

/* As many tasks of one slot as of eight, all ready at once. */
Test(cluster, packs_large_tasks_and_small_ones) {
    cluster c = {.workers = 16, .slots = 12, .stages = 2, .wide = 8, .tasks = 4000, .latency = 1e-3, .mean = 1};
    c.sigma = 0.5;
    simulate(&c, 5);
    printf("overhead %g\n", overhead(&c));
    cr_expect(overhead(&c) < 0.5, "%g",
              overhead(&c)); /* 4 of 12 slots can run small ones only: a third, but for them */
}

/* Large tasks that fail wait for another attempt while small ones fill all slots: they must not wait for their end. */
Test(cluster, does_not_starve_large_tasks) {
    cluster c = {.workers = 16, .slots = 8, .stages = 8, .wide = 8, .tasks = 1000, .latency = 1e-3, .mean = 1};
    c.sigma = 0.5;
    c.retries = 4;
    simulate(&c, 6);
    printf("wide %g of %g, overhead %g\n", c.wide_end, c.end, overhead(&c));
    cr_expect(c.wide_end < 0.75 * c.end, "the last large task ended at %g of %g s", c.wide_end, c.end);
    cr_expect(overhead(&c) < 0.2, "%g", overhead(&c));
}

/* Workers that are kept for large tasks while a long one ends run short ones meanwhile. */
Test(cluster, fills_the_time_before_large_tasks) {
    cluster c = {.workers = 8, .slots = 8, .stages = 10, .wide = 8, .tasks = 2000, .latency = 1e-3, .mean = 1};
    c.sigma = 0.5;
    c.retries = 4;
    c.retry_delay = 20;
    c.by_stage[0] = 0.3;
    c.by_stage[1] = 30;
    c.by_stage[2] = 2;
    simulate(&c, 7);
    printf("wide %g of %g, overhead %g\n", c.wide_end, c.end, overhead(&c));
    cr_expect(c.wide_end < 0.35 * c.end, "the last large task ended at %g of %g s", c.wide_end, c.end);
    cr_expect(overhead(&c) < 0.19, "%g", overhead(&c));
}

/* Half of the workers lack what the stage needs: the other half is kept busy by it. */
Test(cluster, does_without_workers_that_can_not_run_a_stage) {
    cluster c = {.workers = 16, .slots = 4, .stages = 1, .tasks = 20000, .latency = 1e-3, .mean = 1e-2, .unable = 8};
    simulate(&c, 8);
    printf("overhead %g\n", overhead(&c));
    cr_expect(overhead(&c) < 1.1, "%g", overhead(&c)); /* 1 by the workers that do nothing */
}

Test(cluster, is_the_same_every_time) {
    cluster a = {.workers = 10, .slots = 2, .stages = 2, .tasks = 5000, .latency = 1e-3, .mean = 1e-3, .sigma = 1};
    a.deaths = 3;
    cluster b = a;
    simulate(&a, 4);
    simulate(&b, 4);
    cr_expect(a.end == b.end && a.grants == b.grants);
}

/* ---- Workers that are sick ---- */

static const cluster three = {
    .workers = 3, .slots = 2, .stages = 1, .tasks = 300000, .latency = 1e-4, .mean = 1e-5, .keeps = true};

/* One worker on which everything fails: it is named, nothing is lost by it, and no task costs an attempt. */
Test(sick, workers_are_found_and_nothing_is_lost_by_them) {
    for (int retries = 0; retries < 3; retries++) {
        cluster c = three;
        c.tasks = 2000;
        c.mean = 0.1;
        c.sick = 1;
        c.retries = retries;
        simulate(&c, 10);
        cr_expect(c.named == 1 && c.misjudged == 0 && c.lost == 0, "%d named, %lld lost with %d retries", c.named,
                  (long long)c.lost, retries);
        cr_expect(c.end < 1.2 * c.mean * (double)c.tasks / 4, "%g s", c.end);
    }
}

Test(sick, workers_are_found_in_the_middle_of_short_tasks) {
    cluster c = three;
    c.sick = 1;
    c.sickens = 0.15;
    simulate(&c, 11);
    cr_expect(c.named == 1 && c.misjudged == 0 && c.lost == 0, "%d named, %lld lost", c.named, (long long)c.lost);
}

Test(sick, workers_may_be_all_but_one) {
    cluster c = three;
    c.workers = 8;
    c.tasks = 20000;
    c.mean = 1e-2;
    c.sick = 7;
    simulate(&c, 12);
    cr_expect(c.named == 7 && c.misjudged == 0 && c.lost == 0, "%d named, %lld lost", c.named, (long long)c.lost);
}

/* Several on which everything fails at once, and faster than it does well elsewhere: they don't speak for each other,
 * wherever bad points lie, be it from the start or after they have done well. */
Test(sick, workers_do_not_speak_for_each_other) {
    for (int seed = 0; seed < 60; seed++) {
        cluster c = three;
        c.workers = 3 + seed % 6;
        c.slots = 1 + seed % 4;
        c.sick = 2 + seed / 6 % (c.workers - 2);
        c.sick_speed = seed % 5 ? 20 : 1;
        c.sickens = seed % 2 ? 0.5 : 0;
        c.tasks = 3000;
        c.mean = 0.02;
        c.retries = seed % 3;
        c.bad_first = 200;
        c.bad_count = seed % 7 ? 0 : 50;
        simulate(&c, (uint64_t)seed);
        cr_expect(c.named == c.sick && c.misjudged == 0 && c.lost == 0, "%d of %d named, %lld lost with seed %d",
                  c.named, c.sick, (long long)c.lost, seed);
    }
}

/* Ten thousand tasks that fail everywhere, one behind the other: nobody is to blame, and it takes no time. */
Test(sick, nobody_is_by_tasks_that_fail_everywhere) {
    for (int retries = 0; retries < 3; retries++) {
        cluster good = three, bad = three;
        bad.bad_first = 100000;
        bad.bad_count = 10000;
        good.retries = bad.retries = retries;
        simulate(&good, 13);
        simulate(&bad, 13);
        printf("%g s, %lld runs; %g s, %lld runs\n", good.end, (long long)good.runs, bad.end, (long long)bad.runs);
        cr_expect_eq(bad.named, 0);
        cr_expect(bad.runs - good.runs <= retries * bad.bad_count + 300, "%lld runs more",
                  (long long)(bad.runs - good.runs));
        cr_expect(bad.end < 1.03 * good.end + 7e-5 * 10000 * retries, "%g and %g s", good.end, bad.end);
    }
}

/* Even where tasks of a good worker differ a hundredfold. */
Test(slow, workers_are_found_and_no_others) {
    for (int seed = 20; seed < 30; seed++) {
        cluster c = three;
        c.workers = 2 + seed % 7;
        c.tasks = 4000;
        c.mean = 0.1;
        c.sigma = seed % 2 ? 1.5 : 0;
        c.slow = seed % 3 > 0;
        simulate(&c, (uint64_t)seed);
        cr_expect(c.slow_named == c.slow && c.slow_misjudged == 0, "%d named, %d of them wrongly, with seed %d",
                  c.slow_named, c.slow_misjudged, seed);
    }
}

/* The last tasks of a slow worker, of which it has not begun some, are not waited for. */
Test(second, starts_end_what_would_take_much_longer) {
    int64_t seconds = 0, won = 0;
    for (int seed = 40; seed < 60; seed++) {
        cluster once = three;
        once.workers = 3 + seed % 6;
        once.slots = 1 + seed % 3;
        once.tasks = 40 * once.workers;
        once.mean = 10;
        once.slow = once.all_do_well = 1;
        cluster twice = once;
        twice.speculative = true;
        simulate(&once, (uint64_t)seed);
        simulate(&twice, (uint64_t)seed);
        printf("%g s, %g s with %lld second starts, of which %lld were first\n", once.end, twice.end,
               (long long)twice.seconds, (long long)twice.won);
        const double ideal = once.mean * (double)once.tasks / (once.slots * (once.workers - 0.9));
        cr_expect(twice.end < ideal + 3 * once.mean, "%g s with seed %d", twice.end, seed);
        cr_expect(twice.seconds <= twice.slots, "each slot of the slow worker has one task");
        seconds += twice.seconds;
        won += twice.won;
    }
    cr_expect(won > 0 && won == seconds);
}

/* Tasks that differ much are mostly just long: few of them are started twice, and nobody waits for those. */
Test(second, starts_of_uneven_tasks_are_few) {
    cluster once = three;
    once.workers = 16;
    once.slots = 4;
    once.tasks = 5000;
    once.mean = 10;
    once.sigma = 1;
    cluster twice = once;
    twice.speculative = true;
    simulate(&once, 60);
    simulate(&twice, 60);
    cr_expect(twice.seconds < once.workers * once.slots / 3, "%lld", (long long)twice.seconds);
    cr_expect(twice.end <= once.end + 0.5, "%g and %g s", once.end, twice.end);
}
