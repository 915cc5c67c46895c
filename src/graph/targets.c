/* What a command line wants to be made: a stage, a task by its parameters, or an output. */
#include <stdlib.h>
#include <string.h>

#include "graph/nodes.h"

static void select_stage(tf_graph *g, int stage) {
    node count = g->stage[stage].linked ? (node)tf_stage_so_far(&g->campaign->stage[stage]) : 1;
    for (node i = 0; i < count; i++)
        g->flags[g->stage[stage].first + i] |= SELECTED;
}

/* ---- Tasks by their parameters ---- */

/* "p=v, q=w", as it stands between brackets. */
typedef struct wanted {
    const char *text;
    size_t length;
} wanted;

/* Cuts the first of them off. false: there is none left. */
static bool next_of(wanted *all, wanted *one) {
    const size_t blank = strspn(all->text, ", ");
    const size_t skipped = blank < all->length ? blank : all->length;
    all->text += skipped;
    all->length -= skipped;
    *one = (wanted){all->text, strcspn(all->text, ",]")};
    one->length = one->length < all->length ? one->length : all->length;
    all->text += one->length;
    all->length -= one->length;
    return one->length > 0;
}

/* Does the task's name have all of them between its brackets? */
static bool agrees(const char *name, wanted all) {
    for (wanted one; next_of(&all, &one);) {
        bool found = false;
        for (const char *have = strchr(name, '['); have && !found; have = strchr(have, ',')) {
            have += strspn(have, "[, ");
            found = strcspn(have, ",]") == one.length && strncmp(have, one.text, one.length) == 0;
        }
        if (!found)
            return false;
    }
    return true;
}

/* Adds flags to the tasks that have all of them. Returns how many they are. */
static int64_t flag_tasks(tf_graph *g, int stage, wanted all, uint16_t flags) {
    tf_buf name = {0};
    int64_t count = 0;
    for (int64_t i = 0; i < tf_stage_so_far(&g->campaign->stage[stage]); i++) {
        tf_buf_clear(&name);
        tf_task_name(g->campaign, stage, i, &name);
        if (!agrees(tf_buf_text(&name), all))
            continue;
        g->flags[graph_node(g, stage, i)] |= flags;
        count++;
    }
    tf_buf_free(&name);
    return count;
}

/* "k", "k and j" or "j, k and l"; nothing if there are too many. */
static void list_parameters(const tf_space *space, tf_buf *out) {
    enum { LISTED = 12 };
    const int count = tf_space_params(space);
    for (int p = 0; p < count && count <= LISTED; p++)
        tf_buf_addf(out, "%s%s",
                    p == 0          ? count == 1 ? "; there is " : "; there are "
                    : p + 1 < count ? ", "
                                    : " and ",
                    tf_space_param(space, p)->name);
}

static void diagnose_parameter(tf_diags *diags, const char *target, const tf_stage_spec *stage, const char *name) {
    const int count = tf_space_params(stage->space);
    const char **names = tf_alloc_array((size_t)count, sizeof *names);
    for (int p = 0; p < count; p++)
        names[p] = tf_space_param(stage->space, p)->name;
    const char *near = tf_suggest(name, names, (size_t)count);
    tf_buf list = {0};
    if (near)
        tf_buf_addf(&list, "; did you mean \"%s\"?", near);
    else
        list_parameters(stage->space, &list);
    tf_diags_add(diags, "", TF_DIAG_UNKNOWN_NAME, "%s: stage \"%s\" has no parameter \"%s\"%s", target, stage->name,
                 name, tf_buf_text(&list));
    tf_buf_free(&list);
    free(names);
}

/* Says which of them no task has: a parameter that there is not, or else a value. */
static void diagnose_tasks(tf_graph *g, tf_diags *diags, const char *target, int stage, wanted all) {
    const tf_stage_spec *spec = &g->campaign->stage[stage];
    wanted rest = all;
    for (wanted one; next_of(&rest, &one);) {
        char *text = tf_alloc(one.length + 1), *sign;
        memcpy(text, one.text, one.length);
        text[one.length] = '\0';
        const bool is_told = (sign = strchr(text, '=')) == NULL || flag_tasks(g, stage, one, 0) == 0;
        if (sign)
            *sign = '\0';
        const bool is_parameter = sign && tf_space_find(spec->space, text) >= 0;
        if (!sign)
            tf_diags_add(diags, "", TF_DIAG_BAD_OPTION, "%s: a task is told by its parameters, as in %s[NAME=VALUE]",
                         target, spec->name);
        else if (!is_parameter && is_told)
            diagnose_parameter(diags, target, spec, text);
        else if (is_told)
            tf_diags_add(diags, "", TF_DIAG_UNKNOWN_NAME, "%s: stage \"%s\" has no task with %s=%s", target, spec->name,
                         text, sign + 1);
        free(text);
        if (is_told)
            return;
    }
    tf_diags_add(diags, "", TF_DIAG_UNKNOWN_NAME, "%s: no task of stage \"%s\" has all of these parameters", target,
                 spec->name);
}

static void select_tasks(tf_graph *g, tf_diags *diags, const char *target, int stage) {
    const char *open = strchr(target, '[');
    const wanted all = {open + 1, strlen(open) - 2};
    if (!g->stage[stage].linked)
        tf_diags_add(diags, "", TF_DIAG_BAD_OPTION, "%s: stage \"%s\" has no files: it can be run as a whole", target,
                     g->campaign->stage[stage].name);
    else if (flag_tasks(g, stage, all, SELECTED) == 0)
        diagnose_tasks(g, diags, target, stage, all);
}

void graph_select(tf_graph *g, const char *target, tf_diags *diags) {
    const size_t name = strcspn(target, "["), length = strlen(target);
    const int stage = tf_campaign_stage(g->campaign, target, name);
    if (stage >= 0 && !target[name]) {
        select_stage(g, stage);
    } else if (stage >= 0 && target[length - 1] == ']') {
        select_tasks(g, diags, target, stage);
    } else {
        tf_files_normalize(g->campaign, target, &g->paths.text);
        const uint32_t output = graph_output_around(g, tf_buf_text(&g->paths.text));
        if (output != TF_TABLE_NONE)
            g->flags[g->maker[output]] |= SELECTED;
        else
            tf_diags_add(diags, "", TF_DIAG_UNKNOWN_NAME, "%s: is neither a stage nor the output of a task", target);
    }
}
