/* Runs Python functions. */
#include "host/preflight.h"
#include "host/runner.h"

static void run_row(host *h, int64_t row) {
    (void)row;
    host_fail(h, "%s: no Python function is run yet", h->spec->run.python->target.text);
}

const runner runner_python = {.key = "python", .preflight = preflight_python, .run_row = run_row, .keeps_stdout = true};
