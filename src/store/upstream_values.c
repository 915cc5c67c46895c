/* Upstream values: parameters that are columns of other stages. They are read from the file whenever tasks are handed
 * out, row by row where they stand. Those stages are finished by then. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/attributes.h"
#include "store/upstream.h"

/* In memory, as tf_space_fill has values; strings as cells. */
static hid_t memory_type(const tf_param_spec *param) {
    switch (param->type) {
    case TF_STRING: return store_string_type((size_t)param->max_bytes);
    case TF_FLOAT64: return H5Tcopy(H5T_NATIVE_DOUBLE);
    case TF_BOOL: return store_number_type(TF_BOOL);
    default: return H5Tcopy(H5T_NATIVE_INT64);
    }
}

/* In the file. */
static hid_t column_type(const tf_column_spec *column) {
    return column->type == TF_STRING ? store_string_type(TF_LONGEST_UPSTREAM) : store_number_type(column->type);
}

/* A column of the other stage. One of strings that are all empty is not in the file. */
static tf_err open_column(tf_store *s, const tf_stage_spec *other, int column, const tf_param_spec *param, table *t,
                          tf_error *error) {
    char path[600], long_path[600];
    snprintf(path, sizeof path, "%s/results/%s", other->name, other->column[column].name);
    snprintf(long_path, sizeof long_path, "%s/text/%s", other->name, other->column[column].name);
    *t = (table){.type = column_type(&other->column[column]), .rank = 1, .shape = {(hsize_t)tf_stage_so_far(other)}};
    h5_fault fault = {0};
    const bool good = store_open_table(s->file, path, t, &fault);
    H5Tclose(t->type);
    t->type = memory_type(param);
    if (good && t->dataset == 0 && store_is_there(s->file, long_path))
        return tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_TOO_LARGE,
                               "%s: strings of column \"%s\" of stage \"%s\" are longer than %d bytes, and can't be "
                               "parameters",
                               s->path, other->column[column].name, other->name, TF_LONGEST_UPSTREAM);
    store_blame(s, &fault);
    return good ? TF_OK : store_error(s, error, "can't open %s", path);
}

static tf_err open_source(tf_store *s, int stage, int n, tf_error *error) {
    const tf_space *space = s->campaign->stage[stage].space;
    const tf_space_source *source = tf_space_source_at(space, n);
    const tf_stage_spec *other = &s->campaign->stage[source->stage];
    store_stage *st = &s->stage[stage];
    tf_err err = store_open_status(s, source->stage, &st->source[n], error);
    for (int p = 0; p < source->params && err == TF_OK; p++)
        if (source->column[p] >= 0)
            err = open_column(s, other, source->column[p], tf_space_param(space, source->first + p),
                              &st->upstream[source->first + p], error);
    return err;
}

tf_err store_open_upstream(tf_store *s, int stage, tf_error *error) {
    const tf_space *space = s->campaign->stage[stage].space;
    store_stage *st = &s->stage[stage];
    tf_err err = TF_OK;
    if (tf_space_sources(space) == 0)
        return TF_OK;
    st->upstream = tf_alloc_array((size_t)tf_space_params(space), sizeof *st->upstream);
    st->source = tf_alloc_array((size_t)tf_space_sources(space), sizeof *st->source);
    for (int n = 0; n < tf_space_sources(space) && err == TF_OK; n++)
        err = open_source(s, stage, n, error);
    return err;
}

void store_close_upstream(tf_store *s, int stage) {
    const tf_space *space = s->campaign->stage[stage].space;
    store_stage *st = &s->stage[stage];
    for (int p = 0; st->upstream && p < tf_space_params(space); p++)
        store_close_table(&st->upstream[p]);
    for (int n = 0; st->source && n < tf_space_sources(space); n++)
        store_close_table(&st->source[n]);
    free(st->upstream);
    free(st->source);
    st->upstream = st->source = NULL;
}

/* ---- Reading ---- */

/* Points from `point` on, at most `most`, that take rows side by side; or, where the stride is not 1, all the same. */
static int64_t run_of_points(const tf_space_source *source, int64_t point, int64_t most) {
    int64_t run = 1, place = point % source->rows;
    if (source->stride != 1)
        run = source->stride - point % source->stride;
    else if (!source->row)
        run = source->rows - place;
    else
        while (place + run < source->rows && source->row[place + run] == source->row[place] + run)
            run++;
    return run < most ? run : most;
}

/* Rows of the other stage, as cells. */
static herr_t read_rows(const tf_store *s, const tf_space_source *source, const table *t, int param, int64_t row,
                        int64_t count, void *cells) {
    const tf_space *other = s->campaign->stage[source->stage].space;
    if (param < 0)
        return t->dataset > 0 ? store_read_rows(t, row, count, cells) : 0; /* empty strings: the cells are zero */
    void *values = tf_alloc_array((size_t)count, 8);
    tf_space_fill(other, param, row, count, values);
    tf_space_cells(other, param, values, count, cells);
    free(values);
    return 0;
}

tf_err tf_store_upstream_values(void *context, int stage, int param, int64_t first, int64_t count, void *cells,
                                tf_error *error) {
    tf_store *s = context;
    const tf_space *space = s->campaign->stage[stage].space;
    const tf_space_source *source = tf_space_source_of(space, param);
    size_t cell = tf_space_cell_size(space, param);
    herr_t result = 0;
    memset(cells, 0, (size_t)count * cell);
    for (int64_t done = 0, run; done < count && result >= 0; done += run) {
        char *to = (char *)cells + (size_t)done * cell;
        run = run_of_points(source, first + done, count - done);
        result = read_rows(s, source, &s->stage[stage].upstream[param], source->param[param - source->first],
                           tf_space_source_row(source, first + done), source->stride == 1 ? run : 1, to);
        for (int64_t i = 1; i < run && source->stride > 1; i++)
            memcpy(to + (size_t)i * cell, to, cell);
    }
    return result >= 0 ? TF_OK
                       : store_error(s, error, "can't read what stage \"%s\" takes from stage \"%s\"",
                                     s->campaign->stage[stage].name, s->campaign->stage[source->stage].name);
}

/* ---- Upstream status ---- */

herr_t store_upstream_rows_status(const tf_store *s, int stage, int n, int64_t first, int64_t count, uint8_t *status) {
    const tf_space_source *source = tf_space_source_at(s->campaign->stage[stage].space, n);
    uint8_t *rows = tf_alloc((size_t)count);
    herr_t result = 0;
    for (int64_t done = 0, run; done < count && result >= 0; done += run) {
        run = run_of_points(source, first + done, count - done);
        result = store_read_rows(&s->stage[stage].source[n], tf_space_source_row(source, first + done),
                                 source->stride == 1 ? run : 1, rows);
        for (int64_t i = 0; i < run; i++)
            status[done + i] = store_join_upstream(status[done + i], rows[source->stride == 1 ? i : 0]);
    }
    free(rows);
    return result;
}
