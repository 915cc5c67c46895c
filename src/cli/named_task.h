/* A task as users name it. */
#ifndef TF_CLI_NAMED_TASK_H
#define TF_CLI_NAMED_TASK_H

#include "cli/cli.h"

typedef struct named_task {
    const char *stage; /* NULL: the only one */
    const char *task;  /* its index, or its parameters: "a=0.3,b=R"; NULL: neither is given */
} named_task;

/* Reads "STAGE TASK", "TASK" or "STAGE[TASK]". */
named_task named_task_read(const options *o, const recalled *r);

/* The task's index in a stage. -1: `status` is the exit status after a diagnostic; or several tasks have these
 * parameters and are printed. */
int64_t named_task_find(const options *o, const recalled *r, int stage, const char *task, int *status);

#endif
