/* The scheduler: a pure state machine. Events go in (a worker is up or gone, tasks have ended, the time), actions come
 * out (lay a stage out, grant tasks, finish a stage, end). It does no I/O and reads no clock, so that tests can drive
 * it with a simulated cluster.
 *
 * Process: the first rank. Must survive the end of any worker, and reports that come late or twice. */
#ifndef TF_SCHED_H
#define TF_SCHED_H

#include "base/base.h"

/* ---- Runtime estimates ---- */

/* How long a stage's tasks take, as far as is known. All zeros knows nothing. Old tasks weigh less and less. */
typedef struct tf_estimate {
    double seconds; /* that `tasks` took in one slot */
    double tasks;   /* halved now and then, with `seconds`, so that old ones lose weight */
    int64_t seen;   /* all tasks ever counted */
} tf_estimate;

/* Counts tasks that took so many seconds in one slot. */
void tf_estimate_add(tf_estimate *estimate, int64_t tasks, double seconds);

/* Seconds that a task takes; infinite while nothing is known. */
double tf_estimate_mean(const tf_estimate *estimate);

/* How many tasks take `seconds` in one slot: at least 1; 1 while nothing is known; and never more than twice what was
 * seen so far, so that one lucky quick task does not send out a million slow ones. */
int64_t tf_estimate_count(const tf_estimate *estimate, double seconds);

/* ---- What a worker says ---- */

/* Seconds that the master may take for a message and its answer. Grants and reports are large enough for it to serve
 * all workers. */
#define TF_SERVICE_SECONDS 4e-6

/* What a worker knows of itself when it decides whether to speak. */
typedef struct tf_standing {
    int workers;      /* of the same master */
    int64_t ended;    /* tasks that have ended and are not reported yet */
    int64_t held;     /* tasks that it was granted and that have not ended */
    int slots;        /* all of its slots */
    int idle;         /* slots that have no task */
    bool queue_empty; /* all tasks that it holds are running */
    double since;     /* seconds since its last message */
} tf_standing;

/* Is it time for a report? A master of many workers can't hear of each batch of each slot: what has ended is reported
 * together, unless slots starve, and not before all others may have been heard. */
bool tf_should_report(const tf_standing *standing);

/* Is it time to say that slots are idle and nothing is in hand for them? See tf_sched_idle. `known`: idle slots that
 * the master has been told of since the last grant. */
bool tf_should_say_idle(const tf_standing *standing, int known);

/* ---- The scheduler ---- */

typedef struct tf_sched tf_sched;

typedef struct tf_sched_stage {
    int64_t tasks;
    tf_resources need;           /* what one task needs */
    const tf_intervals *pending; /* the tasks to run; NULL: all of them */
    int64_t withheld; /* tasks that are neither done nor run this time; with any of them the stage is not finished */
    int64_t adopted;  /* tasks that are done without being run */

    /* One call runs tasks k * batch .. (k + 1) * batch - 1, so they go to one worker. 0 or 1: each is run by itself. */
    int64_t batch;

    int level;       /* the stage of the highest level goes first, of several the first in number */
    bool linked;     /* its tasks are blocked until tf_sched_ready names them */
    bool awaits_cut; /* it is over only after tf_sched_cut, even if all its tasks have ended */
    bool finished;   /* an earlier run has finished it: nothing is left to run or to write */
    int afters;
    const int *after;   /* stages that must be finished first; free of cycles */
    int64_t stop_after; /* how many failed tasks stop the campaign; 0: no number does */
    double retry_delay; /* s between the first two attempts; doubles with each further one */
    bool speculative;   /* tasks that take longer than they would elsewhere may be started a second time */
} tf_sched_stage;

typedef enum tf_action_kind {
    TF_ACTION_LAYOUT, /* make the stage's datasets; its tasks are granted from now on */
    TF_ACTION_GRANT,  /* hand tasks first .. first + count - 1 to the worker */
    TF_ACTION_FAIL,   /* tasks first .. first + count - 1 have failed: the worker, which keeps their rows, is to write
                         them */
    TF_ACTION_DROP,   /* others have the same attempt at them: the worker is to drop their rows */
    TF_ACTION_SICK, /* the worker gets nothing more: `count` of its tasks failed in a row, and some of them, as `first`
                       of the stage, have done well elsewhere. It is to end what it holds, and then it is down */
    TF_ACTION_SLOW, /* tasks of the stage take `times` as long on the worker as on others */
    TF_ACTION_DOUBLE, /* the worker's task `first` may soon be another's, too: it is to give the task back, or to ask
                         before it writes the row (tf_sched_doubled) */
    TF_ACTION_SECOND, /* hand the task `first` to the worker, though another has it; both ask before they write */
    TF_ACTION_RULE,   /* the worker may write the row of the task `first`, as it has asked to; or, without `may_write`,
                         it is to leave the task, whatever it has of it: it is another's alone */
    TF_ACTION_FINISH, /* all tasks of the stage that were begun have ended: write the rest of it */
    TF_ACTION_END     /* all stages are finished, or stopped, or drained: there will be no other action */
} tf_action_kind;

typedef struct tf_action {
    tf_action_kind kind;
    int stage;
    int worker;
    int64_t first;
    int64_t count;
    int attempt;    /* which one a grant is for, from 1 */
    int64_t well;   /* of a sick worker: how many of the tasks have done well elsewhere */
    double times;   /* of a slow worker */
    int64_t number; /* of a double: comes back with the answer */
    bool is_torn;   /* the rest of the grant's last batch is granted next, to the same worker */
    bool may_write; /* of a rule */
    bool is_second; /* of a rule by which a worker may write: the task was started there for the second time */
} tf_action;

/* A stage's counts. `tasks` is the sum of the others. Tasks that wait for another attempt or for other tasks are
 * pending. */
typedef struct tf_sched_counts {
    int64_t tasks, pending, running, done, failed, skipped, withheld;
} tf_sched_counts;

/* `stages` is copied. Never NULL. */
tf_sched *tf_sched_new(const tf_sched_stage *stages, int count);
void tf_sched_free(tf_sched *sched);

/* Worker numbers are small integers from 0, chosen by the caller. One that was down may come back when no report of its
 * former life can arrive any more. */
void tf_sched_worker_up(tf_sched *sched, int worker, tf_resources have);

/* Workers with the same number are on one machine. All are 0 at first. */
void tf_sched_set_host(tf_sched *sched, int worker, uint64_t host);

/* The worker is gone: what it held and had not reported becomes pending again, and so do tasks whose rows it kept. */
void tf_sched_worker_down(tf_sched *sched, int worker);

/* How many workers are up and may have tasks, for all that is known? */
int tf_sched_count_well(const tf_sched *sched);

/* Tasks first .. first + count - 1 have ended on the worker, `failed` of them without success, after `seconds` of work
 * in one slot. false (and nothing changes) for tasks that the worker does not hold: a message late or twice. */
bool tf_sched_report(tf_sched *sched, int worker, int stage, int64_t first, int64_t count, int64_t failed,
                     double seconds);

/* The attempt at tasks first .. first + count - 1 has failed on the worker at time `now`, after `seconds` of work in
 * one slot; they are to have another, after the stage's delay, on another worker if one is up and soon has room. `now`
 * is in seconds on any clock that never goes back. Returns as tf_sched_report. */
bool tf_sched_retry(tf_sched *sched, int worker, int stage, int64_t first, int64_t count, int attempt, double seconds,
                    double now);

/* The last attempt that tasks first .. first + count - 1 may have, `attempt`, has failed on the worker; the rows that
 * say so are not written, the worker keeps them until TF_ACTION_FAIL or TF_ACTION_DROP. Until then the tasks count as
 * running. Returns as tf_sched_report. */
bool tf_sched_fail(tf_sched *sched, int worker, int stage, int64_t first, int64_t count, int attempt, double seconds,
                   double now);

/* These tasks of a linked stage are blocked no longer: they are ready, at this level. */
void tf_sched_ready(tf_sched *sched, int stage, int64_t first, int64_t count, int level);

/* `count` tasks of a linked stage have ended without being run: they were skipped. */
void tf_sched_skip(tf_sched *sched, int stage, int64_t count);

/* Have all tasks of a linked stage ended that were ready so far, and has all been told that follows from it? */
bool tf_sched_has_caught_up(const tf_sched *sched, int stage);

/* Drops the stage's blocked tasks: nothing else will be ready. */
void tf_sched_cut(tf_sched *sched, int stage);

/* The worker has `idle` slots without a task, and nothing in hand for them: what it holds waits behind a task that
 * takes longer than was foreseen. Its next grant fills them, whatever it holds. */
void tf_sched_idle(tf_sched *sched, int worker, int idle);

/* The worker can't run tasks of the stage: it gets no more of them. Tasks first .. first + count - 1 are those of the
 * worker's that it has not begun, and gives back: another worker is to have the same attempt at them. `count` may be 0.
 * Returns as tf_sched_report. */
bool tf_sched_unable(tf_sched *sched, int worker, int stage, int64_t first, int64_t count, int attempt, double now);

/* What a worker says to TF_ACTION_DOUBLE. */
typedef enum tf_doubled {
    TF_DOUBLED_ASKS, /* it asks before it writes the row (tf_sched_claim); it has been at the task for `seconds` */
    TF_DOUBLED_BACK, /* it had not begun the task, which is another's alone */
    TF_DOUBLED_ENDED /* the task has ended there, or as good as: it is nobody else's */
} tf_doubled;

typedef struct tf_doubled_answer {
    tf_doubled how;
    int attempt;    /* that the task has there, or is to have elsewhere */
    double seconds; /* for which it has been under way */
    int64_t number; /* of the question */
} tf_doubled_answer;

/* The worker answers of its task. Nothing changes if the question is settled otherwise by now. */
void tf_sched_doubled(tf_sched *sched, int worker, int stage, int64_t task, const tf_doubled_answer *answer,
                      double now);

/* The worker has the outcome of a task of which it was told that another has it, too: may it write the row? A rule
 * follows for each worker that has the task. What has failed counts for nothing as long as another is at it. */
void tf_sched_claim(tf_sched *sched, int worker, int stage, int64_t task, bool has_failed);

/* Can no worker that is up run tasks of the stage, since some have said that they can't? false once it is given up. */
bool tf_sched_is_unable(const tf_sched *sched, int stage);

/* The stage is over once what was granted of it has ended; what is left of it is pending, for a later run. If failures
 * stop the campaign this does. */
void tf_sched_give_up(tf_sched *sched, int stage);

/* The next thing to do at time `now`; false if there is nothing until another event, or until tf_sched_due. Actions are
 * to be carried out in this order. */
bool tf_sched_next(tf_sched *sched, double now, tf_action *action);

/* The same, but of what is no grant. */
bool tf_sched_next_change(tf_sched *sched, tf_action *action);

/* No further stage is laid out: the end comes when those that were are finished. */
void tf_sched_freeze(tf_sched *sched);

/* Tasks of the stage that the worker holds. */
const tf_intervals *tf_sched_holds(const tf_sched *sched, int worker, int stage);

/* Nothing more is handed out, laid out or finished; the end comes when no worker holds anything. */
void tf_sched_drain(tf_sched *sched);

/* Do tasks of a stage that has begun need more than any worker that is up has? */
bool tf_sched_is_stuck(const tf_sched *sched);

/* When the first task that waits for another attempt may have it; INFINITY if none waits. */
double tf_sched_due(const tf_sched *sched);

tf_sched_counts tf_sched_stage_counts(const tf_sched *sched, int stage);

#endif
