/* Runs expressions: single numbers for a whole batch at once, blocks of arrays row by row. */
#include "host/runner.h"

static void run_row(host *h, int64_t row) {
    exprs_set_row(h, row);
}

static bool reads_array(const tf_stage_spec *spec, int array) {
    const int name = tf_space_params(spec->space) + array;
    bool reads = false;
    for (int c = 0; c < spec->columns; c++)
        reads = reads || tf_expr_uses(spec->run.expr[c], name);
    return reads;
}

const runner runner_expr = {.key = "expr", .begin = exprs_evaluate, .run_row = run_row, .reads_array = reads_array};
