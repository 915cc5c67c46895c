/* Tasks of stages with files, as the master deals with them: between the graph, which knows what waits for what, the
 * scheduler, which hands out what is ready, and a worker, which writes the rows of tasks that are not run and removes
 * files that nobody needs any more. */
#ifndef TF_FARM_DEPENDENCIES_H
#define TF_FARM_DEPENDENCIES_H

#include "farm/farm.h"
#include "farm/protocol.h"
#include "farm/transport.h"
#include "sched/sched.h"

typedef struct dependencies dependencies;

/* The graph's plan must be made. Tells the scheduler what is ready. All are the caller's. */
dependencies *dependencies_new(const tf_campaign *campaign, tf_graph *graph, tf_sched *sched,
                               const transport *transport);
void dependencies_free(dependencies *dependencies);

/* The rank `helper` is to remove what an earlier run should have removed. */
void dependencies_remove_left(dependencies *dependencies, int helper);

/* The stage is being laid out: its rows may be written from now on. The rank `helper` writes those that are known. */
void dependencies_laid_out(dependencies *dependencies, int stage, int helper);

/* The stage is being finished: nothing is written of it any more. */
void dependencies_finished(dependencies *dependencies, int stage);

/* Tasks have ended. The rank `helper` does what follows from it: it writes rows of tasks that are not run, and removes
 * files. NOBODY: that is left to the next run. */
void dependencies_ended(dependencies *dependencies, int stage, int64_t first, int64_t count, bool done, int helper);

#endif
