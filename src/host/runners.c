/* The kinds of run. */
#include "host/runner.h"

#include <assert.h>
#include <string.h>

extern const runner runner_command, runner_service, runner_function, runner_python, runner_expr, runner_echo;

static const runner *const runners[] = {&runner_command, &runner_service, &runner_function,
                                        &runner_python,  &runner_expr,    &runner_echo};

const runner *runner_find(const tf_run_spec *run) {
    for (size_t i = 0; i < sizeof runners / sizeof *runners; i++)
        if (strcmp(runners[i]->key, run->key) == 0)
            return runners[i];
    assert(false); /* a kind that manifests know and hosts do not */
    return NULL;
}
