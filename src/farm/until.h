/* Stages with "until": their tasks are handed out up to where it is looked at next, and when it is true the others are
 * dropped. */
#ifndef TF_FARM_UNTIL_H
#define TF_FARM_UNTIL_H

#include "farm/output.h"
#include "graph/graph.h"
#include "sched/sched.h"

typedef struct untils untils;

/* All are the caller's. */
untils *untils_new(const tf_campaign *campaign, const tf_graph *graph, tf_sched *sched, const output *output);
void untils_free(untils *u);

/* The stage's rows may be written: its first tasks may be handed out. Nothing for a stage without "until". */
void untils_laid_out(untils *u, int stage);

typedef enum until_verdict {
    UNTIL_WAITS,     /* it is not time to look */
    UNTIL_GOES_ON,   /* it is not true: more tasks are ready, or all were run */
    UNTIL_IS_ENOUGH, /* it is true: the rest of the tasks is dropped */
    UNTIL_FAILS      /* it could not be worked out: `error` says why */
} until_verdict;

/* If all tasks before the next look have ended: are they enough? */
until_verdict untils_check(untils *u, int stage, tf_error *error);

/* The number of tasks of which it was true; 0: it was not true yet. */
int64_t untils_enough(const untils *u, int stage);

#endif
