/* Runs that are functions of a library. */
#include "manifest/identify.h"
#include "manifest/run.h"
#include "manifest/schema.h"

#include <string.h>

/* Puts variables into the strings of "args", at any depth. */
static void expand_args(struct loader *l, const json_path *where, cJSON *json) {
    int n = 0;
    for (cJSON *item = json->child; item; item = item->next, n++) {
        json_path here = item->string ? json_path_key(where, item->string) : json_path_index(where, n);
        if (cJSON_IsString(item))
            cJSON_SetValuestring(item, constant_text(l, &here, item->valuestring));
        expand_args(l, &here, item);
    }
}

/* Loads LIBRARY:FUNCTION. */
static void load_symbol(struct loader *l, const json_path *where, const char *text, tf_run_spec *run) {
    const char *name = constant_text(l, where, text);
    const char *colon = strrchr(name, ':');
    if (!colon || colon == name || colon[1] == '\0') {
        diagnose(l->diags, where, TF_DIAG_BAD_VALUE,
                 "must be LIBRARY:FUNCTION, as in ./libboot.so:resample, not \"%s\"", name);
        return;
    }
    if (colon - name > 3 && strncmp(colon - 3, ".py", 3) == 0) {
        diagnose(l->diags, where, TF_DIAG_BAD_VALUE,
                 "a function is one of a shared library; write \"python\": \"%s\" for one of Python", name);
        return;
    }
    run->library = tf_arena_strndup(l->arena, name, (size_t)(colon - name));
    run->symbol = colon + 1;
}

static void load_function(struct loader *l, const run_json *json, tf_run_spec *run) {
    const cJSON *args = json_object(l->diags, json->up, json->run, "args");
    const char *text = json_string(l->diags, json->up, json->run, "function");
    const json_path args_path = json_path_key(json->up, "args");
    run->what = "function";
    run->args = "{}";
    if (text)
        load_symbol(l, &json->where, text, run);
    if (!args)
        return;
    cJSON *copy = cJSON_Duplicate(args, true);
    expand_args(l, &args_path, copy);
    char *printed = json_print(copy, false);
    run->args = tf_arena_strdup(l->arena, printed);
    cJSON_free(printed);
    cJSON_Delete(copy);
}

static void identify_function(const tf_stage_spec *stage, cJSON *list) {
    identify_text(list, stage->run.library);
    identify_text(list, stage->run.symbol);
    identify_text(list, stage->run.args);
}

static void describe_function(const tf_stage_spec *stage, const tf_point *point, tf_buf *out) {
    const tf_run_spec *run = &stage->run;
    tf_buf_addf(out, "%s:%s", run->library, run->symbol);
    if (point)
        tf_buf_addf(out, "(%s)", strcmp(run->args, "{}") == 0 ? "" : run->args);
}

const tf_run_kind run_function = {
    .key = "function",
    .schema = TEXT("LIBRARY:FUNCTION, a C function of a shared library (taskfarm/plugin.h)"),
    .takes_blocks = true,
    .may_repeat = true,
    .load = load_function,
    .identify = identify_function,
    .describe = describe_function,
    .member = {{"args", "{\"type\":\"object\",\"description\":\"constants for the function\"}"}}};
