/* The kinds of run. */
#include "manifest/run.h"

static const run_kind kinds[] = {{"command", run_load_command, {"env", "cwd", "stdin"}},
                                 {"service", run_load_service, {"env", "cwd", "max_tasks"}},
                                 {"function", run_load_function, {"args"}},
                                 {"expr", run_load_expr, {0}},
                                 {0}};

const run_kind *run_kinds(void) {
    return kinds;
}
