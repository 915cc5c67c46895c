/* The scheduler's state, for its own files: each changes the part that it names, and reads the rest.
 *
 * ready.c     what can be handed out, by stage and level
 * opening.c   which stages are open, and which may be opened next
 * workers.c   who is up, who wants work, and for whom workers are reserved
 * retry.c     tasks that wait for another attempt
 * stages.c    which stages are begun, and over
 * classes.c   which stages need the same; unable.c: which workers can't run a stage
 * grant.c     who gets what next; backfill.c: what a reserved worker gets meanwhile
 *
 * A file calls those before it in this list, and none behind it. */
#ifndef TF_SCHED_STATE_H
#define TF_SCHED_STATE_H

#include "sched/sched.h"

/* Tasks of one level that can be handed out. */
typedef struct level_queue {
    int level;
    tf_intervals tasks;
} level_queue;

typedef struct stage {
    tf_sched_stage spec;
    int class_id;       /* its tasks' resource class */
    level_queue *queue; /* by level, the highest last; none is empty */
    int queues, capacity;
    int64_t ready; /* tasks in the queues */
    int64_t done, failed, skipped;
    int64_t retrying; /* tasks that wait for another attempt */
    int64_t blocked;  /* tasks that wait for other tasks */
    tf_estimate estimate;
    bool is_unable_somewhere; /* some worker has said that it can't run its tasks; the class is its own */
    int missing;              /* stages that must be finished before it begins, and are not */
    bool laid_out, finished;
    bool closed; /* nothing more will come of it in this run, though it is not finished */
} stage;

/* Tasks of the stage that one call runs. */
static inline int64_t stage_batch(const stage *st) {
    return st->spec.batch > 1 ? st->spec.batch : 1;
}

/* The next number of tasks that is that of whole batches. */
static inline int64_t stage_round_up(const stage *st, int64_t tasks) {
    const int64_t batch = stage_batch(st);
    return (tasks + batch - 1) / batch * batch;
}

typedef struct retry {
    double due; /* s, on the clock of tf_sched_next */
    int64_t index;
    int stage_id;
    int attempt;   /* number of the attempt that it waits for */
    int failed_on; /* worker of the attempt before */
} retry;

/* Resource class: tasks of all stages that need the same. */
typedef struct resource_class {
    tf_resources need;
    int64_t capacity; /* tasks that all workers that are up could run at once */
    int64_t reserved; /* the part of this capacity that is on workers reserved for the class */
    tf_heap retries;  /* of retry, the first that is due on top */
    bool is_given_up; /* no worker gets a task of its one stage any more */
    tf_heap openable; /* numbers of stages that may be opened and have work, the lowest on top */
} resource_class;

typedef struct worker {
    tf_resources have;
    int64_t *capacity; /* per class: tasks that it could run at once if it ran nothing else */
    bool up;
    bool is_candidate;      /* it stands in the ring of candidates */
    int idle;               /* slots that it said were idle, and that have had no grant since */
    int reserved_for;       /* class; -1: none */
    int waiting_place;      /* its place in `waiting`, counted from 1; 0: it does not wait */
    int64_t held;           /* tasks granted and not reported */
    int64_t *held_of_class; /* how many of these are of each class */
    tf_intervals *holds;    /* per stage: which of its tasks these are */
} worker;

struct tf_sched {
    int stages;
    stage *stage;
    int opens;
    int *open;                /* the stages that are laid out and neither finished nor closed, in order */
    tf_heap openable;         /* numbers of stages that may be opened, the lowest on top */
    int *later, *first_later; /* stages that come after stage i: later[first_later[i] .. first_later[i + 1] - 1] */
    int waiting_stages;       /* how many are neither laid out nor closed */
    int closed_stages;
    int classes;
    resource_class *class;
    int *by_need; /* classes, the one that needs most first */
    int *head;    /* per class, while a grant is chosen: the stage whose tasks go first; -1: none is ready */
    int workers;
    worker *worker;
    int up;          /* number of workers that are up */
    int *candidates; /* a ring of workers that may want work */
    int first_candidate, candidate_count;
    int torn_stage;   /* the stage of the last grant, if that ends in front of a gap within a batch; -1: it does not */
    int torn_worker;  /* who got it, and is to have what of the batch is behind the gap */
    int64_t torn_end; /* where the batch ends */
    int *waiting;     /* workers that want work when there is none for them */
    int waiting_count;
    bool stopping; /* too many tasks have failed: nothing is granted, stages that have begun are finished */
    bool frozen;   /* no further stage is begun */
    bool draining; /* the run is to end: nothing is granted, begun or finished any more */
    bool ended;    /* TF_ACTION_END has been given */
};

/* ---- ready.c ---- */

void ready_add(stage *st, int level, int64_t first, int64_t end);

/* There must be tasks that are ready. Takes up to `most` off the highest level, and what is left of the last batch of
 * these up to a gap; says which task is the first, and which level that is. */
tf_interval ready_pop(stage *st, int64_t most);
int64_t ready_first(const stage *st);
int ready_level(const stage *st);

void ready_free(stage *st);

/* ---- opening.c ---- */

/* So many stages are open at once, whether they have work or not; more, where workers would have none. What is open
 * costs memory, and time with each stage that begins or ends. */
enum { MOST_OPEN = 100 };

bool opening_is_before(const void *a, const void *b);
void opening_begin(tf_sched *s); /* once all else is there */
void opening_end(tf_sched *s);

/* Tasks of the stage are ready, or it needs none to be gone on with. */
void opening_has_work(tf_sched *s, int stage_id);

/* The next stage that may be opened, as far as other stages are concerned; -1 if there is none. */
int opening_next(tf_sched *s);

void opening_open(tf_sched *s, int stage_id);

/* Stages that come after it may be opened, or, if it is not finished, are closed as well. */
void opening_close(tf_sched *s, int stage_id, bool finished);

/* ---- workers.c ---- */

/* The worker may want work: it is asked in its turn. */
void worker_add_candidate(tf_sched *s, int worker_id);
int worker_next_candidate(tf_sched *s); /* removes it; there must be one */

/* The worker wants work, and there is none for it: it is not asked before there is something new. */
void worker_wait(tf_sched *s, int worker_id);
void worker_wake_all(tf_sched *s);
void worker_wake_class(tf_sched *s, int class_id); /* those that can run tasks of the class */

/* The worker gets nothing until it has room for a task of this class. -1: it is reserved for none any more. */
void worker_reserve(tf_sched *s, worker *w, int class_id);

/* Takes from the worker tasks that have ended after `seconds` in one slot. false if it does not hold them. */
bool worker_release(tf_sched *s, int worker_id, int stage_id, int64_t first, int64_t count, double seconds);

/* How many tasks of the class the worker can run at once beside what it holds of other classes. */
int64_t worker_room(const tf_sched *s, const worker *w, int class_id);

void workers_free(tf_sched *s);

/* ---- retry.c ---- */

bool retry_is_before(const void *a, const void *b);

/* When the first retry of the class is due; INFINITY if there is none. */
double retry_due(const resource_class *class);

/* ---- stages.c ---- */

/* How many tasks of the stage workers hold. */
int64_t stage_running(const stage *st);

/* Does a need more than b? GPUs count most, then slots, then memory. */
bool stage_needs_more(const tf_resources *a, const tf_resources *b);

/* Do tasks of one stage go before those of the other? Both have some that are ready. */
bool stage_goes_before(const tf_sched *s, int stage_id, int other_id);

/* The next stage that is to be laid out or written, or the end. */
bool stage_next_change(tf_sched *s, tf_action *action);

/* ---- classes.c ---- */

/* The class of tasks that need this, which is made if there is none. */
int class_find(tf_sched *s, const tf_resources *need);

/* Makes a class of the stage alone of it, if it shares its own. */
void class_split(tf_sched *s, int stage_id);

/* ---- backfill.c ---- */

/* Tasks that a reserved worker may have all the same. */
typedef struct backfill {
    int stage_id; /* -1: there are none */
    int64_t count;
} backfill;

backfill backfill_choose(const tf_sched *s, const worker *w);

/* ---- grant.c ---- */

bool grant_next(tf_sched *s, double now, tf_action *action);

#endif
