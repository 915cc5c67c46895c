/* Retries: a task whose attempt failed waits in a heap of its class, ordered by the time when it is due. */
#include "sched/state.h"

#include <math.h>

bool retry_is_before(const void *a, const void *b) {
    return ((const retry *)a)->due < ((const retry *)b)->due;
}

double retry_due(const resource_class *class) {
    return class->retries.count ? ((const retry *)(const void *)class->retries.items)->due : INFINITY;
}

bool tf_sched_retry(tf_sched *s, int worker_id, int stage_id, int64_t first, int64_t count, int attempt, double seconds,
                    double now) {
    if (!worker_release(s, worker_id, stage_id, first, count, seconds))
        return false;
    stage *st = &s->stage[stage_id];
    retry next = {.due = now + ldexp(st->spec.retry_delay, attempt - 1),
                  .stage_id = stage_id,
                  .attempt = attempt + 1,
                  .failed_on = worker_id};
    for (next.index = first; next.index < first + count; next.index++)
        tf_heap_add(&s->class[st->class_id].retries, &next);
    st->retrying += count;
    return true;
}

double tf_sched_due(const tf_sched *s) {
    double due = INFINITY;
    for (int c = 0; c < s->classes; c++)
        due = fmin(due, retry_due(&s->class[c]));
    return due;
}
