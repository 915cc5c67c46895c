/* Names of parameters, variables and stages, and advice for those that can't be used as somebody wants. */
#include "manifest/load.h"

#include <stdlib.h>
#include <string.h>

const char *name_fault(const char *name, bool in_placeholders) {
    if (strcmp(name, ".") == 0)
        return "HDF5 takes it for the group that it is in";
    if (*name != '\0' && !strpbrk(name, in_placeholders ? "/{}:" : "/"))
        return NULL;
    return in_placeholders ? "it must not be empty or contain / { } :" : "it must not be empty or contain /";
}

bool check_param_name(struct loader *l, const json_path *where, const char *what, const char *name) {
    static const char *const taken[] = {"index", "stage", "seed", "inputs", "outputs", "workdir", "scratch"};
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        if (strcmp(taken[i], name) == 0) {
            diagnose(l->diags, where, TF_DIAG_BAD_NAME, "\"%s\" can't be a %s's name: {%s} is built in", name, what,
                     name);
            return false;
        }
    }
    const char *fault = name_fault(name, true);
    if (fault)
        diagnose(l->diags, where, TF_DIAG_BAD_NAME, "\"%s\" can't be a %s's name: %s", name, what, fault);
    return !fault;
}

const char *tf_type_reason_text(tf_type_reason reason) {
    static const char *const text[] = {[TF_REASON_CELLS] = NULL,
                                       [TF_REASON_TYPES] = "by \"types\"",
                                       [TF_REASON_QUOTED] = "some of its cells are quoted",
                                       [TF_REASON_PADDED] = "some of its cells begin with 0",
                                       [TF_REASON_HUGE] = "some of its cells are integers beyond int64"};
    return text[reason];
}

const char *tf_param_why(const tf_param_spec *param) {
    return param->cell ? param->cell : tf_type_reason_text(param->reason);
}

const char *advise_types(struct loader *l, const tf_param_spec *param) {
    if (!param || param->type != TF_STRING || param->reason == TF_REASON_TYPES)
        return "";
    if (param->cell)
        return tf_arena_printf(l->arena, "; \"%s\" is text since, in %s", param->name, param->cell);
    if (param->reason == TF_REASON_CELLS)
        return "";
    return tf_arena_printf(
        l->arena, "; \"%s\" is text since %s: \"types\": {\"%s\": \"float64\"} beside the csv makes it numbers",
        param->name, tf_type_reason_text(param->reason), param->name);
}

int tf_campaign_stage(const tf_campaign *campaign, const char *name, size_t length) {
    if (campaign->stage_number.count > 0) {
        const uint32_t number = tf_table_get(&campaign->stage_number, name, length);
        return number == TF_TABLE_NONE ? -1 : (int)number;
    }
    for (int s = 0; s < campaign->stages; s++)
        if (strlen(campaign->stage[s].name) == length && strncmp(campaign->stage[s].name, name, length) == 0)
            return s;
    return -1;
}

const char *no_such_stage(struct loader *l, const tf_campaign *campaign, const char *name) {
    const char **names = tf_alloc_array((size_t)campaign->stages, sizeof *names);
    for (int s = 0; s < campaign->stages; s++)
        names[s] = campaign->stage[s].name;
    const char *near = tf_suggest(name, names, (size_t)campaign->stages);
    free(names);
    return near ? tf_arena_printf(l->arena, "there is no stage \"%s\"; did you mean \"%s\"?", name, near)
                : tf_arena_printf(l->arena, "there is no stage \"%s\"", name);
}
