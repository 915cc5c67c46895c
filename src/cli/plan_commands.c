/* What tasks would get that are to be run (plan_commands.h). */
#include "cli/plan_commands.h"

#include <stdlib.h>
#include <string.h>

typedef struct teller {
    const tf_loaded *loaded;
    const tf_stage_spec *spec;
    tf_store *store;  /* has rows of other stages; NULL: there are none yet */
    bool cannot_read; /* rows that should be there can't be read: they count as not known */
    tf_eval **where;  /* per "where" of the stage */
    const void **params;
    double *given; /* per parameter: room for a value */
    tf_host_on_point *on_point;
    void *context;
} teller;

/* ---- Values of other stages ---- */

/* Is the row done, and stays so? Another run of it may give another value. */
static bool is_there(const teller *t, int stage, int64_t row) {
    const tf_intervals *done = t->loaded->past[stage].done;
    return t->store && !t->cannot_read && done && tf_intervals_contain(done, row, row + 1) &&
           !tf_intervals_contain(&tf_graph_stage(t->loaded->graph, stage)->run, row, row + 1);
}

/* The value of a parameter that another stage's row gives; NULL: it is not known. Parameters of that stage need no row.
 */
static const void *given_value(teller *t, const tf_point *point, int param) {
    const tf_space_source *source = tf_space_source_of(t->spec->space, param);
    const int64_t row = tf_space_source_row(source, point->index);
    const int theirs = source->param[param - source->first];
    if (theirs < 0)
        return is_there(t, source->stage, row) ? point->params[param] : NULL;
    tf_space_fill(t->loaded->campaign->stage[source->stage].space, theirs, row, 1, &t->given[param]);
    return &t->given[param];
}

static tf_err read_values(void *context, int stage, int param, int64_t first, int64_t count, void *cells,
                          tf_error *error) {
    teller *t = context;
    if (t->store && tf_store_upstream_values(t->store, stage, param, first, count, cells, error) == TF_OK)
        return TF_OK;
    t->cannot_read = true;
    memset(cells, 0, (size_t)count * tf_space_cell_size(t->spec->space, param));
    return TF_OK;
}

static tf_err expect_done(void *context, int stage, int64_t first, int64_t count, uint8_t *status, tf_error *error) {
    (void)context, (void)stage, (void)first, (void)error;
    memset(status, TF_STATUS_DONE, (size_t)count);
    return TF_OK;
}

/* ---- Points ---- */

static bool knows_all(const teller *t, const tf_expr *expr, const tf_point *point) {
    bool known = true;
    for (int p = 0; p < tf_space_params(t->spec->space) && known; p++)
        known = point->params[p] || !tf_expr_uses(expr, p);
    return known;
}

/* Is the task left out, as far as that is known? */
static bool is_left_out(const teller *t, const tf_point *point) {
    bool kept = true;
    for (int w = 0; w < t->spec->wheres && kept; w++) {
        double truth = 1;
        if (knows_all(t, t->spec->where[w], point))
            tf_eval_run(t->where[w], point->params, point->index, 1, &truth);
        kept = tf_eval_is_true(truth);
    }
    return !kept;
}

static void tell_point(void *context, const tf_point *point) {
    teller *t = context;
    tf_point its = *point;
    for (int p = 0; p < tf_space_params(t->spec->space); p++)
        t->params[p] = tf_space_param(t->spec->space, p)->upstream ? given_value(t, point, p) : point->params[p];
    its.params = t->params;
    if (!is_left_out(t, &its))
        t->on_point(t->context, &its);
}

static void open_teller(teller *t) {
    tf_error ignored; /* without an output, or rows in it, nothing of them is known */
    const tf_campaign *campaign = t->loaded->campaign;
    const size_t params = (size_t)tf_space_params(t->spec->space);
    t->params = tf_alloc_array(params, sizeof *t->params);
    t->given = tf_alloc_array(params, sizeof *t->given);
    t->where = tf_alloc_array((size_t)t->spec->wheres, sizeof *t->where);
    for (int w = 0; w < t->spec->wheres; w++)
        t->where[w] = tf_eval_new(t->spec->where[w], campaign->seed, t->spec->name);
    if (tf_space_sources(t->spec->space) > 0)
        t->store = tf_store_open_upstream(campaign, t->spec->number, &ignored);
}

static void close_teller(teller *t) {
    for (int w = 0; w < t->spec->wheres; w++)
        tf_eval_free(t->where[w]);
    tf_store_close_upstream(t->store, t->spec->number);
    free(t->where);
    free(t->params);
    free(t->given);
}

tf_err plan_commands_tell(const tf_loaded *loaded, int stage, tf_host_on_point *on_point, void *context,
                          tf_error *error) {
    teller t = {.loaded = loaded, .spec = &loaded->campaign->stage[stage], .on_point = on_point, .context = context};
    const tf_task_source source = {.values = read_values, .status = expect_done, .context = &t};
    open_teller(&t);
    tf_err err = tf_host_tell_points(loaded->campaign, stage, &tf_graph_stage(loaded->graph, stage)->run,
                                     tf_stage_takes_rows(t.spec) ? &source : NULL, tell_point, &t, error);
    close_teller(&t);
    return err;
}
