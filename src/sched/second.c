/* Second starts. When workers are idle and nothing is left to be handed out, a task that has been away for longer than
 * it would take elsewhere is started a second time, on a worker of another machine if one is idle: there once, however
 * long it takes. A task that its worker has not begun yet is taken back instead.
 *
 * How long a task has really been under way its worker alone knows. So that is asked of those that were granted long
 * ago, and of no more than there are idle slots. */
#include "sched/state.h"

enum { MOST_AT_ONCE = 32 /* actions of one look, each of which costs a look at all workers */ };

#define LOOK_SECONDS 0.1 /* between looks */

/* Tasks of the class that the worker could begin at once, and that keep nothing else from it. */
static int64_t count_idle(const tf_sched *s, const worker *w, int class_id) {
    if (!w->up || !health_is_trusted(w) || w->is_slow || w->reserved_for >= 0)
        return 0;
    for (int c = 0; c < s->classes; c++)
        if (s->head[c] >= 0 && w->capacity[c] > 0)
            return 0;
    const int64_t idle = worker_room(s, w, class_id) - w->held_of_class[class_id];
    return idle > 0 ? idle : 0;
}

static int64_t count_all_idle(const tf_sched *s, int class_id) {
    int64_t idle = 0;
    for (const worker *w = s->worker; w < s->worker + s->workers; w++)
        idle += count_idle(s, w, class_id);
    return idle;
}

/* A worker for the second start of a task of the first one's; -1: there is none. One of another machine goes before
 * others, and then one that has done tasks of the stage. */
static int find_second(const tf_sched *s, const stage *st, int first_id) {
    enum { IS_THERE = 1, IS_PROVEN = 1, IS_ELSEWHERE = 2 };
    int best_id = -1, best = 0;
    for (int worker_id = 0; worker_id < s->workers && best < IS_THERE + IS_PROVEN + IS_ELSEWHERE; worker_id++) {
        const worker *w = &s->worker[worker_id];
        if (worker_id == first_id || count_idle(s, w, st->class_id) == 0)
            continue;
        const int fitness = IS_THERE + (watch_has_done(st->watch, worker_id) ? IS_PROVEN : 0) +
                            (w->host != s->worker[first_id].host ? IS_ELSEWHERE : 0);
        best_id = fitness > best ? worker_id : best_id;
        best = fitness > best ? fitness : best;
    }
    return best_id;
}

static bool start_second(tf_sched *s, twin *t, tf_action *action) {
    const int second_id = find_second(s, &s->stage[t->stage_id], t->first_id);
    if (second_id < 0)
        return false;
    t->state = TWIN_IS_DOUBLE;
    t->second_id = second_id;
    worker_hold(s, second_id, t->stage_id, (tf_interval){t->task, t->task + 1});
    *action = (tf_action){.kind = TF_ACTION_SECOND,
                          .stage = t->stage_id,
                          .worker = second_id,
                          .first = t->task,
                          .count = 1,
                          .attempt = t->attempt};
    return true;
}

/* Tasks whose workers have said that they ask. */
static bool start_ready(tf_sched *s, double now, tf_action *action) {
    for (twin *t = s->twin; t < s->twin + s->twins; t++)
        if (t->state == TWIN_IS_READY && t->due <= now && start_second(s, t, action))
            return true;
    return false;
}

/* Tasks that idle workers are to begin soon. */
static int64_t count_expected(const tf_sched *s, double now) {
    int64_t count = 0;
    for (const twin *t = s->twin; t < s->twin + s->twins; t++)
        count += t->state == TWIN_IS_ASKED || (t->state == TWIN_IS_READY && t->due <= now);
    return count;
}

/* The next task of the stage that is to be asked for. */
static bool ask(tf_sched *s, int stage_id, double now, tf_action *action) {
    const stage *st = &s->stage[stage_id];
    const timing all = watch_sum(s, st);
    int first_id;
    size_t at = 0;
    if (count_all_idle(s, st->class_id) <= count_expected(s, now))
        return false;
    for (int64_t task; (task = watch_next(s, stage_id, now, &at, &first_id)) >= 0; at++) {
        if (now - st->watch->outing[at].since < watch_limit(s, st, all, first_id) || find_second(s, st, first_id) < 0)
            continue;
        const int64_t number = ++s->questions;
        twins_add(
            s,
            (twin){.state = TWIN_IS_ASKED, .stage_id = stage_id, .task = task, .number = number, .first_id = first_id});
        *action = (tf_action){.kind = TF_ACTION_DOUBLE,
                              .stage = stage_id,
                              .worker = first_id,
                              .first = task,
                              .count = 1,
                              .number = number};
        return true;
    }
    return false;
}

bool second_next(tf_sched *s, double now, tf_action *action) {
    if (now < s->next_look || s->stopping || s->draining)
        return false;
    bool any = s->looked < MOST_AT_ONCE;
    if (any) {
        grant_find_heads(s);
        any = start_ready(s, now, action);
    }
    for (int n = 0; n < s->opens && !any && s->looked < MOST_AT_ONCE; n++)
        any = s->stage[s->open[n]].watch && ask(s, s->open[n], now, action);
    s->looked = any ? s->looked + 1 : 0;
    s->next_look = any ? s->next_look : now + LOOK_SECONDS;
    return any;
}
