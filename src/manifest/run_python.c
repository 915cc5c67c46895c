/* Runs that are Python functions: {"python": "measure.py:measure"}. They are called with the task's parameters by name,
 * in processes of the user's interpreter that the slots keep. */
#include "manifest/identify.h"
#include "manifest/python_common.h"
#include "manifest/python_target.h"
#include "manifest/run.h"
#include "manifest/schema.h"

#include <string.h>

/* What a function may ask for besides parameters (see docs/manifest.md): no other value can have these names. */
static const char *const own_names[] = {"rng", "task"};

/* ---- Its members ---- */

static void load_interpreter(struct loader *l, const run_json *json, tf_run_spec *run) {
    const known_names none = {0};
    const json_path where = json_path_key(json->up, "interpreter");
    const char *text = json_string(l->diags, json->up, json->run, "interpreter");
    run->argv = tf_arena_alloc(l->arena, sizeof *run->argv);
    run->argv[run->argc++] = template_parse(l, &where, text ? text : "python3", &none, false);
}

static tf_python_warm load_warm(struct loader *l, const run_json *json) {
    const cJSON *warm = cJSON_GetObjectItemCaseSensitive(json->run, "warm");
    const json_path where = json_path_key(json->up, "warm");
    if (cJSON_IsBool(warm))
        return cJSON_IsTrue(warm) ? TF_WARM_YES : TF_WARM_NO;
    if (warm && !(cJSON_IsString(warm) && strcmp(warm->valuestring, "auto") == 0))
        diagnose(l->diags, &where, TF_DIAG_BAD_VALUE, "must be \"auto\", true or false");
    return TF_WARM_AUTO;
}

static void load_preload(struct loader *l, const run_json *json, tf_python_spec *python) {
    const cJSON *list = json_array(l->diags, json->up, json->run, "preload"), *item;
    const json_path where = json_path_key(json->up, "preload");
    const char **preload = tf_arena_array(l->arena, (size_t)cJSON_GetArraySize(list), sizeof *preload);
    int n = 0;
    cJSON_ArrayForEach(item, list) {
        const json_path here = json_path_index(&where, n++);
        if (!cJSON_IsString(item))
            diagnose(l->diags, &here, TF_DIAG_WRONG_TYPE, "must be a string, not %s", json_kind(item));
        else if (!python_is_dotted_name(item->valuestring))
            diagnose(l->diags, &here, TF_DIAG_BAD_NAME, "\"%s\" can't be the name of a module", item->valuestring);
        else
            preload[python->preloads++] = tf_arena_strdup(l->arena, item->valuestring);
    }
    python->preload = preload;
}

/* Loads "batch"; NULL: there is none. What "auto" is, is settled once the columns are known. */
static tf_python_batch *load_batch(struct loader *l, const run_json *json) {
    const cJSON *text = cJSON_GetObjectItemCaseSensitive(json->run, "batch");
    const json_path where = json_path_key(json->up, "batch");
    if (!text)
        return NULL;
    tf_python_batch *batch = tf_arena_alloc(l->arena, sizeof *batch);
    *batch = (tf_python_batch){.is_auto = cJSON_IsString(text) && strcmp(text->valuestring, "auto") == 0};
    if (!batch->is_auto && !json_int_within(text, 1, TF_MOST_BATCH, &batch->tasks))
        diagnose(l->diags, &where, cJSON_IsNumber(text) ? json_int_mistake(text) : TF_DIAG_BAD_VALUE,
                 "must be \"auto\" or an integer from 1 to %d", TF_MOST_BATCH);
    return batch;
}

static void load_common(struct loader *l, const run_json *json, tf_python_spec *python) {
    const cJSON *object = json_object(l->diags, json->up, json->run, "common"), *item;
    const json_path where = json_path_key(json->up, "common");
    tf_python_common *common = tf_arena_array(l->arena, (size_t)cJSON_GetArraySize(object), sizeof *common);
    cJSON_ArrayForEach(item, object) {
        const json_path here = json_path_key(&where, item->string);
        if (!cJSON_IsString(item))
            diagnose(l->diags, &here, TF_DIAG_WRONG_TYPE, "must be a string, not %s", json_kind(item));
        else if (!python_is_name(item->string))
            diagnose(l->diags, &here, TF_DIAG_BAD_NAME, "\"%s\" can't be the name of a function's parameter",
                     item->string);
        else
            common[python->commons++] = (tf_python_common){.name = tf_arena_strdup(l->arena, item->string),
                                                           .path = constant_text(l, &here, item->valuestring)};
    }
    python->common = common;
}

static void load_python(struct loader *l, const run_json *json, tf_run_spec *run) {
    const known_names none = {0};
    const json_path init_path = json_path_key(json->up, "init");
    const char *text = json_string(l->diags, json->up, json->run, "python");
    const char *init = json_string(l->diags, json->up, json->run, "init");
    tf_python_spec *python = tf_arena_alloc(l->arena, sizeof *python);
    *python = (tf_python_spec){.seed_globals = true};
    run->what = "Python function";
    run->python = python;
    const bool is_known = text && python_load_target(l, &json->where, text, NULL, &python->target);
    if (is_known && init)
        python_load_target(l, &init_path, init, &python->target, &python->init);
    load_interpreter(l, json, run);
    run_load_environment(l, json, &none, run);
    python->warm = load_warm(l, json);
    load_preload(l, json, python);
    python->batch = load_batch(l, json);
    if (cJSON_GetObjectItemCaseSensitive(json->run, "seed_globals"))
        python->seed_globals = json_flag(l->diags, json->up, json->run, "seed_globals");
    load_common(l, json, python);
    const char *first = json_string(l->diags, json->up, json->run, "first");
    python->first = first ? tf_arena_strdup(l->arena, first) : NULL;
}

/* ---- With its stage ---- */

static bool is_own_name(const char *name) {
    for (size_t i = 0; i < sizeof own_names / sizeof *own_names; i++)
        if (strcmp(own_names[i], name) == 0)
            return true;
    return false;
}

static bool is_value_of(const tf_stage_spec *stage, const char *name) {
    bool is = stage->space && tf_space_find(stage->space, name) >= 0;
    for (int a = 0; a < stage->arrays; a++)
        is = is || strcmp(stage->array[a].name, name) == 0;
    return is;
}

static void check_common(struct loader *l, const run_json *json, const tf_stage_spec *stage) {
    const json_path where = json_path_key(json->up, "common");
    for (int n = 0; n < stage->run.python->commons; n++) {
        const char *name = stage->run.python->common[n].name;
        const json_path here = json_path_key(&where, name);
        if (is_own_name(name))
            diagnose(l->diags, &here, TF_DIAG_NAME_TAKEN, "\"%s\" is a name that functions get from taskfarm itself",
                     name);
        else if (is_value_of(stage, name))
            diagnose(l->diags, &here, TF_DIAG_NAME_TAKEN, "\"%s\" is the name of a parameter or an array already",
                     name);
    }
}

static void complete(struct loader *l, const run_json *json, tf_stage_spec *stage) {
    check_common(l, json, stage);
    tf_python_batch *batch = stage->run.python->batch;
    if (!batch)
        return;
    const json_path where = json_path_key(json->up, "batch");
    check_batch(l, &where, stage);
    if (batch->is_auto)
        batch->tasks = choose_batch(stage);
}

/* ---- What it is ---- */

/* A pickle's path is where the package has written it; what is in it has a hash of its own, as code has. */
static const char *target_identity(const tf_python_target *target) {
    return target->is_pickle ? target->function : target->text;
}

static void identify(const tf_stage_spec *stage, cJSON *list) {
    const tf_python_spec *python = stage->run.python;
    tf_buf text = {0};
    identify_text(list, target_identity(&python->target));
    if (python->init.text) {
        tf_buf_addf(&text, "init %s", target_identity(&python->init));
        identify_text(list, text.data);
    }
    if (python->batch)
        identify_batch(list, python->batch->tasks);
    if (!python->seed_globals)
        identify_text(list, "no seeds of global generators");
    tf_buf_free(&text);
}

static void describe(const tf_stage_spec *stage, const tf_point *point, tf_buf *out) {
    (void)point;
    tf_buf_adds(out, stage->run.python->target.text);
}

const tf_run_kind run_python = {
    .key = "python",
    .schema = TEXT("FILE.py:FUNCTION or MODULE:FUNCTION, a Python function that gets the parameters by name"),
    .noun = "Python function",
    .takes_blocks = true,
    .has_process = true,
    .may_repeat = true,
    .load = load_python,
    .complete = complete,
    .identify = identify,
    .list_common = python_list_common,
    .describe = describe,
    .member = {{"interpreter", TEXT("the Python that calls the function; default: python3")},
               {"warm", "{\"enum\":[\"auto\",true,false],\"description\":\"whether one process a rank imports the "
                        "module for all its slots; default: auto\"}"},
               {"preload", "{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"description\":\"modules that are "
                           "imported before the function's own\"}"},
               {"init", TEXT("a function that each process calls before its first task: NAME, FILE.py:NAME or "
                             "MODULE:NAME")},
               {"batch", "{\"oneOf\":[{\"const\":\"auto\"},{\"type\":\"integer\",\"minimum\":1}],\"description\":\"so "
                         "many tasks a call, as arrays; auto: at most 1 MB of them, and a 128th of all\"}"},
               {"seed_globals", FLAG("whether random and numpy.random are seeded before each task; default: true")},
               {"common", "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"},\"description\":\"files "
                          "that all tasks share, by the names of the function's parameters\"}"},
               {"first", TEXT("the package's own: a file with the value of a task that it has tried")},
               RUN_ENV,
               RUN_CWD}};
