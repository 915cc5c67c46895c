/* What a stage's rows depend on, as it was when they were made and as it is now: the fingerprints are compared, and
 * what differs is said in words. */
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "store/resume/plan.h"

const char *plan_fingerprint(const tf_store_plan *plan, int stage) {
    return plan->start.fingerprints.data + plan->start.fingerprint_at[stage];
}

static const char *part_of(const cJSON *fingerprint, const char *key) {
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(fingerprint, key));
    return text ? text : "";
}

static const struct {
    const char *key, *what;
    bool shown; /* both values are worth showing */
    bool form;  /* rows have another form */
    bool added; /* outputs of before do not have it: then it is not known */
    bool apart; /* it changes by itself, and not with what stands above it */
    bool types; /* it is the types of columns: not known while a task is to tell them, and they may become wider */
} parts[] = {
    {.key = "run", .what = "\"run\"", .shown = true, .apart = true},
    {.key = "kind", .what = "the kind of its run", .shown = true, .added = true},
    {.key = "common", .what = "\"common\"", .shown = true, .apart = true},
    {.key = "where", .what = "\"where\"", .shown = true, .apart = true},
    {.key = "results", .what = "\"results\"", .shown = true, .form = true, .apart = true, .types = true},
    {.key = "parameters", .what = "its parameters", .shown = true, .form = true, .apart = true},
    {.key = "points_of", .what = "the stage that its points come from", .shown = true, .added = true},
    {.key = "arrays", .what = "\"arrays\"", .shown = true, .apart = true},
    {.key = "files", .what = "the names of its files", .shown = true, .added = true, .apart = true},
    {.key = "seed", .what = "the seed", .shown = true, .apart = true},
    {.key = "record", .what = "\"record\"", .shown = true, .form = true},
};

bool plan_may_drop(const tf_store_plan *plan, int stage) {
    return plan->allows_change || tf_stage_has_files(&plan->campaign->stage[stage]);
}

static void add_value(tf_buf *out, const cJSON *value) {
    char *text = value ? cJSON_PrintUnformatted(value) : NULL;
    tf_buf_addf(out, "%.200s", text ? text : "nothing");
    cJSON_free(text);
}

static bool is_other(const cJSON *value, const cJSON *in) {
    return !cJSON_Compare(value, cJSON_GetObjectItemCaseSensitive(in, value->string), true);
}

/* Cells of a table may be taken for numbers or for texts: the manifest can say which. */
static void add_way_back(tf_buf *out, const char *name, const cJSON *then, const cJSON *now) {
    const char *a = cJSON_GetStringValue(then), *b = cJSON_GetStringValue(now);
    if (a && b && (strcmp(a, "string") == 0 || strcmp(b, "string") == 0))
        tf_buf_addf(out, "; \"types\": {\"%s\": \"%s\"} beside a csv keeps it", name, a);
}

static void add_member(tf_buf *out, const char *key, const char *name, const cJSON *then, const cJSON *now) {
    tf_buf_addf(out, "%s: was ", name);
    add_value(out, then);
    tf_buf_adds(out, ", now ");
    add_value(out, now);
    if (strcmp(key, "parameters") == 0)
        add_way_back(out, name, then, now);
}

/* Of two objects the first members that differ, of which there may be thousands: those that are gone come first.
 * false: all are the same. */
static bool add_members(tf_buf *out, const char *key, const cJSON *then, const cJSON *now) {
    enum { TOLD = 3 };
    int told = 0;
    for (const cJSON *a = then->child; a && told <= TOLD; a = a->next)
        if (!cJSON_HasObjectItem(now, a->string) && told++ < TOLD) {
            tf_buf_adds(out, told == 1 ? " (" : "; ");
            add_member(out, key, a->string, a, NULL);
        }
    for (const cJSON *b = now->child; b && told <= TOLD; b = b->next)
        if (is_other(b, then) && told++ < TOLD) {
            tf_buf_adds(out, told == 1 ? " (" : "; ");
            add_member(out, key, b->string, cJSON_GetObjectItemCaseSensitive(then, b->string), b);
        }
    if (told > 0)
        tf_buf_adds(out, told > TOLD ? "; ...)" : ")");
    return told > 0;
}

static void add_difference(tf_buf *out, const char *key, const char *then_text, const char *now_text) {
    cJSON *then = cJSON_Parse(then_text), *now = cJSON_Parse(now_text);
    if (!cJSON_IsObject(then) || !cJSON_IsObject(now) || !add_members(out, key, then, now))
        tf_buf_addf(out, " (was %.200s, now %.200s)", *then_text ? then_text : "nothing",
                    *now_text ? now_text : "nothing");
    cJSON_Delete(then);
    cJSON_Delete(now);
}

/* The first thing that has changed is told in full. Of others it is told that they have, and of parameters which: axes
 * have other names, and so has what is put into a command. */
static void add_change(tf_buf *out, size_t part, const char *then, const char *now) {
    const bool first = out->length == 0, is_parameters = strcmp(parts[part].key, "parameters") == 0;
    if (!first && !parts[part].apart)
        return;
    tf_buf_addf(out, first ? "%s changed since its rows were made" : "; %s changed, too", parts[part].what);
    if (parts[part].shown && (first || is_parameters))
        add_difference(out, parts[part].key, then, now);
}

/* The names of a stage's outputs, as they are written: what stands for other files is not the same output. */
static cJSON *outputs_of(const cJSON *fingerprint) {
    cJSON *files = cJSON_Parse(part_of(fingerprint, "files")), *outputs = cJSON_CreateArray();
    for (const cJSON *item = files ? files->child : NULL; item; item = item->next)
        if (cJSON_IsArray(item)) /* others are inputs; the first of its elements is what the manifest calls it */
            cJSON_AddItemToArray(outputs, cJSON_Duplicate(cJSON_GetArrayItem(item, 1), true));
    cJSON_Delete(files);
    return outputs;
}

static bool have_other_outputs(const cJSON *then, const cJSON *now) {
    cJSON *a = outputs_of(then), *b = outputs_of(now);
    const bool others = !cJSON_Compare(a, b, true);
    cJSON_Delete(a);
    cJSON_Delete(b);
    return others;
}

/* Was the space of then the first so many points of this one? */
static bool is_first_part(const cJSON *then, const tf_space *space, int64_t points) {
    char hash[20];
    uint64_t now = tf_space_hash(space, points);
    snprintf(hash, sizeof hash, "%016" PRIx64, now);
    return now != 0 && strcmp(hash, part_of(then, "space")) == 0;
}

void plan_compare(const tf_store_plan *plan, int stage) {
    plan_stage *ps = &plan->stage[stage];
    const char *now_text = plan_fingerprint(plan, stage);
    const bool is_untyped = plan->campaign->stage[stage].untyped;
    cJSON *then = cJSON_Parse(ps->old->fingerprint), *now = cJSON_Parse(now_text);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const char *a = part_of(then, parts[i].key), *b = part_of(now, parts[i].key);
        if (strcmp(a, b) == 0 || (parts[i].added && !*a))
            continue;
        if (parts[i].types && (is_untyped || plan_find_wider(plan, stage, a, b)))
            continue;
        ps->unusable = ps->unusable || parts[i].form;
        add_change(&ps->changed, i, a, b);
    }
    ps->dropped = ps->unusable;
    ps->other_outputs = have_other_outputs(then, now);
    ps->other_points = strcmp(part_of(then, "space"), part_of(now, "space")) != 0 &&
                       !is_first_part(then, plan->campaign->stage[stage].space, ps->old->tasks);
    cJSON_DeleteItemFromObjectCaseSensitive(then, "code"); /* it was there once, and is no matter of the layout */
    char *layout = cJSON_PrintUnformatted(then);
    ps->moves = !layout || strcmp(layout, now_text) != 0;
    cJSON_free(layout);
    cJSON_Delete(then);
    cJSON_Delete(now);
}

tf_err plan_refuse_change(const tf_store_plan *plan, const char *path, int stage, tf_error *error) {
    return tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_CAMPAIGN_CHANGED,
                           "%s: stage \"%s\": %s; --rerun code runs it anew, --fresh sets the old output aside and "
                           "starts anew, --output leaves it where it is",
                           path, plan->campaign->stage[stage].name, tf_buf_text(&plan->stage[stage].changed));
}
