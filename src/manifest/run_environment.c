/* What a run's processes are started in: "env" and "cwd". */
#include "manifest/run.h"

#include <string.h>

const tf_template *run_load_text(struct loader *l, const run_json *json, const known_names *scope, const char *key) {
    const char *text = json_string(l->diags, json->up, json->run, key);
    json_path here = json_path_key(json->up, key);
    return text ? template_parse(l, &here, text, scope, false) : NULL;
}

static void load_variables_of(struct loader *l, const run_json *json, const known_names *scope, tf_run_spec *run) {
    const cJSON *env = json_object(l->diags, json->up, json->run, "env");
    if (!env)
        return;
    const json_path env_path = json_path_key(json->up, "env");
    tf_env_spec *spec = tf_arena_array(l->arena, (size_t)cJSON_GetArraySize(env), sizeof *spec);
    for (const cJSON *item = env->child; item; item = item->next) {
        const json_path here = json_path_key(&env_path, item->string);
        if (!cJSON_IsString(item))
            diagnose(l->diags, &here, TF_DIAG_WRONG_TYPE, "must be a string, not %s", json_kind(item));
        else if (*item->string == '\0' || strchr(item->string, '='))
            diagnose(l->diags, &here, TF_DIAG_BAD_NAME, "\"%s\" can't be the name of an environment variable",
                     item->string);
        else
            spec[run->envc++] = (tf_env_spec){.name = tf_arena_strdup(l->arena, item->string),
                                              .value = template_parse(l, &here, item->valuestring, scope, false)};
    }
    run->env = spec;
}

void run_load_environment(struct loader *l, const run_json *json, const known_names *scope, tf_run_spec *run) {
    load_variables_of(l, json, scope, run);
    run->cwd = run_load_text(l, json, scope, "cwd");
}
