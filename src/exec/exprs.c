/* What is evaluated for a whole batch at once, in the host itself: which rows are not to be run, and the columns of a
 * stage that runs expressions. */
#include <stdlib.h>

#include "exec/host.h"

/* The evaluators of one stage. */
struct exprs {
    tf_eval **where;
    tf_eval **column;    /* NULL where the stage runs something else */
    const void **values; /* per parameter, then per column: a batch */
    double **result;     /* per column */
    double *truth;
};

static struct exprs *exprs_of(host *h) {
    const tf_stage_spec *spec = h->spec;
    if (h->exprs[spec->number])
        return h->exprs[spec->number];
    size_t params = (size_t)tf_space_params(spec->space), columns = (size_t)spec->columns;
    size_t rows = (size_t)batch_capacity(spec);
    struct exprs *x = h->exprs[spec->number] = tf_alloc(sizeof *x);
    x->where = tf_alloc_array((size_t)spec->wheres, sizeof *x->where);
    x->truth = tf_alloc_array(rows, sizeof *x->truth);
    x->values = tf_alloc_array(params + columns, sizeof *x->values);
    for (int w = 0; w < spec->wheres; w++)
        x->where[w] = tf_eval_new(spec->where[w], h->campaign->seed, spec->name);
    for (size_t p = 0; p < params; p++)
        x->values[p] = h->values[p];
    if (spec->run.kind != TF_RUN_EXPR)
        return x;
    x->column = tf_alloc_array(columns, sizeof *x->column);
    x->result = tf_alloc_array(columns, sizeof *x->result);
    for (size_t c = 0; c < columns; c++) {
        x->column[c] = tf_eval_new(spec->run.expr[c], h->campaign->seed, spec->name);
        x->values[params + c] = x->result[c] = tf_alloc_array(rows, sizeof(double));
    }
    return x;
}

void exprs_free(struct exprs *x, const tf_stage_spec *spec) {
    if (!x)
        return;
    for (int w = 0; w < spec->wheres; w++)
        tf_eval_free(x->where[w]);
    for (int c = 0; x->column && c < spec->columns; c++) {
        tf_eval_free(x->column[c]);
        free(x->result[c]);
    }
    free(x->where);
    free(x->column);
    free(x->result);
    free(x->values);
    free(x->truth);
    free(x);
}

static void set_apart(host *h, int64_t row, tf_status status) {
    h->columns.status[row] = (uint8_t)status;
    h->columns.attempts[row] = 0;
    h->sets_apart = true;
}

void exprs_set_apart(host *h) {
    const tf_stage_spec *spec = h->spec;
    for (int64_t row = 0; h->columns.taken && row < h->header->count; row++)
        if (h->columns.taken[row] != TF_STATUS_DONE)
            set_apart(h, row, (tf_status)h->columns.taken[row]);
    if (spec->wheres == 0)
        return;
    struct exprs *x = exprs_of(h);
    for (int w = 0; w < spec->wheres; w++) {
        tf_eval_run(x->where[w], x->values, h->header->first, h->header->count, x->truth);
        for (int64_t row = 0; row < h->header->count; row++) {
            if (!tf_eval_is_true(x->truth[row]) && h->columns.status[row] == TF_STATUS_PENDING)
                set_apart(h, row, TF_STATUS_EXCLUDED);
        }
    }
}

bool exprs_set_row(host *h, int64_t row) {
    const tf_stage_spec *spec = h->spec;
    const struct exprs *x = h->exprs[spec->number];
    for (int c = 0; c < spec->columns; c++) {
        const tf_column_spec *column = &spec->column[c];
        double value = x->result[c][row];
        if (tf_store_double(column->type, value, (char *)h->columns.columns[c] + (size_t)row * tf_column_bytes(column)))
            continue;
        host_fail(h, "%s = %.17g does not fit type %s", column->name, value, tf_type_name(column->type));
        return false;
    }
    return true;
}

void exprs_evaluate(host *h) {
    const struct exprs *x = exprs_of(h);
    for (int c = 0; c < h->spec->columns; c++)
        tf_eval_run(x->column[c], x->values, h->header->first, h->header->count, x->result[c]);
}
