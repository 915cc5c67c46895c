/* A stage's datasets. All that is known of them is known before the first task runs, so they are laid out at once and
 * flushed; from then on only raw data changes. */
#include "store/file.h"

#include <stdlib.h>

#include "store/attributes.h"
#include "store/axes.h"
#include "store/change.h"
#include "store/make.h"
#include "store/meet.h"
#include "store/origins.h"
#include "store/stage_tables.h"
#include "store/upstream.h"

/* What an earlier run has laid out is opened, the rest is made. */
static hid_t place_group(tf_store *s, hid_t parent, const char *name) {
    h5_fault fault = {0};
    hid_t group = h5_open_group(parent, name, &fault);
    store_blame(s, &fault);
    return group != 0 ? group : H5Gcreate2(parent, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
}

/* HDF5 converts no texts between character sets: they are written in that of the file. */
static void keep_charset(const table *t) {
    hid_t its = H5Dget_type(t->dataset);
    if (H5Tget_class(its) == H5T_STRING)
        H5Tset_cset(t->type, H5Tget_cset(its));
    H5Tclose(its);
}

/* What an earlier run has made. */
static bool open_again(tf_store *s, hid_t parent, const char *name, table *t) {
    h5_fault fault = {0};
    if (store_open_table(parent, name, t, &fault) && t->dataset > 0) {
        keep_charset(t);
        return true;
    }
    h5_note(&fault, parent, name, "is missing");
    store_blame(s, &fault);
    return false;
}

/* One element a task. */
static bool place_table(tf_store *s, hid_t parent, const char *name, scale *index, bool old, table *t) {
    return old ? open_again(s, parent, name, t) : store_create_table(s, parent, name, &index, t);
}

static bool layout_params(tf_store *s, const tf_stage_spec *spec, store_stage *st, bool old, hsize_t tasks) {
    int params = tf_space_params(spec->space);
    if (!spec->store_params || params == 0)
        return true;
    hid_t group = place_group(s, st->group, "params");
    bool good = group >= 0;
    for (int p = 0; p < params && good; p++) {
        const tf_param_spec *param = tf_space_param(spec->space, p);
        table *t = &st->param[p];
        if (param->upstream)
            continue;
        *t = (table){.rank = 1, .shape = {tasks}};
        t->type = store_param_type(param);
        good = place_table(s, group, param->name, &st->index, old, t);
        if (good && !old && param->type == TF_STRING && !param->is_bytes)
            good = store_attribute_encoding(t->dataset) >= 0;
    }
    good = good && (old || store_note_origins(s, spec->space, group));
    H5Gclose(group);
    return good;
}

/* The dimensions of an array column after the first: without them readers would not know it for netCDF. */
static bool make_column(tf_store *s, store_stage *st, scales *dimensions, const char *name, table *t) {
    scale *of[1 + TF_MAX_RANK] = {&st->index};
    bool good = true;
    for (int d = 1; d < t->rank && good; d++) {
        tf_buf label = {0};
        tf_buf_addf(&label, "%s_dim%d", name, d);
        of[d] = scales_get(dimensions, label.data, t->shape[d]);
        good = of[d] != NULL;
        tf_buf_free(&label);
    }
    return good && store_create_table(s, st->results, name, of, t);
}

/* Arrays of the stage may have dimensions in common. */
static bool make_array(tf_store *s, store_stage *st, scales *dimensions, const char *name, table *t) {
    scale *of[TF_MAX_RANK];
    for (int d = 0; d < t->rank; d++)
        if (!(of[d] = scales_get(dimensions, t->grid->label[d], t->shape[d])))
            return false;
    t->dataset = store_array_dataset(s, st->results, name, t->type, t->grid);
    return t->dataset >= 0 && scale_attach(t->dataset, t->rank, of);
}

static bool layout_columns(tf_store *s, const tf_stage_spec *spec, store_stage *st, bool old, hsize_t tasks) {
    st->results = place_group(s, st->group, "results");
    scales *dimensions = scales_open(s, st->results);
    bool good = st->results >= 0;
    for (int c = 0; c < spec->columns && good; c++) {
        const tf_column_spec *column = &spec->column[c];
        table *t = &st->column[c];
        if (tf_type_size(column->type) == 0)
            continue; /* text: once its length is known */
        *t = (table){.type = store_number_type(column->type), .grid = column->grid};
        if (column->grid) {
            t->rank = column->grid->rank;
            for (int d = 0; d < t->rank; d++)
                t->shape[d] = (hsize_t)column->grid->shape[d];
        } else {
            t->rank = 1 + column->rank;
            t->shape[0] = tasks;
            for (int d = 0; d < column->rank; d++)
                t->shape[1 + d] = (hsize_t)column->shape[d];
        }
        good = old            ? open_again(s, st->results, column->name, t)
               : column->grid ? make_array(s, st, dimensions, column->name, t)
                              : make_column(s, st, dimensions, column->name, t);
    }
    return scales_close(dimensions) && good;
}

static bool layout_tasks(tf_store *s, const tf_stage_spec *spec, store_stage *st, bool old, hsize_t tasks) {
    hid_t group = place_group(s, st->group, "task");
    bool good = group >= 0;
    for (int i = 0; i < TASK_TABLES && good; i++) {
        table *t = &st->task[i];
        const task_table *about = store_task_table(i);
        if (!store_has_task_table(spec, i))
            continue;
        *t = (table){.type = store_task_type(i), .rank = 1, .shape = {tasks}};
        good = place_table(s, group, about->name, &st->index, old, t);
        if (good && old && i == TASK_STATUS)
            store_keep_type(t);
        if (good && !old)
            good = store_attribute_text(t->dataset, "long_name", about->long_name) >= 0 &&
                   (!about->units || store_attribute_text(t->dataset, "units", about->units) >= 0);
    }
    H5Gclose(group);
    return good;
}

/* ---- The stage ---- */

/* Each rank writes its share of 0 .. tasks - 1. */
static herr_t write_index(const tf_store *s, hid_t index, int64_t tasks) {
    enum { AT_ONCE = 1 << 16 };
    table t = {.dataset = index, .type = H5T_NATIVE_INT64, .rank = 1, .shape = {(hsize_t)tasks}};
    int64_t first = tasks / s->team.ranks * s->team.rank;
    int64_t end = s->team.rank == s->team.ranks - 1 ? tasks : first + tasks / s->team.ranks;
    int64_t *values = tf_alloc_array(AT_ONCE, sizeof *values);
    herr_t result = 0;
    for (; first < end && result >= 0; first += AT_ONCE) {
        int64_t count = end - first < AT_ONCE ? end - first : AT_ONCE;
        for (int64_t i = 0; i < count; i++)
            values[i] = first + i;
        result = store_write_rows(&t, first, count, values);
    }
    free(values);
    return result;
}

/* The index is a coordinate where that costs nothing to speak of, else a dimension alone. */
static hid_t layout_index(tf_store *s, hid_t group, hsize_t tasks) {
    enum { MOST_COORDINATES = 1000 * 1000 };
    if (tasks > MOST_COORDINATES)
        return store_dimension(s, group, "index", tasks);
    hid_t index = store_coordinate(s, group, "index", H5T_STD_I64LE, tasks);
    store_meet(s);
    if (index < 0 || store_attribute_text(index, "long_name", "task index") < 0 ||
        write_index(s, index, (int64_t)tasks) < 0) {
        H5Dclose(index);
        return H5I_INVALID_HID;
    }
    return index;
}

/* How many tasks one call runs, where the manifest asks for several: "auto" does not say. */
static bool note_batch(hid_t group, const tf_stage_spec *spec) {
    const int64_t batch = tf_run_batch(&spec->run);
    return batch == 0 || store_attribute(group, "batch", H5T_STD_I64LE, &batch) >= 0;
}

/* Of which round of random streams the rows are that are made now, once rows have moved. */
static bool note_round(hid_t group, const tf_stage_spec *spec) {
    const int64_t round = spec->streams->round;
    return round == 0 || store_attribute(group, "streams", H5T_STD_I64LE, &round) >= 0;
}

static bool layout(tf_store *s, int number, bool old) {
    const tf_stage_spec *spec = &s->campaign->stage[number];
    store_stage *st = &s->stage[number];
    int64_t tasks = tf_stage_so_far(spec);
    st->group = place_group(s, s->file, spec->name);
    if (st->group < 0)
        return false;
    if (!old && (code_write(st->group, &s->code[number], s->team.rank == 0) < 0 ||
                 store_attribute(st->group, "tasks", H5T_STD_I64LE, &tasks) < 0 ||
                 store_attribute_text(st->group, "run", spec->run.json) < 0 ||
                 store_attribute_text(st->group, "fingerprint", s->fingerprint[number]) < 0 ||
                 !note_batch(st->group, spec) || !note_round(st->group, spec)))
        return false;
    h5_fault fault = {0};
    st->index.dataset = old ? h5_open_dataset(st->group, "index", &fault) : layout_index(s, st->group, (hsize_t)tasks);
    store_blame(s, &fault);
    st->text = place_group(s, st->group, "text");
    return st->index.dataset > 0 && st->text >= 0 && layout_params(s, spec, st, old, (hsize_t)tasks) &&
           layout_columns(s, spec, st, old, (hsize_t)tasks) && layout_tasks(s, spec, st, old, (hsize_t)tasks) &&
           (old || store_note_axes(s, spec, st)) && scale_list(&st->index);
}

/* ---- The whole ---- */

static tf_err lay_out(tf_store *s, int stage, tf_error *error) {
    const tf_stage_spec *spec = &s->campaign->stage[stage];
    store_stage *st = &s->stage[stage];
    st->param = tf_alloc_array((size_t)tf_space_params(spec->space), sizeof *st->param);
    st->column = tf_alloc_array((size_t)spec->columns, sizeof *st->column);
    st->part = tf_alloc_array((size_t)spec->columns + TASK_TABLES, sizeof *st->part);
    st->parts = store_row_parts(spec, st->part);
    bool old = store_is_there(s->file, spec->name);
    tf_err err = old ? TF_OK : store_make_room(s, stage, store_most_tables(spec) + tf_space_params(spec->space), error);
    if (err == TF_OK && !old)
        err = store_begin_change(s, error);
    if (err == TF_OK && !layout(s, stage, old))
        err = store_error(s, error, "can't lay out stage \"%s\"", spec->name);
    if (err == TF_OK && !old)
        err = store_reserve(s, stage, error);
    if (err == TF_OK && !store_fill_axes(s, spec, st))
        err = store_error(s, error, "can't lay out stage \"%s\"", spec->name);
    store_close_axes(spec, st);
    if (err == TF_OK && !s->carrying)
        err = store_open_upstream(s, stage, error);
    if (err == TF_OK && !s->carrying)
        err = store_open_arrays(s, stage, error);
    tf_crash_point("layout.made");
    err = store_agree(s, err, error);
    return old || err != TF_OK ? err : store_end_change(s, stage, false, error);
}

tf_err tf_store_layout(tf_store *s, int stage, tf_error *error) {
    store_begin_vigil(s);
    const tf_err err = lay_out(s, stage, error);
    store_end_vigil(s);
    return err;
}

static void close_table(void *context, const char *folder, const char *name, table *t) {
    (void)context, (void)folder, (void)name;
    store_close_table(t);
}

void tf_store_close_stage(tf_store *s, int stage) {
    store_stage *st = &s->stage[stage];
    store_each_table(s, stage, close_table, NULL);
    store_close_upstream(s, stage);
    store_close_arrays(s, stage);
    scale_close(&st->index);
    H5Gclose(st->text);
    H5Gclose(st->results);
    H5Gclose(st->group);
    st->text = st->results = st->group = 0;
}
