/* Grants. A worker is to have a quantum of work a slot running, and as much again in hand while plenty is left, so that
 * no slot waits for a message. The quantum is what takes QUANTUM_SECONDS by the stage's estimate, but no more than a
 * fair share of what is ready: half of it divided by all slots (guided self-scheduling: Polychronopoulos & Kuck 1987,
 * IEEE Trans. Comp. C-36, 1425), so that all workers end together; and no less than what takes as long as to serve
 * every worker once, or they would wait for messages. A worker may say that it has idle slots all the same.
 *
 * Of resource classes whose tasks are equally far from the end that which needs most goes first, and the others fill
 * what it leaves. So that these do not starve it, a worker where it would fit but for them is reserved for it until it
 * has room; as many workers as there are such tasks, no more.
 *
 * A stage's tasks may be run in batches, by one call each. What is granted ends where a batch ends, and where some
 * tasks of a batch are not to be run, the worker gets those behind the gap next.
 *
 * A retry is granted by itself, before all that was never tried. The worker that it failed on gets it only if no other
 * wants it for a while; one that is to tell whether that worker is sick is for workers that can tell, if any can. */
#include "sched/state.h"

#include <math.h>

#define QUANTUM_SECONDS 0.1
#define PATIENCE        5.0 /* s that a retry waits for another worker than the one where it failed */

/* ---- Which stage's tasks go first ---- */

/* For each class the stage whose tasks are furthest from the end, the first in manifest order of several. */
bool grant_find_heads(tf_sched *s) {
    bool any = false;
    for (int c = 0; c < s->classes; c++)
        s->head[c] = -1;
    for (int n = 0; n < s->opens; n++) {
        const stage *st = &s->stage[s->open[n]];
        int *head = &s->head[st->class_id];
        if (st->queues == 0 || (*head >= 0 && ready_level(st) <= ready_level(&s->stage[*head])))
            continue;
        *head = s->open[n];
        any = true;
    }
    return any;
}

/* Removes the stage that goes first of all heads; -1 if there is none left. */
static int pop_head(tf_sched *s) {
    int best = -1;
    for (int c = 0; c < s->classes; c++)
        if (s->head[c] >= 0 && (best < 0 || stage_goes_before(s, s->head[c], best)))
            best = s->head[c];
    if (best >= 0)
        s->head[s->stage[best].class_id] = -1;
    return best;
}

/* ---- How many tasks ---- */

/* How many tasks of the class fit into the slots that the worker said were idle. */
static int64_t idle_capacity(const tf_sched *s, const worker *w, int class_id) {
    const int64_t tasks = w->idle / s->class[class_id].need.slots;
    return tasks < w->capacity[class_id] ? tasks : w->capacity[class_id];
}

/* How many tasks of the stage the worker should get now; 0 if it has enough. */
static int64_t count_wanted(const tf_sched *s, const stage *st, const worker *w) {
    const double round = s->up * TF_SERVICE_SECONDS;
    const int64_t least = tf_estimate_count(&st->estimate, round);
    const int64_t capacity = s->class[st->class_id].capacity;
    int64_t quantum = tf_estimate_count(&st->estimate, round > QUANTUM_SECONDS ? round : QUANTUM_SECONDS);
    int64_t share = capacity ? st->ready / (2 * capacity) : 0;
    const bool is_plenty = share >= 2 && st->estimate.seen > 0;
    if (share < least)
        share = least;
    if (quantum > share)
        quantum = share;
    quantum = stage_round_up(st, quantum);
    const int64_t running = quantum * worker_room(s, w, st->class_id);
    const int64_t target = is_plenty ? 2 * running : running;
    const int64_t worth_a_message = is_plenty && running > 1 ? running / 2 : 1;
    const int64_t lacking = target - w->held_of_class[st->class_id];
    return lacking >= worth_a_message ? lacking : stage_batch(st) * idle_capacity(s, w, st->class_id);
}

/* ---- Offers ---- */

/* What came of offering a worker tasks. */
typedef enum answer {
    GRANTED,
    NOTHING,  /* there is none for it, or it has enough */
    RESERVED, /* it is reserved for some, and gets nothing else until it has room for them */
    PUT_OFF   /* there are some, but they wait a while for another worker */
} answer;

/* Is the worker reserved for the class, of which `tasks` wait? It becomes so if it could run some of them but for what
 * it holds, and if not enough workers are reserved yet. */
static bool is_reserved_for(tf_sched *s, worker *w, int class_id, int64_t tasks) {
    if (w->capacity[class_id] == 0 || worker_room(s, w, class_id) > 0 || idle_capacity(s, w, class_id) > 0)
        return false;
    if (w->reserved_for != class_id && s->class[class_id].reserved < tasks)
        worker_reserve(s, w, class_id);
    return w->reserved_for == class_id;
}

/* What is granted is the worker's; it may want more, after the others. When no more of a stage is left, workers that
 * were reserved for it may have others. */
static answer grant(tf_sched *s, int worker_id, int stage_id, tf_interval run, int attempt, tf_action *action) {
    const stage *st = &s->stage[stage_id];
    if (st->ready + st->retrying == 0)
        worker_wake_all(s);
    worker_hold(s, worker_id, stage_id, run);
    if (st->watch)
        watch_grant(s, stage_id, worker_id, run);
    worker_add_candidate(s, worker_id);
    *action = (tf_action){.kind = TF_ACTION_GRANT,
                          .stage = stage_id,
                          .worker = worker_id,
                          .first = run.first,
                          .count = run.end - run.first,
                          .attempt = attempt};
    return GRANTED;
}

/* Does the worker want a task of the class, be it of this stage or of the one that would give it others? */
static bool wants_retry(tf_sched *s, const worker *w, const stage *st) {
    if (count_wanted(s, st, w) > 0)
        return true;
    grant_find_heads(s);
    const int other = s->head[st->class_id];
    return other >= 0 && count_wanted(s, &s->stage[other], w) > 0;
}

static answer offer_retry_of(tf_sched *s, int worker_id, resource_class *class, double now, tf_action *action) {
    worker *w = &s->worker[worker_id];
    retry next = *(const retry *)(const void *)class->retries.items;
    stage *st = &s->stage[next.stage_id];
    if (is_reserved_for(s, w, st->class_id, (int64_t) class->retries.count))
        return RESERVED;
    if (!wants_retry(s, w, st))
        return NOTHING;
    const bool others_could = class->capacity > w->capacity[st->class_id];
    if (worker_id == next.failed_on && others_could && now < next.due + PATIENCE)
        return PUT_OFF;
    if (next.is_trial && !health_is_trusted(w) && health_has_trusted(s, &s->worker[next.failed_on], st->class_id))
        return PUT_OFF;
    tf_heap_pop(&class->retries, &next);
    st->retrying--;
    worker_reserve(s, w, -1);
    return grant(s, worker_id, next.stage_id, (tf_interval){next.index, next.index + 1}, next.attempt, action);
}

static answer offer_retry(tf_sched *s, int worker_id, double now, tf_action *action) {
    answer all = NOTHING;
    for (int c = 0; c < s->classes; c++) {
        resource_class *class = &s->class[s->by_need[c]];
        const answer one = retry_due(class) <= now ? offer_retry_of(s, worker_id, class, now, action) : NOTHING;
        if (one == GRANTED || one == RESERVED)
            return one;
        all = one == PUT_OFF ? PUT_OFF : all;
    }
    return all;
}

/* Notes that what is ready next is of the batch that the last task granted is of. */
static void note_torn(tf_sched *s, int worker_id, int stage_id, int64_t end) {
    const stage *st = &s->stage[stage_id];
    const int64_t batch_end = stage_round_up(st, end);
    const bool is_torn = end < batch_end && st->queues > 0 && ready_first(st) >= end && ready_first(st) < batch_end;
    s->torn_stage = is_torn ? stage_id : -1;
    s->torn_worker = worker_id;
    s->torn_end = batch_end;
}

static answer grant_ready(tf_sched *s, int worker_id, int stage_id, int64_t count, tf_action *action) {
    const tf_interval run = ready_pop(&s->stage[stage_id], count);
    note_torn(s, worker_id, stage_id, run.end);
    const answer came = grant(s, worker_id, stage_id, run, 1, action);
    action->is_torn = s->torn_stage >= 0;
    return came;
}

/* The rest of a batch goes to the worker that has its beginning, or the call would be made twice. false: there is none
 * for that worker. */
static bool grant_torn(tf_sched *s, tf_action *action) {
    const int stage_id = s->torn_stage;
    if (stage_id < 0)
        return false;
    const stage *st = &s->stage[stage_id];
    const worker *w = &s->worker[s->torn_worker];
    s->torn_stage = -1;
    if (!w->up || !health_is_good(w) || w->capacity[st->class_id] == 0 || st->queues == 0 ||
        ready_first(st) >= s->torn_end || ready_first(st) < s->torn_end - stage_batch(st))
        return false;
    return grant_ready(s, s->torn_worker, stage_id, 1, action) == GRANTED;
}

static answer offer_ready(tf_sched *s, int worker_id, tf_action *action) {
    worker *w = &s->worker[worker_id];
    grant_find_heads(s);
    for (int stage_id; (stage_id = pop_head(s)) >= 0;) {
        stage *st = &s->stage[stage_id];
        if (is_reserved_for(s, w, st->class_id, st->ready))
            return RESERVED;
        const int64_t count = count_wanted(s, st, w);
        if (count == 0)
            continue;
        worker_reserve(s, w, -1);
        return grant_ready(s, worker_id, stage_id, count, action);
    }
    return NOTHING;
}

static answer offer_short(tf_sched *s, int worker_id, tf_action *action) {
    const backfill some = backfill_choose(s, &s->worker[worker_id]);
    if (some.stage_id < 0)
        return RESERVED;
    return grant_ready(s, worker_id, some.stage_id, some.count, action);
}

static answer offer(tf_sched *s, int worker_id, double now, tf_action *action) {
    answer came = offer_retry(s, worker_id, now, action);
    if (came == NOTHING || came == PUT_OFF) {
        const answer ready = offer_ready(s, worker_id, action);
        came = ready == NOTHING ? came : ready;
    }
    return came == RESERVED ? offer_short(s, worker_id, action) : came;
}

/* Goes round the candidates. One that wants nothing leaves the ring, and is back with its next report; one that has
 * none to come, or could take other tasks than there are, waits. */
bool grant_next(tf_sched *s, double now, tf_action *action) {
    if (s->stopping || s->draining || (tf_sched_due(s) > now && !grant_find_heads(s)))
        return false;
    if (grant_torn(s, action))
        return true;
    for (int c = 0; c < s->classes; c++)
        if (retry_due(&s->class[c]) <= now)
            worker_wake_class(s, c);
    for (int left = s->candidate_count; left > 0; left--) {
        const int worker_id = worker_next_candidate(s);
        const worker *w = &s->worker[worker_id];
        if (!w->up || !health_is_good(w))
            continue;
        const answer came = offer(s, worker_id, now, action);
        if (came == GRANTED)
            return true;
        if (came == PUT_OFF)
            worker_add_candidate(s, worker_id);
        else if (w->held == 0 || w->idle > 0)
            worker_wait(s, worker_id);
    }
    return false;
}
