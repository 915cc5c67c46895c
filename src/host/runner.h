/* Kinds of run, as a host runs them. A kind is a file, and a row of the table in runners.c. */
#ifndef TF_HOST_RUNNER_H
#define TF_HOST_RUNNER_H

#include "host/host.h"

typedef struct runner {
    const char *key; /* the member of "run" that says it */
    /* What would keep every task of the stage from running? `program` has the functions that this program brings
     * itself. NULL: nothing. */
    void (*preflight)(const tf_stage_spec *stage, const tf_function *program, tf_diags *diags);
    void (*begin)(host *h);                /* before the first row of a batch; NULL: nothing to do */
    void (*run_row)(host *h, int64_t row); /* sets the row's columns, or fails it */
    bool (*has_batch)(const host *h);      /* can it run rows together? NULL: never */
    void (*run_part)(host *h);             /* rows part .. part + part_count - 1 together */
    bool (*reads_array)(const tf_stage_spec *spec, int array); /* does it look at the array? NULL: at none */
    void (*close)(host *h, int stage);                         /* gives back what the stage has here; NULL: nothing */
    bool is_inside;    /* user code runs in this process: what it changes is looked for */
    bool keeps_stdout; /* each task has its own standard output */
} runner;

/* That of a run. */
const runner *runner_find(const tf_run_spec *run);

#endif
