/* Loading a function, for hosts, which run it, and for the preflight, which only checks that it exists. */
#ifndef TF_HOST_PLUGIN_H
#define TF_HOST_PLUGIN_H

#include "manifest/manifest.h"

typedef struct plugin_functions {
    void *library;    /* NULL for built-ins, and for functions of the program */
    tf_call_fn *call; /* NULL but for functions of the program */
    tf_task_fn *task;
    tf_setup_fn *setup;
    tf_batch_fn *batch;
    tf_teardown_fn *teardown;
} plugin_functions;

/* Finds a run's function and its hooks. `program`: functions of this program, up to one without a name; NULL: there are
 * none. `memory`: a descriptor of the library's bytes in memory; -1: the file itself is read. On success at least one
 * of `call`, `task` and `batch` is set. */
tf_err plugin_open(const tf_run_spec *run, const tf_function *program, int memory, plugin_functions *functions,
                   tf_error *error);

#endif
