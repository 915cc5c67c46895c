/* The scheduler's state, for its own files: each changes the part that it names, and reads the rest.
 *
 * ready.c     what can be handed out, by stage and level
 * watch.c     how long tasks have been away, of stages whose tasks may be started a second time
 * opening.c   which stages are open, and which may be opened next
 * workers.c   who is up, who wants work, and for whom workers are reserved
 * retry.c     tasks that wait for another attempt
 * doubts.c    tasks that have failed, and of which it is not known yet whether their worker is to blame
 * health.c    which workers are suspected, and which are sick
 * pace.c      how fast workers are, compared with each other
 * twins.c     tasks that two workers have, and whose answer counts
 * outcomes.c  what workers say of tasks that have ended
 * stages.c    which stages are begun, and over
 * classes.c   which stages need the same; unable.c: which workers can't run a stage
 * grant.c     who gets what next; backfill.c: what a reserved worker gets meanwhile
 * second.c    which tasks are started a second time, and where
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

/* How long a stage's tasks take on a worker. */
typedef struct pace {
    double logs; /* of the seconds that a task took: the sum over reports */
    int64_t reports;
    double product; /* of what tasks took in the reports that are not counted among these yet */
    int uncounted;
    double seconds; /* of all reports */
} pace;

/* Tasks that were granted together, of a stage whose tasks may be started a second time. */
typedef struct outing {
    int worker_id;
    tf_interval tasks;
    double since;
} outing;

/* How long tasks took that did well: sums over them. */
typedef struct timing {
    double tasks, seconds, squares;
} timing;

typedef struct watch {
    outing *outing; /* the oldest first; some are over */
    size_t outings, capacity;
    size_t limit;   /* with so many of them those that are over are dropped */
    timing *timing; /* by worker */
    int timings;
    tf_intervals settled; /* tasks that have been started a second time, or need it no more */
} watch;

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
    pace *pace;            /* by worker, as far as some of it have ended; while it is open */
    int paces, pace_count; /* workers that there is room for; those that have one */
    double pace_sum;       /* of all paces, as logarithms */
    tf_intervals
        forgiven; /* tasks that have failed on a sick worker: the attempt under way may fail once for nothing */
    watch *watch; /* NULL: its tasks are started once */
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
    bool is_trial; /* it is to tell whether that worker is to blame */
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

/* Tasks that have failed on a worker, one after the other. */
typedef struct doubt {
    int stage_id;
    int attempt;   /* the one that has failed */
    bool is_final; /* it was the last: the worker keeps the rows until it is known whether they count */
    bool is_tried; /* the same attempt is another worker's now */
    tf_interval tasks;
} doubt;

typedef enum health_state {
    HEALTH_WELL,
    HEALTH_SUSPECT, /* it gets nothing until others have had the same attempts at some of its tasks */
    HEALTH_SICK     /* it gets nothing any more */
} health_state;

typedef struct health {
    health_state state;
    doubt *doubt; /* what has failed since a task last did well here */
    int doubts, capacity;
    int64_t failed;      /* tasks of these */
    int64_t tried;       /* how many of them are tried elsewhere */
    int64_t in_a_row;    /* all tasks that failed since, whatever has become of them */
    int64_t alone;       /* those that had not failed elsewhere by then */
    int64_t well;        /* how many of these did well elsewhere by the very attempt that failed here */
    int64_t confirmed;   /* how many failed by it on trusted workers, too */
    int64_t most_failed; /* so many of these make it a suspect */
    bool is_listed;      /* it is counted among the doubters */
    int well_stage_id;   /* the last task that did well elsewhere */
    int64_t well_task;
} health;

typedef struct worker {
    tf_resources have;
    int64_t *capacity; /* per class: tasks that it could run at once if it ran nothing else */
    bool up;
    bool is_candidate;      /* it stands in the ring of candidates */
    uint64_t host;          /* the same of all workers on a machine */
    int idle;               /* slots that it said were idle, and that have had no grant since */
    int reserved_for;       /* class; -1: none */
    int waiting_place;      /* its place in `waiting`, counted from 1; 0: it does not wait */
    int64_t held;           /* tasks granted and not reported */
    int64_t *held_of_class; /* how many of these are of each class */
    tf_intervals *holds;    /* per stage: which of its tasks these are */
    health health;
    bool is_slow; /* it has been told that it is */
} worker;

typedef enum twin_state {
    TWIN_IS_ASKED, /* its worker was asked, and has not answered yet */
    TWIN_IS_READY, /* its worker asks before it writes the row: another may begin it */
    TWIN_IS_DOUBLE /* two workers have it */
} twin_state;

/* A task that is to be started a second time, or was. */
typedef struct twin {
    twin_state state;
    int stage_id;
    int attempt;
    int first_id, second_id; /* the workers */
    int64_t task;
    int64_t number; /* of the question */
    double due;     /* when it is begun a second time, if it has not ended by then */
} twin;

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
    double now;   /* the last time that was told */
    int well;     /* workers that are up and neither suspected nor sick */
    int doubters; /* workers of which tasks are doubtful */
    int suspects;
    int speculative; /* stages whose tasks may be started a second time */
    twin *twin;
    int twins, twin_capacity;
    int64_t questions; /* so many have been asked */
    double next_look;  /* when it is next looked for tasks that take too long */
    int looked;        /* what has come of this look so far: actions */
    tf_action *told;   /* what follows from doubts that are settled, to be told next */
    int told_first, told_end, told_capacity;
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

/* ---- watch.c ---- */

void watch_free(watch *w);

/* Tasks of the stage were granted; or some have done well, each in one slot. */
void watch_grant(const tf_sched *s, int stage_id, int worker_id, tf_interval tasks);
void watch_note(const tf_sched *s, int stage_id, int worker_id, int64_t count, double seconds);

/* Has the worker done any of the stage's tasks well? */
static inline bool watch_has_done(const watch *w, int worker_id) {
    return worker_id < w->timings && w->timing[worker_id].tasks > 0;
}

/* The sums over all workers that are not slow. */
timing watch_sum(const tf_sched *s, const stage *st);

/* For how long a task of the worker is waited for before another may begin it, in seconds: so long as a task elsewhere
 * rarely takes. `all` as watch_sum has it. INFINITY: too little is known. */
double watch_limit(const tf_sched *s, const stage *st, timing all, int worker_id);

/* The next task from `*at` on, which is 0 at first, that was granted before `before` and is its worker's yet, and that
 * has not been started a second time; -1: there is none. */
int64_t watch_next(const tf_sched *s, int stage_id, double before, size_t *at, int *worker_id);

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

/* Hands all that the worker holds back, and takes it off the list. */
void worker_take_down(tf_sched *s, int worker_id);

/* The tasks are the worker's, which must be able to run them; or its no longer. */
void worker_hold(tf_sched *s, int worker_id, int stage_id, tf_interval tasks);
void worker_let_go(tf_sched *s, int worker_id, int stage_id, tf_interval tasks);

/* Takes from the worker tasks that have ended after `seconds` in one slot. false if it does not hold them. */
bool worker_release(tf_sched *s, int worker_id, int stage_id, int64_t first, int64_t count, double seconds);

/* How many tasks of the class the worker can run at once beside what it holds of other classes. */
int64_t worker_room(const tf_sched *s, const worker *w, int class_id);

void workers_free(tf_sched *s);

/* ---- retry.c ---- */

bool retry_is_before(const void *a, const void *b);

/* Counts tasks that have failed for good. */
void retry_none(tf_sched *s, stage *st, int64_t tasks);

/* When the first retry of the class is due; INFINITY if there is none. */
double retry_due(const resource_class *class);

/* Tasks are to have the attempt of `like` from `like.due` on. They are counted as retrying. */
void retry_add(tf_sched *s, retry like, tf_interval tasks);

/* The worker, which has not begun the tasks, gives them back: they are for another before all else, at the attempt that
 * they were to have. */
void retry_give_back(tf_sched *s, int worker_id, int stage_id, tf_interval tasks, int attempt, double now);

/* Of these tasks those that wait for the attempt may have the one before it, from `due` on, as trials: not counted.
 * Returns which these are, to be freed. They are trials. */
tf_intervals retry_take_back(tf_sched *s, int stage_id, tf_interval tasks, int attempt, double due);

/* ---- doubts.c ---- */

/* Adds tasks behind the others. */
void doubts_add(tf_sched *s, worker *w, doubt tasks);

/* Takes the tasks out of the worker's doubts, as far as it was this attempt that failed; 0: any. How many were there,
 * and how many of them were tried elsewhere. */
typedef struct doubts_removed {
    int64_t tasks, tried;
} doubts_removed;
doubts_removed doubts_remove(worker *w, int stage_id, tf_interval tasks, int attempt);

/* Which of the tasks are doubtful on the worker? Adds them. */
void doubts_find(const worker *w, int stage_id, tf_interval tasks, tf_intervals *found);

/* Are some of the tasks tried elsewhere? */
bool doubts_are_tried(const worker *w, int stage_id, tf_interval tasks);

/* How many tasks of the stage the worker keeps the last rows of. */
int64_t doubts_count(const worker *w, int stage_id);

/* Removes the last doubt. false: there is none. */
bool doubts_pop(worker *w, doubt *last);

/* Forgets the worker's doubts, and all that it has to do with them. */
void doubts_clear(tf_sched *s, worker *w);

/* ---- health.c ---- */

enum {
    HEALTH_FAILED_IN_A_ROW = 5,  /* make a worker a suspect: at first */
    HEALTH_EARLY = 3,            /* the last of these are tried elsewhere at once, instead of a second attempt */
    HEALTH_WELL_ELSEWHERE = 2,   /* of these make it sick */
    HEALTH_TRIALS = 5,           /* tasks of a suspect that others try, at most */
    HEALTH_MOST_IN_DOUBT = 1000, /* failures of a worker: with more of them all count */
    HEALTH_MOST_AT_FIRST = 20    /* the same while no task of the stage has done well anywhere */
};

/* The worker is to be down: what is doubtful of it is for others. */
void health_down(tf_sched *s, int worker_id);

/* Something is to be told of a worker, in its turn. */
void health_tell(tf_sched *s, tf_action action);

/* May it have tasks? */
static inline bool health_is_good(const worker *w) {
    return w->health.state == HEALTH_WELL;
}

/* Have few of its tasks just failed? Only such a worker can tell whether another is sick. */
static inline bool health_is_trusted(const worker *w) {
    return w->health.state == HEALTH_WELL && w->health.in_a_row < HEALTH_EARLY;
}

/* Is there a trusted worker beside this one that could run tasks of the class? */
bool health_has_trusted(const tf_sched *s, const worker *beside, int class_id);

/* Tasks have done well on the worker: this costs a compare or two where none have failed. */
void health_note_well(tf_sched *s, int worker_id, int stage_id, int64_t first, int64_t count);
static inline void health_did_well(tf_sched *s, int worker_id, int stage_id, int64_t first, int64_t count) {
    if (s->doubters > 0 || s->stage[stage_id].forgiven.total > 0)
        health_note_well(s, worker_id, stage_id, first, count);
}

/* Tasks have failed on the worker for good, and their rows are written. */
void health_has_failed(tf_sched *s, int worker_id, int stage_id, int64_t first, int64_t count);

/* Attempts have failed on the worker, from which the tasks are taken already. What becomes of them follows: another
 * attempt, or that they have failed; or what it tells of them later. */
void health_failed(tf_sched *s, int worker_id, const doubt *failed);

/* May there be something to be told? */
static inline bool health_has_news(const tf_sched *s) {
    return s->told_first < s->told_end || s->suspects > 0 || s->stopping;
}

/* The next that is to be told of tasks that were in doubt, and of workers that are sick. */
bool health_next(tf_sched *s, tf_action *action);

/* Nothing is left to be handed out: doubts of workers that have nothing more to say are settled. true if there were
 * any. */
bool health_settle_rest(tf_sched *s);

/* All doubts are settled as far as they can be. */
void health_settle_all(tf_sched *s);

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

/* ---- pace.c ---- */

/* Tasks have done well. Returns how many times as long they take on the worker as on others, once that is much; else,
 * and once it was told, 0. */
double pace_add(tf_sched *s, int worker_id, int stage_id, int64_t count, double seconds);

/* ---- twins.c ---- */

/* Any of the tasks; NULL: none of them is a twin. */
twin *twins_find(const tf_sched *s, int stage_id, tf_interval tasks);
void twins_add(tf_sched *s, twin added);
void twins_free(tf_sched *s);

/* The tasks have ended on the worker, for good or not: they are no twins any more. If another has one all the same,
 * that is told to leave it. */
void twins_end(tf_sched *s, int worker_id, int stage_id, tf_interval tasks);

/* The worker gives the tasks up, or is gone: those that another worker has, too, are that one's alone. Returns the
 * others, to be freed. */
tf_intervals twins_leave(tf_sched *s, int worker_id, int stage_id, tf_interval tasks);
void twins_down(tf_sched *s, int worker_id);

/* ---- backfill.c ---- */

/* Tasks that a reserved worker may have all the same. */
typedef struct backfill {
    int stage_id; /* -1: there are none */
    int64_t count;
} backfill;

backfill backfill_choose(const tf_sched *s, const worker *w);

/* ---- grant.c ---- */

bool grant_next(tf_sched *s, double now, tf_action *action);

/* Sets s->head. false if nothing is ready. */
bool grant_find_heads(tf_sched *s);

/* ---- second.c ---- */

/* There is nothing else to be granted. */
bool second_next(tf_sched *s, double now, tf_action *action);

#endif
