/* Tasks of a worker that another worker has, too, or soon may. It asks before it writes their rows (see sched/twins.c).
 */
#ifndef TF_FARM_SHARED_TASKS_H
#define TF_FARM_SHARED_TASKS_H

#include "farm/executor.h"
#include "farm/protocol.h"
#include "farm/transport.h"

typedef struct shared_tasks shared_tasks;

/* All are the caller's. */
shared_tasks *shared_tasks_new(const tf_campaign *campaign, const transport *transport, const executor *executor);
void shared_tasks_free(shared_tasks *t);

/* Are there any? And any whose rows wait for the master's word? */
bool shared_tasks_are_there(const shared_tasks *t);
bool shared_tasks_wait(const shared_tasks *t);

/* Another has the task, too. */
void shared_tasks_add(shared_tasks *t, int stage, int64_t task);

/* The master asks for the task. If it is under way it is one of these from now on; else the answer says that it has
 * ended. */
void shared_tasks_answer(shared_tasks *t, const double_message *question);

/* The answer of a worker that had not begun the task. */
void shared_tasks_give_back(const shared_tasks *t, const double_message *question, int attempt);

/* The worker has nothing to do with these tasks any more. */
void shared_tasks_forget(shared_tasks *t, int stage, tf_interval tasks);

/* Passes on what has come back of a slot, but for rows of these tasks, which are copied, and claimed from the master.
 * `*dropped` counts tasks that were left: nothing becomes of these. */
tf_err shared_tasks_pass_on(shared_tasks *t, int slot, const tf_rows *rows, tf_interval left, tf_on_rows *on_rows,
                            void *context, int64_t *dropped, tf_error *error);

/* The worker may write the task's row: it is passed on. */
tf_err shared_tasks_release(shared_tasks *t, int stage, int64_t task, tf_on_rows *on_rows, void *context,
                            tf_error *error);

typedef enum shared_left {
    SHARED_IS_NONE,     /* it is none of these any more */
    SHARED_WAS_WAITING, /* its row is dropped */
    SHARED_IS_RUNNING,  /* the executor ends it, and it is dropped when it comes back */
    SHARED_IS_QUEUED    /* it is in no slot */
} shared_left;

/* The task is to be left. */
shared_left shared_tasks_leave(shared_tasks *t, int stage, int64_t task);

#endif
