/* Tasks that are started a second time. A row is written once, so of two workers that have a task each asks before it
 * writes, and the scheduler lets the first do so whose attempt did well; the other is to leave the task. A second
 * worker gets it only once the first has said that it asks, or one could write the row without a word.
 *
 *     asked --- it asks ---> ready --- granted again ---> double --- one may write, or is gone ---> no twin
 *       '------ it was not begun, or has ended, or its worker is gone --------------------------------'
 *
 * An attempt of two workers is one attempt: what fails on one of them counts for nothing as long as the other is at it.
 * What either of them says of a task that it was told to leave counts for nothing, since it does not hold it. */
#include "sched/state.h"

#include <stdlib.h>

/* ---- The list: there are no more of them than idle slots ---- */

twin *twins_find(const tf_sched *s, int stage_id, tf_interval tasks) {
    for (twin *t = s->twin; t < s->twin + s->twins; t++)
        if (t->stage_id == stage_id && t->task >= tasks.first && t->task < tasks.end)
            return t;
    return NULL;
}

static twin *find_one(const tf_sched *s, int stage_id, int64_t task) {
    return twins_find(s, stage_id, (tf_interval){task, task + 1});
}

void twins_add(tf_sched *s, twin added) {
    tf_intervals_add(&s->stage[added.stage_id].watch->settled, added.task, added.task + 1);
    if (s->twins == s->twin_capacity) {
        s->twin_capacity = s->twin_capacity ? 2 * s->twin_capacity : 8;
        s->twin = tf_realloc_array(s->twin, (size_t)s->twin_capacity, sizeof *s->twin);
    }
    s->twin[s->twins++] = added;
}

/* The task may be started a second time later, unless it was. */
static void drop(tf_sched *s, twin *t) {
    watch *w = s->stage[t->stage_id].watch;
    if (t->state != TWIN_IS_DOUBLE)
        tf_intervals_remove(&w->settled, t->task, t->task + 1);
    *t = s->twin[--s->twins];
}

void twins_free(tf_sched *s) {
    free(s->twin);
}

/* The other worker that has the task; -1: there is none. */
static int find_other(const twin *t, int worker_id) {
    if (t->state != TWIN_IS_DOUBLE)
        return -1;
    return t->first_id == worker_id ? t->second_id : t->second_id == worker_id ? t->first_id : -1;
}

/* ---- Rules ---- */

static void rule(tf_sched *s, int worker_id, int stage_id, int64_t task, bool may_write, bool is_second) {
    health_tell(s, (tf_action){.kind = TF_ACTION_RULE,
                               .stage = stage_id,
                               .worker = worker_id,
                               .first = task,
                               .count = 1,
                               .may_write = may_write,
                               .is_second = is_second});
}

/* The worker is to leave the task. What it would do next is asked. */
static void take_from(tf_sched *s, int worker_id, int stage_id, int64_t task) {
    worker_let_go(s, worker_id, stage_id, (tf_interval){task, task + 1});
    worker_add_candidate(s, worker_id);
    rule(s, worker_id, stage_id, task, false, false);
}

static bool holds(const tf_sched *s, int worker_id, int stage_id, int64_t task) {
    return worker_id >= 0 && worker_id < s->workers && s->worker[worker_id].up && stage_id >= 0 &&
           stage_id < s->stages && tf_intervals_contain(&s->worker[worker_id].holds[stage_id], task, task + 1);
}

void tf_sched_claim(tf_sched *s, int worker_id, int stage_id, int64_t task, bool has_failed) {
    if (!holds(s, worker_id, stage_id, task)) {
        rule(s, worker_id, stage_id, task, false, false);
        return;
    }
    twin *t = find_one(s, stage_id, task);
    const int other_id = t ? find_other(t, worker_id) : -1;
    const bool is_second = other_id >= 0 && t->second_id == worker_id;
    if (t)
        drop(s, t);
    if (other_id >= 0 && has_failed) {
        take_from(s, worker_id, stage_id, task);
        return;
    }
    rule(s, worker_id, stage_id, task, true, is_second);
    if (other_id >= 0)
        take_from(s, other_id, stage_id, task);
}

/* ---- What a worker answers ---- */

/* An answer may come when the question is settled: the task had ended, and may be the worker's again by now. */
void tf_sched_doubled(tf_sched *s, int worker_id, int stage_id, int64_t task, const tf_doubled_answer *answer,
                      double now) {
    twin *t = stage_id >= 0 && stage_id < s->stages ? find_one(s, stage_id, task) : NULL;
    if (!t || t->state != TWIN_IS_ASKED || t->first_id != worker_id || t->number != answer->number ||
        answer->attempt < 1)
        return;
    stage *st = &s->stage[stage_id];
    switch (answer->how) {
    case TF_DOUBLED_ASKS:
        t->state = TWIN_IS_READY;
        t->attempt = answer->attempt;
        t->due = now + watch_limit(s, st, watch_sum(s, st), worker_id) - answer->seconds;
        s->next_look = t->due < s->next_look ? t->due : s->next_look;
        return;
    case TF_DOUBLED_BACK:
        drop(s, t);
        retry_give_back(s, worker_id, stage_id, (tf_interval){task, task + 1}, answer->attempt, now);
        worker_wake_class(s, st->class_id);
        worker_add_candidate(s, worker_id);
        return;
    case TF_DOUBLED_ENDED: /* it is not asked for again */
        drop(s, t);
        tf_intervals_add(&st->watch->settled, task, task + 1);
        return;
    }
}

/* ---- What ends them ---- */

void twins_end(tf_sched *s, int worker_id, int stage_id, tf_interval tasks) {
    for (twin *t; (t = twins_find(s, stage_id, tasks));) {
        const int other_id = find_other(t, worker_id);
        const int64_t task = t->task;
        drop(s, t);
        if (other_id >= 0)
            take_from(s, other_id, stage_id, task);
    }
}

/* The worker has to do with the task no more. true: another has it. */
static bool leave(tf_sched *s, int worker_id, twin *t) {
    const bool is_others = find_other(t, worker_id) >= 0;
    if (is_others)
        worker_let_go(s, worker_id, t->stage_id, (tf_interval){t->task, t->task + 1});
    drop(s, t);
    return is_others;
}

tf_intervals twins_leave(tf_sched *s, int worker_id, int stage_id, tf_interval tasks) {
    tf_intervals rest = {0};
    tf_intervals_add(&rest, tasks.first, tasks.end);
    for (twin *t; s->twins > 0 && (t = twins_find(s, stage_id, tasks));) {
        const int64_t task = t->task;
        if (leave(s, worker_id, t))
            tf_intervals_remove(&rest, task, task + 1);
    }
    return rest;
}

void twins_down(tf_sched *s, int worker_id) {
    for (int n = s->twins; n-- > 0;)
        if (s->twin[n].first_id == worker_id ||
            (s->twin[n].state == TWIN_IS_DOUBLE && s->twin[n].second_id == worker_id))
            leave(s, worker_id, &s->twin[n]);
}
