/* A task told without its campaign (stand_in.h): by a manifest of its stage alone, whose points are all this task's. So
 * its index and its seed are what they were. */
#include "report/stand_in.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

/* ---- The manifest ---- */

/* The manifest alone, and nothing that it names. */
typedef struct text_source {
    tf_source source;
    const char *path, *text;
} text_source;

static int read_text(tf_source *self, const char *path, tf_buf *out) {
    const text_source *s = (const text_source *)(const void *)self;
    if (strcmp(path, s->path) != 0)
        return TF_READ_UNTRUSTED;
    tf_buf_adds(out, s->text);
    return 0;
}

static int find_nothing(tf_source *self, const char *pattern, tf_buf *out) {
    (void)self, (void)pattern, (void)out;
    return TF_READ_UNTRUSTED;
}

static const cJSON *find_stage(const cJSON *manifest, const char *name) {
    const cJSON *stages = cJSON_GetObjectItemCaseSensitive(manifest, "stages");
    if (!stages)
        return manifest;
    for (const cJSON *stage = stages->child; stage; stage = stage->next) {
        const char *its = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(stage, "name"));
        if (its && strcmp(its, name) == 0)
            return stage;
    }
    return NULL;
}

/* Adds a member that says what tasks run, or which files they have. */
static cJSON *copy_member(cJSON *stage, const cJSON *own, const cJSON *defaults, const char *key) {
    const cJSON *its = cJSON_GetObjectItemCaseSensitive(own, key);
    if (!its)
        its = cJSON_GetObjectItemCaseSensitive(defaults, key);
    cJSON *copy = its ? cJSON_Duplicate(its, true) : NULL;
    if (copy)
        cJSON_AddItemToObject(stage, key, copy);
    return copy;
}

static bool must_be_looked_for(const cJSON *entry) {
    return cJSON_HasObjectItem(entry, "glob") || cJSON_HasObjectItem(entry, "outputs_of");
}

/* Replaces entries that must be looked for by the text of their placeholder. true: there are some. */
static bool name_entries(cJSON *entries, const char *name) {
    bool any = false;
    for (cJSON *entry = entries->child, *next; entry; entry = next) {
        tf_buf own = {0};
        next = entry->next;
        tf_buf_addf(&own, entry->string ? "%s.%s" : "%s", name, entry->string);
        if (must_be_looked_for(entry)) {
            tf_buf text = {0};
            tf_buf_addf(&text, "{{%s}}", tf_buf_text(&own));
            cJSON *literal = cJSON_CreateString(tf_buf_text(&text));
            if (entry->string)
                cJSON_ReplaceItemInObjectCaseSensitive(entries, entry->string, literal);
            else
                cJSON_ReplaceItemViaPointer(entries, entry, literal);
            tf_buf_free(&text);
            any = true;
        } else if (cJSON_IsArray(entry)) {
            any = name_entries(entry, tf_buf_text(&own)) || any;
        }
        tf_buf_free(&own);
    }
    return any;
}

static bool name_inputs(cJSON *stage, cJSON *inputs) {
    if (!inputs)
        return false;
    if (!must_be_looked_for(inputs))
        return name_entries(inputs, "inputs");
    cJSON_ReplaceItemInObjectCaseSensitive(stage, "inputs", cJSON_CreateString("{{inputs}}"));
    return true;
}

/* An axis of one value for each parameter, and one of as many as there are tasks, which nothing else uses. */
static cJSON *make_over(view *v, const view_values *values, bool *lacks) {
    cJSON *over = cJSON_CreateObject(), *range = cJSON_CreateObject(), *size = cJSON_CreateArray();
    for (int f = 0; f < view_fields(v); f++) {
        const tf_field *field = view_field(v, f);
        tf_buf text = {0};
        if (field->kind != TF_FIELD_PARAM || field->grid)
            continue;
        const bool known = values[f].field && view_is_known(&values[f], 0);
        tf_buf_addc(&text, '[');
        if (known)
            view_add_json(&values[f], 0, &text);
        else
            tf_buf_addf(&text, "\"{%s}\"", field->name);
        tf_buf_addc(&text, ']');
        *lacks = *lacks || !known;
        cJSON_AddRawToObject(over, field->name, tf_buf_text(&text));
        tf_buf_free(&text);
    }
    cJSON_AddItemToArray(size, cJSON_CreateNumber((double)view_tasks(v)));
    cJSON_AddItemToObject(range, "range", size);
    cJSON_AddItemToObject(over, "task of the output", range);
    return over;
}

/* The manifest's text; NULL: the output's is none. The caller frees it by cJSON_free. */
static char *make_manifest(const tf_recalled *from, view *v, int stage, const view_values *values,
                           stand_in_gaps *gaps) {
    cJSON *manifest = cJSON_Parse(tf_reader_text(from->reader, "manifest"));
    const cJSON *own = find_stage(manifest, tf_reader_stage(from->reader, stage));
    const cJSON *variables = cJSON_GetObjectItemCaseSensitive(manifest, "variables");
    const cJSON *defaults = cJSON_GetObjectItemCaseSensitive(manifest, "defaults");
    char *text = NULL;
    if (own) {
        cJSON *made = cJSON_CreateObject(), *its = cJSON_CreateObject();
        if (variables)
            cJSON_AddItemToObject(made, "variables", cJSON_Duplicate(variables, true));
        cJSON_AddItemToArray(cJSON_AddArrayToObject(made, "stages"), its);
        cJSON_AddStringToObject(its, "name", tf_reader_stage(from->reader, stage));
        cJSON_AddItemToObject(its, "over", make_over(v, values, &gaps->params));
        copy_member(its, own, defaults, "run");
        copy_member(its, own, defaults, "outputs");
        gaps->inputs = name_inputs(its, copy_member(its, own, defaults, "inputs"));
        text = cJSON_PrintUnformatted(made);
        cJSON_Delete(made);
    }
    cJSON_Delete(manifest);
    return text;
}

/* ---- The task ---- */

typedef struct told {
    const tf_stage_spec *spec;
    void (*tell)(void *context, const tf_stage_spec *spec, const tf_point *point);
    void *context;
    bool any;
} told;

static void tell_point(void *context, const tf_point *point) {
    told *t = context;
    t->any = true;
    t->tell(t->context, t->spec, point);
}

bool stand_in_tell(const tf_recalled *from, view *v, int stage, int64_t index, const view_values *values,
                   void (*tell)(void *context, const tf_stage_spec *spec, const tf_point *point), void *context,
                   stand_in_gaps *gaps) {
    *gaps = (stand_in_gaps){0};
    char *text = from->with ? make_manifest(from, v, stage, values, gaps) : NULL;
    if (!text)
        return false;
    text_source source = {.source = {.read = read_text, .glob = find_nothing}, .path = from->with->path, .text = text};
    tf_diags diags = {.file = from->with->display};
    tf_campaign *campaign = tf_campaign_load(from->with, &source.source, &diags);
    told t = {.tell = tell, .context = context};
    tf_interval task = {index, index + 1};
    tf_error ignored;
    if (campaign) {
        t.spec = &campaign->stage[0];
        tf_stage_set_round(t.spec, campaign->seed, tf_fingerprint_round(tf_reader_fingerprint(from->reader, stage)));
        tf_host_tell_points(campaign, 0, &(tf_intervals){.items = &task, .count = 1, .total = 1}, NULL, tell_point, &t,
                            &ignored);
    }
    tf_campaign_free(campaign);
    tf_diags_free(&diags);
    cJSON_free(text);
    return t.any;
}
