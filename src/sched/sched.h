/* The scheduler: a pure state machine. Events go in (a worker is up or gone, tasks have ended), actions come out (lay a
 * stage out, grant tasks, finish a stage, end). It does no I/O and reads no clock, so that tests can drive it with a
 * simulated cluster. */
#ifndef TF_SCHED_H
#define TF_SCHED_H

#include "base/base.h"

/* ---- Pace: how many tasks take a set time ---- */

/* What is known of a stage's task durations. All zeros knows nothing. Old tasks weigh less and less. */
typedef struct tf_pace {
    double seconds;
    double tasks;
    int64_t seen; /* all tasks ever counted */
} tf_pace;

void tf_pace_add(tf_pace *pace, int64_t tasks, double seconds);

/* How many tasks take `seconds` in one slot: at least 1; 1 while nothing is known, and never more than twice what was
 * seen so far, so that one lucky quick task does not send out a million slow ones. */
int64_t tf_pace_count(const tf_pace *pace, double seconds);

/* ---- The scheduler ---- */

typedef struct tf_sched tf_sched;

typedef struct tf_sched_stage {
    int64_t tasks;
    int afters;
    const int *after;   /* stages that must be finished first; free of cycles */
    int64_t stop_after; /* so many failed tasks stop everything; 0: none do */
} tf_sched_stage;

typedef enum tf_action_kind {
    TF_ACTION_LAYOUT, /* make the stage's datasets; its tasks are granted from now on */
    TF_ACTION_GRANT,  /* hand tasks first .. first + count - 1 to the worker */
    TF_ACTION_FINISH, /* all tasks of the stage that were begun have ended: write what is left of it */
    TF_ACTION_END /* all stages are finished, or stopped: nothing is granted then but what was, and no stage begun */
} tf_action_kind;

typedef struct tf_action {
    tf_action_kind kind;
    int stage;
    int worker;
    int64_t first;
    int64_t count;
} tf_action;

/* A stage's counts; pending + running + done + failed = tasks. */
typedef struct tf_sched_counts {
    int64_t tasks, pending, running, done, failed;
} tf_sched_counts;

/* `stages` is copied. Never NULL. */
tf_sched *tf_sched_new(const tf_sched_stage *stages, int count);
void tf_sched_free(tf_sched *sched);

/* Worker numbers are small integers from 0, chosen by the caller. */
void tf_sched_worker_up(tf_sched *sched, int worker, int slots);

/* The worker is gone: what it held and had not reported becomes pending again. */
void tf_sched_worker_down(tf_sched *sched, int worker);

/* Tasks first .. first + count - 1 have ended on the worker, `failed` of them without success, after `seconds` of work
 * in one slot. false (and nothing changes) for tasks that the worker does not hold: a message late or twice. */
bool tf_sched_report(tf_sched *sched, int worker, int stage, int64_t first, int64_t count, int64_t failed,
                     double seconds);

/* The next thing to do; false if there is nothing until another event. Actions are to be carried out in this order. */
bool tf_sched_next(tf_sched *sched, tf_action *action);

tf_sched_counts tf_sched_stage_counts(const tf_sched *sched, int stage);

#endif
