/* One stage: its space, files, arrays, run, columns, reductions and handling, in the order in which they need each
 * other. */
#include "manifest/load.h"

#include <string.h>

/* Loads "where" of the stage, and of its axes of rows. */
static void load_wheres(struct loader *l, const stage_json *json, const json_path *over, tf_stage_spec *stage) {
    const stage_value member = stage_member(json, "where");
    const char *own = json_string(l->diags, member.up, member.object, "where");
    if (!stage->space)
        return;
    int sources = tf_space_sources(stage->space);
    expr_name *name = tf_arena_array(l->arena, (size_t)tf_space_params(stage->space), sizeof *name);
    expr_names names = param_names(stage->space, name);
    const tf_expr **list = tf_arena_array(l->arena, (size_t)sources + 1, sizeof(tf_expr *));
    for (int n = 0; n < sources; n++) {
        const char *source = tf_space_source_at(stage->space, n)->where;
        if (source)
            list[stage->wheres++] = load_expr(l, over, source, &names);
    }
    if (own)
        list[stage->wheres++] = load_expr(l, &member.where, own, &names);
    stage->where = list;
}

static void check_not_array(struct loader *l, const json_path *where, const tf_stage_spec *stage, const char *column) {
    json_path here = json_path_key(where, column);
    int a = 0;
    while (a < stage->arrays && strcmp(stage->array[a].name, column) != 0)
        a++;
    if (a < stage->arrays)
        diagnose(l->diags, &here, TF_DIAG_NAME_TAKEN, "\"%s\" is the name of an array already", column);
}

/* Blocks that nobody gets are a mistake. A table's columns are none: a command may read the lines by their numbers. */
static void check_arrays_are_taken(struct loader *l, const stage_json *json, const tf_stage_spec *stage) {
    const stage_value member = stage_member(json, "arrays");
    if (!stage->run.key || run_takes_blocks(&stage->run) || !member.json)
        return;
    diagnose(l->diags, &member.where, TF_DIAG_CONFLICT,
             "blocks are handed to functions and expressions alone: "
             "let the %s read the array itself, at the place that the parameters of the axis of blocks say%s",
             stage->run.key, tf_run_is_command(&stage->run) ? "" : "; what it answers may be blocks");
}

void load_stage(struct loader *l, const stage_json *json, tf_stage_spec *stage) {
    const stage_value over = stage_member(json, "over"), run = stage_member(json, "run");
    const stage_value results = stage_member(json, "results");
    int before = l->diags->count;
    const tf_found *others = l->found; /* of a stage that needs this one */
    l->found = NULL;
    stage->space = load_space(l, &over.where, over.json);
    stage->found = l->found;
    l->found = others;
    if (stage->space) {
        for (int i = 0; i < l->variables; i++)
            if (tf_space_find(stage->space, l->variable[i].name) >= 0)
                diagnose(l->diags, &over.where, TF_DIAG_NAME_TAKEN,
                         "\"%s\" is a variable and a parameter; one needs another name", l->variable[i].name);
    }
    if (l->diags->count > before)
        stage->space = NULL; /* what follows is checked all the same, as far as that goes */

    load_files(l, json, stage);
    load_arrays(l, json, stage);
    if (stage->space && tf_space_sources(stage->space) && tf_stage_has_files(stage))
        diagnose(l->diags, &over.where, TF_DIAG_CONFLICT,
                 "a stage with files can't take its points from another stage's rows");
    if (stage->space && tf_stage_has_files(stage) && tf_space_size(stage->space) > TF_MOST_FILE_TASKS)
        diagnose(l->diags, &over.where, TF_DIAG_TOO_LARGE, "a stage with files has at most %d tasks",
                 TF_MOST_FILE_TASKS);
    if (stage->space && tf_files_know_log(stage) && tf_space_size(stage->space) > TF_MOST_FILE_TASKS)
        diagnose(l->diags, &over.where, TF_DIAG_TOO_LARGE, "a stage with a \"log\" has at most %d tasks",
                 TF_MOST_FILE_TASKS);
    known_names scope = {.stage = stage->name, .space = stage->space, .files = stage};
    if (!run.json)
        diagnose(l->diags, &json->own_path, TF_DIAG_MISSING_KEY, "needs a \"run\"");
    else if (!cJSON_IsObject(run.json))
        diagnose(l->diags, &run.where, TF_DIAG_WRONG_TYPE, "must be an object, not %s", json_kind(run.json));
    else
        load_run(l, &run.where, run.json, &scope, &stage->run);
    check_arrays_are_taken(l, json, stage);
    stage->untyped = !results.json && stage->run.python && stage->run.python->first;
    if (results.json)
        load_columns(l, &results.where, results.json, &scope, tf_run_is_command(&stage->run), stage);
    for (int c = 0; c < stage->columns; c++)
        check_not_array(l, &results.where, stage, stage->column[c].name);
    complete_run(l, &run.where, run.json, &scope, stage);
    load_wheres(l, json, &over.where, stage);
    load_reductions(l, json, stage);
    load_until(l, json, stage);
    load_handling(l, json, stage);
    load_speculative(l, json, stage);
    if (stage->log && !tf_run_is_command(&stage->run))
        diagnose(l->diags, &json->own_path, TF_DIAG_MISPLACED_KEY,
                 "\"log\" goes with a command; what a function or a service logs is in its stderr");
}
