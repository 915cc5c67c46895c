/* Workers: what they have and hold, and which of them are asked whether they want work.
 *
 * One that may want work is a candidate and stands in a ring. One for which there is nothing, though it has idle slots,
 * waits until there is something new, so that a message costs no look at each of them. */
#include "sched/state.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static bool is_up(const tf_sched *s, int worker_id) {
    return worker_id >= 0 && worker_id < s->workers && s->worker[worker_id].up;
}

/* ---- Candidates, and those that wait ---- */

/* Takes the worker out of `waiting`; the last one gets its place. */
static void stop_waiting(tf_sched *s, int worker_id) {
    worker *w = &s->worker[worker_id];
    if (w->waiting_place == 0)
        return;
    const int last = s->waiting[--s->waiting_count];
    s->waiting[w->waiting_place - 1] = last;
    s->worker[last].waiting_place = w->waiting_place;
    w->waiting_place = 0;
}

void worker_wait(tf_sched *s, int worker_id) {
    s->waiting[s->waiting_count++] = worker_id;
    s->worker[worker_id].waiting_place = s->waiting_count;
}

void worker_add_candidate(tf_sched *s, int worker_id) {
    worker *w = &s->worker[worker_id];
    if (w->is_candidate || !w->up)
        return;
    stop_waiting(s, worker_id);
    w->is_candidate = true;
    s->candidates[(s->first_candidate + s->candidate_count++) % s->workers] = worker_id;
}

int worker_next_candidate(tf_sched *s) {
    const int worker_id = s->candidates[s->first_candidate];
    s->first_candidate = (s->first_candidate + 1) % s->workers;
    s->candidate_count--;
    s->worker[worker_id].is_candidate = false;
    return worker_id;
}

void worker_wake_all(tf_sched *s) {
    for (int i = s->waiting_count; i-- > 0;)
        worker_add_candidate(s, s->waiting[i]);
}

void worker_wake_class(tf_sched *s, int class_id) {
    for (int i = s->waiting_count; i-- > 0;)
        if (s->worker[s->waiting[i]].capacity[class_id] > 0)
            worker_add_candidate(s, s->waiting[i]);
}

/* ---- Up and down ---- */

static void make_room(tf_sched *s, int count) {
    int *ring = tf_alloc_array((size_t)count, sizeof *ring);
    for (int i = 0; i < s->candidate_count; i++)
        ring[i] = s->candidates[(s->first_candidate + i) % s->workers];
    free(s->candidates);
    s->candidates = ring;
    s->first_candidate = 0;
    s->waiting = tf_realloc_array(s->waiting, (size_t)count, sizeof *s->waiting);
    s->worker = tf_realloc_array(s->worker, (size_t)count, sizeof *s->worker);
    memset(s->worker + s->workers, 0, (size_t)(count - s->workers) * sizeof *s->worker);
    s->workers = count;
}

void tf_sched_worker_up(tf_sched *s, int worker_id, tf_resources have) {
    assert(worker_id >= 0 && have.slots > 0);
    if (worker_id >= s->workers)
        make_room(s, worker_id + 1 > 2 * s->workers ? worker_id + 1 : 2 * s->workers);
    worker *w = &s->worker[worker_id];
    if (w->up)
        return;
    w->up = true;
    w->have = have;
    w->reserved_for = -1;
    w->is_slow = false;
    if (!w->holds) {
        w->holds = tf_alloc_array((size_t)s->stages, sizeof *w->holds);
        w->held_of_class = tf_alloc_array((size_t)s->classes, sizeof *w->held_of_class);
        w->capacity = tf_alloc_array((size_t)s->classes, sizeof *w->capacity);
    }
    for (int c = 0; c < s->classes; c++) {
        w->capacity[c] = s->class[c].is_given_up ? 0 : tf_resources_fit(&have, &s->class[c].need);
        s->class[c].capacity += w->capacity[c];
    }
    s->up++;
    w->health = (health){.most_failed = HEALTH_FAILED_IN_A_ROW};
    s->well++;
    worker_add_candidate(s, worker_id);
}

/* What the worker held may be run by anyone, before all else. */
static void return_tasks(tf_sched *s, worker *w) {
    for (int i = 0; i < s->stages; i++) {
        for (size_t n = 0; n < w->holds[i].count; n++)
            ready_add(&s->stage[i], INT_MAX, w->holds[i].items[n].first, w->holds[i].items[n].end);
        tf_intervals_free(&w->holds[i]);
    }
    w->held = 0;
    for (int c = 0; c < s->classes; c++)
        w->held_of_class[c] = 0;
}

void worker_take_down(tf_sched *s, int worker_id) {
    worker *w = &s->worker[worker_id];
    stop_waiting(s, worker_id);
    worker_reserve(s, w, -1);
    return_tasks(s, w);
    w->idle = 0;
    w->up = false;
    for (int c = 0; c < s->classes; c++)
        s->class[c].capacity -= w->capacity[c];
    s->up--;
    for (int other_id = 0; other_id < s->workers; other_id++)
        worker_add_candidate(s, other_id);
}

void workers_free(tf_sched *s) {
    for (int worker_id = 0; worker_id < s->workers; worker_id++) {
        worker *w = &s->worker[worker_id];
        for (int i = 0; w->holds && i < s->stages; i++)
            tf_intervals_free(&w->holds[i]);
        free(w->holds);
        free(w->held_of_class);
        free(w->capacity);
        free(w->health.doubt);
    }
    free(s->worker);
    free(s->candidates);
    free(s->waiting);
}

/* ---- What it has room for ---- */

void worker_reserve(tf_sched *s, worker *w, int class_id) {
    if (w->reserved_for >= 0)
        s->class[w->reserved_for].reserved -= w->capacity[w->reserved_for];
    if (class_id >= 0)
        s->class[class_id].reserved += w->capacity[class_id];
    w->reserved_for = class_id;
}

int64_t worker_room(const tf_sched *s, const worker *w, int class_id) {
    if (s->classes == 1 || w->capacity[class_id] == 0)
        return w->capacity[class_id];
    tf_resources left = w->have;
    for (int other = 0; other < s->classes; other++) {
        const int64_t at_once =
            w->held_of_class[other] < w->capacity[other] ? w->held_of_class[other] : w->capacity[other];
        if (other != class_id)
            tf_resources_subtract(&left, &s->class[other].need, at_once);
    }
    return tf_resources_fit(&left, &s->class[class_id].need);
}

void tf_sched_idle(tf_sched *s, int worker_id, int idle) {
    if (!is_up(s, worker_id) || idle <= 0)
        return;
    worker *w = &s->worker[worker_id];
    w->idle = idle < w->have.slots ? idle : (int)w->have.slots;
    worker_add_candidate(s, worker_id);
}

const tf_intervals *tf_sched_holds(const tf_sched *s, int worker_id, int stage_id) {
    static const tf_intervals nothing;
    const bool is_known = worker_id >= 0 && worker_id < s->workers && s->worker[worker_id].holds;
    return is_known ? &s->worker[worker_id].holds[stage_id] : &nothing;
}

/* ---- What it holds ---- */

void worker_hold(tf_sched *s, int worker_id, int stage_id, tf_interval tasks) {
    worker *w = &s->worker[worker_id];
    const int class_id = s->stage[stage_id].class_id;
    const int64_t count = tasks.end - tasks.first, slots = count * s->class[class_id].need.slots;
    tf_intervals_add(&w->holds[stage_id], tasks.first, tasks.end);
    w->held += count;
    w->held_of_class[class_id] += count;
    w->idle = slots < w->idle ? w->idle - (int)slots : 0;
}

void worker_let_go(tf_sched *s, int worker_id, int stage_id, tf_interval tasks) {
    worker *w = &s->worker[worker_id];
    tf_intervals_remove(&w->holds[stage_id], tasks.first, tasks.end);
    w->held -= tasks.end - tasks.first;
    w->held_of_class[s->stage[stage_id].class_id] -= tasks.end - tasks.first;
}

void tf_sched_set_host(tf_sched *s, int worker_id, uint64_t host) {
    if (is_up(s, worker_id))
        s->worker[worker_id].host = host;
}

/* ---- What it says ---- */

bool worker_release(tf_sched *s, int worker_id, int stage_id, int64_t first, int64_t count, double seconds) {
    if (!is_up(s, worker_id) || stage_id < 0 || stage_id >= s->stages || count <= 0)
        return false;
    stage *st = &s->stage[stage_id];
    if (!tf_intervals_contain(&s->worker[worker_id].holds[stage_id], first, first + count))
        return false;
    worker_let_go(s, worker_id, stage_id, (tf_interval){first, first + count});
    if (st->estimate.seen == 0)
        worker_wake_class(s, st->class_id);
    tf_estimate_add(&st->estimate, count, seconds);
    worker_add_candidate(s, worker_id);
    return true;
}
