/* The kinds of run. */
#include "manifest/run.h"

extern const tf_run_kind run_command, run_service, run_function, run_python, run_expr, run_echo;

static const tf_run_kind *const kinds[] = {&run_command, &run_service, &run_function, &run_python,
                                           &run_expr,    &run_echo,    NULL};

const tf_run_kind *const *run_kinds(void) {
    return kinds;
}
