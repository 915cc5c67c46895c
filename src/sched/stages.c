/* Stages: when one is begun, when it is over, and when all is. */
#include "sched/state.h"

/* ---- Counts ---- */

/* Tasks that are neither running nor ended. */
static int64_t count_pending(const stage *st) {
    return st->ready + st->retrying + st->blocked;
}

int64_t stage_running(const stage *st) {
    return st->spec.tasks - st->spec.withheld - count_pending(st) - st->done - st->failed - st->skipped;
}

tf_sched_counts tf_sched_stage_counts(const tf_sched *s, int stage_id) {
    const stage *st = &s->stage[stage_id];
    return (tf_sched_counts){.tasks = st->spec.tasks,
                             .pending = count_pending(st),
                             .running = stage_running(st),
                             .done = st->done,
                             .failed = st->failed,
                             .skipped = st->skipped,
                             .withheld = st->spec.withheld};
}

/* ---- Order ---- */

bool stage_needs_more(const tf_resources *a, const tf_resources *b) {
    if (a->gpus != b->gpus)
        return a->gpus > b->gpus;
    return a->slots != b->slots ? a->slots > b->slots : a->memory > b->memory;
}

bool stage_goes_before(const tf_sched *s, int stage_id, int other_id) {
    const stage *a = &s->stage[stage_id], *b = &s->stage[other_id];
    if (ready_level(a) != ready_level(b))
        return ready_level(a) > ready_level(b);
    const tf_resources *need_a = &s->class[a->class_id].need, *need_b = &s->class[b->class_id].need;
    return stage_needs_more(need_a, need_b) || (!stage_needs_more(need_b, need_a) && stage_id < other_id);
}

/* ---- Linked stages ---- */

void tf_sched_ready(tf_sched *s, int stage_id, int64_t first, int64_t count, int level) {
    stage *st = &s->stage[stage_id];
    st->blocked -= count;
    ready_add(st, level, first, first + count);
    worker_wake_class(s, st->class_id);
}

void tf_sched_skip(tf_sched *s, int stage_id, int64_t count) {
    s->stage[stage_id].blocked -= count;
    s->stage[stage_id].skipped += count;
}

bool tf_sched_has_caught_up(const tf_sched *s, int stage_id) {
    const stage *st = &s->stage[stage_id];
    return st->ready == 0 && st->retrying == 0 && stage_running(st) == 0;
}

void tf_sched_cut(tf_sched *s, int stage_id) {
    stage *st = &s->stage[stage_id];
    st->spec.tasks -= st->blocked;
    st->blocked = 0;
    st->spec.awaits_cut = false;
}

/* ---- From the beginning to the end ---- */

static bool may_start(const tf_sched *s, const stage *st) {
    if (s->stopping || s->frozen)
        return false;
    for (int a = 0; a < st->spec.afters; a++)
        if (!s->stage[st->spec.after[a]].finished)
            return false;
    return true;
}

/* Is nothing of the stage to be run or written, or does it come after a stage that will not be finished? */
static bool is_left_out(const tf_sched *s, const stage *st) {
    if (st->spec.withheld > 0 && count_pending(st) + st->spec.adopted == 0)
        return true;
    for (int a = 0; a < st->spec.afters; a++)
        if (s->stage[st->spec.after[a]].closed)
            return true;
    return false;
}

static bool is_given_up(const tf_sched *s, const stage *st) {
    return s->class[st->class_id].is_given_up;
}

static bool is_over(const tf_sched *s, const stage *st) {
    return stage_running(st) == 0 &&
           (s->stopping || is_given_up(s, st) || (count_pending(st) == 0 && !st->spec.awaits_cut));
}

static bool end_once(tf_sched *s, tf_action *action) {
    if (s->ended)
        return false;
    s->ended = true;
    *action = (tf_action){.kind = TF_ACTION_END};
    return true;
}

static bool end_when_drained(tf_sched *s, tf_action *action) {
    int64_t held = 0;
    for (int i = 0; i < s->stages; i++)
        held += stage_running(&s->stage[i]);
    return held == 0 && end_once(s, action);
}

static bool lay_out_if_ready(tf_sched *s, int stage_id, tf_action *action) {
    stage *st = &s->stage[stage_id];
    if (st->laid_out)
        return false;
    if (is_left_out(s, st)) {
        st->closed = true;
        return false;
    }
    if (!may_start(s, st))
        return false;
    st->laid_out = true;
    worker_wake_class(s, st->class_id);
    *action = (tf_action){.kind = TF_ACTION_LAYOUT, .stage = stage_id};
    return true;
}

/* A stage of which tasks are withheld, or that nobody could run to its end, is not written: a later run will have the
 * rest. */
static bool finish_if_over(tf_sched *s, int stage_id, tf_action *action) {
    stage *st = &s->stage[stage_id];
    if (!st->laid_out || st->finished || !is_over(s, st))
        return false;
    st->finished = st->spec.withheld == 0 && !is_given_up(s, st);
    st->closed = !st->finished;
    *action = (tf_action){.kind = TF_ACTION_FINISH, .stage = stage_id};
    return st->finished;
}

/* Will the stage not be begun in this run, or not be finished? */
static bool is_left_behind(const tf_sched *s, const stage *st) {
    return st->closed || ((s->stopping || s->frozen) && !st->laid_out);
}

/* Tasks may wait for those of a stage that is left behind. Is there nothing else left: no task that runs or could, and
 * no stage that is looked at for more? */
static bool is_at_rest(const tf_sched *s) {
    bool any = false;
    for (int i = 0; i < s->stages; i++) {
        const stage *st = &s->stage[i];
        const bool is_open = st->laid_out && !st->finished && !st->closed;
        if (is_open && (stage_running(st) > 0 || st->ready > 0 || st->retrying > 0 || st->spec.awaits_cut))
            return false;
        any = any || is_left_behind(s, st);
    }
    return any;
}

bool stage_next_change(tf_sched *s, tf_action *action) {
    if (s->draining)
        return end_when_drained(s, action);
    int over = 0;
    for (int i = 0; i < s->stages; i++) {
        if (lay_out_if_ready(s, i, action) || finish_if_over(s, i, action))
            return true;
        const stage *st = &s->stage[i];
        over += st->finished || is_left_behind(s, st);
    }
    return (over == s->stages || is_at_rest(s)) && end_once(s, action);
}
