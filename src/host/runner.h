/* Kinds of run, as a host runs them. A kind is a file, and a row of the table in runners.c. */
#ifndef TF_HOST_RUNNER_H
#define TF_HOST_RUNNER_H

#include "host/host.h"

typedef struct runner {
    const char *key; /* the member of "run" that says the kind */

    /* Checks for what would keep every task of the stage from running. `program`: functions that this program brings
     * itself. NULL: there is nothing to check. */
    void (*preflight)(const tf_stage_spec *stage, const tf_function *program, tf_diags *diags);

    /* Starts what the stage's tasks would run, once, and ends it again: what is wrong with it is reported. NULL: there
     * is nothing to start. */
    void (*try_start)(host *h, int stage, tf_diags *diags);

    void (*begin)(host *h);                /* before the first row of a batch; NULL: nothing to do */
    void (*run_row)(host *h, int64_t row); /* sets the row's columns, or fails the row */
    bool (*has_batch)(const host *h);      /* can rows be run together? NULL: never */
    void (*run_part)(host *h);             /* runs rows part .. part + part_count - 1 together */
    void (*run_all)(host *h);              /* runs a batch whose rows have no files of their own; NULL: run_row does */
    bool (*reads_array)(const tf_stage_spec *spec, int array); /* does a task read the array? NULL: it reads none */
    void (*close)(host *h, int stage);                         /* frees what the stage has here; NULL: nothing */
    bool is_inside;    /* user code runs in this process, and what it changes is looked for after each batch */
    bool keeps_stdout; /* each task has a standard output of its own, which is captured */
} runner;

/* The runner of a run's kind. */
const runner *runner_find(const tf_run_spec *run);

#endif
