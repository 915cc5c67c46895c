/* A statistic as it is written: "mean", "quantile:0.025". */
#include "manifest/statistic.h"

#include <string.h>

/* Form i of a kind; NULL: it has no more. */
static const char *form_of(const statistic_kind *kind, int i) {
    if (i == 0 && !kind->form[0])
        return kind->name;
    return i < STATISTIC_FORMS ? kind->form[i] : NULL;
}

void statistic_list_forms(const statistic_kind *only, tf_buf *out) {
    int count = 0, number = 0;
    for (const statistic_kind *kind = statistic_kinds(); kind->name; kind++)
        for (int i = 0; (!only || only == kind) && form_of(kind, i); i++)
            count++;
    for (const statistic_kind *kind = statistic_kinds(); kind->name; kind++)
        for (int i = 0; (!only || only == kind) && form_of(kind, i); i++)
            tf_buf_add_choice(out, form_of(kind, i), number++, count);
}

/* The kind whose name is the text up to the first colon; NULL: there is none. */
static const statistic_kind *find_kind(const char *text) {
    const size_t length = strcspn(text, ":");
    for (const statistic_kind *kind = statistic_kinds(); kind->name; kind++)
        if (strlen(kind->name) == length && strncmp(kind->name, text, length) == 0)
            return kind;
    return NULL;
}

/* The form of the kind that was probably meant; NULL: no kind is near. */
static const char *suggest_form(struct loader *l, const char *text) {
    int count = 0;
    while (statistic_kinds()[count].name)
        count++;
    const char **names = tf_arena_array(l->arena, (size_t)count, sizeof *names);
    for (int k = 0; k < count; k++)
        names[k] = statistic_kinds()[k].name;
    const char *near = tf_suggest(tf_arena_strndup(l->arena, text, strcspn(text, ":")), names, (size_t)count);
    return near ? form_of(find_kind(near), 0) : NULL;
}

static void diagnose_unknown(struct loader *l, const json_path *where, const char *text) {
    const char *near = suggest_form(l, text);
    tf_buf list = {0};
    statistic_list_forms(NULL, &list);
    if (near)
        diagnose(l->diags, where, TF_DIAG_UNKNOWN_NAME, "there is no statistic \"%s\"; did you mean \"%s\"?", text,
                 near);
    else
        diagnose(l->diags, where, TF_DIAG_UNKNOWN_NAME, "there is no statistic \"%s\"; it must be %s", text,
                 tf_buf_text(&list));
    tf_buf_free(&list);
}

static void diagnose_argument(struct loader *l, const json_path *where, const char *text, const statistic_kind *kind) {
    tf_buf list = {0};
    statistic_list_forms(kind, &list);
    diagnose(l->diags, where, TF_DIAG_BAD_VALUE, "\"%s\" must be %s%s%s", text, tf_buf_text(&list),
             kind->rule ? ", with " : "", kind->rule ? kind->rule : "");
    tf_buf_free(&list);
}

tf_stat_spec statistic_plain(const statistic_kind *kind, int value) {
    const double half = 0.5;
    return (tf_stat_spec){
        .text = kind->name, .kind = kind->made_as ? kind->made_as : kind->name, .value = value, .quantile = half};
}

bool load_statistic(struct loader *l, const json_path *where, const char *text, int value, tf_stat_spec *stat) {
    const statistic_kind *kind = find_kind(text);
    if (!kind) {
        diagnose_unknown(l, where, text);
        return false;
    }
    *stat = statistic_plain(kind, value);
    stat->text = tf_arena_strdup(l->arena, text);
    const char *colon = strchr(text, ':');
    const bool right = kind->parse ? colon && kind->parse(colon + 1, stat) : !colon;
    if (!right)
        diagnose_argument(l, where, text, kind);
    return right;
}
