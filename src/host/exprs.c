/* What is evaluated for a whole batch at once, in the host itself: which rows are not to be run, and the columns of a
 * stage that runs expressions. */
#include <stdlib.h>

#include "host/host.h"

/* The evaluators of one stage. */
struct exprs {
    tf_eval **where;
    tf_eval **column;    /* per column; NULL if the stage runs something else */
    const void **values; /* per parameter, array (NULL) and column: the values in a batch */
    const void **one;    /* per parameter, array and column: the values of one row */
    double **result;     /* per column: its values in a batch; of a column that is an array, one block */
    double *truth;
};

/* Of a long chain of stages a host keeps the evaluators of the last ones. */
static void make_room(host *h) {
    const size_t place = h->exprs_made++ % EXPRS_KEPT;
    const int oldest = h->exprs_stage[place];
    if (h->exprs_made > EXPRS_KEPT) {
        exprs_free(h->exprs[oldest], &h->campaign->stage[oldest]);
        h->exprs[oldest] = NULL;
    }
    h->exprs_stage[place] = h->spec->number;
}

static struct exprs *exprs_of(host *h) {
    const tf_stage_spec *spec = h->spec;
    if (h->exprs[spec->number])
        return h->exprs[spec->number];
    make_room(h);
    size_t params = (size_t)tf_space_params(spec->space), columns = (size_t)spec->columns;
    size_t before = params + (size_t)spec->arrays;
    size_t rows = (size_t)batch_most_rows(spec);
    struct exprs *x = h->exprs[spec->number] = tf_alloc(sizeof *x);
    x->where = tf_alloc_array((size_t)spec->wheres, sizeof *x->where);
    x->truth = tf_alloc_array(rows, sizeof *x->truth);
    x->values = tf_alloc_array(before + columns, sizeof *x->values);
    x->one = tf_alloc_array(before + columns, sizeof *x->one);
    for (int w = 0; w < spec->wheres; w++)
        x->where[w] = tf_eval_new(spec->where[w], h->campaign->seed, spec->name);
    for (size_t p = 0; p < params; p++)
        x->values[p] = h->values[p];
    if (!spec->run.expr)
        return x;
    x->column = tf_alloc_array(columns, sizeof *x->column);
    x->result = tf_alloc_array(columns, sizeof *x->result);
    for (size_t c = 0; c < columns; c++) {
        x->column[c] = tf_eval_new(spec->run.expr[c], spec->streams->seed, spec->name);
        size_t room = spec->column[c].grid ? (size_t)spec->column[c].elements : rows;
        x->values[before + c] = x->result[c] = tf_alloc_array(room, sizeof(double));
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
    free(x->one);
    free(x->truth);
    free(x);
}

static void set_apart(host *h, int64_t row, tf_status status) {
    h->columns.status[row] = (uint8_t)status;
    h->columns.attempts[row] = 0;
    if (h->columns.start)
        h->columns.start[row] = h->columns.duration[row] = 0;
    h->sets_apart = true;
}

void exprs_set_apart(host *h) {
    const tf_stage_spec *spec = h->spec;
    for (int64_t row = 0; h->columns.upstream_status && row < h->header->count; row++)
        if (h->columns.upstream_status[row] != TF_STATUS_DONE)
            set_apart(h, row, (tf_status)h->columns.upstream_status[row]);
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

/* Points `one` at the row's values. */
static void point_at_row(const host *h, struct exprs *x, int64_t row) {
    const tf_stage_spec *spec = h->spec;
    const int params = tf_space_params(spec->space);
    int n = 0;
    for (; n < params; n++)
        x->one[n] =
            (const char *)x->values[n] + (size_t)row * tf_space_value_size(tf_space_param(spec->space, n)->type);
    for (int a = 0; a < spec->arrays; a++)
        x->one[n++] = (const char *)h->columns.arrays[a] + (size_t)row * tf_array_bytes(&spec->array[a]);
    for (int c = 0; c < spec->columns; c++)
        x->one[n++] = spec->column[c].grid ? x->result[c] : x->result[c] + row;
}

bool exprs_set_row(host *h, int64_t row) {
    const tf_stage_spec *spec = h->spec;
    struct exprs *x = h->exprs[spec->number];
    if (h->has_blocks)
        point_at_row(h, x, row);
    for (int c = 0; c < spec->columns; c++) {
        const tf_column_spec *column = &spec->column[c];
        const double *values = &x->result[c][column->grid ? 0 : row];
        int64_t count = 1;
        if (column->grid) {
            tf_block block;
            tf_grid_place(column->grid, h->header->first + row, &block);
            count = tf_block_elements(&block);
            tf_eval_elements(x->column[c], x->one, h->header->first + row, count, x->result[c]);
        }
        char *cell = (char *)h->columns.columns[c] + (size_t)row * tf_column_bytes(column);
        int64_t fit = tf_store_doubles(column->type, values, count, cell);
        if (fit == count)
            continue;
        host_fail(h, "%s = %.17g does not fit type %s", column->name, values[fit], tf_type_name(column->type));
        return false;
    }
    return true;
}

void exprs_evaluate(host *h) {
    const struct exprs *x = exprs_of(h);
    for (int c = 0; c < h->spec->columns; c++)
        if (!h->spec->column[c].grid)
            tf_eval_run(x->column[c], x->values, h->header->first, h->header->count, x->result[c]);
}
