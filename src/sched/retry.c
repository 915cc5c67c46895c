/* Retries: a task whose attempt failed waits in a heap of its class, ordered by the time when it is due. */
#include "sched/state.h"

#include <limits.h>
#include <math.h>

bool retry_is_before(const void *a, const void *b) {
    return ((const retry *)a)->due < ((const retry *)b)->due;
}

double retry_due(const resource_class *class) {
    return class->retries.count ? ((const retry *)(const void *)class->retries.items)->due : INFINITY;
}

void retry_none(tf_sched *s, stage *st, int64_t tasks) {
    st->failed += tasks;
    s->stopping = s->stopping || (st->spec.stop_after > 0 && st->failed >= st->spec.stop_after);
}

void retry_add(tf_sched *s, retry like, tf_interval tasks) {
    stage *st = &s->stage[like.stage_id];
    for (like.index = tasks.first; like.index < tasks.end; like.index++)
        tf_heap_add(&s->class[st->class_id].retries, &like);
    st->retrying += tasks.end - tasks.first;
}

void retry_give_back(tf_sched *s, int worker_id, int stage_id, tf_interval tasks, int attempt, double now) {
    worker_let_go(s, worker_id, stage_id, tasks);
    if (attempt == 1)
        ready_add(&s->stage[stage_id], INT_MAX, tasks.first, tasks.end);
    else
        retry_add(s, (retry){.due = now, .stage_id = stage_id, .attempt = attempt, .failed_on = worker_id}, tasks);
}

tf_intervals retry_take_back(tf_sched *s, int stage_id, tf_interval tasks, int attempt, double due) {
    resource_class *class = &s->class[s->stage[stage_id].class_id];
    tf_heap all = class->retries;
    tf_intervals found = {0};
    retry next;
    class->retries = (tf_heap){.size = all.size, .before = all.before};
    while (all.count > 0) {
        tf_heap_pop(&all, &next);
        if (next.stage_id == stage_id && next.attempt == attempt && next.index >= tasks.first &&
            next.index < tasks.end) {
            next.attempt--;
            next.due = due;
            next.is_trial = true;
            tf_intervals_add(&found, next.index, next.index + 1);
        }
        tf_heap_add(&class->retries, &next);
    }
    tf_heap_free(&all);
    return found;
}

double tf_sched_due(const tf_sched *s) {
    double due = INFINITY;
    for (int c = 0; c < s->classes; c++)
        due = fmin(due, retry_due(&s->class[c]));
    return due;
}
