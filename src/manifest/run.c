/* "run" and "results": what is run for a task, and where its columns come from. */
#include "manifest/load.h"

#include <math.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

/* ---- Commands ---- */

static void load_command(struct loader *l, const at *where, const cJSON *json, const known_names *scope,
                         tf_run_spec *run) {
    if (cJSON_IsString(json)) {
        run->kind = TF_RUN_SHELL;
        run->argc = 1;
        run->argv = tf_arena_alloc(l->arena, sizeof *run->argv);
        if (json->valuestring[strspn(json->valuestring, " \t\n")] == '\0')
            complain(l->diags, where, "the command is empty");
        run->argv[0] = template_parse(l, where, json->valuestring, scope, true);
        return;
    }
    run->kind = TF_RUN_ARGV;
    if (!cJSON_IsArray(json)) {
        complain(l->diags, where, "must be a list of arguments or a string for the shell, not %s", json_kind(json));
        return;
    }
    int count = cJSON_GetArraySize(json);
    if (count == 0)
        complain(l->diags, where, "the command is empty");
    run->argv = tf_arena_array(l->arena, (size_t)count, sizeof *run->argv);
    for (const cJSON *item = json->child; item; item = item->next) {
        at here = at_index(where, run->argc);
        if (!cJSON_IsString(item)) {
            complain(l->diags, &here, "must be a string, not %s", json_kind(item));
            return;
        }
        run->argv[run->argc++] = template_parse(l, &here, item->valuestring, scope, false);
    }
}

static void load_environment(struct loader *l, const at *where, const cJSON *json, const known_names *scope,
                             tf_run_spec *run) {
    const cJSON *env = json_object(l->diags, where, json, "env");
    if (!env)
        return;
    at at_env = at_key(where, "env");
    tf_env_spec *spec = tf_arena_array(l->arena, (size_t)cJSON_GetArraySize(env), sizeof *spec);
    for (const cJSON *item = env->child; item; item = item->next) {
        at here = at_key(&at_env, item->string);
        if (!cJSON_IsString(item))
            complain(l->diags, &here, "must be a string, not %s", json_kind(item));
        else if (*item->string == '\0' || strchr(item->string, '='))
            complain(l->diags, &here, "\"%s\" can't be the name of an environment variable", item->string);
        else
            spec[run->envc++] = (tf_env_spec){.name = tf_arena_strdup(l->arena, item->string),
                                              .value = template_parse(l, &here, item->valuestring, scope, false)};
    }
    run->env = spec;
}

static const tf_template *load_text(struct loader *l, const at *where, const cJSON *json, const known_names *scope,
                                    const char *key) {
    const char *text = json_string(l->diags, where, json, key);
    at here = at_key(where, key);
    return text ? template_parse(l, &here, text, scope, false) : NULL;
}

/* ---- Services ---- */

/* Its command line, folder and environment are the same for all tasks: only variables stand in them. */
static void load_service(struct loader *l, const at *where, const cJSON *json, tf_run_spec *run) {
    const known_names none = {0};
    at here = at_key(where, "service"), at_most = at_key(where, "max_tasks");
    const cJSON *argv = cJSON_GetObjectItemCaseSensitive(json, "service");
    const cJSON *most = cJSON_GetObjectItemCaseSensitive(json, "max_tasks");
    if (cJSON_IsArray(argv))
        load_command(l, &here, argv, &none, run);
    else
        complain(l->diags, &here, "must be a list of arguments, not %s", json_kind(argv));
    run->kind = TF_RUN_SERVICE;
    load_environment(l, where, json, &none, run);
    run->cwd = load_text(l, where, json, &none, "cwd");
    if (most && !json_int_within(most, 1, INT64_MAX, &run->max_tasks))
        complain(l->diags, &at_most, "must be a positive integer");
}

/* ---- Functions ---- */

/* Variables are put into the strings of "args", at any depth. */
static void expand_args(struct loader *l, const at *where, cJSON *json) {
    int n = 0;
    for (cJSON *item = json->child; item; item = item->next, n++) {
        at here = item->string ? at_key(where, item->string) : at_index(where, n);
        if (cJSON_IsString(item))
            cJSON_SetValuestring(item, constant_text(l, &here, item->valuestring));
        expand_args(l, &here, item);
    }
}

static void load_function(struct loader *l, const at *where, const cJSON *json, tf_run_spec *run) {
    run->kind = TF_RUN_FUNCTION;
    at here = at_key(where, "function");
    const char *text = json_string(l->diags, where, json, "function");
    if (text) {
        const char *name = constant_text(l, &here, text);
        const char *colon = strrchr(name, ':');
        if (!colon || colon == name || colon[1] == '\0') {
            complain(l->diags, &here, "must be LIBRARY:FUNCTION, as in ./libboot.so:resample, not \"%s\"", name);
        } else {
            run->library = tf_arena_strndup(l->arena, name, (size_t)(colon - name));
            run->symbol = colon + 1;
        }
    }
    const cJSON *args = json_object(l->diags, where, json, "args");
    run->args = "{}";
    if (args) {
        at at_args = at_key(where, "args");
        cJSON *copy = cJSON_Duplicate(args, true);
        expand_args(l, &at_args, copy);
        char *printed = json_print(copy, false);
        run->args = tf_arena_strdup(l->arena, printed);
        cJSON_free(printed);
        cJSON_Delete(copy);
    }
}

void load_run(struct loader *l, const at *where, const cJSON *json, const known_names *scope, tf_run_spec *run) {
    static const char *const kinds[] = {"command", "function", "service", "expr"};
    static const struct {
        const char *key, *kind;
    } belongs[] = {{"args", "function"}, {"stdin", "command"}, {"max_tasks", "service"}};
    static const char *const of_processes[] = {"env", "cwd"};
    int before = l->diags->count;
    json_check_keys(l->diags, where, json, keys_run());
    bool known = l->diags->count == before;
    const char *kind = NULL;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        if (!cJSON_GetObjectItemCaseSensitive(json, kinds[k]))
            continue;
        if (kind) {
            complain(l->diags, where, "\"%s\" and \"%s\" can't both be run", kind, kinds[k]);
            return;
        }
        kind = kinds[k];
    }
    if (!kind && known)
        complain(l->diags, where, "needs a \"command\", a \"service\", a \"function\" or an \"expr\"");
    if (!kind)
        return;
    for (size_t i = 0; i < sizeof belongs / sizeof *belongs; i++) {
        at here = at_key(where, belongs[i].key);
        if (cJSON_GetObjectItemCaseSensitive(json, belongs[i].key) && strcmp(kind, belongs[i].kind) != 0)
            complain(l->diags, &here, "\"%s\" goes with a %s, not with a %s", belongs[i].key, belongs[i].kind, kind);
    }
    for (size_t i = 0; i < sizeof of_processes / sizeof *of_processes; i++) {
        at here = at_key(where, of_processes[i]);
        if (cJSON_GetObjectItemCaseSensitive(json, of_processes[i]) && *kind != 'c' && *kind != 's')
            complain(l->diags, &here, "\"%s\" goes with a command or a service, not with a %s", of_processes[i], kind);
    }
    if (*kind == 'e') {
        run->kind = TF_RUN_EXPR; /* see load_exprs */
        json_object(l->diags, where, json, kind);
    } else if (*kind == 'f') {
        load_function(l, where, json, run);
    } else if (*kind == 'c') {
        at here = at_key(where, kind);
        load_command(l, &here, cJSON_GetObjectItemCaseSensitive(json, kind), scope, run);
        load_environment(l, where, json, scope, run);
        run->cwd = load_text(l, where, json, scope, "cwd");
        run->stdin_text = load_text(l, where, json, scope, "stdin");
    } else if (*kind == 's') {
        load_service(l, where, json, run);
    }
    char *printed = json_print(json, false);
    run->json = tf_arena_strdup(l->arena, printed);
    cJSON_free(printed);
}

/* ---- Columns ---- */

#define BAD_COLUMN_NAME "\"%s\" can't be a column's name: it must not be empty or contain /"

static bool is_column_name(const char *name) {
    return *name && !strchr(name, '/') && strcmp(name, ".") != 0;
}

size_t tf_column_bytes(const tf_column_spec *column) {
    return tf_type_size(column->type) * (size_t)column->elements;
}

static void load_shape(struct loader *l, const at *where, const cJSON *json, tf_column_spec *column) {
    const cJSON *shape = json_array(l->diags, where, json, "shape");
    if (!shape)
        return;
    at here = at_key(where, "shape");
    column->rank = cJSON_GetArraySize(shape);
    if (column->rank < 1 || column->rank > TF_MAX_RANK) {
        complain(l->diags, &here, "needs 1 to %d lengths, not %d", TF_MAX_RANK, column->rank);
        column->rank = 0;
        return;
    }
    if (tf_type_size(column->type) == 0)
        complain(l->diags, &here, "%s columns have no shape", tf_type_name(column->type));
    for (int d = 0; d < column->rank; d++) {
        const cJSON *length = cJSON_GetArrayItem(shape, d);
        at there = at_index(&here, d);
        if (!json_int_within(length, 1, INT64_MAX, &column->shape[d])) {
            complain(l->diags, &there, "must be a positive integer");
            return;
        }
        if (__builtin_mul_overflow(column->elements, column->shape[d], &column->elements) ||
            column->elements > MOST_ELEMENTS) {
            complain(l->diags, &here, "a row of more than 2^31 elements");
            column->elements = 1;
            return;
        }
    }
}

/* "array": the name of an axis of blocks. */
static void load_array_column(struct loader *l, const at *where, const cJSON *json, const known_names *scope,
                              bool command, tf_column_spec *column) {
    const char *axis = json_string(l->diags, where, json, "array");
    at here = at_key(where, "array");
    if (!axis || !scope->space)
        return;
    if (tf_type_size(column->type) == 0)
        complain(l->diags, &here, "%s columns can't be arrays", tf_type_name(column->type));
    if (command)
        complain(l->diags, &here, "a command can't give a block of an array; functions and expressions can");
    if (column->rank > 0)
        complain(l->diags, &here, "\"array\" and \"shape\" can't both be there");
    column->grid = load_grid(l, &here, scope->space, axis);
    if (!column->grid)
        return;
    const tf_grid *grid = column->grid;
    column->rank = grid->inner;
    for (int d = 0; d < grid->inner; d++)
        column->shape[d] = grid->chunk[grid->first + d];
    column->elements = grid_elements(grid, NULL);
    if (column->elements > MOST_ELEMENTS / 8) /* HDF5: a chunk has less than 4 GB */
        complain(l->diags, &here, "a block of more than 2^28 elements: choose smaller chunks");
}

static void load_from(struct loader *l, const at *where, const cJSON *json, const known_names *scope, bool command,
                      tf_column_spec *column) {
    const char *from = json_string(l->diags, where, json, "from");
    if (!from)
        return;
    at here = at_key(where, "from");
    int64_t field;
    if (!command) {
        complain(l->diags, &here, "only commands' columns are read from somewhere; a function sets them itself");
    } else if (strncmp(from, "regex:", 6) == 0) {
        column->from = TF_FROM_REGEX;
        column->regex = tf_arena_strdup(l->arena, from + 6);
        check_regex(l, &here, column->regex, REG_NEWLINE);
    } else if (strncmp(from, "field:", 6) == 0) {
        column->from = TF_FROM_FIELD;
        if (!tf_parse_int(from + 6, &field) || field < 1 || field > 1000000)
            complain(l->diags, &here, "\"%s\" is not the number of a field; the first is field:1", from + 6);
        else
            column->field = (int)field;
    } else if (strncmp(from, "file:", 5) == 0) {
        column->from = TF_FROM_FILE;
        column->file = template_parse(l, &here, from + 5, scope, false);
    } else if (strcmp(from, "json") != 0) {
        complain(l->diags, &here, "\"%s\" must begin with regex:, field: or file:", from);
    }
}

static void load_optional(struct loader *l, const at *where, const cJSON *json, tf_column_spec *column) {
    at here = at_key(where, "optional");
    column->optional = json_flag(l->diags, where, json, "optional");
    if (column->optional && tf_type_size(column->type) > 0 && !tf_type_is_float(column->type))
        complain(l->diags, &here, "a column of %s has no value that says that there is none; float64 has NaN",
                 tf_type_name(column->type));
}

static void load_column(struct loader *l, const at *where, const cJSON *json, const known_names *scope, bool command,
                        tf_column_spec *column) {
    const char *type = NULL;
    if (cJSON_IsString(json)) {
        type = json->valuestring;
    } else if (cJSON_IsObject(json)) {
        json_check_keys(l->diags, where, json, keys_column());
        type = json_string(l->diags, where, json, "type");
        if (!cJSON_GetObjectItemCaseSensitive(json, "type"))
            complain(l->diags, where, "needs a \"type\"");
    } else {
        complain(l->diags, where, "must be a type or an object, not %s", json_kind(json));
    }
    if (!type)
        return;
    if (!tf_type_parse(type, &column->type)) {
        const char *names[TF_BYTES + 1];
        for (int t = 0; t <= TF_BYTES; t++)
            names[t] = tf_type_name((tf_type)t);
        const char *near = tf_suggest(type, names, TF_BYTES + 1);
        if (near)
            complain(l->diags, where, "unknown type \"%s\"; did you mean \"%s\"?", type, near);
        else
            complain(
                l->diags, where,
                "unknown type \"%s\"; there are bool, int8 to int64, uint8 to uint64, float32, float64, string and "
                "bytes",
                type);
        return;
    }
    if (cJSON_IsObject(json)) {
        load_shape(l, where, json, column);
        load_array_column(l, where, json, scope, command, column);
        load_from(l, where, json, scope, command, column);
        load_optional(l, where, json, column);
    }
}

static tf_table number_columns(const tf_column_spec *column, int columns) {
    tf_table number = {0};
    for (int c = 0; c < columns; c++)
        tf_table_add(&number, column[c].name, strlen(column[c].name), (uint32_t)c);
    return number;
}

/* -1: there is none of that name. */
static int find_column(const tf_table *number, const char *name) {
    const uint32_t c = tf_table_get(number, name, strlen(name));
    return c == TF_TABLE_NONE ? -1 : (int)c;
}

/* A column's own dataset may have a second beside it. */
static void check_dataset_name(struct loader *l, const at *where, const tf_table *number, const char *name) {
    if (find_column(number, name) >= 0)
        complain(l->diags, where,
                 "the file has a dataset \"%s\" for this column; the column of that name needs another", name);
}

static void check_column_names(struct loader *l, const at *where, const tf_column_spec *all, const tf_table *number,
                               const tf_column_spec *column) {
    static const char *const captured[] = {"stdout", "stderr", "message"};
    const bool text = tf_type_size(column->type) == 0;
    tf_buf name = {0};
    for (int k = 0; text && k < 3; k++)
        if (strcmp(column->name, captured[k]) == 0)
            complain(l->diags, where, "\"%s\" is the name of captured text in the file; a %s column needs another",
                     captured[k], tf_type_name(column->type));
    tf_buf_addf(&name, "%s_index", column->name);
    const int index = text ? find_column(number, name.data) : -1;
    if (index >= 0 && tf_type_size(all[index].type) == 0)
        check_dataset_name(l, where, number, name.data);
    for (int d = 1; !column->grid && d <= column->rank; d++) {
        tf_buf_clear(&name);
        tf_buf_addf(&name, "%s_dim%d", column->name, d);
        check_dataset_name(l, where, number, name.data);
    }
    for (int d = 0; column->grid && d < column->grid->rank; d++)
        if (find_column(number, column->grid->label[d]) >= 0)
            complain(l->diags, where,
                     "in the file \"%s\" is a dimension of this array; the column of that name needs another",
                     column->grid->label[d]);
    tf_buf_free(&name);
}

/* In the file long texts lie beside what is captured, each with its index, and arrays beside their dimensions. */
static void check_taken_names(struct loader *l, const at *where, const tf_column_spec *column, int columns) {
    tf_table number = number_columns(column, columns);
    for (int c = 0; c < columns; c++) {
        at here = at_key(where, column[c].name);
        check_column_names(l, &here, column, &number, &column[c]);
    }
    tf_table_free(&number);
}

/* Columns that "results" does not name are float64. All come in the order of the expressions. */
static void order_columns(struct loader *l, const at *where, const cJSON *exprs, tf_stage_spec *stage) {
    tf_column_spec *column = tf_arena_array(l->arena, (size_t)cJSON_GetArraySize(exprs), sizeof *column);
    tf_table number = number_columns(stage->column, stage->columns), named = {0};
    int count = 0;
    for (const cJSON *item = exprs->child; item; item = item->next) {
        int c = find_column(&number, item->string);
        at here = at_key(where, item->string);
        if (c < 0 && stage->space && tf_space_find(stage->space, item->string) >= 0)
            complain(l->diags, &here, "\"%s\" is the name of a parameter already", item->string);
        if (c < 0 && !is_column_name(item->string))
            complain(l->diags, &here, BAD_COLUMN_NAME, item->string);
        if (c >= 0 &&
            ((stage->column[c].rank > 0 && !stage->column[c].grid) || tf_type_size(stage->column[c].type) == 0))
            complain(l->diags, &here, "the column of an expression is a number or a block of an array, not %s",
                     stage->column[c].rank > 0 ? "of a shape" : tf_type_name(stage->column[c].type));
        column[count] = c >= 0 ? stage->column[c] : (tf_column_spec){.type = TF_FLOAT64, .elements = 1};
        column[count].name = tf_arena_strdup(l->arena, item->string);
        tf_table_add(&named, item->string, strlen(item->string), (uint32_t)count++);
    }
    for (int c = 0; c < stage->columns; c++)
        if (find_column(&named, stage->column[c].name) < 0)
            complain(l->diags, where, "column \"%s\" of the results has no expression", stage->column[c].name);
    tf_table_free(&number);
    tf_table_free(&named);
    stage->column = column;
    stage->columns = count;
}

/* Element by element there must be as many in all of them. */
static void check_one_grid(struct loader *l, const at *where, const tf_stage_spec *stage) {
    const char *axis = NULL;
    for (int a = 0; a < stage->arrays; a++) {
        const tf_array_spec *array = &stage->array[a];
        if (has_halo(array))
            complain(l->diags, where, "array \"%s\" has a halo, which expressions know nothing of", array->name);
        if (axis && array->grid && strcmp(axis, array->grid->axis) != 0)
            complain(l->diags, where, "arrays \"%s\" and \"%s\" have blocks of different axes", stage->array[0].name,
                     array->name);
        axis = array->grid ? array->grid->axis : axis;
    }
    for (int c = 0; c < stage->columns; c++) {
        const tf_grid *grid = stage->column[c].grid;
        if (axis && grid && strcmp(axis, grid->axis) != 0)
            complain(l->diags, where, "column \"%s\" has blocks of another axis than the arrays before it",
                     stage->column[c].name);
        axis = grid ? grid->axis : axis;
    }
}

void load_exprs(struct loader *l, const at *where, const cJSON *run, tf_stage_spec *stage) {
    const cJSON *exprs = cJSON_GetObjectItemCaseSensitive(run, "expr");
    at at_exprs = at_key(where, "expr");
    if (!cJSON_IsObject(exprs))
        return;
    if (!exprs->child)
        complain(l->diags, &at_exprs, "needs at least one column");
    order_columns(l, &at_exprs, exprs, stage);
    if (!stage->space)
        return;
    int params = tf_space_params(stage->space);
    expr_name *name =
        tf_arena_array(l->arena, (size_t)params + (size_t)stage->arrays + (size_t)stage->columns, sizeof *name);
    expr_names names = param_names(stage->space, name);
    names.what = stage->arrays ? "the stage's parameters and arrays, and the columns before this one"
                               : "the stage's parameters, and the columns before this one";
    for (int a = 0; a < stage->arrays; a++)
        name[names.count++] = (expr_name){.name = stage->array[a].name,
                                          .type = stage->array[a].type,
                                          .array = true,
                                          .width = stage->array[a].element};
    check_one_grid(l, &at_exprs, stage);
    uint32_t streams = 0;
    names.streams = &streams;
    const tf_expr **expr = tf_arena_array(l->arena, (size_t)stage->columns, sizeof(tf_expr *));
    int c = 0;
    for (const cJSON *item = exprs->child; item; item = item->next, c++) {
        at here = at_key(&at_exprs, item->string);
        tf_buf number = {0};
        names.has_arrays = stage->column[c].grid != NULL;
        if (cJSON_IsNumber(item))
            tf_buf_add_double(&number, item->valuedouble);
        if (cJSON_IsNumber(item) || cJSON_IsString(item))
            expr[c] = load_expr(l, &here, cJSON_IsString(item) ? item->valuestring : tf_buf_text(&number), &names);
        else
            complain(l->diags, &here, "must be an expression in a string, not %s", json_kind(item));
        name[names.count++] = (expr_name){.name = stage->column[c].name, .type = TF_FLOAT64, .array = names.has_arrays};
        tf_buf_free(&number);
    }
    stage->run.expr = expr;
}

void load_columns(struct loader *l, const at *where, const cJSON *json, const known_names *scope, bool command,
                  tf_stage_spec *stage) {
    if (!cJSON_IsObject(json)) {
        complain(l->diags, where, "must be an object, not %s", json_kind(json));
        return;
    }
    tf_column_spec *column = tf_arena_array(l->arena, (size_t)cJSON_GetArraySize(json), sizeof *column);
    for (const cJSON *item = json->child; item; item = item->next) {
        at here = at_key(where, item->string);
        tf_column_spec *c = &column[stage->columns++];
        *c = (tf_column_spec){.name = tf_arena_strdup(l->arena, item->string), .type = TF_FLOAT64, .elements = 1};
        if (!is_column_name(c->name))
            complain(l->diags, &here, BAD_COLUMN_NAME, c->name);
        if (scope->space && tf_space_find(scope->space, c->name) >= 0)
            complain(l->diags, &here, "\"%s\" is the name of a parameter already", c->name);
        load_column(l, &here, item, scope, command, c);
    }
    check_taken_names(l, where, column, stage->columns);
    stage->column = column;
}

/* ---- For people ---- */

static void add_words(const tf_template *template, const tf_point *point, tf_buf *out) {
    tf_buf words = {0};
    int count = 1;
    if (tf_template_is_list(template)) {
        count = tf_template_expand_list(template, point, &words);
    } else {
        tf_template_expand(template, point, &words);
        tf_buf_addc(&words, '\0');
    }
    const char *word = tf_buf_text(&words);
    for (int n = 0; n < count; n++, word += strlen(word) + 1) {
        tf_buf_adds(out, n ? " " : "");
        tf_buf_add_copyable(out, word, false);
    }
    tf_buf_free(&words);
}

void tf_run_text(const tf_stage_spec *stage, const tf_point *point, tf_buf *out) {
    const tf_run_spec *run = &stage->run;
    switch (run->kind) {
    case TF_RUN_SHELL: tf_template_expand(run->argv[0], point, out); break;
    case TF_RUN_FUNCTION:
        tf_buf_addf(out, "%s:%s(%s)", run->library, run->symbol, strcmp(run->args, "{}") == 0 ? "" : run->args);
        break;
    case TF_RUN_EXPR:
        for (int c = 0; c < stage->columns; c++)
            tf_buf_addf(out, "%s%s = %s", c ? "\n" : "", stage->column[c].name, tf_expr_source(run->expr[c]));
        break;
    case TF_RUN_SERVICE:
    case TF_RUN_ARGV:
        for (int i = 0; i < run->argc; i++) {
            tf_buf_adds(out, i ? " " : "");
            add_words(run->argv[i], point, out);
        }
    }
}
