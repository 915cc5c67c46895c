/* Loading a function: shared between hosts, which run it, and the preflight, which only looks whether it is there. */
#ifndef TF_HOST_PLUGIN_H
#define TF_HOST_PLUGIN_H

#include "manifest/manifest.h"

typedef struct plugin_functions {
    void *library;    /* NULL for built-ins, and for functions of the program */
    tf_call_fn *call; /* of these alone */
    tf_task_fn *task;
    tf_setup_fn *setup;
    tf_batch_fn *batch;
    tf_teardown_fn *teardown;
} plugin_functions;

/* Finds a run's function and its hooks. `program` has those of this program, up to one without a name; NULL: there are
 * none. `memory` has the bytes of the library's file; -1: they are read from there. At least one of `call`, `task` and
 * `batch` is set on success. */
tf_err plugin_open(const tf_run_spec *run, const tf_function *program, int memory, plugin_functions *functions,
                   tf_error *error);

#endif
