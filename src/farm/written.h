/* What a worker that is lost has done of the tasks that it held: nobody else is to do that again. */
#ifndef TF_FARM_WRITTEN_H
#define TF_FARM_WRITTEN_H

#include "farm/output.h"
#include "farm/protocol.h"
#include "sched/sched.h"

/* Calls `visit` with what the worker would have reported of each of its tasks whose row it has written. To be called
 * while the scheduler still counts on it; `visit` may report to the scheduler. */
void written_visit(const output *o, const tf_campaign *campaign, const tf_sched *sched, int rank,
                   void (*visit)(void *context, int rank, const report_message *report), void *context);

#endif
