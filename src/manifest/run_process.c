/* Runs that are processes: a command for each task, or a service that gets one after the other. */
#include "manifest/identify.h"
#include "manifest/run.h"
#include "manifest/schema.h"

#include <string.h>

static void load_argv(struct loader *l, const json_path *where, const cJSON *json, const known_names *scope,
                      tf_run_spec *run) {
    if (cJSON_IsString(json)) {
        run->is_shell = true;
        run->what = "shell command";
        run->argc = 1;
        run->argv = tf_arena_alloc(l->arena, sizeof *run->argv);
        if (json->valuestring[strspn(json->valuestring, " \t\n")] == '\0')
            diagnose(l->diags, where, TF_DIAG_WRONG_LENGTH, "the command is empty");
        run->argv[0] = template_parse(l, where, json->valuestring, scope, true);
        return;
    }
    if (!cJSON_IsArray(json)) {
        diagnose(l->diags, where, TF_DIAG_WRONG_TYPE, "must be a list of arguments or a string for the shell, not %s",
                 json_kind(json));
        return;
    }
    int count = cJSON_GetArraySize(json);
    if (count == 0)
        diagnose(l->diags, where, TF_DIAG_WRONG_LENGTH, "the command is empty");
    run->argv = tf_arena_array(l->arena, (size_t)count, sizeof *run->argv);
    for (const cJSON *item = json->child; item; item = item->next) {
        json_path here = json_path_index(where, run->argc);
        if (!cJSON_IsString(item)) {
            diagnose(l->diags, &here, TF_DIAG_WRONG_TYPE, "must be a string, not %s", json_kind(item));
            return;
        }
        run->argv[run->argc++] = template_parse(l, &here, item->valuestring, scope, false);
    }
}

static void load_command(struct loader *l, const run_json *json, tf_run_spec *run) {
    run->what = "command";
    load_argv(l, &json->where, json->value, json->scope, run);
    run_load_environment(l, json, json->scope, run);
    run->stdin_text = run_load_text(l, json, json->scope, "stdin");
}

/* Loads a service. Its command line, folder and environment are the same for all tasks: only variables may stand in
 * them.
 */
static void load_service(struct loader *l, const run_json *json, tf_run_spec *run) {
    const known_names none = {0};
    const json_path most_path = json_path_key(json->up, "max_tasks");
    const cJSON *most = cJSON_GetObjectItemCaseSensitive(json->run, "max_tasks");
    load_argv(l, &json->where, json->value, &none, run);
    run->what = "service";
    run_load_environment(l, json, &none, run);
    if (most && !json_int_within(most, 1, INT64_MAX, &run->max_tasks))
        diagnose(l->diags, &most_path, json_int_mistake(most), "must be a positive integer");
}

static void identify_command(const tf_stage_spec *stage, cJSON *list) {
    const tf_run_spec *run = &stage->run;
    for (int i = 0; i < run->argc; i++)
        identify_template(list, "", run->argv[i]);
    for (int e = 0; e < run->envc; e++) {
        identify_text(list, run->env[e].name);
        identify_template(list, "env ", run->env[e].value);
    }
    identify_template(list, "cwd ", run->cwd);
    identify_template(list, "stdin ", run->stdin_text);
}

static void identify_service(const tf_stage_spec *stage, cJSON *list) {
    identify_text(list, "service");
    identify_command(stage, list);
}

#define WORDS(about) "{\"type\":\"array\",\"minItems\":1,\"items\":{\"type\":\"string\"},\"description\":\"" about "\"}"

const tf_run_kind run_command = {
    .key = "command",
    .schema = "{\"oneOf\":[" TEXT("for /bin/sh -c; every {x} is quoted, {x:raw} is not") "," WORDS(
        "arguments, without a shell") "]}",
    .load = load_command,
    .identify = identify_command,
    .describe = run_describe_process,
    .is_command = true,
    .has_process = true,
    .may_repeat = true,
    .member = {RUN_ENV, RUN_CWD, {"stdin", TEXT("what a command reads from its standard input; default: nothing")}}};

const tf_run_kind run_service = {
    .key = "service",
    .schema = "{\"oneOf\":[" TEXT("for /bin/sh -c: a process that gets tasks as JSON lines") "," WORDS(
        "argv of a process that gets tasks as JSON lines") "]}",
    .load = load_service,
    .identify = identify_service,
    .describe = run_describe_process,
    .has_process = true,
    .may_repeat = true,
    .member = {RUN_ENV,
               RUN_CWD,
               {"max_tasks", "{\"type\":\"integer\",\"minimum\":1,\"description\":\"tasks after which a service is "
                             "started anew\"}"}}};
