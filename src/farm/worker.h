/* A worker: takes grants, keeps its slots busy, writes rows, reports. */
#ifndef TF_FARM_WORKER_H
#define TF_FARM_WORKER_H

#include "farm/executor.h"
#include "farm/output.h"
#include "farm/protocol.h"
#include "farm/terms.h"
#include "farm/transport.h"

typedef struct worker worker;

/* Says HELLO to the master. Results are synced every `sync` seconds (0: never). Rows that can't be written because
 * storage fails are kept, and written again, for as long as the terms' patience. All are the caller's. */
worker *worker_new(const tf_campaign *campaign, const transport *transport, const tf_clock *clock,
                   const executor *executor, const output *output, const terms *terms, double sync);
void worker_free(worker *worker);

void worker_grant(worker *worker, const grant_message *grants, size_t count);

/* Writes rows that it kept, or drops them. */
void worker_judge(worker *worker, const verdict_message *verdict);

/* Another worker may have the task, too. */
void worker_double(worker *worker, const double_message *message);

/* Writes the row of such a task, or leaves the task. */
void worker_rule(worker *worker, const rule_message *rule);

/* Writes rows of tasks that are not run. */
void worker_settle(worker *worker, const settle_message *message);

/* Begins nothing more. Once nothing is under way it says DRAINED. */
void worker_drain(worker *worker, drain_how how);

/* Has it rows that it could not write yet? */
bool worker_is_behind(const worker *worker);

/* The master has answered. */
void worker_heard(worker *worker, const alive_message *answer);

typedef enum worker_touch {
    WORKER_IS_HEARD,
    WORKER_IS_UNHEARD, /* it may do nothing, until the master is heard again */
    WORKER_IS_LOST     /* it is to end: others may be given its tasks */
} worker_touch;

/* To be called all the time. Asks the master now and then whether it hears. */
worker_touch worker_keep_touch(worker *worker);

/* Feeds the slots, waits up to `timeout` seconds for rows, writes them and reports them. true if anything happened.
 * When the file or the slots break it tells the master, once, and does nothing more. */
bool worker_step(worker *worker, double timeout);

#endif
