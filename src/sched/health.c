/* Which workers are sick. Grants are consecutive and bad points are neighbours, so that tasks which fail one after the
 * other say little of the worker that had them. What tells is that the same attempt at the same task does well
 * elsewhere.
 *
 * So a task's last failure stands in doubt until a later task does well on the worker: meanwhile the row is not
 * written. A worker on which several tasks failed in a row is a suspect: it gets nothing, and others try some of these
 * tasks, at the attempt that failed. Two that do well make the worker sick, and all that failed on it since it last did
 * well is for others, at the same attempt. A task that fails elsewhere, too, speaks for nobody, and is in doubt there:
 * two sick workers would else speak for each other. So statuses and attempts are those of a run with one worker, unless
 * one is sick.
 *
 * Only workers that are trusted, since few of their own tasks have just failed, can tell: they have the tasks of
 * suspects first, what fails on them acquits, and while there is none nobody is suspected. After each acquittal it
 * takes twice as many failures to make the worker a suspect again: what suspicion costs grows with the logarithm of the
 * number of failures. */
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

/* The tasks have ended: that earlier attempts failed elsewhere does not matter any more. */
static void forget_elsewhere(tf_sched *s, int worker_id, const doubt *d) {
    for (int other_id = 0; s->doubters > 0 && other_id < s->workers; other_id++)
        if (other_id != worker_id && s->worker[other_id].health.doubts > 0)
            doubts_remove(&s->worker[other_id], d->stage_id, d->tasks, 0);
}

/* The failure counts: there is another attempt, or the tasks have failed. */
static void let_fail(tf_sched *s, int worker_id, const doubt *d) {
    stage *st = &s->stage[d->stage_id];
    if (d->is_final) {
        tell_of_rows(s, TF_ACTION_FAIL, worker_id, d);
        retry_none(s, st, d->tasks.end - d->tasks.first);
        forget_elsewhere(s, worker_id, d);
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

/* Takes the tasks of `these` out of the failed ones, and does with them what is to be done. */
static void set_apart(tf_sched *s, int worker_id, const doubt *failed, const tf_intervals *these,
                      void (*act)(tf_sched *s, int worker_id, const doubt *d)) {
    for (size_t n = 0; n < these->count; n++) {
        doubt d = *failed;
        d.tasks = these->items[n];
        act(s, worker_id, &d);
    }
}

/* Which of the tasks may fail once for nothing: now they have. */
static tf_intervals find_forgiven(tf_sched *s, const doubt *failed) {
    stage *st = &s->stage[failed->stage_id];
    tf_intervals forgiven = {0};
    for (int64_t i = failed->tasks.first; st->forgiven.total > 0 && i < failed->tasks.end; i++)
        if (tf_intervals_contain(&st->forgiven, i, i + 1))
            tf_intervals_add(&forgiven, i, i + 1);
    tf_intervals_remove_all(&st->forgiven, &forgiven);
    return forgiven;
}

/* The last failures count but for those that are forgiven by now. */
static void let_rest_fail(tf_sched *s, int worker_id, const doubt *d) {
    tf_intervals rest = {0}, forgiven = find_forgiven(s, d);
    tf_intervals_add(&rest, d->tasks.first, d->tasks.end);
    tf_intervals_remove_all(&rest, &forgiven);
    set_apart(s, worker_id, d, &forgiven, pass_on);
    set_apart(s, worker_id, d, &rest, let_fail);
    tf_intervals_free(&rest);
    tf_intervals_free(&forgiven);
}

/* The failures that wait for a word of this worker count, if it has none. Others have their next attempts already. */
static void let_all_fail(tf_sched *s, int worker_id) {
    doubt d;
    while (doubts_pop(&s->worker[worker_id], &d))
        if (d.is_final && !d.is_tried)
            let_rest_fail(s, worker_id, &d);
}

/* ---- Suspects ---- */

bool health_has_trusted(const tf_sched *s, const worker *beside, int class_id) {
    for (const worker *w = s->worker; w < s->worker + s->workers; w++)
        if (w != beside && w->up && health_is_trusted(w) && w->capacity[class_id] > 0)
            return true;
    return false;
}

/* So that nobody is suspected again and again for tasks that fail everywhere. */
static void raise_limit(health *h) {
    const int64_t most = (int64_t)1 << 40;
    h->most_failed = 2 * h->most_failed < most ? 2 * h->most_failed : most;
}

/* The worker goes on. Its failures count when a task does well on it: those that were tried may be at a bad place. */
static void acquit(tf_sched *s, int worker_id) {
    worker *w = &s->worker[worker_id];
    s->suspects--;
    s->well++;
    w->health.state = HEALTH_WELL;
    w->health.well = 0;
    raise_limit(&w->health);
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
                               .count = h->in_a_row,
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
        doubts_remove(w, d.stage_id, d.tasks, 0);
        doubts_add(s, w, d);
        if (!d.is_final)
            continue;
        tell_of_rows(s, TF_ACTION_DROP, worker_id, &d);
        const retry trial = {
            .due = s->now, .stage_id = d.stage_id, .attempt = d.attempt, .failed_on = worker_id, .is_trial = true};
        retry_add(s, trial, d.tasks);
    }
    tf_intervals_free(&tasks);
    worker_wake_class(s, s->stage[d.stage_id].class_id);
}

/* The worker gets nothing until others have tried some of what failed on it: the tasks that failed last. */
static void suspect(tf_sched *s, int worker_id) {
    enum { MOST_LOOKS = 4 * HEALTH_TRIALS }; /* as each costs a look at all retries */
    worker *w = &s->worker[worker_id];
    w->health.state = HEALTH_SUSPECT;
    w->health.confirmed = 0;
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

/* The tasks have done well elsewhere, or have failed there at the attempt, 0 for any: what becomes of the workers on
 * which they failed before? */
static void clear_up(tf_sched *s, int worker_id, int stage_id, tf_interval tasks, int attempt, bool did_well) {
    for (int other_id = 0; other_id < s->workers; other_id++) {
        worker *other = &s->worker[other_id];
        if (other_id == worker_id || !other->health.is_listed)
            continue;
        const doubts_removed removed = doubts_remove(other, stage_id, tasks, attempt);
        if (removed.tasks == 0)
            continue;
        if (!did_well && removed.tried > 0 && other->health.state == HEALTH_WELL)
            raise_limit(&other->health);
        other->health.confirmed += !did_well && health_is_trusted(&s->worker[worker_id]) ? removed.tried : 0;
        if (did_well && removed.tried > 0) {
            other->health.well += removed.tried;
            other->health.well_stage_id = stage_id;
            other->health.well_task = tasks.first;
        }
        judge(s, other_id);
    }
}

void health_note_well(tf_sched *s, int worker_id, int stage_id, int64_t first, int64_t count) {
    worker *w = &s->worker[worker_id];
    tf_intervals_remove(&s->stage[stage_id].forgiven, first, first + count);
    clear_up(s, worker_id, stage_id, (tf_interval){first, first + count}, 0, true);
    if (!w->health.is_listed)
        return;
    if (w->health.state == HEALTH_SUSPECT)
        acquit(s, worker_id);
    let_all_fail(s, worker_id);
    doubts_clear(s, w);
}

void health_has_failed(tf_sched *s, int worker_id, int stage_id, int64_t first, int64_t count) {
    if (s->doubters > 0)
        clear_up(s, worker_id, stage_id, (tf_interval){first, first + count}, 0, false);
}

/* Can a worker be told from others, and does it matter? A stage that a few failures stop is not kept waiting. */
static bool may_doubt(const tf_sched *s, const doubt *d) {
    const int64_t stop_after = s->stage[d->stage_id].spec.stop_after;
    return s->well + s->suspects > 1 && !s->draining && !s->stopping &&
           (!d->is_final || stop_after == 0 || stop_after >= HEALTH_FAILED_IN_A_ROW);
}

/* Have those that can tell said that tasks of the worker fail everywhere, or is there none? */
static bool is_told(const tf_sched *s, const worker *w, int class_id) {
    return w->health.confirmed >= HEALTH_WELL_ELSEWHERE || !health_has_trusted(s, w, class_id);
}

/* Where a number of failures stops the campaign they count, as far as they can be told. */
static bool is_to_stop(const tf_sched *s, const worker *w, const doubt *last) {
    const stage *st = &s->stage[last->stage_id];
    int64_t in_doubt = 0;
    if (st->spec.stop_after == 0 || !is_told(s, w, st->class_id))
        return false;
    for (const worker *other = s->worker; other < s->worker + s->workers; other++)
        in_doubt += doubts_count(other, last->stage_id);
    return st->failed + in_doubt >= st->spec.stop_after;
}

/* There are limits to doubt: rows take room, and a campaign of which everything fails is to be seen to fail. */
static void limit_doubts(tf_sched *s, int worker_id, const doubt *last) {
    const bool is_first = s->stage[last->stage_id].done == 0;
    if (s->worker[worker_id].health.failed >= (is_first ? HEALTH_MOST_AT_FIRST : HEALTH_MOST_IN_DOUBT))
        let_all_fail(s, worker_id);
    else if (is_to_stop(s, &s->worker[worker_id], last))
        for (int other_id = 0; other_id < s->workers; other_id++)
            if (s->worker[other_id].health.state == HEALTH_WELL)
                let_all_fail(s, other_id);
}

/* The failures are in doubt now. */
static void add_doubts(tf_sched *s, int worker_id, const doubt *d) {
    worker *w = &s->worker[worker_id];
    if (!d->is_final)
        let_fail(s, worker_id, d);
    doubts_remove(w, d->stage_id, d->tasks, 0);
    doubts_add(s, w, *d);
    w->health.in_a_row += d->tasks.end - d->tasks.first;
}

/* The same of tasks that have failed nowhere else. Where the worker is soon to be a suspect other workers have the same
 * attempt first. */
static void add_own_doubts(tf_sched *s, int worker_id, const doubt *d) {
    const worker *w = &s->worker[worker_id];
    const health *h = &w->health;
    const bool is_again = doubts_are_tried(w, d->stage_id, d->tasks); /* nobody else would have it */
    add_doubts(s, worker_id, d);
    s->worker[worker_id].health.alone += d->tasks.end - d->tasks.first;
    const bool is_early = h->alone <= h->most_failed - HEALTH_EARLY;
    if (h->state != HEALTH_WELL || is_again || is_early || !health_has_trusted(s, w, s->stage[d->stage_id].class_id))
        return;
    if (h->alone >= h->most_failed && h->failed + h->well >= HEALTH_WELL_ELSEWHERE)
        suspect(s, worker_id);
    else if (!d->is_final)
        try_elsewhere(s, worker_id, *d, HEALTH_TRIALS);
}

/* Tasks that have failed elsewhere before, and are in doubt there. */
static tf_intervals find_failed_twice(const tf_sched *s, int worker_id, const doubt *failed) {
    tf_intervals twice = {0};
    for (int other_id = 0; s->doubters > 0 && other_id < s->workers; other_id++)
        if (other_id != worker_id && s->worker[other_id].health.doubts > 0)
            doubts_find(&s->worker[other_id], failed->stage_id, failed->tasks, &twice);
    return twice;
}

void health_failed(tf_sched *s, int worker_id, const doubt *failed) {
    if (s->worker[worker_id].health.state == HEALTH_SICK) {
        pass_on(s, worker_id, failed);
        return;
    }
    const bool is_doubtful = may_doubt(s, failed);
    tf_intervals rest = {0}, forgiven = find_forgiven(s, failed), twice = find_failed_twice(s, worker_id, failed);
    tf_intervals_add(&rest, failed->tasks.first, failed->tasks.end);
    tf_intervals_remove_all(&rest, &forgiven);
    tf_intervals_remove_all(&twice, &forgiven);
    tf_intervals_remove_all(&rest, &twice);
    set_apart(s, worker_id, failed, &forgiven, pass_on);
    if (s->doubters > 0)
        clear_up(s, worker_id, failed->stage_id, failed->tasks, failed->attempt, false);
    set_apart(s, worker_id, failed, &twice, is_doubtful ? add_doubts : let_fail);
    set_apart(s, worker_id, failed, &rest, is_doubtful ? add_own_doubts : let_fail);
    if (failed->is_final && is_doubtful && s->worker[worker_id].health.state == HEALTH_WELL)
        limit_doubts(s, worker_id, failed);
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

/* Many tasks have failed in a row on the worker, and nobody has been asked that can tell. */
static bool is_open(const worker *w) {
    const health *h = &w->health;
    return h->in_a_row >= HEALTH_FAILED_IN_A_ROW && h->failed >= HEALTH_WELL_ELSEWHERE &&
           h->confirmed < HEALTH_WELL_ELSEWHERE;
}

/* Does another worker still run something? If that does well it can tell. */
static bool may_have_trusted(const tf_sched *s, const worker *beside) {
    for (const worker *w = s->worker; w < s->worker + s->workers; w++)
        if (w != beside && w->up && w->health.state == HEALTH_WELL && w->held > 0)
            return true;
    return false;
}

bool health_settle_rest(tf_sched *s) {
    const int before = s->told_end - s->told_first;
    for (int worker_id = 0; s->doubters > 0 && s->suspects == 0 && worker_id < s->workers; worker_id++) {
        const worker *w = &s->worker[worker_id];
        if (w->health.doubts == 0 || w->health.state != HEALTH_WELL || w->held > 0)
            continue;
        const bool may_ask = is_open(w) && !s->draining && !s->stopping;
        if (may_ask && health_has_trusted(s, w, s->stage[w->health.doubt[0].stage_id].class_id))
            suspect(s, worker_id);
        else if (!may_ask || !may_have_trusted(s, w))
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
