/* The stages of a manifest: one that takes points or arrays from another is loaded after it. */
#include "manifest/load.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool is_identifier(const char *name) {
    if (!isalpha((unsigned char)*name) && *name != '_')
        return false;
    for (; *name; name++)
        if (!isalnum((unsigned char)*name) && *name != '_')
            return false;
    return true;
}

/* Loads a stage's name. All names come first, so that "after" can name a later stage. */
static void load_stage_name(struct loader *l, const json_path *where, const cJSON *json, tf_stage_spec *stage,
                            tf_table *numbers) {
    json_path here = json_path_key(where, "name");
    const char *name = json_string(l->diags, where, json, "name");
    stage->name = name ? tf_arena_strdup(l->arena, name) : "";
    if (!cJSON_GetObjectItemCaseSensitive(json, "name"))
        diagnose(l->diags, where, TF_DIAG_MISSING_KEY, "needs a \"name\"");
    else if (name && !is_identifier(name))
        diagnose(l->diags, &here, TF_DIAG_BAD_NAME,
                 "\"%s\" is not a stage's name: letters, digits and _, not beginning with a digit", name);
    const uint32_t number = (uint32_t)stage->number;
    if (name && tf_table_add(numbers, name, strlen(name), number) != number)
        diagnose(l->diags, &here, TF_DIAG_NAME_TAKEN, "two stages are called \"%s\"", name);
}

/* The stages of a manifest while they are loaded: one that takes points from another comes after it. */
enum { DEEPEST = 200 }; /* what has not been loaded before, so deep down, is part of a circle */

typedef enum load_mark { NOT_LOADED, LOADING, LOADED, BROKEN } load_mark;

struct stages_json {
    tf_campaign *campaign;
    tf_stage_spec *stage;
    const cJSON **item, *defaults;
    const json_path *stages_path, *defaults_path;
    load_mark *mark;
    bool *seen;             /* what it may take from has been put on the list */
    int *waiting, capacity; /* stages to be loaded, the last one first */
    int waits, depth;
};

/* The stage of which "STAGE.REDUCTION" names a reduction; -1: it names none. */
static int find_reduced(const struct stages_json *all, const char *name) {
    const size_t length = strcspn(name, ".");
    const int s = all && name[length] ? tf_campaign_stage(all->campaign, name, length) : -1;
    if (s < 0)
        return -1;
    const cJSON *own = cJSON_GetObjectItemCaseSensitive(all->item[s], "reduce");
    const cJSON *reduce = own ? own : cJSON_GetObjectItemCaseSensitive(all->defaults, "reduce");
    return cJSON_GetObjectItemCaseSensitive(reduce, name + length + 1) ? s : -1;
}

static void diagnose_after(struct loader *l, const json_path *where, const tf_campaign *campaign, const char *name) {
    const int s = find_reduced(l->stages, name);
    if (s >= 0)
        diagnose(l->diags, where, TF_DIAG_UNKNOWN_NAME,
                 "\"%s\" is a reduction, made at the end of its stage: write \"%s\"", name, campaign->stage[s].name);
    else
        diagnose(l->diags, where, TF_DIAG_UNKNOWN_NAME, "%s", no_such_stage(l, campaign, name));
}

/* Loads the names in "after" as numbers of stages. Returns how many they are. */
static int load_after_names(struct loader *l, const json_path *where, const cJSON *after, const tf_campaign *campaign,
                            int *list) {
    int n = 0, count = 0;
    for (const cJSON *item = after->child; item; item = item->next, n++) {
        json_path here = json_path_index(where, n);
        if (!cJSON_IsString(item)) {
            diagnose(l->diags, &here, TF_DIAG_WRONG_TYPE, "must be a string, not %s", json_kind(item));
            continue;
        }
        int s = tf_campaign_stage(campaign, item->valuestring, strlen(item->valuestring));
        if (s >= 0)
            list[count++] = s;
        else
            diagnose_after(l, &here, campaign, item->valuestring);
    }
    return count;
}

/* Loads "after", and adds the stages whose rows are points of this one or whose columns are its arrays. */
static void load_after(struct loader *l, const stage_json *json, const tf_campaign *campaign, tf_stage_spec *stage) {
    const stage_value member = stage_member(json, "after");
    const cJSON *after = json_array(l->diags, member.up, member.object, "after");
    int sources = stage->space ? tf_space_sources(stage->space) : 0;
    size_t most = (size_t)cJSON_GetArraySize(after) + (size_t)sources + (size_t)stage->arrays;
    int *list = tf_arena_array(l->arena, most, sizeof *list);
    stage->afters = after ? load_after_names(l, &member.where, after, campaign, list) : 0;
    for (int n = 0; n < sources; n++)
        list[stage->afters++] = tf_space_source_at(stage->space, n)->stage;
    for (int a = 0; a < stage->arrays; a++)
        if (stage->array[a].stage >= 0)
            list[stage->afters++] = stage->array[a].stage;
    stage->after = list;
}

static stage_json stage_at(const struct stages_json *all, int s) {
    return (stage_json){.own = all->item[s],
                        .defaults = all->defaults,
                        .own_path = json_path_index(all->stages_path, s),
                        .defaults_path = *all->defaults_path};
}

static void load_stage_once(struct loader *l, int s) {
    struct stages_json *all = l->stages;
    if (all->mark[s] != NOT_LOADED)
        return;
    const stage_json both = stage_at(all, s);
    int before = l->diags->count;
    all->mark[s] = LOADING;
    load_stage(l, &both, &all->stage[s]);
    load_after(l, &both, all->campaign, &all->stage[s]);
    const bool takes_of_broken = !all->stage[s].space; /* of which enough is said there */
    all->mark[s] = l->diags->count > before || takes_of_broken ? BROKEN : LOADED;
}

static void diagnose_needed(struct loader *l, const json_path *where, const char *name) {
    const struct stages_json *all = l->stages;
    const int s = find_reduced(all, name);
    if (!all || s < 0) {
        diagnose(l->diags, where, TF_DIAG_UNKNOWN_NAME, "%s",
                 all ? no_such_stage(l, all->campaign, name)
                     : tf_arena_printf(l->arena, "there is no stage \"%s\"", name));
        return;
    }
    const char *stage = all->campaign->stage[s].name;
    diagnose(l->diags, where, TF_DIAG_UNKNOWN_NAME,
             "\"%s\" is a reduction, and only rows can be taken: write \"%s\" for the rows that it is made of, or "
             "\"after\": [\"%s\"] and have tasks read it, by taskfarm export OUTPUT %s",
             name, stage, stage, name);
}

const tf_stage_spec *load_needed_stage(struct loader *l, const json_path *where, const char *name) {
    struct stages_json *all = l->stages;
    int s = all ? tf_campaign_stage(all->campaign, name, strlen(name)) : -1;
    if (s < 0) {
        diagnose_needed(l, where, name);
        return NULL;
    }
    if (all->mark[s] == LOADING || all->depth > DEEPEST) {
        diagnose(l->diags, where, TF_DIAG_CYCLE, "stage \"%s\" takes its points or arrays from this one", name);
        return NULL;
    }
    all->depth++;
    load_stage_once(l, s);
    all->depth--;
    return all->mark[s] == LOADED ? &all->stage[s] : NULL;
}

static void add_waiting(struct stages_json *all, int s) {
    if (all->waits == all->capacity) {
        all->capacity = all->capacity ? 2 * all->capacity : 16;
        all->waiting = tf_realloc_array(all->waiting, (size_t)all->capacity, sizeof *all->waiting);
    }
    all->waiting[all->waits++] = s;
}

/* Lists the stages that are named by a "from" in there and are not loaded yet. */
static void add_named(struct stages_json *all, const cJSON *json) {
    for (const cJSON *item = json ? json->child : NULL; item; item = item->next) {
        const bool names = item->string && strcmp(item->string, "from") == 0 && cJSON_IsString(item);
        const int s = names ? tf_campaign_stage(all->campaign, item->valuestring, strlen(item->valuestring)) : -1;
        if (s >= 0 && all->mark[s] == NOT_LOADED && !all->seen[s])
            add_waiting(all, s);
        add_named(all, item);
    }
}

/* What a stage takes from is loaded before it, so that a chain of any length needs no deep stack. */
static void load_from_first(struct loader *l, int stage) {
    struct stages_json *all = l->stages;
    add_waiting(all, stage);
    while (all->waits > 0) {
        const int s = all->waiting[all->waits - 1];
        if (all->seen[s] || all->mark[s] != NOT_LOADED) {
            load_stage_once(l, s);
            all->waits--;
            continue;
        }
        const stage_json both = stage_at(all, s);
        all->seen[s] = true;
        add_named(all, stage_member(&both, "over").json);
        add_named(all, stage_member(&both, "arrays").json);
    }
}

void load_stages(struct loader *l, const json_path *root, const cJSON *json, tf_campaign *campaign) {
    const cJSON *list = json_array(l->diags, root, json, "stages");
    const cJSON *defaults = json_object(l->diags, root, json, "defaults");
    json_path defaults_path = json_path_key(root, "defaults"), stages_path = json_path_key(root, "stages");
    if (defaults)
        json_check_keys(l->diags, &defaults_path, defaults, keys_defaults());
    if (!list)
        return;
    int count = cJSON_GetArraySize(list);
    if (count == 0)
        diagnose(l->diags, &stages_path, TF_DIAG_WRONG_LENGTH, "needs at least one stage");
    tf_stage_spec *stage = tf_arena_array(l->arena, (size_t)count, sizeof *stage);
    campaign->stage = stage;
    campaign->stages = count;
    bool objects = true;
    const cJSON **items = tf_alloc_array((size_t)count, sizeof *items), *item = list->child;
    for (int s = 0; s < count; s++, item = item->next) {
        json_path here = json_path_index(&stages_path, s);
        items[s] = item;
        stage[s].number = s;
        stage[s].pointer = tf_arena_printf(l->arena, "/stages/%d", s);
        stage[s].name = "";
        stage[s].streams = first_streams(l, campaign);
        if (cJSON_IsObject(item)) {
            json_check_keys(l->diags, &here, item, keys_stage());
            load_stage_name(l, &here, item, &stage[s], &campaign->stage_number);
        } else {
            diagnose(l->diags, &here, TF_DIAG_WRONG_TYPE, "must be an object, not %s", json_kind(item));
            objects = false;
        }
    }
    struct stages_json all = {.campaign = campaign,
                              .stage = stage,
                              .item = items,
                              .defaults = defaults,
                              .stages_path = &stages_path,
                              .defaults_path = &defaults_path,
                              .mark = tf_alloc_array((size_t)count, sizeof *all.mark),
                              .seen = tf_alloc_array((size_t)count, sizeof *all.seen)};
    l->stages = &all;
    for (int s = 0; objects && s < count; s++)
        load_from_first(l, s);
    l->stages = NULL;
    free(all.mark);
    free(all.seen);
    free(all.waiting);
    free(items);
}

void tf_single_stage_name(const char *campaign, tf_buf *out) {
    if (isdigit((unsigned char)*campaign))
        tf_buf_addc(out, '_');
    for (const char *c = campaign; *c; c++)
        tf_buf_addc(out, isalnum((unsigned char)*c) ? *c : '_');
}

void load_single(struct loader *l, const json_path *root, const cJSON *json, tf_campaign *campaign) {
    tf_buf name = {0};
    tf_single_stage_name(campaign->name, &name);
    tf_stage_spec *stage = tf_arena_alloc(l->arena, sizeof *stage);
    stage->name = tf_arena_strdup(l->arena, tf_buf_text(&name));
    tf_buf_free(&name);
    stage->pointer = tf_arena_strdup(l->arena, "");
    stage->streams = first_streams(l, campaign);
    campaign->stage = stage;
    campaign->stages = 1;
    stage_json only = {.own = json, .own_path = *root};
    load_stage(l, &only, stage);
    load_after(l, &only, campaign, stage);
}
