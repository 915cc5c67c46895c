/* Doubts: tasks that have failed on a worker, in the order in which they did. There are few at a time: a task that does
 * well ends them all, and many that fail in a row make the worker a suspect, which gets no more. */
#include "sched/state.h"

#include <stdlib.h>
#include <string.h>

static int64_t count_tasks(const doubt *d) {
    return d->tasks.end - d->tasks.first;
}

static bool goes_on(const doubt *last, const doubt *next) {
    return last->stage_id == next->stage_id && last->attempt == next->attempt && last->is_final == next->is_final &&
           last->is_tried == next->is_tried && last->tasks.end == next->tasks.first;
}

static void insert(health *h, int at, const doubt *d) {
    if (h->doubts == h->capacity) {
        h->capacity = h->capacity ? 2 * h->capacity : 8;
        h->doubt = tf_realloc_array(h->doubt, (size_t)h->capacity, sizeof *h->doubt);
    }
    memmove(h->doubt + at + 1, h->doubt + at, (size_t)(h->doubts++ - at) * sizeof *h->doubt);
    h->doubt[at] = *d;
}

void doubts_add(tf_sched *s, worker *w, doubt tasks) {
    health *h = &w->health;
    s->doubters += !h->is_listed;
    h->is_listed = true;
    h->failed += count_tasks(&tasks);
    h->tried += tasks.is_tried ? count_tasks(&tasks) : 0;
    if (h->doubts > 0 && goes_on(&h->doubt[h->doubts - 1], &tasks))
        h->doubt[h->doubts - 1].tasks.end = tasks.tasks.end;
    else
        insert(h, h->doubts, &tasks);
}

static tf_interval overlap(tf_interval a, tf_interval b) {
    return (tf_interval){a.first > b.first ? a.first : b.first, a.end < b.end ? a.end : b.end};
}

/* What is left of it before and behind the tasks stays. */
static void cut(health *h, int at, tf_interval tasks) {
    doubt before = h->doubt[at], behind = before;
    before.tasks.end = tasks.first;
    behind.tasks.first = tasks.end;
    memmove(h->doubt + at, h->doubt + at + 1, (size_t)(--h->doubts - at) * sizeof *h->doubt);
    if (count_tasks(&behind) > 0)
        insert(h, at, &behind);
    if (count_tasks(&before) > 0)
        insert(h, at, &before);
}

doubts_removed doubts_remove(worker *w, int stage_id, tf_interval tasks, int attempt) {
    health *h = &w->health;
    doubts_removed all = {0};
    for (int at = h->doubts; at-- > 0;) {
        const doubt d = h->doubt[at];
        const tf_interval both = overlap(d.tasks, tasks);
        if (d.stage_id != stage_id || both.first >= both.end || (attempt != 0 && d.attempt != attempt))
            continue;
        all.tasks += both.end - both.first;
        all.tried += d.is_tried ? both.end - both.first : 0;
        cut(h, at, both);
    }
    h->failed -= all.tasks;
    h->tried -= all.tried;
    return all;
}

void doubts_find(const worker *w, int stage_id, tf_interval tasks, tf_intervals *found) {
    for (const doubt *d = w->health.doubt; d < w->health.doubt + w->health.doubts; d++) {
        const tf_interval both = overlap(d->tasks, tasks);
        if (d->stage_id == stage_id && both.first < both.end)
            tf_intervals_add(found, both.first, both.end);
    }
}

bool doubts_are_tried(const worker *w, int stage_id, tf_interval tasks) {
    for (const doubt *d = w->health.doubt; d < w->health.doubt + w->health.doubts; d++) {
        const tf_interval both = overlap(d->tasks, tasks);
        if (d->stage_id == stage_id && d->is_tried && both.first < both.end)
            return true;
    }
    return false;
}

int64_t doubts_count(const worker *w, int stage_id) {
    int64_t tasks = 0;
    for (const doubt *d = w->health.doubt; d < w->health.doubt + w->health.doubts; d++)
        tasks += d->stage_id == stage_id && d->is_final && !d->is_tried ? count_tasks(d) : 0;
    return tasks;
}

bool doubts_pop(worker *w, doubt *last) {
    health *h = &w->health;
    if (h->doubts == 0)
        return false;
    *last = h->doubt[--h->doubts];
    h->failed -= count_tasks(last);
    h->tried -= last->is_tried ? count_tasks(last) : 0;
    return true;
}

void doubts_clear(tf_sched *s, worker *w) {
    health *h = &w->health;
    s->doubters -= h->is_listed;
    free(h->doubt);
    *h = (health){.state = h->state, .most_failed = h->most_failed};
}
