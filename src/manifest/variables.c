/* "variables", and --set. */
#include "manifest/load.h"

#include <string.h>

void load_variables(struct loader *l, const json_path *root, const cJSON *json) {
    const cJSON *variables = json_object(l->diags, root, json, "variables");
    if (!variables)
        return;
    json_path where = json_path_key(root, "variables");
    l->variable = tf_arena_array(l->arena, (size_t)cJSON_GetArraySize(variables), sizeof *l->variable);
    for (const cJSON *item = variables->child; item; item = item->next) {
        json_path here = json_path_key(&where, item->string);
        check_param_name(l, &here, "variable", item->string);
        variable *v = &l->variable[l->variables++];
        *v = (variable){.name = tf_arena_strdup(l->arena, item->string), .type = TF_STRING, .text = ""};
        if (cJSON_IsString(item)) {
            v->text = tf_arena_strdup(l->arena, item->valuestring);
        } else if (cJSON_IsNumber(item)) {
            v->type = json_int(item, &v->integer) ? TF_INT64 : TF_FLOAT64;
            v->number = item->valuedouble;
            if (v->type == TF_FLOAT64 && tf_is_digits(json_number_text(item), strlen(json_number_text(item))))
                diagnose(l->diags, &here, TF_DIAG_OUT_OF_RANGE, BEYOND_INT64, json_number_text(item));
        } else if (cJSON_IsBool(item)) {
            v->type = TF_BOOL;
            v->number = cJSON_IsTrue(item);
        } else {
            diagnose(l->diags, &here, TF_DIAG_WRONG_TYPE, "must be a string, a number, true or false, not %s",
                     json_kind(item));
        }
    }
}

/* Applies --set NAME=VALUE. The variable keeps the type that the manifest gives it; an integer may become a number. */
void set_variable(struct loader *l, const char *setting) {
    const char *equals = strchr(setting, '=');
    if (!equals || equals == setting) {
        tf_diags_add(l->diags, "", TF_DIAG_BAD_OPTION, "--set %s: must be NAME=VALUE", setting);
        return;
    }
    size_t length = (size_t)(equals - setting);
    const char *value = equals + 1;
    for (int i = 0; i < l->variables; i++) {
        variable *v = &l->variable[i];
        if (strlen(v->name) != length || strncmp(v->name, setting, length) != 0)
            continue;
        if (v->type == TF_STRING) {
            v->text = tf_arena_strdup(l->arena, value);
        } else if (v->type == TF_BOOL) {
            if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
                tf_diags_add(l->diags, "", TF_DIAG_BAD_OPTION, "--set %s: must be true or false", setting);
            v->number = strcmp(value, "true") == 0;
        } else if (!tf_parse_double(value, &v->number)) {
            tf_diags_add(l->diags, "", TF_DIAG_BAD_OPTION, "--set %s: \"%s\" is not a number", setting, value);
        } else {
            v->type = tf_parse_int(value, &v->integer) ? TF_INT64 : TF_FLOAT64;
            if (v->type == TF_FLOAT64 && tf_is_digits(value, strlen(value)))
                tf_diags_add(l->diags, "", TF_DIAG_BAD_OPTION, "--set %.*s: " BEYOND_INT64, (int)length, setting,
                             value);
        }
        return;
    }
    const char **known = tf_arena_array(l->arena, (size_t)l->variables + 1, sizeof *known);
    for (int i = 0; i < l->variables; i++)
        known[i] = l->variable[i].name;
    const char *near = tf_suggest(tf_arena_strndup(l->arena, setting, length), known, (size_t)l->variables);
    tf_diags_add(l->diags, "", TF_DIAG_UNKNOWN_NAME, "--set %s: the manifest has no variable \"%.*s\"%s%s%s", setting,
                 (int)length, setting, near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}
