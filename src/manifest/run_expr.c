/* Runs that are expressions, one a column. They are loaded when the stage's columns and arrays are known. */
#include "manifest/identify.h"
#include "manifest/run.h"

#include <string.h>

static void check_exprs(struct loader *l, const run_json *json, tf_run_spec *run) {
    run->what = "expression";
    json_object(l->diags, json->up, json->run, "expr");
}

/* Puts the columns in the order of the expressions. Columns that "results" does not name are float64. */
static void order_columns(struct loader *l, const json_path *where, const cJSON *exprs, tf_stage_spec *stage) {
    tf_column_spec *column = tf_arena_array(l->arena, (size_t)cJSON_GetArraySize(exprs), sizeof *column);
    tf_table number = number_columns(stage->column, stage->columns), named = {0};
    int count = 0;
    for (const cJSON *item = exprs->child; item; item = item->next) {
        int c = find_column(&number, item->string);
        json_path here = json_path_key(where, item->string);
        if (c < 0 && stage->space && tf_space_find(stage->space, item->string) >= 0)
            diagnose(l->diags, &here, TF_DIAG_NAME_TAKEN, "\"%s\" is the name of a parameter already", item->string);
        if (c < 0)
            check_column_name(l, &here, item->string);
        if (c >= 0 &&
            ((stage->column[c].rank > 0 && !stage->column[c].grid) || tf_type_size(stage->column[c].type) == 0))
            diagnose(l->diags, &here, TF_DIAG_UNSUITABLE_TYPE,
                     "the column of an expression is a number or a block of an array, not %s",
                     stage->column[c].rank > 0 ? "of a shape" : tf_type_name(stage->column[c].type));
        column[count] = c >= 0 ? stage->column[c] : (tf_column_spec){.type = TF_FLOAT64, .elements = 1};
        column[count].name = tf_arena_strdup(l->arena, item->string);
        tf_table_add(&named, item->string, strlen(item->string), (uint32_t)count++);
    }
    for (int c = 0; c < stage->columns; c++)
        if (find_column(&named, stage->column[c].name) < 0)
            diagnose(l->diags, where, TF_DIAG_MISSING_KEY, "column \"%s\" of the results has no expression",
                     stage->column[c].name);
    tf_table_free(&number);
    tf_table_free(&named);
    stage->column = column;
    stage->columns = count;
}

/* Reports arrays of different axes: an expression goes through all of them element by element. */
static void check_one_grid(struct loader *l, const json_path *where, const tf_stage_spec *stage) {
    const char *axis = NULL;
    for (int a = 0; a < stage->arrays; a++) {
        const tf_array_spec *array = &stage->array[a];
        if (has_halo(array))
            diagnose(l->diags, where, TF_DIAG_CONFLICT, "array \"%s\" has a halo: expressions can't read it",
                     array->name);
        if (axis && array->grid && strcmp(axis, array->grid->axis) != 0)
            diagnose(l->diags, where, TF_DIAG_MISMATCH, "arrays \"%s\" and \"%s\" have blocks of different axes",
                     stage->array[0].name, array->name);
        axis = array->grid ? array->grid->axis : axis;
    }
    for (int c = 0; c < stage->columns; c++) {
        const tf_grid *grid = stage->column[c].grid;
        if (axis && grid && strcmp(axis, grid->axis) != 0)
            diagnose(l->diags, where, TF_DIAG_MISMATCH,
                     "column \"%s\" has blocks of another axis than the arrays before it", stage->column[c].name);
        axis = grid ? grid->axis : axis;
    }
}

static void load_exprs(struct loader *l, const run_json *json, tf_stage_spec *stage) {
    const cJSON *exprs = json->value;
    const json_path *where = &json->where;
    if (!cJSON_IsObject(exprs))
        return;
    if (!exprs->child)
        diagnose(l->diags, where, TF_DIAG_WRONG_LENGTH, "needs at least one column");
    order_columns(l, where, exprs, stage);
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
    check_one_grid(l, where, stage);
    tf_table number_of = {0};
    names.number = &number_of;
    for (int n = 0; n < names.count; n++)
        tf_table_add(&number_of, name[n].name, strlen(name[n].name), (uint32_t)n);
    uint32_t streams = 0;
    names.streams = &streams;
    const tf_expr **expr = tf_arena_array(l->arena, (size_t)stage->columns, sizeof(tf_expr *));
    int c = 0;
    for (const cJSON *item = exprs->child; item; item = item->next, c++) {
        json_path here = json_path_key(where, item->string);
        tf_buf number = {0};
        names.has_arrays = stage->column[c].grid != NULL;
        if (cJSON_IsNumber(item))
            tf_buf_add_double(&number, item->valuedouble);
        if (cJSON_IsNumber(item) || cJSON_IsString(item))
            expr[c] = load_expr(l, &here, cJSON_IsString(item) ? item->valuestring : tf_buf_text(&number), &names);
        else
            diagnose(l->diags, &here, TF_DIAG_WRONG_TYPE, "must be an expression in a string, not %s", json_kind(item));
        tf_table_add(&number_of, stage->column[c].name, strlen(stage->column[c].name), (uint32_t)names.count);
        name[names.count++] = (expr_name){.name = stage->column[c].name, .type = TF_FLOAT64, .array = names.has_arrays};
        tf_buf_free(&number);
    }
    tf_table_free(&number_of);
    stage->run.expr = expr;
}

static void identify_exprs(const tf_stage_spec *stage, cJSON *list) {
    for (int c = 0; c < stage->columns; c++)
        identify_expr(list, stage->run.expr[c]);
}

static void describe_exprs(const tf_stage_spec *stage, const tf_point *point, tf_buf *out) {
    for (int c = 0; c < stage->columns; c++)
        tf_buf_addf(out, "%s%s = %s",
                    c == 0  ? ""
                    : point ? "\n"
                            : ", ",
                    stage->column[c].name, tf_expr_source(stage->run.expr[c]));
}

const tf_run_kind run_expr = {
    .key = "expr",
    .schema = "{\"type\":\"object\",\"minProperties\":1,\"additionalProperties\":{\"type\":[\"string\",\"number\"]},"
              "\"description\":\"an expression a column, of parameters and the columns before it\"}",
    .takes_blocks = true,
    .load = check_exprs,
    .complete = load_exprs,
    .identify = identify_exprs,
    .describe = describe_exprs};
