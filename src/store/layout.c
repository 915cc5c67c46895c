/* A stage's datasets. All that is known of them is known before the first task runs, so they are laid out at once and
 * flushed; from then on only raw data changes. */
#include "store/file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Types ---- */

hid_t store_status_type(void) {
    hid_t type = H5Tenum_create(H5T_STD_U8LE);
    for (int value = 0; value < TF_STATUSES; value++)
        H5Tenum_insert(type, tf_status_name((uint8_t)value), &(uint8_t){(uint8_t)value});
    return type;
}

typedef struct task_table {
    const char *name, *long_name, *units;
} task_table;

static const task_table task_tables[TASK_TABLES] = {
    [TASK_ATTEMPTS] = {"attempts", "attempts made", NULL},
    [TASK_INPUT_SET] = {"input_set", "hash of the paths of its inputs", NULL},
    [TASK_INPUT_HASH] = {"input_hash", "hash of the contents of inputs that are checked so", NULL},
    [TASK_EXIT_CODE] = {"exit_code", "exit status of the last attempt, -1 if a signal ended it", NULL},
    [TASK_SIGNAL] = {"signal", "signal that ended the last attempt, 0 for none", NULL},
    [TASK_WORKER] = {"worker", "rank that ran the last attempt", NULL},
    [TASK_SLOT] = {"slot", "slot of that rank", NULL},
    [TASK_START] = {"start", "start of the last attempt", "seconds since 1970-01-01"},
    [TASK_DURATION] = {"duration", "elapsed time of the last attempt", "s"},
    [TASK_CPU] = {"cpu", "processor time of the last attempt", "s"},
    [TASK_MAX_RSS] = {"max_rss", "largest resident memory of the last attempt", "bytes"},
    [TASK_STATUS] = {"status", "how the task ended", NULL},
};

const char *store_task_name(int which) {
    return task_tables[which].name;
}

bool store_has_task_table(const tf_stage_spec *spec, int which) {
    switch (which) {
    case TASK_ATTEMPTS:
    case TASK_STATUS: return true;
    case TASK_INPUT_SET: return spec->inputs > 0;
    case TASK_INPUT_HASH: return tf_stage_hashes_inputs(spec);
    default: return spec->record_full;
    }
}

hid_t store_task_type(int which) {
    switch (which) {
    case TASK_ATTEMPTS: return H5Tcopy(H5T_STD_U8LE);
    case TASK_START:
    case TASK_DURATION:
    case TASK_CPU: return H5Tcopy(H5T_IEEE_F64LE);
    case TASK_MAX_RSS: return H5Tcopy(H5T_STD_I64LE);
    case TASK_INPUT_SET:
    case TASK_INPUT_HASH: return H5Tcopy(H5T_STD_U64LE);
    case TASK_STATUS: return store_status_type();
    default: return H5Tcopy(H5T_STD_I32LE);
    }
}

/* ---- Tables ---- */

bool store_create_table(tf_store *s, hid_t parent, const char *name, scale *const *of, table *t) {
    t->dataset = store_dataset(s, parent, name, t->type, t->rank, t->shape);
    return t->dataset >= 0 && scale_attach(t->dataset, t->rank, of);
}

/* What an earlier run has laid out is opened, the rest is made. */
bool store_is_there(hid_t parent, const char *name) {
    return H5Lexists(parent, name, H5P_DEFAULT) > 0;
}

static hid_t place_group(tf_store *s, hid_t parent, const char *name) {
    h5_fault fault = {0};
    hid_t group = h5_open_group(parent, name, &fault);
    store_blame(s, &fault);
    return group != 0 ? group : H5Gcreate2(parent, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
}

bool store_open_table(hid_t parent, const char *path, table *t, h5_fault *fault) {
    hsize_t shape[1 + TF_MAX_RANK] = {0};
    hid_t dataset = h5_open_dataset(parent, path, fault);
    if (dataset <= 0)
        return dataset == 0;
    bool same = h5_has_type(dataset, t->type, fault) && h5_shape(dataset, shape, fault) == t->rank;
    for (int d = 0; d < t->rank; d++)
        same = same && shape[d] == t->shape[d];
    if (same) {
        t->dataset = dataset;
        return true;
    }
    h5_note(fault, dataset, NULL, "has another shape than it must have");
    H5Dclose(dataset);
    return false;
}

bool store_open_cells(hid_t parent, const char *name, hsize_t tasks, table *cells, h5_fault *fault) {
    enum { MOST = 256 << 20 }; /* bytes, of parameters: a manifest is no longer */
    *cells = (table){.type = store_string_type(MOST), .rank = 1, .shape = {tasks}};
    if (!store_open_table(parent, name, cells, fault))
        return false;
    H5Tclose(cells->type);
    cells->type = cells->dataset > 0 ? H5Dget_type(cells->dataset) : 0;
    return true;
}

bool store_open_heap(hid_t parent, const char *name, hsize_t tasks, table *index, table *heap, h5_fault *fault) {
    tf_buf index_name = {0};
    tf_buf_addf(&index_name, "%s_index", name);
    *index = (table){.type = H5Tcopy(H5T_STD_I64LE), .rank = 2, .shape = {tasks, 2}};
    *heap = (table){.type = H5Tcopy(H5T_STD_U8LE), .rank = 1};
    hid_t bytes = h5_open_dataset(parent, name, fault);
    if (bytes > 0) {
        h5_shape(bytes, heap->shape, fault); /* any length is right */
        H5Dclose(bytes);
    }
    const bool good = bytes == 0 || (bytes > 0 && store_open_table(parent, name, heap, fault) &&
                                     store_open_table(parent, tf_buf_text(&index_name), index, fault));
    if (good && bytes > 0 && index->dataset == 0)
        h5_note(fault, parent, index_name.data, "is missing");
    tf_buf_free(&index_name);
    return good && (bytes == 0 || index->dataset > 0);
}

/* What an earlier run has made. */
static bool open_again(tf_store *s, hid_t parent, const char *name, table *t) {
    h5_fault fault = {0};
    if (store_open_table(parent, name, t, &fault) && t->dataset > 0)
        return true;
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
        if (param->given)
            continue;
        *t = (table){.rank = 1, .shape = {tasks}};
        t->type =
            param->type == TF_STRING ? store_string_type((size_t)param->max_bytes) : store_number_type(param->type);
        good = place_table(s, group, param->name, &st->index, old, t);
    }
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
        const task_table *about = &task_tables[i];
        if (!store_has_task_table(spec, i))
            continue;
        *t = (table){.type = store_task_type(i), .rank = 1, .shape = {tasks}};
        good = place_table(s, group, about->name, &st->index, old, t);
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
    int64_t first = tasks / s->ranks * s->rank;
    int64_t end = s->rank == s->ranks - 1 ? tasks : first + tasks / s->ranks;
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

static bool layout(tf_store *s, int number, bool old) {
    const tf_stage_spec *spec = &s->campaign->stage[number];
    store_stage *st = &s->stage[number];
    int64_t tasks = tf_space_size(spec->space);
    st->group = place_group(s, s->file, spec->name);
    if (st->group < 0)
        return false;
    if (!old && (code_write(st->group, &s->code[number], s->rank == 0) < 0 ||
                 store_attribute(st->group, "tasks", H5T_STD_I64LE, &tasks) < 0 ||
                 store_attribute_text(st->group, "run", spec->run.json) < 0 ||
                 store_attribute_text(st->group, "fingerprint", s->fingerprint[number]) < 0))
        return false;
    h5_fault fault = {0};
    st->index.dataset = old ? h5_open_dataset(st->group, "index", &fault) : layout_index(s, st->group, (hsize_t)tasks);
    store_blame(s, &fault);
    st->text = place_group(s, st->group, "text");
    return st->index.dataset > 0 && st->text >= 0 && layout_params(s, spec, st, old, (hsize_t)tasks) &&
           layout_columns(s, spec, st, old, (hsize_t)tasks) && layout_tasks(s, spec, st, old, (hsize_t)tasks) &&
           scale_list(&st->index);
}

/* ---- All tables ---- */

void store_each_table(const tf_store *s, int stage, table_visit *visit, void *context) {
    const tf_stage_spec *spec = &s->campaign->stage[stage];
    store_stage *st = &s->stage[stage];
    for (int p = 0; p < tf_space_params(spec->space); p++)
        visit(context, "params", tf_space_param(spec->space, p)->name, &st->param[p]);
    for (int c = 0; c < spec->columns; c++)
        visit(context, "results", spec->column[c].name, &st->column[c]);
    for (int i = 0; i < TASK_TABLES; i++)
        visit(context, "task", task_tables[i].name, &st->task[i]);
}

static void list_open(void *open, const char *folder, const char *name, table *t) {
    if (t->dataset > 0)
        contents_add_open(open, folder, name, t->dataset);
}

void store_list_open(const tf_store *s, int stage, contents_open *open) {
    store_each_table(s, stage, list_open, open);
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
    tf_err err = old ? TF_OK : store_make_room(s, stage, store_most_tables(spec), error);
    if (err == TF_OK && !old)
        err = store_begin_change(s, error);
    if (err == TF_OK && !layout(s, stage, old))
        err = store_error(s, error, "can't lay out stage \"%s\"", spec->name);
    if (err == TF_OK && !old)
        err = store_reserve(s, stage, error);
    if (err == TF_OK && !s->carrying)
        err = store_open_given(s, stage, error);
    if (err == TF_OK && !s->carrying)
        err = store_open_arrays(s, stage, error);
    tf_crash_point("layout.made");
    err = tf_store_agree(s->comm, err, error);
    return old || err != TF_OK ? err : store_end_change(s, stage, false, error);
}

tf_err tf_store_layout(tf_store *s, int stage, tf_error *error) {
    store_begin_vigil(s);
    const tf_err err = lay_out(s, stage, error);
    store_end_vigil(s);
    return err;
}

void store_close_table(table *t) {
    if (t->dataset > 0)
        H5Dclose(t->dataset);
    if (t->type > 0)
        H5Tclose(t->type);
    *t = (table){0};
}

static void close_table(void *context, const char *folder, const char *name, table *t) {
    (void)context, (void)folder, (void)name;
    store_close_table(t);
}

void store_close_stage(tf_store *s, int stage) {
    store_stage *st = &s->stage[stage];
    store_each_table(s, stage, close_table, NULL);
    store_close_given(s, stage);
    store_close_arrays(s, stage);
    scale_close(&st->index);
    H5Gclose(st->text);
    H5Gclose(st->results);
    H5Gclose(st->group);
    st->text = st->results = st->group = 0;
}

/* That the stage is finished, and why the rest of its space is pending. */
static tf_err note_end(tf_store *s, int stage, int64_t enough, tf_error *error) {
    const tf_until_spec *until = &s->campaign->stage[stage].until;
    hid_t group = s->stage[stage].group;
    tf_err err = store_begin_change(s, error);
    if (err != TF_OK)
        return err;
    if (H5Aexists(group, "enough") > 0) {
        H5Adelete(group, "enough");
        H5Adelete(group, "until");
    }
    bool good = H5Aexists(group, CONTENTS_FINISHED) > 0 ||
                store_attribute(group, CONTENTS_FINISHED, H5T_STD_I64LE, &(int64_t){1}) >= 0;
    if (enough > 0)
        good = store_attribute(group, "enough", H5T_STD_I64LE, &enough) >= 0 &&
               store_attribute_text(group, "until", tf_expr_source(until->expr)) >= 0 && good;
    if (!good)
        err = store_error(s, error, "attributes");
    return tf_store_agree(s->comm, err, error);
}

tf_err tf_store_finish(tf_store *s, int stage, int64_t enough, tf_error *error) {
    const int64_t tasks = tf_space_size(s->campaign->stage[stage].space);
    store_begin_vigil(s);
    tf_err err = store_texts(s, stage, error);
    if (err == TF_OK)
        err = store_reduce(s, stage, enough ? enough : tasks, error);
    if (err == TF_OK)
        err = note_end(s, stage, enough, error);
    if (err == TF_OK)
        err = store_end_change(s, stage, true, error);
    store_end_vigil(s);
    store_close_stage(s, stage);
    return err;
}
