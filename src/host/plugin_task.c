/* The plugin interface: one task and its row. */
#include "host/plugin_call.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int64_t tf_task_index(const tf_task *task) {
    return task->call->host->header->first + task->call->row;
}

int tf_task_attempt(const tf_task *task) {
    return task->call->host->columns.attempts[task->call->row];
}

const tf_stage *tf_task_stage(const tf_task *task) {
    return task->call->stage;
}

void *tf_task_state(const tf_task *task) {
    return task->call->stage->state;
}

/* The value of a parameter that can be read as `want`; NULL after failing the task. */
static const void *param_value(const tf_task *task, tf_param param, tf_type want, tf_type *have) {
    const call *c = task->call;
    const tf_space *space = c->stage->spec->space;
    if (param < 0 || param >= tf_space_params(space)) {
        host_fail(c->host, "the function reads a parameter that it did not bind");
        return NULL;
    }
    const tf_param_spec *spec = tf_space_param(space, param);
    *have = spec->type;
    if (!plugin_readable_as(spec->type, want)) {
        host_fail(c->host, "the function reads parameter \"%s\" as %s, and it is %s", spec->name,
                  plugin_type_label(want), plugin_type_label(spec->type));
        return NULL;
    }
    size_t size = tf_space_value_size(spec->type);
    return (const char *)c->host->values[param] + (size_t)c->row * size;
}

bool tf_param_bool(const tf_task *task, tf_param param) {
    tf_type have;
    const uint8_t *value = param_value(task, param, TF_BOOL, &have);
    return value && *value;
}

int64_t tf_param_int(const tf_task *task, tf_param param) {
    tf_type have;
    const void *value = param_value(task, param, TF_INT64, &have);
    if (!value)
        return 0;
    return have == TF_BOOL ? *(const uint8_t *)value : *(const int64_t *)value;
}

double tf_param_double(const tf_task *task, tf_param param) {
    tf_type have;
    const void *value = param_value(task, param, TF_FLOAT64, &have);
    if (!value)
        return NAN;
    return have == TF_INT64 ? (double)*(const int64_t *)value : *(const double *)value;
}

const char *tf_param_string(const tf_task *task, tf_param param) {
    tf_type have;
    const char *const *value = param_value(task, param, TF_STRING, &have);
    return value ? *value : "";
}

static tf_param param_named(const tf_task *task, const char *name) {
    int p = tf_space_find(task->call->stage->spec->space, name);
    if (p < 0)
        host_fail(task->call->host, "the function reads a parameter \"%s\", and the stage has none of that name", name);
    return p;
}

bool tf_get_bool(const tf_task *task, const char *name) {
    return tf_param_bool(task, param_named(task, name));
}
int64_t tf_get_int(const tf_task *task, const char *name) {
    return tf_param_int(task, param_named(task, name));
}
double tf_get_double(const tf_task *task, const char *name) {
    return tf_param_double(task, param_named(task, name));
}
const char *tf_get_string(const tf_task *task, const char *name) {
    return tf_param_string(task, param_named(task, name));
}

/* ---- Rows ---- */

/* The column, marked as set; NULL after failing the task. */
static const target *set_column(tf_row *row, tf_column column) {
    call *c = row->call;
    if (column < 0 || column >= c->columns) {
        host_fail(c->host, "the function sets a column that it did not bind");
        return NULL;
    }
    c->target[column].set_by = c->number;
    return &c->target[column];
}

static void diagnose_shape(tf_row *row, tf_column column) {
    const tf_column_spec *spec = column_spec(row, column);
    host_fail(row->call->host, "the function sets column \"%s\" as a single number, and it is %s", spec->name,
              spec->elements > 1 ? "an array" : tf_type_name(spec->type));
}

/* A column that takes a number; NULL after failing the task. */
static const target *set_number(tf_row *row, tf_column column) {
    const target *t = set_column(row, column);
    if (!t || t->is_number)
        return t;
    diagnose_shape(row, column);
    return NULL;
}

static void diagnose_fit(tf_row *row, tf_column column) {
    const tf_column_spec *spec = column_spec(row, column);
    host_fail(row->call->host, "a value does not fit column \"%s\" of type %s", spec->name, tf_type_name(spec->type));
}

void tf_set_bool(tf_row *row, tf_column column, bool value) {
    tf_set_int(row, column, value);
}

void tf_set_int(tf_row *row, tf_column column, int64_t value) {
    const target *t = set_number(row, column);
    if (t && !tf_store_int(t->type, value, cell_of(t, row->call->row)))
        diagnose_fit(row, column);
}

void tf_set_uint(tf_row *row, tf_column column, uint64_t value) {
    const target *t = set_number(row, column);
    if (t && !tf_store_uint(t->type, value, cell_of(t, row->call->row)))
        diagnose_fit(row, column);
}

void tf_set_double(tf_row *row, tf_column column, double value) {
    const target *t = set_number(row, column);
    if (t && t->type == TF_FLOAT64)
        memcpy(cell_of(t, row->call->row), &value, sizeof value);
    else if (t && !tf_store_double(t->type, value, cell_of(t, row->call->row)))
        diagnose_fit(row, column);
}

void tf_set_bytes(tf_row *row, tf_column column, const void *data, size_t size) {
    if (!set_column(row, column))
        return;
    const tf_column_spec *spec = column_spec(row, column);
    host *h = row->call->host;
    if (spec->type != TF_STRING && spec->type != TF_BYTES)
        host_fail(h, "the function sets column \"%s\" as text, and it is %s", spec->name, tf_type_name(spec->type));
    else if (spec->type == TF_STRING && tf_utf8_invalid(data, size) >= 0)
        host_fail(h, "the text for column \"%s\" is not UTF-8; use type \"bytes\"", spec->name);
    else
        host_add_blob(h, row->call->row, TF_RECORD_COLUMN + column, data, size);
}

void tf_set_string(tf_row *row, tf_column column, const char *value) {
    tf_set_bytes(row, column, value, strlen(value));
}

static tf_column column_named(tf_row *row, const char *name) {
    int c = plugin_find_column(row->call->stage->spec, name);
    if (c < 0)
        host_fail(row->call->host, "the function sets a column \"%s\", and the stage has none of that name", name);
    return c;
}

void tf_put_bool(tf_row *row, const char *name, bool value) {
    tf_set_bool(row, column_named(row, name), value);
}
void tf_put_int(tf_row *row, const char *name, int64_t value) {
    tf_set_int(row, column_named(row, name), value);
}
void tf_put_uint(tf_row *row, const char *name, uint64_t value) {
    tf_set_uint(row, column_named(row, name), value);
}
void tf_put_double(tf_row *row, const char *name, double value) {
    tf_set_double(row, column_named(row, name), value);
}
void tf_put_string(tf_row *row, const char *name, const char *value) {
    tf_set_string(row, column_named(row, name), value);
}
void tf_put_bytes(tf_row *row, const char *name, const void *data, size_t size) {
    tf_set_bytes(row, column_named(row, name), data, size);
}

void *tf_column_data(tf_row *row, tf_column column) {
    const target *t = set_column(row, column);
    void *cell = t ? cell_of(t, row->call->row) : NULL;
    if (t && !cell)
        host_fail(row->call->host, "column \"%s\" of type %s has no array", column_spec(row, column)->name,
                  tf_type_name(t->type));
    return cell;
}

int tf_fail(const tf_task *task, const char *format, ...) {
    tf_buf text = {0};
    va_list args;
    va_start(args, format);
    tf_buf_addv(&text, format, args);
    va_end(args);
    host_fail(task->call->host, "%s", tf_buf_text(&text));
    tf_buf_free(&text);
    return TF_FAILURE;
}

void tf_log(const tf_task *task, const char *format, ...) {
    tf_buf text = {0};
    va_list args;
    va_start(args, format);
    tf_buf_addv(&text, format, args);
    va_end(args);
    capture_add(&task->call->host->err, tf_buf_text(&text), text.length);
    tf_buf_free(&text);
}

/* ---- Arrays ---- */

void *tf_column_block(tf_row *row, tf_column column, tf_block *block) {
    void *cell = tf_column_data(row, column);
    const tf_column_spec *spec = cell ? &row->call->stage->spec->column[column] : NULL;
    *block = (tf_block){0};
    if (spec && spec->grid)
        tf_grid_place(spec->grid, tf_task_index(&row->call->task), block);
    else if (spec)
        host_fail(row->call->host, "column \"%s\" is no block of an array", spec->name);
    return spec && spec->grid ? cell : NULL;
}

const void *tf_array_block(const tf_task *task, tf_array array, tf_block *block) {
    const call *c = task->call;
    const tf_stage_spec *spec = c->stage->spec;
    if (array < 0 || array >= spec->arrays) {
        host_fail(c->host, "the function reads an array that it did not bind");
        return NULL;
    }
    const tf_array_spec *a = &spec->array[array];
    if (block)
        tf_array_place(a, tf_task_index(task), block);
    return (const char *)c->host->columns.arrays[array] + (size_t)c->row * tf_array_bytes(a);
}

const void *tf_get_block(const tf_task *task, const char *name, tf_block *block) {
    int a = plugin_find_array(task->call->stage->spec, name);
    if (a >= 0)
        return tf_array_block(task, a, block);
    host_fail(task->call->host, "the function reads an array \"%s\", and the stage has none of that name", name);
    return NULL;
}

void *tf_put_block(tf_row *row, const char *name, tf_block *block) {
    return tf_column_block(row, column_named(row, name), block);
}

/* ---- Random numbers of tasks ---- */

tf_rng *tf_task_rng(const tf_task *task) {
    call *c = task->call;
    if (!c->rng_started) {
        c->rng = tf_rng_start(c->stage->rng_key, tf_task_index(task));
        c->rng_started = true;
    }
    return &c->rng;
}

tf_rng tf_task_stream(const tf_task *task, uint32_t number) {
    const struct tf_stage *s = task->call->stage;
    return tf_rng_start(tf_rng_stage_key(s->spec->streams->seed, s->spec->name, number), tf_task_index(task));
}

/* Path number i of those with the name; NULL as name: of all. */
static const char *find_path(const tf_paths *paths, const char *name, int64_t i) {
    if (!name)
        return i >= 0 && (uint64_t)i < paths->count ? tf_paths_text(paths, (size_t)i) : NULL;
    for (size_t n = 0; n < paths->count; n++)
        if (tf_file_has_name(paths->item[n].spec, name) && i-- == 0)
            return tf_paths_text(paths, n);
    return NULL;
}

static int64_t count_paths(const tf_paths *paths, const char *name) {
    int64_t count = 0;
    for (size_t n = 0; n < paths->count; n++)
        count += tf_file_has_name(paths->item[n].spec, name);
    return count;
}

int64_t tf_input_count(const tf_task *task, const char *name) {
    return count_paths(&task->call->host->inputs, name);
}

const char *tf_input(const tf_task *task, const char *name, int64_t i) {
    return find_path(&task->call->host->inputs, name, i);
}

int64_t tf_output_count(const tf_task *task, const char *name) {
    return count_paths(&task->call->host->outputs, name);
}

const char *tf_output(const tf_task *task, const char *name, int64_t i) {
    return find_path(&task->call->host->outputs, name, i);
}

uint64_t tf_task_seed(const tf_task *task) {
    const struct tf_stage *s = task->call->stage;
    return tf_rng_task_seed(s->spec->streams->seed, s->spec->name, tf_task_index(task));
}
