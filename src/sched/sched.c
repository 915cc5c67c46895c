/* The scheduler's state is intervals: what is ready per stage, what each worker holds. Its cost is the number of
 * grants, never the number of tasks. */
#include "sched/state.h"

#include <stdlib.h>
#include <string.h>

static void add_pending(stage *st, const tf_sched_stage *spec) {
    const tf_interval all = {0, spec->tasks};
    const tf_interval *run = spec->pending ? spec->pending->items : &all;
    const size_t runs = spec->pending ? spec->pending->count : spec->tasks > 0;
    const int64_t pending = spec->pending ? spec->pending->total : spec->tasks;
    for (size_t n = 0; n < runs && !spec->linked; n++)
        ready_add(st, spec->level, run[n].first, run[n].end);
    st->blocked = spec->linked ? pending : 0;
    st->done = spec->tasks - spec->withheld - pending;
}

tf_sched *tf_sched_new(const tf_sched_stage *stages, int count) {
    tf_sched *s = tf_alloc(sizeof *s);
    s->stages = count;
    s->torn_stage = -1;
    s->stage = tf_alloc_array((size_t)count, sizeof *s->stage);
    for (int i = 0; i < count; i++) {
        stage *st = &s->stage[i];
        st->spec = stages[i];
        st->spec.pending = NULL; /* the caller's */
        st->class_id = class_find(s, &st->spec.need);
        int *after = tf_alloc_array((size_t)stages[i].afters, sizeof *after);
        if (stages[i].afters)
            memcpy(after, stages[i].after, (size_t)stages[i].afters * sizeof *after);
        st->spec.after = after;
        st->laid_out = st->finished = stages[i].finished;
        if (stages[i].speculative && !stages[i].finished)
            st->watch = tf_alloc(sizeof *st->watch);
        s->speculative += st->watch != NULL;
        add_pending(st, &stages[i]);
    }
    opening_begin(s);
    return s;
}

void tf_sched_free(tf_sched *s) {
    if (!s)
        return;
    for (int i = 0; i < s->stages; i++) {
        ready_free(&s->stage[i]);
        tf_intervals_free(&s->stage[i].forgiven);
        free(s->stage[i].pace);
        watch_free(s->stage[i].watch);
        free((void *)(uintptr_t)s->stage[i].spec.after);
    }
    workers_free(s);
    twins_free(s);
    opening_end(s);
    for (int c = 0; c < s->classes; c++)
        tf_heap_free(&s->class[c].retries);
    free(s->stage);
    free(s->class);
    free(s->by_need);
    free(s->head);
    free(s->told);
    free(s);
}

void tf_sched_worker_down(tf_sched *s, int worker_id) {
    if (worker_id < 0 || worker_id >= s->workers || !s->worker[worker_id].up)
        return;
    health_down(s, worker_id);
    twins_down(s, worker_id);
    worker_take_down(s, worker_id);
}

int tf_sched_count_well(const tf_sched *s) {
    return s->well;
}

bool tf_sched_next_change(tf_sched *s, tf_action *action) {
    return (health_has_news(s) && health_next(s, action)) || stage_next_change(s, action);
}

bool tf_sched_next(tf_sched *s, double now, tf_action *action) {
    s->now = now;
    if (tf_sched_next_change(s, action) || grant_next(s, now, action))
        return true;
    if (s->doubters > 0 && health_settle_rest(s) && tf_sched_next_change(s, action))
        return true;
    return s->speculative > 0 && second_next(s, now, action);
}

bool tf_sched_is_stuck(const tf_sched *s) {
    for (int n = 0; n < s->opens; n++) {
        const stage *st = &s->stage[s->open[n]];
        const resource_class *class = &s->class[st->class_id];
        if (st->ready + st->retrying > 0 && class->capacity == 0 && !class->is_given_up)
            return true;
    }
    return false;
}

void tf_sched_freeze(tf_sched *s) {
    s->frozen = true;
}

void tf_sched_drain(tf_sched *s) {
    health_settle_all(s);
    s->draining = true;
}
