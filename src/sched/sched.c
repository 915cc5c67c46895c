/* The scheduler's state is intervals: what is pending per stage, what each worker holds. Its cost is the number of
 * grants, never the number of tasks.
 *
 * Grants. A worker is to have a quantum of work a slot running, and as much again in hand while plenty is left, so that
 * no slot waits for a message. The quantum is what takes QUANTUM_SECONDS by the stage's pace, but no more than a fair
 * share of what is pending: half of it divided by all slots (guided self-scheduling: Polychronopoulos & Kuck 1987, IEEE
 * Trans. Comp. C-36, 1425), so that all workers end together; and no less than what takes as long as to serve every
 * worker once, or they would wait for messages. A worker may say that it has idle slots all the same.
 *
 * Needs. Stages whose tasks need the same are of one kind; a worker has lanes for a kind: as many of its tasks as it
 * can run at once beside what it holds of other kinds. Of kinds that are equally far from the end that which needs most
 * goes first, and the others fill what it leaves. So that these do not starve it, a worker where it would fit but for
 * them is reserved for it: it gets nothing else until it has room; as many workers as there are such tasks, no more.
 * All the same it gets tasks that take far less time than those that it has to wait for (backfilling: Lifka 1995, LNCS
 * 949, 295, by the stages' pace).
 *
 * Parking. A worker for which there is nothing, though it has idle slots, is set aside until there is something new, so
 * that a message costs no look at each of them.
 *
 * Retries. A task whose attempt failed waits in a heap of its kind, ordered by the time when it is due, and is then
 * granted by itself, before all that was never tried. The worker that it failed on gets it only if no other wants it
 * for a while.
 */
#include "sched/sched.h"

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define QUANTUM_SECONDS 0.1
#define PATIENCE        5.0 /* s that a retry waits for another worker than the one where it failed */
#define BRIEF           0.1 /* of the time of what it holds, tasks take that a reserved worker may get */

/* Tasks of one level that can be handed out. */
typedef struct pile {
    int level;
    tf_intervals tasks;
} pile;

typedef struct stage {
    tf_sched_stage spec;
    int kind;
    pile *pile; /* by level, the highest last; none is empty */
    int piles, capacity;
    int64_t ready; /* tasks in the piles */
    int64_t done, failed, skipped;
    int64_t waiting; /* for another attempt */
    int64_t blocked; /* by other tasks */
    tf_pace pace;
    bool laid_out, finished;
    bool closed; /* nothing more will come of it in this run, though it is not finished */
} stage;

typedef struct retry {
    double due;
    int64_t index;
    int stage;
    int attempt; /* the next one */
    int failed_on;
} retry;

/* Tasks that need the same. */
typedef struct kind {
    tf_resources need;
    int64_t lanes;    /* of all workers that are up */
    int64_t reserved; /* lanes of workers that are kept for it */
    tf_heap retries;  /* retry, by due time */
} kind;

typedef struct worker {
    tf_resources have;
    int64_t *lanes; /* per kind: of a worker that runs nothing else */
    bool up, queued;
    int idle;            /* slots that said so, and had no grant since */
    int reserved;        /* for this kind; -1: for none */
    int parked;          /* its place among those that are, from 1 on; 0: it is not */
    int64_t held;        /* tasks granted and not reported, all stages */
    int64_t *held_of;    /* per kind */
    tf_intervals *holds; /* per stage */
} worker;

struct tf_sched {
    int stages;
    stage *stage;
    int kinds;
    kind *kind;
    int *by_need;  /* kinds, those that need most first */
    int *foremost; /* per kind, for a moment: the stage whose tasks go first; -1: none is ready */
    int workers;
    worker *worker;
    int up;      /* workers */
    int *hungry; /* a ring of workers that may want work */
    int hungry_first, hungry_count;
    int *parked; /* workers that want work, and there is none for them */
    int parked_count;
    bool stopping; /* too many tasks have failed: what was begun is finished */
    bool frozen;   /* no further stage is begun */
    bool draining; /* the run is to end: what was begun is left for the next */
    bool ended;
};

static bool is_due_before(const void *a, const void *b) {
    return ((const retry *)a)->due < ((const retry *)b)->due;
}

/* ---- Piles ---- */

static void add_ready(stage *st, int level, int64_t first, int64_t end) {
    int at = st->piles;
    while (at > 0 && st->pile[at - 1].level > level)
        at--;
    if (at == 0 || st->pile[at - 1].level != level) {
        if (st->piles == st->capacity) {
            st->capacity = st->capacity ? 2 * st->capacity : 4;
            st->pile = tf_realloc_array(st->pile, (size_t)st->capacity, sizeof *st->pile);
        }
        memmove(st->pile + at + 1, st->pile + at, (size_t)(st->piles - at) * sizeof *st->pile);
        st->pile[at++] = (pile){.level = level};
        st->piles++;
    }
    tf_intervals_add(&st->pile[at - 1].tasks, first, end);
    st->ready += end - first;
}

static tf_interval take_ready(stage *st, int64_t most) {
    pile *top = &st->pile[st->piles - 1];
    tf_interval run = tf_intervals_take(&top->tasks, most);
    st->ready -= run.end - run.first;
    if (top->tasks.total == 0) {
        tf_intervals_free(&top->tasks);
        st->piles--;
    }
    return run;
}

static bool needs_more(const tf_resources *a, const tf_resources *b) {
    if (a->gpus != b->gpus)
        return a->gpus > b->gpus;
    return a->slots != b->slots ? a->slots > b->slots : a->memory > b->memory;
}

static int kind_of(tf_sched *s, const tf_resources *need) {
    for (int k = 0; k < s->kinds; k++)
        if (tf_resources_equal(&s->kind[k].need, need))
            return k;
    s->kind[s->kinds] = (kind){.need = *need, .retries = {.size = sizeof(retry), .before = is_due_before}};
    s->kind[s->kinds].need.slots = tf_resources_slots(need);
    const int made = s->kinds++;
    int at = made;
    for (; at > 0 && needs_more(&s->kind[made].need, &s->kind[s->by_need[at - 1]].need); at--)
        s->by_need[at] = s->by_need[at - 1];
    s->by_need[at] = made;
    return made;
}

tf_sched *tf_sched_new(const tf_sched_stage *stages, int count) {
    tf_sched *s = tf_alloc(sizeof *s);
    s->stages = count;
    s->stage = tf_alloc_array((size_t)count, sizeof *s->stage);
    s->kind = tf_alloc_array((size_t)count, sizeof *s->kind);
    s->by_need = tf_alloc_array((size_t)count, sizeof *s->by_need);
    s->foremost = tf_alloc_array((size_t)count, sizeof *s->foremost);
    for (int i = 0; i < count; i++) {
        stage *st = &s->stage[i];
        st->spec = stages[i];
        st->kind = kind_of(s, &st->spec.need);
        int *after = tf_alloc_array((size_t)stages[i].afters, sizeof *after);
        if (stages[i].afters)
            memcpy(after, stages[i].after, (size_t)stages[i].afters * sizeof *after);
        st->spec.after = after;
        st->laid_out = st->finished = stages[i].finished;
        const tf_interval all = {0, stages[i].tasks};
        const tf_interval *run = stages[i].pending ? stages[i].pending->items : &all;
        size_t runs = stages[i].pending ? stages[i].pending->count : stages[i].tasks > 0;
        int64_t pending = stages[i].pending ? stages[i].pending->total : stages[i].tasks;
        for (size_t n = 0; n < runs && !stages[i].linked; n++)
            add_ready(st, stages[i].level, run[n].first, run[n].end);
        st->blocked = stages[i].linked ? pending : 0;
        st->spec.pending = NULL; /* the caller's */
        st->done = st->spec.tasks - st->spec.held_back - pending;
    }
    return s;
}

void tf_sched_free(tf_sched *s) {
    if (!s)
        return;
    for (int i = 0; i < s->stages; i++) {
        for (int n = 0; n < s->stage[i].piles; n++)
            tf_intervals_free(&s->stage[i].pile[n].tasks);
        free(s->stage[i].pile);
        free((void *)(uintptr_t)s->stage[i].spec.after);
    }
    for (int w = 0; w < s->workers; w++) {
        for (int i = 0; s->worker[w].holds && i < s->stages; i++)
            tf_intervals_free(&s->worker[w].holds[i]);
        free(s->worker[w].holds);
        free(s->worker[w].held_of);
        free(s->worker[w].lanes);
    }
    free(s->stage);
    for (int n = 0; n < s->kinds; n++)
        tf_heap_free(&s->kind[n].retries);
    free(s->kind);
    free(s->by_need);
    free(s->foremost);
    free(s->worker);
    free(s->hungry);
    free(s->parked);
    free(s);
}

/* ---- Workers ---- */

static bool is_up(const tf_sched *s, int w) {
    return w >= 0 && w < s->workers && s->worker[w].up;
}

static void unpark(tf_sched *s, int w) {
    worker *k = &s->worker[w];
    if (k->parked == 0)
        return;
    const int last = s->parked[--s->parked_count];
    s->parked[k->parked - 1] = last;
    s->worker[last].parked = k->parked;
    k->parked = 0;
}

static void park(tf_sched *s, int w) {
    s->parked[s->parked_count++] = w;
    s->worker[w].parked = s->parked_count;
}

static void queue_hungry(tf_sched *s, int w) {
    if (s->worker[w].queued || !s->worker[w].up)
        return;
    unpark(s, w);
    s->worker[w].queued = true;
    s->hungry[(s->hungry_first + s->hungry_count++) % s->workers] = w;
}

/* There is something new for workers that can run tasks of the kind; -1: for all. */
static void unpark_for(tf_sched *s, int n) {
    for (int i = s->parked_count; i-- > 0;) /* the last one takes the place of one that goes */
        if (n < 0 || s->worker[s->parked[i]].lanes[n] > 0)
            queue_hungry(s, s->parked[i]);
}

static int take_hungry(tf_sched *s) {
    int w = s->hungry[s->hungry_first];
    s->hungry_first = (s->hungry_first + 1) % s->workers;
    s->hungry_count--;
    s->worker[w].queued = false;
    return w;
}

static void make_room(tf_sched *s, int count) {
    int *ring = tf_alloc_array((size_t)count, sizeof *ring);
    for (int i = 0; i < s->hungry_count; i++)
        ring[i] = s->hungry[(s->hungry_first + i) % s->workers];
    free(s->hungry);
    s->hungry = ring;
    s->hungry_first = 0;
    s->parked = tf_realloc_array(s->parked, (size_t)count, sizeof *s->parked);
    s->worker = tf_realloc_array(s->worker, (size_t)count, sizeof *s->worker);
    memset(s->worker + s->workers, 0, (size_t)(count - s->workers) * sizeof *s->worker);
    s->workers = count;
}

void tf_sched_worker_up(tf_sched *s, int w, tf_resources have) {
    assert(w >= 0 && have.slots > 0);
    if (w >= s->workers)
        make_room(s, w + 1 > 2 * s->workers ? w + 1 : 2 * s->workers);
    worker *k = &s->worker[w];
    if (k->up)
        return;
    k->up = true;
    k->have = have;
    k->reserved = -1;
    if (!k->holds) {
        k->holds = tf_alloc_array((size_t)s->stages, sizeof *k->holds);
        k->held_of = tf_alloc_array((size_t)s->kinds, sizeof *k->held_of);
        k->lanes = tf_alloc_array((size_t)s->kinds, sizeof *k->lanes);
    }
    for (int n = 0; n < s->kinds; n++) {
        k->lanes[n] = tf_resources_fit(&have, &s->kind[n].need);
        s->kind[n].lanes += k->lanes[n];
    }
    s->up++;
    queue_hungry(s, w);
}

static void reserve(tf_sched *s, worker *k, int n) {
    if (k->reserved >= 0)
        s->kind[k->reserved].reserved -= k->lanes[k->reserved];
    if (n >= 0)
        s->kind[n].reserved += k->lanes[n];
    k->reserved = n;
}

void tf_sched_worker_down(tf_sched *s, int w) {
    if (!is_up(s, w))
        return;
    worker *k = &s->worker[w];
    unpark(s, w);
    reserve(s, k, -1);
    for (int i = 0; i < s->stages; i++) {
        for (size_t n = 0; n < k->holds[i].count; n++)
            add_ready(&s->stage[i], INT_MAX, k->holds[i].items[n].first, k->holds[i].items[n].end);
        tf_intervals_free(&k->holds[i]);
    }
    k->held = 0;
    k->idle = 0;
    k->up = false;
    for (int n = 0; n < s->kinds; n++) {
        k->held_of[n] = 0;
        s->kind[n].lanes -= k->lanes[n];
    }
    s->up--;
    for (int i = 0; i < s->workers; i++) /* what it held may feed anyone */
        queue_hungry(s, i);
}

void tf_sched_hungry(tf_sched *s, int w, int idle) {
    if (!is_up(s, w) || idle <= 0)
        return;
    s->worker[w].idle = idle < s->worker[w].have.slots ? idle : (int)s->worker[w].have.slots;
    queue_hungry(s, w);
}

/* The worker no longer holds these tasks. false if it never did. */
static bool let_go(tf_sched *s, int w, int i, int64_t first, int64_t count, double seconds) {
    if (!is_up(s, w) || i < 0 || i >= s->stages || count <= 0)
        return false;
    worker *k = &s->worker[w];
    if (!tf_intervals_contain(&k->holds[i], first, first + count))
        return false;
    tf_intervals_remove(&k->holds[i], first, first + count);
    k->held -= count;
    k->held_of[s->stage[i].kind] -= count;
    if (s->stage[i].pace.seen == 0)
        unpark_for(s, s->stage[i].kind);
    tf_pace_add(&s->stage[i].pace, count, seconds);
    queue_hungry(s, w);
    return true;
}

bool tf_sched_report(tf_sched *s, int w, int i, int64_t first, int64_t count, int64_t failed, double seconds) {
    if (failed < 0 || failed > count || !let_go(s, w, i, first, count, seconds))
        return false;
    stage *st = &s->stage[i];
    st->done += count - failed;
    st->failed += failed;
    s->stopping = s->stopping || (st->spec.stop_after > 0 && st->failed >= st->spec.stop_after);
    return true;
}

void tf_sched_ready(tf_sched *s, int i, int64_t first, int64_t count, int level) {
    s->stage[i].blocked -= count;
    add_ready(&s->stage[i], level, first, first + count);
    unpark_for(s, s->stage[i].kind);
}

void tf_sched_skip(tf_sched *s, int i, int64_t count) {
    s->stage[i].blocked -= count;
    s->stage[i].skipped += count;
}

/* ---- Counts ---- */

static int64_t pending(const stage *st) {
    return st->ready + st->waiting + st->blocked;
}

static int64_t running(const stage *st) {
    return st->spec.tasks - st->spec.held_back - pending(st) - st->done - st->failed - st->skipped;
}

/* ---- Retries ---- */

/* When the first of the kind is due. */
static double first_due(const kind *k) {
    return k->retries.count ? ((const retry *)(const void *)k->retries.items)->due : INFINITY;
}

bool tf_sched_retry(tf_sched *s, int w, int i, int64_t first, int64_t count, int attempt, double seconds, double now) {
    if (!let_go(s, w, i, first, count, seconds))
        return false;
    stage *st = &s->stage[i];
    double due = now + ldexp(st->spec.retry_delay, attempt - 1);
    for (int64_t index = first; index < first + count; index++)
        tf_heap_add(&s->kind[st->kind].retries,
                    &(retry){.due = due, .index = index, .stage = i, .attempt = attempt + 1, .failed_on = w});
    st->waiting += count;
    return true;
}

bool tf_sched_is_stuck(const tf_sched *s) {
    for (int i = 0; i < s->stages; i++) {
        const stage *st = &s->stage[i];
        if (st->laid_out && st->ready + st->waiting > 0 && s->kind[st->kind].lanes == 0)
            return true;
    }
    return false;
}

double tf_sched_due(const tf_sched *s) {
    double due = INFINITY;
    for (int n = 0; n < s->kinds; n++)
        due = fmin(due, first_due(&s->kind[n]));
    return due;
}

/* ---- Grants ---- */

static int top_level(const stage *st) {
    return st->pile[st->piles - 1].level;
}

/* For each kind the stage whose tasks are furthest from the end, the first in manifest order of several. false if
 * nothing is ready. */
static bool find_foremost(tf_sched *s) {
    bool any = false;
    for (int n = 0; n < s->kinds; n++)
        s->foremost[n] = -1;
    for (int i = 0; i < s->stages; i++) {
        const stage *st = &s->stage[i];
        int *best = &s->foremost[st->kind];
        if (!st->laid_out || st->piles == 0 || (*best >= 0 && top_level(st) <= top_level(&s->stage[*best])))
            continue;
        *best = i;
        any = true;
    }
    return any;
}

/* Do tasks of stage i go before those of stage j? */
static bool goes_before(const tf_sched *s, int i, int j) {
    const stage *a = &s->stage[i], *b = &s->stage[j];
    if (top_level(a) != top_level(b))
        return top_level(a) > top_level(b);
    const tf_resources *need_a = &s->kind[a->kind].need, *need_b = &s->kind[b->kind].need;
    return needs_more(need_a, need_b) || (!needs_more(need_b, need_a) && i < j);
}

/* The stage that goes first of those in foremost, which it leaves; -1 if there is none left. */
static int take_foremost(tf_sched *s) {
    int best = -1;
    for (int n = 0; n < s->kinds; n++)
        if (s->foremost[n] >= 0 && (best < 0 || goes_before(s, s->foremost[n], best)))
            best = s->foremost[n];
    if (best >= 0)
        s->foremost[s->stage[best].kind] = -1;
    return best;
}

/* How many tasks of the kind the worker can run at once beside those of others that it holds. */
static int64_t lanes_left(const tf_sched *s, const worker *k, int n) {
    if (s->kinds == 1)
        return k->lanes[n];
    tf_resources left = k->have;
    for (int other = 0; other < s->kinds; other++)
        if (other != n)
            tf_resources_take(&left, &s->kind[other].need,
                              k->held_of[other] < k->lanes[other] ? k->held_of[other] : k->lanes[other]);
    return tf_resources_fit(&left, &s->kind[n].need);
}

/* How many of its idle slots' lanes the worker can have for the kind. */
static int64_t idle_lanes(const tf_sched *s, const worker *k, int n) {
    int64_t lanes = k->idle / s->kind[n].need.slots;
    return lanes < k->lanes[n] ? lanes : k->lanes[n];
}

/* How many tasks of the stage the worker should get now; 0 if it has enough. */
static int64_t wanted(const tf_sched *s, const stage *st, const worker *k) {
    double round = s->up * TF_SERVICE_SECONDS;
    int64_t quantum = tf_pace_count(&st->pace, round > QUANTUM_SECONDS ? round : QUANTUM_SECONDS);
    int64_t least = tf_pace_count(&st->pace, round);
    int64_t all_lanes = s->kind[st->kind].lanes;
    int64_t share = all_lanes ? st->ready / (2 * all_lanes) : 0;
    bool plenty = share >= 2 && st->pace.seen > 0;
    if (share < least)
        share = least;
    if (quantum > share)
        quantum = share;
    int64_t running = quantum * lanes_left(s, k, st->kind);
    int64_t target = plenty ? 2 * running : running;
    int64_t worth_a_message = plenty && running > 1 ? running / 2 : 1;
    int64_t lacking = target - k->held_of[st->kind];
    return lacking >= worth_a_message ? lacking : idle_lanes(s, k, st->kind);
}

/* The worker could run some of the `tasks` of the kind that wait, but for others that it holds: is it to be kept until
 * it has room? */
static bool is_kept_for(tf_sched *s, worker *k, int n, int64_t tasks) {
    if (k->lanes[n] == 0 || lanes_left(s, k, n) > 0 || idle_lanes(s, k, n) > 0)
        return false;
    if (k->reserved != n && s->kind[n].reserved < tasks)
        reserve(s, k, n);
    return k->reserved == n;
}

/* What is granted is the worker's; it may want more, after the others. When there is no more of a kind, workers that
 * were kept for it may have others. */
static void grant(tf_sched *s, int w, int i, tf_interval run, int attempt, tf_action *action) {
    worker *k = &s->worker[w];
    const int64_t count = run.end - run.first, taken = count * s->kind[s->stage[i].kind].need.slots;
    if (s->stage[i].ready + s->stage[i].waiting == 0)
        unpark_for(s, -1);
    tf_intervals_add(&k->holds[i], run.first, run.end);
    k->held += count;
    k->held_of[s->stage[i].kind] += count;
    k->idle = taken < k->idle ? k->idle - (int)taken : 0;
    queue_hungry(s, w);
    *action = (tf_action){
        .kind = TF_ACTION_GRANT, .stage = i, .worker = w, .first = run.first, .count = count, .attempt = attempt};
}

/* What came of offering a worker tasks. */
typedef enum answer {
    GRANTED,
    NOTHING, /* there is none for it, or it has enough */
    KEPT,    /* it is to have nothing until it has room for them */
    PUT_OFF  /* they wait a while for another worker */
} answer;

/* Does the worker want a task of the kind, be it of this stage or of the one that would give it others? */
static bool wants_retry(tf_sched *s, const worker *k, const stage *st) {
    if (wanted(s, st, k) > 0)
        return true;
    find_foremost(s);
    const int other = s->foremost[st->kind];
    return other >= 0 && wanted(s, &s->stage[other], k) > 0;
}

static answer offer_retry_of(tf_sched *s, int w, kind *of, double now, tf_action *action) {
    worker *k = &s->worker[w];
    retry next = *(const retry *)(const void *)of->retries.items;
    stage *st = &s->stage[next.stage];
    if (is_kept_for(s, k, st->kind, (int64_t)of->retries.count))
        return KEPT;
    if (!wants_retry(s, k, st))
        return NOTHING;
    if (w == next.failed_on && s->up > 1 && now < next.due + PATIENCE)
        return PUT_OFF;
    tf_heap_take(&of->retries, &next);
    st->waiting--;
    reserve(s, k, -1);
    grant(s, w, next.stage, (tf_interval){next.index, next.index + 1}, next.attempt, action);
    return GRANTED;
}

static answer offer_retry(tf_sched *s, int w, double now, tf_action *action) {
    answer all = NOTHING;
    for (int n = 0; n < s->kinds; n++) {
        kind *of = &s->kind[s->by_need[n]];
        const answer one = first_due(of) <= now ? offer_retry_of(s, w, of, now, action) : NOTHING;
        if (one == GRANTED || one == KEPT)
            return one;
        all = one == PUT_OFF ? PUT_OFF : all;
    }
    return all;
}

static answer offer_ready(tf_sched *s, int w, tf_action *action) {
    worker *k = &s->worker[w];
    find_foremost(s);
    for (int i; (i = take_foremost(s)) >= 0;) {
        stage *st = &s->stage[i];
        if (is_kept_for(s, k, st->kind, st->ready))
            return KEPT;
        int64_t want = wanted(s, st, k);
        if (want == 0)
            continue;
        reserve(s, k, -1);
        grant(s, w, i, take_ready(st, want), 1, action);
        return GRANTED;
    }
    return NOTHING;
}

/* Of the stage whose tasks take longest of those that the worker holds, as far as that is known. */
static double longest_held(const tf_sched *s, const worker *k) {
    double longest = 0;
    for (int i = 0; i < s->stages; i++)
        if (k->holds[i].total > 0 && s->stage[i].pace.seen > 0)
            longest = fmax(longest, tf_pace_mean(&s->stage[i].pace));
    return longest;
}

/* How many of the stage's tasks a worker that is kept may have: they run at once, and take no more than `most` seconds.
 * Of a stage of which nothing is known a single one is tried. */
static int64_t brief_tasks(const tf_sched *s, const worker *k, const stage *st, double most) {
    const bool is_trial = st->pace.seen == 0 && running(st) == 0;
    if (!st->laid_out || st->piles == 0 || (!is_trial && tf_pace_mean(&st->pace) > most))
        return 0;
    const int64_t idle = lanes_left(s, k, st->kind) - k->held_of[st->kind];
    return is_trial && idle > 1 ? 1 : idle;
}

/* For a worker that is kept: tasks that are over long before those that it holds. */
static answer offer_brief(tf_sched *s, int w, tf_action *action) {
    const worker *k = &s->worker[w];
    const double most = BRIEF * longest_held(s, k);
    int best = -1;
    int64_t room = 0;
    for (int i = 0; i < s->stages; i++) {
        const int64_t tasks = brief_tasks(s, k, &s->stage[i], most);
        if (tasks > 0 && (best < 0 || goes_before(s, i, best))) {
            best = i;
            room = tasks;
        }
    }
    if (best < 0)
        return KEPT;
    grant(s, w, best, take_ready(&s->stage[best], room), 1, action);
    return GRANTED;
}

/* Goes round the hungry workers. One that wants nothing leaves the ring, and is back with its next report; one that has
 * none to come, or could take other tasks than there are, is parked. */
static bool next_grant(tf_sched *s, double now, tf_action *action) {
    if (s->stopping || s->draining || (tf_sched_due(s) > now && !find_foremost(s)))
        return false;
    for (int n = 0; n < s->kinds; n++)
        if (first_due(&s->kind[n]) <= now)
            unpark_for(s, n);
    for (int left = s->hungry_count; left > 0; left--) {
        int w = take_hungry(s);
        const worker *k = &s->worker[w];
        if (!k->up)
            continue;
        answer again = offer_retry(s, w, now, action);
        if (again == NOTHING || again == PUT_OFF) {
            const answer ready = offer_ready(s, w, action);
            again = ready == NOTHING ? again : ready;
        }
        if (again == KEPT)
            again = offer_brief(s, w, action);
        if (again == GRANTED)
            return true;
        if (again == PUT_OFF)
            queue_hungry(s, w);
        else if (k->held == 0 || k->idle > 0)
            park(s, w);
    }
    return false;
}

/* ---- Stages ---- */

bool tf_sched_has_caught_up(const tf_sched *s, int i) {
    const stage *st = &s->stage[i];
    return st->ready == 0 && st->waiting == 0 && running(st) == 0;
}

void tf_sched_cut(tf_sched *s, int i) {
    s->stage[i].spec.tasks -= s->stage[i].blocked;
    s->stage[i].blocked = 0;
    s->stage[i].spec.looks = false;
}

static bool may_start(const tf_sched *s, const stage *st) {
    if (s->stopping || s->frozen)
        return false;
    for (int a = 0; a < st->spec.afters; a++)
        if (!s->stage[st->spec.after[a]].finished)
            return false;
    return true;
}

/* Nothing of it is to be run or written, or it waits for a stage that will not be finished. */
static bool is_left_out(const tf_sched *s, const stage *st) {
    if (st->spec.held_back > 0 && pending(st) + st->spec.adopted == 0)
        return true;
    for (int a = 0; a < st->spec.afters; a++)
        if (s->stage[st->spec.after[a]].closed)
            return true;
    return false;
}

static bool is_over(const tf_sched *s, const stage *st) {
    return running(st) == 0 && (s->stopping || (pending(st) == 0 && !st->spec.looks));
}

static bool end(tf_sched *s, tf_action *action) {
    if (s->ended)
        return false;
    s->ended = true;
    *action = (tf_action){.kind = TF_ACTION_END};
    return true;
}

static bool next_stage_change(tf_sched *s, tf_action *action) {
    int over = 0;
    int64_t held = 0;
    for (int i = 0; s->draining && i < s->stages; i++)
        held += running(&s->stage[i]);
    if (s->draining)
        return held == 0 && end(s, action);
    for (int i = 0; i < s->stages; i++) {
        stage *st = &s->stage[i];
        *action = (tf_action){.stage = i};
        if (!st->laid_out && is_left_out(s, st))
            st->closed = true;
        else if (!st->laid_out && may_start(s, st)) {
            st->laid_out = true;
            unpark_for(s, st->kind);
            action->kind = TF_ACTION_LAYOUT;
            return true;
        }
        if (st->laid_out && !st->finished && is_over(s, st)) {
            st->finished = st->spec.held_back == 0;
            st->closed = !st->finished;
            action->kind = TF_ACTION_FINISH;
            if (st->finished)
                return true;
        }
        over += st->finished || st->closed || ((s->stopping || s->frozen) && !st->laid_out);
    }
    return over == s->stages && end(s, action);
}

void tf_sched_freeze(tf_sched *s) {
    s->frozen = true;
}

const tf_intervals *tf_sched_holds(const tf_sched *s, int w, int i) {
    static const tf_intervals nothing;
    return w >= 0 && w < s->workers && s->worker[w].holds ? &s->worker[w].holds[i] : &nothing;
}

void tf_sched_drain(tf_sched *s) {
    s->draining = true;
}

bool tf_sched_next(tf_sched *s, double now, tf_action *action) {
    return next_stage_change(s, action) || next_grant(s, now, action);
}

tf_sched_counts tf_sched_stage_counts(const tf_sched *s, int i) {
    const stage *st = &s->stage[i];
    return (tf_sched_counts){.tasks = st->spec.tasks,
                             .pending = pending(st),
                             .running = running(st),
                             .done = st->done,
                             .failed = st->failed,
                             .skipped = st->skipped,
                             .held_back = st->spec.held_back};
}
