/* Runs that give back their parameters: {"echo": true}. They are the bare cost of a task, and what is stored of it. */
#include "manifest/run.h"
#include "manifest/schema.h"

#include <string.h>

static void check_true(struct loader *l, const run_json *json, tf_run_spec *run) {
    run->what = "echo";
    if (!cJSON_IsTrue(json->value))
        diagnose(l->diags, &json->where, TF_DIAG_BAD_VALUE, "must be true, not %s",
                 cJSON_IsFalse(json->value) ? "false" : json_kind(json->value));
}

static void check_name(struct loader *l, const json_path *where, const tf_stage_spec *stage, const char *column) {
    bool is_taken = tf_space_find(stage->space, column) >= 0;
    for (int a = 0; a < stage->arrays; a++)
        is_taken = is_taken || strcmp(stage->array[a].name, column) == 0;
    check_column_name(l, where, column);
    if (is_taken)
        diagnose(l->diags, where, TF_DIAG_NAME_TAKEN,
                 "gives a column \"%s\", which is a name that the stage has already", column);
}

/* Makes a column echo_x for each parameter x, as a column can't have a parameter's name. */
static void make_columns(struct loader *l, const run_json *json, tf_stage_spec *stage) {
    if (stage->columns > 0)
        diagnose(l->diags, json->up, TF_DIAG_MISPLACED_KEY,
                 "an \"echo\" takes no \"results\": they are echo_NAME for each parameter");
    if (!stage->space)
        return;
    const int params = tf_space_params(stage->space);
    tf_column_spec *column = tf_arena_array(l->arena, (size_t)params, sizeof *column);
    for (int p = 0; p < params; p++) {
        const tf_param_spec *param = tf_space_param(stage->space, p);
        tf_buf name = {0};
        tf_buf_addf(&name, "echo_%s", param->name);
        check_name(l, &json->where, stage, tf_buf_text(&name));
        column[p] = (tf_column_spec){.name = tf_arena_strdup(l->arena, tf_buf_text(&name)),
                                     .type = param->is_bytes ? TF_BYTES : param->type,
                                     .elements = 1};
        tf_buf_free(&name);
    }
    stage->column = column;
    stage->columns = params;
}

static void describe(const tf_stage_spec *stage, const tf_point *point, tf_buf *out) {
    (void)stage, (void)point;
    tf_buf_adds(out, "echo");
}

const tf_run_kind run_echo = {
    .key = "echo",
    .schema = "{\"const\":true,\"description\":\"gives back its parameters, in columns echo_NAME: the bare cost of a "
              "task\"}",
    .load = check_true,
    .complete = make_columns,
    .describe = describe};
