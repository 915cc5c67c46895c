/* Where is one master no longer enough? The scheduler drives simulated clusters whose messages cost what was measured.
 *
 *     scale WORKERS SLOTS TASK_SECONDS MESSAGE_SECONDS
 *
 * prints the efficiency (the time that all slots need with nothing lost, as a share of the makespan), the share of the
 * makespan in which the master was busy, and its messages a second. A campaign gives each slot SLOT_SECONDS of work, or
 * SLOT_TASKS tasks where these take longer.
 *
 * The model. The master takes one message at a time, in the order in which they arrive: each costs MESSAGE_SECONDS and
 * what the scheduler takes for it on this machine, a grant as much. A message travels LATENCY. A worker does as
 * src/farm/worker.c: idle slots get batches of what takes a short while by its estimate, but no more than a fair share
 * of its queue, and tf_should_report and tf_should_say_idle say when it speaks. The tasks of one worker take the same
 * time, those of another up to 2 % more, so that workers are not in step. */
#include <stdio.h>
#include <stdlib.h>

#include "sched/sched.h"

#define LATENCY       2e-6 /* s */
#define BATCH_SECONDS 0.05
#define NAP           0.01 /* after which a worker looks again whether it has something to say */
#define SLOT_SECONDS  10.0
#define SLOT_TASKS    10

typedef enum event_kind { BATCHES_ENDED, TIME_TO_TELL, GRANT, HELLO, REPORT, IDLE } event_kind;

typedef struct event {
    double time;
    event_kind kind;
    int worker;
    int slots; /* of batches that end together; idle ones of a worker that says so */
    tf_interval tasks;
    tf_intervals *ended; /* of a report, which owns it */
} event;

typedef struct sim_worker {
    double task; /* s */
    tf_estimate estimate;
    tf_intervals queue, ended; /* not begun; not reported */
    int64_t running;
    int idle, told_idle;
    double told;
    bool waits; /* for the time to tell */
} sim_worker;

typedef struct sim {
    tf_sched *sched;
    int workers, slots;
    double task, message; /* s */
    sim_worker *worker;
    tf_heap events;
    double now;
    double free, busy; /* of the master: from when on, how long in all */
    int64_t messages;
    bool over;
} sim;

/* ---- Events, the earliest first ---- */

static bool before(const void *a, const void *b) {
    return ((const event *)a)->time < ((const event *)b)->time;
}

static void post(sim *s, event e) {
    tf_heap_add(&s->events, &e);
}

/* ---- Workers ---- */

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static void feed(sim *s, int w) {
    sim_worker *k = &s->worker[w];
    while (k->idle > 0 && k->queue.total > 0) {
        int64_t share = (k->queue.total + s->slots - 1) / s->slots;
        int64_t batch = smaller(tf_estimate_count(&k->estimate, BATCH_SECONDS), share);
        tf_interval run = tf_intervals_pop(&k->queue, batch * k->idle);
        int64_t count = run.end - run.first;
        int slots = (int)((count + batch - 1) / batch);
        k->idle -= slots;
        k->running += count;
        post(s, (event){.time = s->now + (double)smaller(batch, count) * k->task,
                        .kind = BATCHES_ENDED,
                        .worker = w,
                        .slots = slots,
                        .tasks = run});
    }
}

static void tell(sim *s, int w) {
    sim_worker *k = &s->worker[w];
    tf_standing standing = {.workers = s->workers,
                            .ended = k->ended.total,
                            .held = k->queue.total + k->running,
                            .slots = s->slots,
                            .idle = k->idle,
                            .queue_empty = k->queue.total == 0,
                            .since = s->now - k->told};
    event message = {.time = s->now + LATENCY, .worker = w};
    if (tf_should_report(&standing)) {
        message.kind = REPORT;
        message.ended = tf_alloc(sizeof *message.ended);
        *message.ended = k->ended;
        k->ended = (tf_intervals){0};
        k->told = s->now;
        post(s, message);
    } else if (tf_should_say_idle(&standing, k->told_idle)) {
        message.kind = IDLE;
        k->told_idle = message.slots = k->idle;
        k->told = s->now;
        post(s, message);
    } else if (!k->waits && (k->ended.total > 0 || (standing.queue_empty && k->idle > k->told_idle))) {
        k->waits = true;
        post(s, (event){.time = s->now + NAP, .kind = TIME_TO_TELL, .worker = w});
    }
}

static void end_batches(sim *s, const event *e) {
    sim_worker *k = &s->worker[e->worker];
    int64_t count = e->tasks.end - e->tasks.first;
    k->idle += e->slots;
    k->running -= count;
    tf_intervals_add(&k->ended, e->tasks.first, e->tasks.end);
    tf_estimate_add(&k->estimate, count, (double)count * k->task);
}

/* ---- The master ---- */

static void hear(sim *s, const event *e) {
    switch (e->kind) {
    case HELLO: tf_sched_worker_up(s->sched, e->worker, (tf_resources){.slots = s->slots}); break;
    case IDLE: tf_sched_idle(s->sched, e->worker, e->slots); break;
    default:
        for (size_t i = 0; i < e->ended->count; i++) {
            tf_interval run = e->ended->items[i];
            double seconds = (double)(run.end - run.first) * s->worker[e->worker].task;
            tf_sched_report(s->sched, e->worker, 0, run.first, run.end - run.first, 0, seconds);
        }
        tf_intervals_free(e->ended);
        free(e->ended);
    }
}

static void serve(sim *s, const event *e) {
    double begun = s->now > s->free ? s->now : s->free, at = begun;
    double clock = tf_now();
    hear(s, e);
    s->messages++;
    at += s->message;
    for (tf_action action; tf_sched_next(s->sched, begun, &action);) {
        s->over = s->over || action.kind == TF_ACTION_END;
        if (action.kind != TF_ACTION_GRANT)
            continue;
        s->messages++;
        at += s->message + tf_now() - clock;
        clock = tf_now();
        post(s, (event){.time = at + LATENCY,
                        .kind = GRANT,
                        .worker = action.worker,
                        .tasks = {action.first, action.first + action.count}});
    }
    at += tf_now() - clock;
    s->busy += at - begun;
    s->free = at;
}

/* ---- The whole ---- */

static void handle(sim *s, const event *e) {
    sim_worker *k = &s->worker[e->worker];
    switch (e->kind) {
    case BATCHES_ENDED: end_batches(s, e); break;
    case TIME_TO_TELL: k->waits = false; break;
    case GRANT:
        tf_intervals_add(&k->queue, e->tasks.first, e->tasks.end);
        k->told_idle = 0;
        break;
    case HELLO:
    case REPORT:
    case IDLE: serve(s, e); return;
    }
    feed(s, e->worker);
    tell(s, e->worker);
}

static void simulate(sim *s) {
    int64_t each = SLOT_SECONDS / s->task > SLOT_TASKS ? (int64_t)(SLOT_SECONDS / s->task) : SLOT_TASKS;
    int64_t slots = (int64_t)s->workers * s->slots;
    tf_sched_stage stage = {.tasks = each * slots};
    tf_rng rng = tf_rng_start(1, 0);
    s->events = (tf_heap){.size = sizeof(event), .before = before};
    s->sched = tf_sched_new(&stage, 1);
    s->worker = tf_alloc_array((size_t)s->workers, sizeof *s->worker);
    double rate = 0; /* tasks a second, of all slots */
    for (int w = 0; w < s->workers; w++) {
        s->worker[w] = (sim_worker){.task = s->task * (1 + 0.02 * tf_rng_double(&rng)), .idle = s->slots};
        rate += s->slots / s->worker[w].task;
        post(s, (event){.time = LATENCY, .kind = HELLO, .worker = w});
    }
    while (!s->over && s->events.count > 0) {
        event next;
        tf_heap_pop(&s->events, &next);
        s->now = next.time;
        handle(s, &next);
    }
    double makespan = s->free;
    printf("%.4f %.4f %.0f\n", (double)stage.tasks / rate / makespan, s->busy / makespan,
           (double)s->messages / makespan);
    for (int w = 0; w < s->workers; w++) {
        tf_intervals_free(&s->worker[w].queue);
        tf_intervals_free(&s->worker[w].ended);
    }
    free(s->worker);
    tf_heap_free(&s->events);
    tf_sched_free(s->sched);
}

int main(int argc, char **argv) {
    if (argc != 5) {
        fprintf(stderr, "usage: scale WORKERS SLOTS TASK_SECONDS MESSAGE_SECONDS\n");
        return 2;
    }
    sim s = {.workers = atoi(argv[1]), .slots = atoi(argv[2]), .task = atof(argv[3]), .message = atof(argv[4])};
    simulate(&s);
    return 0;
}
