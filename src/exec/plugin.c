/* The plugin interface from the inside: loading a library, binding names to handles, and handing rows to functions. */
#include "exec/plugin.h"
#include "exec/host.h"
#include "exec/own.h"
#include "exec/unset.h"
#include "manifest/json_read.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOT_SET "the function did not set column \"%s\" of type %s"

/* One function of one stage in one host. */
struct tf_stage {
    host *host;
    const tf_stage_spec *spec;
    plugin_functions fn;
    void *state;
    tf_buf failure; /* why no task of the stage can run here; empty if they can */
    cJSON *args;
    uint64_t rng_key;
    tf_floats floats;   /* how it is to find them each time */
    double **as_double; /* per parameter: its batch as doubles, where it was bound so and is not; else NULL */
    struct call *call;
};

/* Behind tf_task, tf_row and tf_batch: the call under way. */
struct tf_task {
    struct call *call;
};
struct tf_row {
    struct call *call;
};
struct tf_batch {
    struct call *call;
};

/* A column as tasks set it. */
typedef struct target {
    char *cells;      /* of the batch under way; NULL: it has texts */
    size_t row_bytes; /* in them */
    tf_type type;
    bool is_number; /* one, not several and no text */
    bool is_needed;
    uint64_t set_by; /* the number of the call that has set it last */
} target;

typedef struct call {
    tf_task task;
    tf_row row_handle;
    tf_batch batch;
    struct tf_stage *stage;
    host *host;
    int64_t row;
    tf_rng rng;
    bool rng_started;
    bool needs_columns; /* some column must be set */
    uint64_t number;    /* of this call, from 1 */
    int columns;
    target *target; /* per column */
    bool strays;    /* a batch function has named a row that its batch does not have, */
    int64_t stray;  /* this one first, */
    bool fails;     /* and failed some */
} call;

static void stay_alone(const host *h, const struct tf_stage *stage) {
    own_check(h->own, stage->spec->name, stage->spec->run.symbol);
}

/* ---- Loading ---- */

/* Function pointers come as object pointers from dlsym; POSIX says that this works. */
static void *find(void *library, const char *symbol, const char *hook) {
    char name[512];
    snprintf(name, sizeof name, "%s%s", symbol, hook);
    return dlsym(library, name);
}

static tf_err open_builtin(const tf_run_spec *run, plugin_functions *fn, tf_error *error) {
    fn->task = builtin_function(run->symbol);
    fn->setup = builtin_setup(run->symbol);
    fn->teardown = builtin_teardown;
    if (fn->task)
        return TF_OK;
    const char *near = builtin_suggest(run->symbol);
    return tf_error_set(error, TF_ERR_USAGE, "there is no built-in function \"%s\"%s%s%s", run->symbol,
                        near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static tf_err open_program(const tf_run_spec *run, const tf_function *program, plugin_functions *fn, tf_error *error) {
    for (const tf_function *f = program; f && f->name; f++) {
        if (strcmp(f->name, run->symbol) != 0)
            continue;
        *fn = (plugin_functions){.call = f->call,
                                 .task = f->call ? NULL : f->task,
                                 .batch = f->batch,
                                 .setup = f->setup,
                                 .teardown = f->teardown};
        if (fn->call || fn->task || fn->batch)
            return TF_OK;
    }
    return tf_error_set(error, TF_ERR_USAGE, "this program has no function \"%s\"", run->symbol);
}

/* By its path; or from memory, if that is allowed here. */
static void *open_library(const tf_run_spec *run, int memory) {
    char path[4096];
    void *library = NULL;
    if (memory >= 0) {
        snprintf(path, sizeof path, "/proc/self/fd/%d", memory);
        library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    }
    if (library)
        return library;
    bool here = !strchr(run->library, '/') && access(run->library, F_OK) == 0;
    snprintf(path, sizeof path, "%s%s", here ? "./" : "", run->library);
    return dlopen(path, RTLD_NOW | RTLD_LOCAL);
}

tf_err plugin_open(const tf_run_spec *run, const tf_function *program, int memory, plugin_functions *fn,
                   tf_error *error) {
    *fn = (plugin_functions){0};
    if (strcmp(run->library, TF_PROGRAM) == 0)
        return open_program(run, program, fn, error);
    if (strcmp(run->library, "builtin") == 0)
        return open_builtin(run, fn, error);
    fn->library = open_library(run, memory);
    if (!fn->library)
        return tf_error_set(error, TF_ERR_USAGE, "can't load the library: %s", dlerror());
    const unsigned int *abi = dlsym(fn->library, "tf_plugin_abi");
    if (!abi)
        return tf_error_set(error, TF_ERR_USAGE, "%s is no plugin: it lacks the line TF_PLUGIN;", run->library);
    if (*abi != TF_PLUGIN_ABI)
        return tf_error_set(error, TF_ERR_USAGE,
                            "%s was compiled for plugin interface %u, this taskfarm has %u: compile it anew",
                            run->library, *abi, TF_PLUGIN_ABI);
    fn->task = (tf_task_fn *)find(fn->library, run->symbol, "");
    fn->setup = (tf_setup_fn *)find(fn->library, run->symbol, "_setup");
    fn->batch = (tf_batch_fn *)find(fn->library, run->symbol, "_batch");
    fn->teardown = (tf_teardown_fn *)find(fn->library, run->symbol, "_teardown");
    if (!fn->task && !fn->batch)
        return tf_error_set(error, TF_ERR_USAGE, "%s has no function \"%s\"", run->library, run->symbol);
    return TF_OK;
}

static int find_memory(const host_setting *setting, int stage) {
    for (int i = 0; i < setting->libraries; i++)
        if (setting->library[i].stage == stage)
            return setting->library[i].fd;
    return -1;
}

struct tf_stage *function_load(host *h, const tf_stage_spec *spec) {
    struct tf_stage *s = tf_alloc(sizeof *s);
    s->host = h;
    s->spec = spec;
    json_error wrong;
    s->args = json_read(spec->run.args, strlen(spec->run.args), JSON_ALL_STAY, &wrong);
    s->rng_key = tf_rng_stage_key(h->campaign->seed, spec->name, 0);
    s->as_double = tf_alloc_array((size_t)tf_space_params(spec->space), sizeof(double *));
    s->call = tf_alloc(sizeof *s->call);
    s->call->stage = s;
    s->call->host = h;
    s->call->task.call = s->call->row_handle.call = s->call->batch.call = s->call;
    s->call->columns = spec->columns;
    s->call->target = tf_alloc_array((size_t)spec->columns, sizeof(target));
    for (int k = 0; k < spec->columns; k++) {
        const tf_column_spec *column = &spec->column[k];
        s->call->target[k] = (target){.row_bytes = tf_column_bytes(column),
                                      .type = column->type,
                                      .is_number = column->elements == 1 && tf_type_size(column->type),
                                      .is_needed = !column->optional};
        s->call->needs_columns = s->call->needs_columns || !column->optional;
    }
    tf_error error;
    if (plugin_open(&spec->run, h->setting->program, find_memory(h->setting, spec->number), &s->fn, &error) != TF_OK)
        tf_buf_adds(&s->failure, error.text);
    int status = s->failure.length == 0 && s->fn.setup ? s->fn.setup(s, &s->state) : TF_SUCCESS;
    stay_alone(s->host, s);
    if (status != TF_SUCCESS && s->failure.length == 0)
        tf_buf_addf(&s->failure, "%s_setup returned %d", spec->run.symbol, status);
    tf_floats_read(&s->floats);
    tf_floats_restore(&h->floats);
    return s;
}

void function_enter(struct tf_stage *s) {
    for (int k = 0; k < s->call->columns; k++)
        s->call->target[k].cells = s->host->columns.columns[k];
    tf_floats_restore(&s->floats);
}

void function_unload(struct tf_stage *s) {
    if (s->fn.teardown && s->failure.length == 0)
        s->fn.teardown(s->state);
    stay_alone(s->host, s);
    for (int p = 0; p < tf_space_params(s->spec->space); p++)
        free(s->as_double[p]);
    free(s->as_double);
    free(s->call->target);
    free(s->call);
    cJSON_Delete(s->args);
    tf_buf_free(&s->failure);
    free(s);
}

/* ---- The stage ---- */

const char *tf_stage_name(const tf_stage *stage) {
    return stage->spec->name;
}

int64_t tf_stage_tasks(const tf_stage *stage) {
    return tf_space_size(stage->spec->space);
}

const char *tf_args_json(const tf_stage *stage) {
    return stage->spec->run.args;
}

TF_PRINTF(2, 0) static void stage_failv(tf_stage *stage, const char *format, va_list args) {
    if (stage->failure.length == 0)
        tf_buf_addv(&stage->failure, format, args);
}

int tf_stage_fail(tf_stage *stage, const char *format, ...) {
    va_list args;
    va_start(args, format);
    stage_failv(stage, format, args);
    va_end(args);
    return TF_FAILURE;
}

static const char *type_label(tf_type type) {
    return type == TF_STRING    ? "a string"
           : type == TF_FLOAT64 ? "a number"
           : type == TF_INT64   ? "an integer"
                                : "a boolean";
}

static bool param_readable_as(tf_type have, tf_type want) {
    return want == TF_ANY || have == want || (want == TF_FLOAT64 && have == TF_INT64) ||
           (want == TF_INT64 && have == TF_BOOL);
}

tf_param tf_bind_param(tf_stage *stage, const char *name, tf_type type) {
    int p = tf_space_find(stage->spec->space, name);
    if (p < 0) {
        tf_stage_fail(stage, "%s needs a parameter \"%s\", and the stage has none of that name",
                      stage->spec->run.symbol, name);
        return TF_UNBOUND;
    }
    tf_type have = tf_space_param(stage->spec->space, p)->type;
    if (have == TF_INT64 && type == TF_FLOAT64 && stage->fn.batch && !stage->as_double[p])
        stage->as_double[p] = tf_alloc_array((size_t)batch_capacity(stage->spec), sizeof(double));
    if (param_readable_as(have, type))
        return p;
    tf_stage_fail(stage, "%s needs parameter \"%s\" as %s, and it is %s", stage->spec->run.symbol, name,
                  type_label(type), type_label(have));
    return TF_UNBOUND;
}

static int find_column(const tf_stage_spec *spec, const char *name) {
    for (int c = 0; c < spec->columns; c++)
        if (strcmp(spec->column[c].name, name) == 0)
            return c;
    return TF_UNBOUND;
}

tf_column tf_bind_column(tf_stage *stage, const char *name, tf_type type) {
    int c = find_column(stage->spec, name);
    if (c < 0) {
        tf_stage_fail(stage, "%s needs a results column \"%s\", and the stage has none of that name",
                      stage->spec->run.symbol, name);
        return TF_UNBOUND;
    }
    if (type == TF_ANY || type == stage->spec->column[c].type)
        return c;
    tf_stage_fail(stage, "%s needs column \"%s\" of type %s, and the manifest says %s", stage->spec->run.symbol, name,
                  tf_type_name(type), tf_type_name(stage->spec->column[c].type));
    return TF_UNBOUND;
}

static int find_array(const tf_stage_spec *spec, const char *name) {
    for (int a = 0; a < spec->arrays; a++)
        if (strcmp(spec->array[a].name, name) == 0)
            return a;
    return TF_UNBOUND;
}

tf_array tf_bind_array(tf_stage *stage, const char *name, tf_type type) {
    const tf_stage_spec *spec = stage->spec;
    int a = find_array(spec, name);
    if (a < 0) {
        tf_stage_fail(stage, "%s needs an array \"%s\", and the stage has none of that name", spec->run.symbol, name);
        return TF_UNBOUND;
    }
    if (type == TF_ANY || type == spec->array[a].type)
        return a;
    tf_stage_fail(stage, "%s needs array \"%s\" of type %s, and the manifest says %s", spec->run.symbol, name,
                  tf_type_name(type), tf_type_name(spec->array[a].type));
    return TF_UNBOUND;
}

size_t tf_array_cell(const tf_stage *stage, tf_array array) {
    return array >= 0 && array < stage->spec->arrays ? stage->spec->array[array].element : 0;
}

int64_t tf_column_size(const tf_stage *stage, tf_column column) {
    return column >= 0 && column < stage->spec->columns ? stage->spec->column[column].elements : 0;
}

static const cJSON *arg(tf_stage *stage, const char *name, cJSON_bool (*is)(const cJSON *const), const char *label) {
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(stage->args, name);
    if (value && !is(value)) {
        tf_stage_fail(stage, "argument \"%s\" must be %s", name, label);
        return NULL;
    }
    return value;
}

int64_t tf_arg_int(tf_stage *stage, const char *name, int64_t otherwise) {
    const cJSON *value = arg(stage, name, cJSON_IsNumber, "an integer");
    int64_t integer;
    if (!value)
        return otherwise;
    if (json_int(value, &integer))
        return integer;
    tf_stage_fail(stage, "argument \"%s\" must be an integer", name);
    return otherwise;
}

double tf_arg_double(tf_stage *stage, const char *name, double otherwise) {
    const cJSON *value = arg(stage, name, cJSON_IsNumber, "a number");
    return value ? value->valuedouble : otherwise;
}

const char *tf_arg_string(tf_stage *stage, const char *name, const char *otherwise) {
    const cJSON *value = arg(stage, name, cJSON_IsString, "a string");
    return value ? value->valuestring : otherwise;
}

/* ---- One task ---- */

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
    if (!param_readable_as(spec->type, want)) {
        host_fail(c->host, "the function reads parameter \"%s\" as %s, and it is %s", spec->name, type_label(want),
                  type_label(spec->type));
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

static const tf_column_spec *column_spec(const tf_row *row, tf_column column) {
    return &row->call->stage->spec->column[column];
}

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

/* Where a row's value goes. */
static void *cell_of(const target *t, int64_t row) {
    return t->cells ? t->cells + (size_t)row * t->row_bytes : NULL;
}

static void complain_shape(tf_row *row, tf_column column) {
    const tf_column_spec *spec = column_spec(row, column);
    host_fail(row->call->host, "the function sets column \"%s\" as a single number, and it is %s", spec->name,
              spec->elements > 1 ? "an array" : tf_type_name(spec->type));
}

/* A column that takes a number; NULL after failing the task. */
static const target *set_number(tf_row *row, tf_column column) {
    const target *t = set_column(row, column);
    if (!t || t->is_number)
        return t;
    complain_shape(row, column);
    return NULL;
}

static void complain_fit(tf_row *row, tf_column column) {
    const tf_column_spec *spec = column_spec(row, column);
    host_fail(row->call->host, "a value does not fit column \"%s\" of type %s", spec->name, tf_type_name(spec->type));
}

void tf_set_bool(tf_row *row, tf_column column, bool value) {
    tf_set_int(row, column, value);
}

void tf_set_int(tf_row *row, tf_column column, int64_t value) {
    const target *t = set_number(row, column);
    if (t && !tf_store_int(t->type, value, cell_of(t, row->call->row)))
        complain_fit(row, column);
}

void tf_set_uint(tf_row *row, tf_column column, uint64_t value) {
    const target *t = set_number(row, column);
    if (t && !tf_store_uint(t->type, value, cell_of(t, row->call->row)))
        complain_fit(row, column);
}

void tf_set_double(tf_row *row, tf_column column, double value) {
    const target *t = set_number(row, column);
    if (t && t->type == TF_FLOAT64)
        memcpy(cell_of(t, row->call->row), &value, sizeof value);
    else if (t && !tf_store_double(t->type, value, cell_of(t, row->call->row)))
        complain_fit(row, column);
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
        host_add_text(h, row->call->row, TF_RECORD_COLUMN + column, data, size);
}

void tf_set_string(tf_row *row, tf_column column, const char *value) {
    tf_set_bytes(row, column, value, strlen(value));
}

static tf_column column_named(tf_row *row, const char *name) {
    int c = find_column(row->call->stage->spec, name);
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
    int a = find_array(task->call->stage->spec, name);
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
    return tf_rng_start(tf_rng_stage_key(s->host->campaign->seed, s->spec->name, number), tf_task_index(task));
}

/* The i-th path of a name, NULL for any name. */
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
    return tf_rng_task_seed(s->host->campaign->seed, s->spec->name, tf_task_index(task));
}

/* ---- Batches ---- */

int64_t tf_batch_first(const tf_batch *batch) {
    return batch->call->host->header->first + batch->call->host->part;
}
int64_t tf_batch_count(const tf_batch *batch) {
    return batch->call->host->part_count;
}
void *tf_batch_state(const tf_batch *batch) {
    return batch->call->stage->state;
}
const tf_stage *tf_batch_stage(const tf_batch *batch) {
    return batch->call->stage;
}

const void *tf_batch_param(const tf_batch *batch, tf_param param) {
    const call *c = batch->call;
    if (param < 0 || param >= tf_space_params(c->stage->spec->space))
        return NULL;
    if (c->stage->as_double[param])
        return c->stage->as_double[param] + c->host->part;
    size_t size = tf_space_value_size(tf_space_param(c->stage->spec->space, param)->type);
    return (const char *)c->host->values[param] + (size_t)c->host->part * size;
}

void *tf_batch_column(const tf_batch *batch, tf_column column) {
    const call *c = batch->call;
    return column < 0 || column >= c->columns ? NULL : cell_of(&c->target[column], c->host->part);
}

/* The row may be meant to be another, so that none of the batch is certain: then all of them fail. */
static bool has_row(const tf_batch *batch, int64_t row) {
    call *c = batch->call;
    if (row >= 0 && row < c->host->part_count) {
        c->row = c->host->part + row;
        return true;
    }
    if (!c->strays)
        c->stray = row;
    c->strays = true;
    return false;
}

/* A failure of what is done for one row is that row's. */
static void take_failure(const tf_batch *batch, int64_t row) {
    host *h = batch->call->host;
    if (h->message.length)
        tf_batch_fail(batch, row, "%s", tf_buf_text(&h->message));
    tf_buf_clear(&h->message);
}

void *tf_batch_column_block(const tf_batch *batch, int64_t row, tf_column column, tf_block *block) {
    *block = (tf_block){0};
    if (!has_row(batch, row))
        return NULL;
    void *cell = tf_column_block(&batch->call->row_handle, column, block);
    take_failure(batch, row);
    return cell;
}

const void *tf_batch_array_block(const tf_batch *batch, int64_t row, tf_array array, tf_block *block) {
    if (!has_row(batch, row))
        return NULL;
    const void *elements = tf_array_block(&batch->call->task, array, block);
    take_failure(batch, row);
    return elements;
}

void tf_batch_set_bytes(const tf_batch *batch, int64_t row, tf_column column, const void *data, size_t size) {
    if (!has_row(batch, row))
        return;
    tf_set_bytes(&batch->call->row_handle, column, data, size);
    take_failure(batch, row);
}

void tf_batch_set_string(const tf_batch *batch, int64_t row, tf_column column, const char *value) {
    tf_batch_set_bytes(batch, row, column, value, strlen(value));
}

int tf_batch_fail(const tf_batch *batch, int64_t row, const char *format, ...) {
    host *h = batch->call->host;
    const int64_t own = h->part + row;
    if (!has_row(batch, row) || h->columns.status[own] != TF_STATUS_DONE)
        return TF_FAILURE; /* its first failure stands already */
    tf_buf text = {0};
    va_list args;
    va_start(args, format);
    tf_buf_addv(&text, format, args);
    va_end(args);
    h->columns.status[own] = TF_STATUS_FAILED;
    batch->call->fails = true;
    host_add_text(h, own, TF_RECORD_MESSAGE, tf_buf_text(&text), text.length);
    tf_buf_free(&text);
    return TF_FAILURE;
}

tf_rng tf_batch_rng(const tf_batch *batch, int64_t row) {
    return tf_rng_start(batch->call->stage->rng_key, tf_batch_first(batch) + row);
}

/* ---- Running ---- */

const tf_stage_spec *function_spec(const struct tf_stage *stage) {
    return stage->spec;
}

bool function_has_batch(const struct tf_stage *stage) {
    return stage->fn.batch && stage->failure.length == 0;
}

/* A column that was forgotten is no result. */
static void check_all_set(host *h, const call *c) {
    for (int k = 0; k < c->columns; k++)
        if (c->target[k].is_needed && c->target[k].set_by != c->number)
            host_fail(h, NOT_SET, column_spec(&c->row_handle, k)->name, tf_type_name(c->target[k].type));
}

/* Its one result is the stage's first column. */
static void run_call(host *h, struct tf_stage *stage, int64_t row) {
    enum { MOST = 64 };
    double argument[MOST];
    const tf_space *space = stage->spec->space;
    const int count = tf_space_params(space);
    call *c = stage->call;
    c->row = row;
    if (count > MOST || stage->spec->columns < 1) {
        host_fail(h, "a function of numbers has at most %d parameters, and a result", MOST);
        return;
    }
    for (int p = 0; p < count; p++) {
        const tf_type type = tf_space_param(space, p)->type;
        argument[p] = type == TF_FLOAT64 ? tf_param_double(&c->task, p)
                      : type == TF_INT64 ? (double)tf_param_int(&c->task, p)
                                         : (double)tf_param_bool(&c->task, p); /* which fails for a text */
    }
    if (h->message.length)
        return;
    const double result = stage->fn.call(argument, count);
    stay_alone(h, stage);
    tf_set_double(&c->row_handle, 0, result);
}

/* Only a batch form: of one. */
static void run_batch_of_one(host *h, struct tf_stage *stage, int64_t row) {
    h->part = row;
    h->part_count = 1;
    function_run_batch(h, stage);
    if (tf_status_has_failed(h->columns.status[row]))
        batch_clear_columns(&h->columns, h->spec, row, 1);
}

/* Whatever is no function of one task. It stays out of function_run, which is as fast as it is short. */
__attribute__((noinline)) static void run_other(host *h, struct tf_stage *stage, int64_t row) {
    if (stage->failure.length)
        host_fail(h, "%s", tf_buf_text(&stage->failure));
    else if (stage->fn.call)
        run_call(h, stage, row);
    else
        run_batch_of_one(h, stage, row);
}

static void run_task(host *h, struct tf_stage *stage, int64_t row) {
    call *c = stage->call;
    c->row = row;
    c->rng_started = false;
    c->number++;
    int status = stage->fn.task(&c->task, &c->row_handle);
    stay_alone(h, stage);
    if (status != TF_SUCCESS)
        host_fail(h, "%s returned %d", stage->spec->run.symbol, status);
    else if (c->needs_columns && h->message.length == 0)
        check_all_set(h, c);
}

void function_run(host *h, struct tf_stage *stage, int64_t row) {
    if (stage->fn.task && stage->failure.length == 0)
        run_task(h, stage, row);
    else
        run_other(h, stage, row);
    tf_floats_restore_fast(&stage->floats);
}

static void fail_unset(void *batch, int64_t row, const tf_column_spec *column) {
    const host *h = ((tf_batch *)batch)->call->host;
    tf_batch_fail(batch, row - h->part, NOT_SET, column->name, tf_type_name(column->type));
}

static void fail_all(const tf_batch *batch, const char *why) {
    for (int64_t row = 0; row < batch->call->host->part_count; row++)
        tf_batch_fail(batch, row, "%s", why);
}

void function_run_batch(host *h, struct tf_stage *stage) {
    const int64_t count = h->part_count;
    const uint64_t texts_before = h->texts_used;
    call *c = stage->call;
    char why[600] = "";
    for (int p = 0; p < tf_space_params(stage->spec->space); p++) {
        const int64_t *integers = h->values[p];
        for (int64_t i = h->part; stage->as_double[p] && i < h->part + count; i++)
            stage->as_double[p][i] = (double)integers[i];
    }
    unset_mark(&h->columns, stage->spec, h->part, count);
    c->strays = c->fails = false;
    int status = stage->fn.batch(&c->batch);
    stay_alone(h, stage);
    if (status != TF_SUCCESS)
        snprintf(why, sizeof why, "%s_batch returned %d", stage->spec->run.symbol, status);
    else if (c->strays)
        snprintf(why, sizeof why, "%s_batch names row %" PRId64 " of a batch of %" PRId64 ", whose rows count from 0",
                 stage->spec->run.symbol, c->stray, count);
    unset_find(&h->columns, stage->spec, h->part, count, *why ? NULL : fail_unset, &c->batch);
    if (*why)
        fail_all(&c->batch, why);
    if (c->fails)
        host_drop_columns(h, texts_before);
}
