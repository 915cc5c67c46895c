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
    if (st->ready == 0 && !st->laid_out)
        opening_has_work(s, stage_id);
    ready_add(st, level, first, first + count);
    worker_wake_class(s, st->class_id);
}

void tf_sched_skip(tf_sched *s, int stage_id, int64_t count) {
    s->stage[stage_id].blocked -= count;
    s->stage[stage_id].skipped += count;
}

bool tf_sched_has_caught_up(const tf_sched *s, int stage_id) {
    const stage *st = &s->stage[stage_id];
    const bool is_told = s->told_first == s->told_end;
    return is_told && st->ready == 0 && st->retrying == 0 && stage_running(st) == 0;
}

void tf_sched_cut(tf_sched *s, int stage_id) {
    stage *st = &s->stage[stage_id];
    st->spec.tasks -= st->blocked;
    st->blocked = 0;
    st->spec.awaits_cut = false;
}

/* ---- From the beginning to the end ---- */

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
    for (int n = 0; n < s->opens; n++)
        held += stage_running(&s->stage[s->open[n]]);
    return held == 0 && end_once(s, action);
}

/* No stage is begun any more. */
static bool begins_none(const tf_sched *s) {
    return s->stopping || s->frozen;
}

/* The first open stage that is over; -1 if none is. */
static int find_over(const tf_sched *s) {
    for (int n = 0; n < s->opens; n++)
        if (is_over(s, &s->stage[s->open[n]]))
            return s->open[n];
    return -1;
}

static void lay_out(tf_sched *s, int stage_id, tf_action *action) {
    opening_open(s, stage_id);
    worker_wake_class(s, s->stage[stage_id].class_id);
    *action = (tf_action){.kind = TF_ACTION_LAYOUT, .stage = stage_id};
}

/* Tasks may wait for those of a stage that is left behind: not begun in this run, or not finished. Is there nothing
 * else left: no task that runs or could, and no stage that is looked at for more? */
static bool is_at_rest(const tf_sched *s) {
    for (int n = 0; n < s->opens; n++) {
        const stage *st = &s->stage[s->open[n]];
        if (stage_running(st) > 0 || st->ready > 0 || st->retrying > 0 || st->spec.awaits_cut)
            return false;
    }
    return s->closed_stages > 0 || (begins_none(s) && s->waiting_stages > 0);
}

/* A stage of which tasks are withheld, or that nobody could run to its end, is not written: a later run will have the
 * rest. */
bool stage_next_change(tf_sched *s, tf_action *action) {
    if (s->draining)
        return end_when_drained(s, action);
    for (;;) {
        const int next = begins_none(s) ? -1 : opening_next(s), over = find_over(s);
        if (next >= 0 && (over < 0 || next < over)) {
            lay_out(s, next, action);
            return true;
        }
        if (over < 0)
            break;
        const bool finished = s->stage[over].spec.withheld == 0 && !is_given_up(s, &s->stage[over]);
        opening_close(s, over, finished);
        *action = (tf_action){.kind = TF_ACTION_FINISH, .stage = over};
        if (finished)
            return true;
    }
    const bool all_over = s->opens == 0 && (begins_none(s) || s->waiting_stages == 0);
    return (all_over || is_at_rest(s)) && end_once(s, action);
}
