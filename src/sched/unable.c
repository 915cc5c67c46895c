/* Stages that some worker can't run, as one that lacks what their service needs. Such a stage is a class of its own, of
 * which the worker has no capacity: so nothing of it is granted there, and the worker is reserved for nothing of it. */
#include "sched/state.h"

/* Takes from the worker what it says it can run of the stage. */
static void take_capacity(tf_sched *s, worker *w, int class_id) {
    if (w->reserved_for == class_id)
        worker_reserve(s, w, -1);
    s->class[class_id].capacity -= w->capacity[class_id];
    w->capacity[class_id] = 0;
}

/* Tasks that another worker has, too, are that one's alone. */
static void return_tasks(tf_sched *s, int worker_id, int stage_id, tf_interval tasks, int attempt, double now) {
    tf_intervals rest = twins_leave(s, worker_id, stage_id, tasks);
    for (size_t n = 0; n < rest.count; n++)
        retry_give_back(s, worker_id, stage_id, rest.items[n], attempt, now);
    tf_intervals_free(&rest);
}

bool tf_sched_unable(tf_sched *s, int worker_id, int stage_id, int64_t first, int64_t count, int attempt, double now) {
    const bool is_up = worker_id >= 0 && worker_id < s->workers && s->worker[worker_id].up;
    if (!is_up || stage_id < 0 || stage_id >= s->stages || count < 0 || attempt < 1 ||
        !tf_intervals_contain(&s->worker[worker_id].holds[stage_id], first, first + count))
        return false;
    stage *st = &s->stage[stage_id];
    st->is_unable_somewhere = true;
    class_split(s, stage_id);
    take_capacity(s, &s->worker[worker_id], st->class_id);
    if (count > 0)
        return_tasks(s, worker_id, stage_id, (tf_interval){first, first + count}, attempt, now);
    worker_wake_class(s, st->class_id);
    worker_add_candidate(s, worker_id);
    return true;
}

bool tf_sched_is_unable(const tf_sched *s, int stage_id) {
    const stage *st = &s->stage[stage_id];
    const resource_class *class = &s->class[st->class_id];
    return st->is_unable_somewhere && !class->is_given_up && class->capacity == 0;
}

void tf_sched_give_up(tf_sched *s, int stage_id) {
    const stage *st = &s->stage[stage_id];
    class_split(s, stage_id);
    resource_class *class = &s->class[st->class_id];
    class->is_given_up = true;
    class->capacity = 0;
    for (worker *w = s->worker; w < s->worker + s->workers; w++)
        if (w->holds)
            w->capacity[st->class_id] = 0;
    s->stopping = s->stopping || st->spec.stop_after > 0;
}
