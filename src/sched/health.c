/* Which workers are sick. Grants are consecutive and bad points are neighbours, so that tasks which fail one after the
 * other say little of the worker that had them. What tells is that the same attempt at the same task does well
 * elsewhere.
 *
 * So a task's last failure stands in doubt until a later task does well on the worker: meanwhile the row is not
 * written. A worker on which several tasks failed in a row is a suspect: it gets nothing, and others try some of these
 * tasks, at the attempt that failed. Two that do well make the worker sick, and all that failed on it since it last did
 * well is for others, at the same attempt. A task that fails elsewhere, too, has failed: it speaks for nobody. So
 * statuses and attempts are those of a run with one worker, unless one is sick.
 *
 * After each acquittal it takes twice as many failures to make the worker a suspect again: what suspicion costs grows
 * with the logarithm of the number of failures. Nobody is a suspect if there is no other worker that is none. */
#include "sched/state.h"

#include <limits.h>
#include <math.h>

/* ---- What is told ---- */

void health_tell(tf_sched *s, tf_action action) {
    if (s->told_first == s->told_end)
        s->told_first = s->told_end = 0;
    if (s->told_end == s->told_capacity) {
        s->told_capacity = s->told_capacity ? 2 * s->told_capacity : 8;
        s->told = tf_realloc_array(s->told, (size_t)s->told_capacity, sizeof *s->told);
    }
    s->told[s->told_end++] = action;
}

static void tell_of_rows(tf_sched *s, tf_action_kind kind, int worker_id, const doubt *d) {
    health_tell(s, (tf_action){.kind = kind,
                               .stage = d->stage_id,
                               .worker = worker_id,
                               .first = d->tasks.first,
                               .count = d->tasks.end - d->tasks.first,
                               .attempt = d->attempt});
}

/* ---- What becomes of tasks ---- */

/* The failure counts: there is another attempt, or the tasks have failed. */
static void let_fail(tf_sched *s, int worker_id, const doubt *d) {
    stage *st = &s->stage[d->stage_id];
    if (d->is_final) {
        tell_of_rows(s, TF_ACTION_FAIL, worker_id, d);
        retry_none(s, st, d->tasks.end - d->tasks.first);
        return;
    }
    const retry next = {.due = s->now + ldexp(st->spec.retry_delay, d->attempt - 1),
                        .stage_id = d->stage_id,
                        .attempt = d->attempt + 1,
                        .failed_on = worker_id};
    retry_add(s, next, d->tasks);
}

/* The failure does not count: others are to have the same attempt. */
static void pass_on(tf_sched *s, int worker_id, const doubt *d) {
    stage *st = &s->stage[d->stage_id];
    if (d->is_final)
        tell_of_rows(s, TF_ACTION_DROP, worker_id, d);
    if (d->attempt == 1)
        ready_add(st, INT_MAX, d->tasks.first, d->tasks.end);
    else
        retry_add(s, (retry){.due = s->now, .stage_id = d->stage_id, .attempt = d->attempt, .failed_on = worker_id},
                  d->tasks);
    worker_wake_class(s, st->class_id);
}

/* The failures that wait for a word of this worker count, if it has none. Others have their next attempts already. */
static void let_all_fail(tf_sched *s, int worker_id) {
    doubt d;
    while (doubts_pop(&s->worker[worker_id], &d))
        if (d.is_final && !d.is_tried)
            let_fail(s, worker_id, &d);
    doubts_clear(s, &s->worker[worker_id]);
}

/* ---- Suspects ---- */

/* So that nobody is suspected again and again for tasks that fail everywhere. */
static void raise_limit(health *h) {
    const int64_t most = (int64_t)1 << 40;
    h->most_failed = 2 * h->most_failed < most ? 2 * h->most_failed : most;
}

static void acquit(tf_sched *s, int worker_id) {
    worker *w = &s->worker[worker_id];
    s->suspects--;
    s->well++;
    w->health.state = HEALTH_WELL;
    raise_limit(&w->health);
    let_all_fail(s, worker_id);
    worker_add_candidate(s, worker_id);
}

/* Attempts that count as used up wait, or are under way elsewhere: these may fail once for nothing. */
static void forgive(tf_sched *s, const doubt *d) {
    stage *st = &s->stage[d->stage_id];
    tf_intervals waiting = retry_take_back(s, d->stage_id, d->tasks, d->attempt + 1, s->now);
    tf_intervals_add(&st->forgiven, d->tasks.first, d->tasks.end);
    tf_intervals_remove_all(&st->forgiven, &waiting);
    tf_intervals_free(&waiting);
}

static void find_sick(tf_sched *s, int worker_id) {
    worker *w = &s->worker[worker_id];
    const health *h = &w->health;
    doubt d;
    health_tell(s, (tf_action){.kind = TF_ACTION_SICK,
                               .worker = worker_id,
                               .stage = h->well_stage_id,
                               .first = h->well_task,
                               .count = h->failed + h->ended,
                               .well = h->well});
    s->suspects--;
    w->health.state = HEALTH_SICK;
    while (doubts_pop(w, &d)) {
        if (d.is_tried)
            continue;
        if (d.is_final)
            pass_on(s, worker_id, &d);
        else
            forgive(s, &d);
    }
    doubts_clear(s, w);
}

/* Is it known by now whether the suspect is sick? */
static void judge(tf_sched *s, int worker_id) {
    const health *h = &s->worker[worker_id].health;
    if (h->state != HEALTH_SUSPECT)
        return;
    if (h->well >= HEALTH_WELL_ELSEWHERE)
        find_sick(s, worker_id);
    else if (h->well + h->tried < HEALTH_WELL_ELSEWHERE)
        acquit(s, worker_id);
}

/* Others are to have the last of the tasks, up to `most`, at the attempt that failed: as far as they have not begun the
 * next one. */
static void try_elsewhere(tf_sched *s, int worker_id, doubt d, int64_t most) {
    worker *w = &s->worker[worker_id];
    tf_intervals tasks = {0};
    d.tasks.first = d.tasks.end - d.tasks.first > most ? d.tasks.end - most : d.tasks.first;
    d.is_tried = true;
    if (d.is_final)
        tf_intervals_add(&tasks, d.tasks.first, d.tasks.end);
    else
        tasks = retry_take_back(s, d.stage_id, d.tasks, d.attempt + 1, s->now);
    for (size_t n = 0; n < tasks.count; n++) {
        d.tasks = tasks.items[n];
        doubts_remove(w, d.stage_id, d.tasks);
        doubts_add(s, w, d);
        if (!d.is_final)
            continue;
        tell_of_rows(s, TF_ACTION_DROP, worker_id, &d);
        retry_add(s, (retry){.due = s->now, .stage_id = d.stage_id, .attempt = d.attempt, .failed_on = worker_id},
                  d.tasks);
    }
    tf_intervals_free(&tasks);
    worker_wake_class(s, s->stage[d.stage_id].class_id);
}

/* The worker gets nothing until others have tried some of what failed on it: the tasks that failed last. */
static void suspect(tf_sched *s, int worker_id) {
    enum { MOST_LOOKS = 4 * HEALTH_TRIALS }; /* as each costs a look at all retries */
    worker *w = &s->worker[worker_id];
    w->health.state = HEALTH_SUSPECT;
    s->suspects++;
    s->well--;
    worker_reserve(s, w, -1);
    const int last = w->health.doubts - MOST_LOOKS > 0 ? w->health.doubts - MOST_LOOKS : 0;
    for (int at = w->health.doubts; at-- > last && w->health.tried < HEALTH_TRIALS;) {
        const doubt d = w->health.doubt[at];
        if (!d.is_tried)
            try_elsewhere(s, worker_id, d, HEALTH_TRIALS - w->health.tried);
    }
    judge(s, worker_id);
}

/* ---- What happens ---- */

/* The tasks have ended elsewhere: what becomes of the workers on which they failed before? */
static void clear_up(tf_sched *s, int worker_id, int stage_id, tf_interval tasks, bool did_well) {
    for (int other_id = 0; other_id < s->workers; other_id++) {
        worker *other = &s->worker[other_id];
        if (other_id == worker_id || !other->health.is_listed)
            continue;
        const doubts_removed removed = doubts_remove(other, stage_id, tasks);
        if (removed.tasks == 0)
            continue;
        if (!did_well && removed.tried > 0 && other->health.state == HEALTH_WELL)
            raise_limit(&other->health);
        other->health.ended += did_well ? removed.tasks : 0;
        if (did_well && removed.tried > 0) {
            other->health.well += removed.tried;
            other->health.well_stage_id = stage_id;
            other->health.well_task = tasks.first;
        }
        judge(s, other_id);
    }
}

void health_did_well(tf_sched *s, int worker_id, int stage_id, int64_t first, int64_t count) {
    stage *st = &s->stage[stage_id];
    if (st->forgiven.total > 0)
        tf_intervals_remove(&st->forgiven, first, first + count);
    if (s->doubters == 0)
        return;
    clear_up(s, worker_id, stage_id, (tf_interval){first, first + count}, true);
    if (s->worker[worker_id].health.state == HEALTH_SUSPECT)
        acquit(s, worker_id);
    else if (s->worker[worker_id].health.is_listed)
        let_all_fail(s, worker_id);
}

void health_has_failed(tf_sched *s, int worker_id, int stage_id, int64_t first, int64_t count) {
    if (s->doubters > 0)
        clear_up(s, worker_id, stage_id, (tf_interval){first, first + count}, false);
}

/* Can a worker be told from others, and does it matter? A stage that a few failures stop is not kept waiting. */
static bool may_doubt(const tf_sched *s, const doubt *d) {
    const int64_t stop_after = s->stage[d->stage_id].spec.stop_after;
    return s->well + s->suspects > 1 && !s->draining && !s->stopping &&
           (!d->is_final || stop_after == 0 || stop_after >= HEALTH_FAILED_IN_A_ROW);
}

/* Is there another worker that could have the attempt, and is no suspect? */
static bool has_other(const tf_sched *s, const worker *suspected, int stage_id) {
    const int class_id = s->stage[stage_id].class_id;
    if (s->class[class_id].capacity == suspected->capacity[class_id])
        return false;
    for (const worker *w = s->worker; w < s->worker + s->workers; w++)
        if (w != suspected && w->up && w->health.state == HEALTH_WELL && w->capacity[class_id] > 0)
            return true;
    return false;
}

/* The failures are this worker's alone. Where it is soon to be a suspect other workers have the same attempt first. */
static void add_doubts(tf_sched *s, int worker_id, doubt d) {
    worker *w = &s->worker[worker_id];
    if (!d.is_final)
        let_fail(s, worker_id, &d);
    const bool is_again = doubts_remove(w, d.stage_id, d.tasks).tried > 0; /* nobody else would have it */
    doubts_add(s, w, d);
    const int64_t in_a_row = w->health.failed + w->health.ended, early = w->health.most_failed - HEALTH_EARLY;
    if (w->health.state != HEALTH_WELL || in_a_row <= early || is_again || !has_other(s, w, d.stage_id))
        return;
    if (in_a_row >= w->health.most_failed)
        suspect(s, worker_id);
    else if (!d.is_final)
        try_elsewhere(s, worker_id, d, HEALTH_TRIALS);
}

/* Takes the tasks of `these` out of the failed ones, and does with them what is to be done. */
static void set_apart(tf_sched *s, int worker_id, const doubt *failed, const tf_intervals *these,
                      void (*act)(tf_sched *s, int worker_id, const doubt *d)) {
    for (size_t n = 0; n < these->count; n++) {
        doubt d = *failed;
        d.tasks = these->items[n];
        act(s, worker_id, &d);
    }
}

static tf_intervals find_forgiven(tf_sched *s, const doubt *failed) {
    stage *st = &s->stage[failed->stage_id];
    tf_intervals forgiven = {0};
    for (int64_t i = failed->tasks.first; st->forgiven.total > 0 && i < failed->tasks.end; i++)
        if (tf_intervals_contain(&st->forgiven, i, i + 1))
            tf_intervals_add(&forgiven, i, i + 1);
    tf_intervals_remove_all(&st->forgiven, &forgiven);
    return forgiven;
}

/* Tasks that have failed elsewhere before: they are in doubt there, and will not be. */
static tf_intervals find_failed_twice(const tf_sched *s, int worker_id, const doubt *failed) {
    tf_intervals twice = {0};
    for (int other_id = 0; s->doubters > 0 && other_id < s->workers; other_id++)
        if (other_id != worker_id && s->worker[other_id].health.is_listed)
            doubts_find(&s->worker[other_id], failed->stage_id, failed->tasks, &twice);
    return twice;
}

void health_failed(tf_sched *s, int worker_id, const doubt *failed) {
    if (s->worker[worker_id].health.state == HEALTH_SICK) {
        pass_on(s, worker_id, failed);
        return;
    }
    tf_intervals rest = {0}, forgiven = find_forgiven(s, failed), twice = find_failed_twice(s, worker_id, failed);
    tf_intervals_add(&rest, failed->tasks.first, failed->tasks.end);
    tf_intervals_remove_all(&rest, &forgiven);
    tf_intervals_remove_all(&twice, &forgiven);
    tf_intervals_remove_all(&rest, &twice);
    set_apart(s, worker_id, failed, &forgiven, pass_on);
    set_apart(s, worker_id, failed, &twice, let_fail);
    health_has_failed(s, worker_id, failed->stage_id, failed->tasks.first, failed->tasks.end - failed->tasks.first);
    for (size_t n = 0; n < rest.count; n++) {
        doubt d = *failed;
        d.tasks = rest.items[n];
        if (may_doubt(s, &d))
            add_doubts(s, worker_id, d);
        else
            let_fail(s, worker_id, &d);
    }
    tf_intervals_free(&rest);
    tf_intervals_free(&forgiven);
    tf_intervals_free(&twice);
}

/* What the worker was to be told of its rows it can't do any more: these tasks have not ended. */
static void recall(tf_sched *s, int worker_id) {
    int kept = s->told_first;
    const int end = s->told_end;
    for (int n = s->told_first; n < end; n++) {
        const tf_action a = s->told[n];
        const bool is_of_rows = a.kind == TF_ACTION_FAIL || a.kind == TF_ACTION_DROP;
        if (a.worker != worker_id || !is_of_rows)
            s->told[kept++] = a;
        if (a.worker != worker_id || a.kind != TF_ACTION_FAIL)
            continue;
        s->stage[a.stage].failed -= a.count;
        pass_on(s, worker_id,
                &(doubt){.stage_id = a.stage, .attempt = a.attempt, .tasks = {a.first, a.first + a.count}});
    }
    s->told_end = kept;
}

void health_down(tf_sched *s, int worker_id) {
    worker *w = &s->worker[worker_id];
    doubt d;
    s->well -= w->health.state == HEALTH_WELL;
    s->suspects -= w->health.state == HEALTH_SUSPECT;
    recall(s, worker_id);
    while (doubts_pop(w, &d)) {
        const bool is_kept = d.is_final && !d.is_tried;
        d.is_final = false; /* nobody is told */
        if (is_kept)
            pass_on(s, worker_id, &d);
    }
    doubts_clear(s, w);
    w->health.state = HEALTH_WELL;
}

/* ---- What follows ---- */

/* Is there a worker that can try what is to be tried for the suspect? */
static bool has_judge(const tf_sched *s, const worker *suspected) {
    const health *h = &suspected->health;
    for (const worker *w = s->worker; w < s->worker + s->workers; w++)
        for (int n = 0; w->up && w->health.state == HEALTH_WELL && n < h->doubts; n++)
            if (h->doubt[n].is_tried && w->capacity[s->stage[h->doubt[n].stage_id].class_id] > 0)
                return true;
    return false;
}

bool health_settle_rest(tf_sched *s) {
    const int before = s->told_end - s->told_first;
    for (int worker_id = 0; s->doubters > 0 && worker_id < s->workers; worker_id++) {
        const worker *w = &s->worker[worker_id];
        if (w->health.is_listed && w->health.state == HEALTH_WELL && w->held == 0)
            let_all_fail(s, worker_id);
    }
    return s->told_end - s->told_first > before;
}

void health_settle_all(tf_sched *s) {
    for (int worker_id = 0; s->doubters > 0 && worker_id < s->workers; worker_id++) {
        worker *w = &s->worker[worker_id];
        doubt d;
        if (w->health.state == HEALTH_WELL && w->health.is_listed)
            let_all_fail(s, worker_id);
        while (doubts_pop(w, &d)) /* whether it counts is not known: it is for the next run */
            if (d.is_final && !d.is_tried)
                pass_on(s, worker_id, &d);
        doubts_clear(s, w);
    }
}

bool health_next(tf_sched *s, tf_action *action) {
    for (int worker_id = 0; s->suspects > 0 && worker_id < s->workers; worker_id++)
        if (s->worker[worker_id].health.state == HEALTH_SUSPECT && !has_judge(s, &s->worker[worker_id]))
            acquit(s, worker_id);
    if (s->stopping)
        health_settle_all(s);
    if (s->told_first == s->told_end)
        return false;
    *action = s->told[s->told_first++];
    return true;
}
