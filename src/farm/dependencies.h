/* Tasks of stages with files, as the master deals with them: between the graph, which knows what waits for what, the
 * scheduler, which hands out what is ready, and a worker, which writes the rows of tasks that are not run and removes
 * files that nobody needs any more. */
#ifndef TF_FARM_DEPS_H
#define TF_FARM_DEPS_H

#include "farm/farm.h"
#include "farm/protocol.h"
#include "farm/transport_mpi.h"
#include "sched/sched.h"

typedef struct deps deps;

/* The graph's plan must be made. Tells the scheduler what is ready. All are the caller's. */
deps *deps_new(const tf_campaign *campaign, tf_graph *graph, tf_sched *sched, tf_wire *wire);
void deps_free(deps *deps);

/* The stage is being laid out: its rows may be written from now on, by the rank `by`. */
void deps_laid_out(deps *deps, int stage, int by);

/* Tasks have ended; what follows from it is for the rank `by` to do. */
void deps_ended(deps *deps, int stage, int64_t first, int64_t count, bool done, int by);

#endif
