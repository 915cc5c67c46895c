/* How long tasks have been away, and how long that is for a task of their stage: of stages alone whose tasks may be
 * started a second time. What was granted together is one entry, so that the cost is one of grants. Entries are not
 * removed when their tasks end, but when there are twice as many as there were after the last time.
 *
 * How long tasks take on a worker says nothing of how long they would take elsewhere: so what a task is compared with
 * is how long others took on other workers, of which those that are slow are left out. */
#include "sched/state.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FEWEST_ENTRIES = 64, FEWEST_TASKS = 2 /* that have ended elsewhere, for something to be known */ };

#define LEAST_SECONDS 0.5 /* what takes less is not worth two messages and another start */
#define TIMES         2.0 /* the mean: such a task is slow, and so */
#define DEVIATIONS    2.0 /* standard deviations above it: else few tasks take that long, and the task is just long */

void watch_free(watch *w) {
    if (!w)
        return;
    free(w->outing);
    free(w->timing);
    tf_intervals_free(&w->settled);
    free(w);
}

/* ---- What is away ---- */

/* The first of the entry's tasks, from this one on, that its worker holds yet; -1: there is none. */
static int64_t first_held(const tf_sched *s, int stage_id, const outing *o, int64_t from) {
    const worker *w = &s->worker[o->worker_id];
    for (size_t n = 0; w->up && n < w->holds[stage_id].count; n++) {
        const tf_interval held = w->holds[stage_id].items[n];
        const int64_t first = held.first > from ? held.first : from;
        if (first < held.end && first < o->tasks.end)
            return first;
    }
    return -1;
}

static void drop_over(const tf_sched *s, int stage_id, watch *w) {
    size_t kept = 0;
    for (size_t n = 0; n < w->outings; n++)
        if (first_held(s, stage_id, &w->outing[n], w->outing[n].tasks.first) >= 0)
            w->outing[kept++] = w->outing[n];
    w->outings = kept;
    w->limit = kept < FEWEST_ENTRIES ? FEWEST_ENTRIES : 2 * kept;
}

void watch_grant(const tf_sched *s, int stage_id, int worker_id, tf_interval tasks) {
    watch *w = s->stage[stage_id].watch;
    if (w->outings >= w->limit)
        drop_over(s, stage_id, w);
    if (w->outings == w->capacity) {
        w->capacity = w->capacity ? 2 * w->capacity : FEWEST_ENTRIES;
        w->outing = tf_realloc_array(w->outing, w->capacity, sizeof *w->outing);
    }
    w->outing[w->outings++] = (outing){.worker_id = worker_id, .tasks = tasks, .since = s->now};
}

/* Was the task of the entry granted to its worker once more, later? Then it has not been away since the entry. */
static bool is_granted_again(const watch *w, size_t at, int64_t task) {
    const int worker_id = w->outing[at].worker_id;
    for (const outing *o = w->outing + at + 1; o < w->outing + w->outings; o++)
        if (o->worker_id == worker_id && task >= o->tasks.first && task < o->tasks.end)
            return true;
    return false;
}

int64_t watch_next(const tf_sched *s, int stage_id, double before, size_t *at, int *worker_id) {
    const watch *w = s->stage[stage_id].watch;
    for (; *at < w->outings && w->outing[*at].since < before; ++*at) {
        const outing *o = &w->outing[*at];
        int64_t task = first_held(s, stage_id, o, o->tasks.first);
        while (task >= 0 && (tf_intervals_contain(&w->settled, task, task + 1) || is_granted_again(w, *at, task)))
            task = first_held(s, stage_id, o, task + 1);
        *worker_id = o->worker_id;
        if (task >= 0)
            return task;
    }
    return -1;
}

/* ---- How long is long ---- */

void watch_note(const tf_sched *s, int stage_id, int worker_id, int64_t count, double seconds) {
    watch *w = s->stage[stage_id].watch;
    if (w->timings < s->workers) {
        w->timing = tf_realloc_array(w->timing, (size_t)s->workers, sizeof *w->timing);
        memset(w->timing + w->timings, 0, (size_t)(s->workers - w->timings) * sizeof *w->timing);
        w->timings = s->workers;
    }
    timing *t = &w->timing[worker_id];
    t->tasks += (double)count;
    t->seconds += seconds;
    t->squares += seconds * seconds / (double)count;
}

static void add(timing *sum, const timing *other, double sign) {
    sum->tasks += sign * other->tasks;
    sum->seconds += sign * other->seconds;
    sum->squares += sign * other->squares;
}

timing watch_sum(const tf_sched *s, const stage *st) {
    timing sum = {0};
    for (int worker_id = 0; worker_id < st->watch->timings; worker_id++)
        if (!s->worker[worker_id].is_slow)
            add(&sum, &st->watch->timing[worker_id], 1);
    return sum;
}

double watch_limit(const tf_sched *s, const stage *st, timing all, int worker_id) {
    if (worker_id < st->watch->timings && !s->worker[worker_id].is_slow)
        add(&all, &st->watch->timing[worker_id], -1);
    if (all.tasks < FEWEST_TASKS)
        return INFINITY;
    const double mean = all.seconds / all.tasks, variance = fmax(all.squares / all.tasks - mean * mean, 0);
    return fmax(LEAST_SECONDS, fmax(TIMES * mean, mean + DEVIATIONS * sqrt(variance)));
}
