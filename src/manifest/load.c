/* The campaign: its own members, and what is read for them. */
#include "manifest/load.h"
#include "manifest/relaxed.h"

#include <stdlib.h>
#include <string.h>

/* The manifest's file name without .json. */
static const char *default_name(tf_arena *arena, const char *path) {
    const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    size_t length = strlen(base);
    if (length > 5 && strcmp(base + length - 5, ".json") == 0)
        length -= 5;
    return tf_arena_strndup(arena, base, length);
}

/* A campaign's name becomes that of a file, and stands in lines that people read. */
static void check_campaign_name(struct loader *l, const json_path *root, const char *name) {
    const json_path here = json_path_key(root, "name");
    bool has_controls = false;
    for (const char *c = name; *c; c++)
        has_controls = has_controls || (unsigned char)*c < 0x20 || *c == 0x7F;
    if (*name == '\0' || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        diagnose(l->diags, &here, TF_DIAG_BAD_NAME, "must not be empty, \".\" or \"..\", or contain /");
    else if (has_controls)
        diagnose(l->diags, &here, TF_DIAG_BAD_NAME, "must not contain ends of lines or other control characters");
}

static uint64_t load_seed(struct loader *l, const json_path *root, const cJSON *json, const char *option) {
    uint64_t seed = 0;
    if (option) {
        if (!tf_parse_uint(option, &seed))
            tf_diags_add(l->diags, "", TF_DIAG_BAD_OPTION,
                         "--seed %s: must be an integer from 0 to 18446744073709551615", option);
        return seed;
    }
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(json, "seed");
    json_path here = json_path_key(root, "seed");
    if (value && (!cJSON_IsNumber(value) || json_store(value, TF_UINT64, &seed) != TF_FITS))
        diagnose(l->diags, &here, json_int_mistake(value), "must be an integer from 0 to 18446744073709551615");
    return seed;
}

/* Reads --retries. -1: it is not given. */
static int load_retries_option(struct loader *l, const char *option) {
    int64_t retries = -1;
    if (option && (!tf_parse_int(option, &retries) || retries < 0 || retries > TF_MAX_RETRIES))
        tf_diags_add(l->diags, "", TF_DIAG_BAD_OPTION, "--retries %s: must be an integer from 0 to %d", option,
                     TF_MAX_RETRIES);
    return (int)retries;
}

/* Checks the keys at the top: the manifest's own, and those of its stage if it is a single one. */
static void check_top(struct loader *l, const json_path *root, const cJSON *json, bool single, bool stages) {
    json_check_keys(l->diags, root, json, keys_top());
    for (const cJSON *member = json->child; member && single != stages; member = member->next) {
        json_path here = json_path_key(root, member->string);
        if (stages && json_keys_have(keys_defaults(), member->string))
            diagnose(l->diags, &here, TF_DIAG_MISPLACED_KEY,
                     "\"%s\" belongs in a stage, or in \"defaults\" for all stages", member->string);
        else if (single && strcmp(member->string, "defaults") == 0)
            diagnose(l->diags, &here, TF_DIAG_MISPLACED_KEY,
                     "\"defaults\" goes with \"stages\"; here the stage's keys stand at the top");
    }
}

static void load_record_env(struct loader *l, const json_path *root, const cJSON *json, tf_campaign *campaign) {
    const cJSON *list = json_array(l->diags, root, json, "record_env");
    const char **names = tf_arena_array(l->arena, (size_t)cJSON_GetArraySize(list), sizeof *names);
    json_path here = json_path_key(root, "record_env");
    for (const cJSON *item = list ? list->child : NULL; item; item = item->next) {
        json_path there = json_path_index(&here, campaign->record_envs);
        if (!cJSON_IsString(item))
            diagnose(l->diags, &there, TF_DIAG_WRONG_TYPE, "must be a string, not %s", json_kind(item));
        else if (*item->valuestring == '\0' || strchr(item->valuestring, '='))
            diagnose(l->diags, &there, TF_DIAG_BAD_NAME, "\"%s\" can't be the name of an environment variable",
                     item->valuestring);
        names[campaign->record_envs++] = cJSON_IsString(item) ? tf_arena_strdup(l->arena, item->valuestring) : "";
    }
    campaign->record_env = names;
}

/* Whatever is there. */
static bool names_folder(const char *path) {
    const char *slash = strrchr(path, '/'), *last = slash ? slash + 1 : path;
    return *last == '\0' || strcmp(last, ".") == 0 || strcmp(last, "..") == 0;
}

static void load_campaign(struct loader *l, const tf_load_options *options, const cJSON *json, tf_campaign *campaign) {
    const json_path root = {0};
    const int before = l->diags->count;
    if (!cJSON_IsObject(json)) {
        diagnose(l->diags, &root, TF_DIAG_WRONG_TYPE, "a manifest must be an object, not %s", json_kind(json));
        return;
    }
    bool single = cJSON_GetObjectItemCaseSensitive(json, "run") != NULL;
    bool stages = cJSON_GetObjectItemCaseSensitive(json, "stages") != NULL;
    check_top(l, &root, json, single, stages);
    const char *name = json_string(l->diags, &root, json, "name");
    campaign->name = name ? tf_arena_strdup(l->arena, name) : default_name(l->arena, options->path);
    if (options->is_piped && !cJSON_GetObjectItemCaseSensitive(json, "name"))
        diagnose(l->diags, &root, TF_DIAG_MISSING_KEY,
                 "needs a \"name\": it comes from a pipe, and has no file's name that the campaign could have");
    check_campaign_name(l, &root, campaign->name);
    load_record_env(l, &root, json, campaign);
    load_hints(l, &root, json, campaign);
    load_variables(l, &root, json);
    for (int i = 0; i < options->sets; i++)
        set_variable(l, options->set[i]);
    campaign->seed = load_seed(l, &root, json, options->seed);
    l->retries = load_retries_option(l, options->retries);
    const char *output = json_string(l->diags, &root, json, "output");
    json_path output_path = json_path_key(&root, "output");
    if (options->output)
        campaign->output = tf_arena_strdup(l->arena, options->output);
    else if (output)
        campaign->output = constant_text(l, &output_path, output);
    else
        campaign->output = tf_arena_printf(l->arena, "%s.h5", campaign->name);
    if (*campaign->output == '\0')
        diagnose(l->diags, &output_path, TF_DIAG_BAD_PATH, "must not be empty");
    else if (names_folder(campaign->output))
        diagnose(l->diags, &output_path, TF_DIAG_BAD_PATH, "must name a file; %s is a folder", campaign->output);
    if (single && stages)
        diagnose(l->diags, &root, TF_DIAG_CONFLICT,
                 "\"run\" and \"stages\" can't both be there: a manifest is one stage or a list of them");
    else if (single)
        load_single(l, &root, json, campaign);
    else if (stages)
        load_stages(l, &root, json, campaign);
    else
        diagnose(l->diags, &root, TF_DIAG_MISSING_KEY, "needs \"stages\", or \"run\" for a single stage");
    if (l->diags->count == before)
        check_sizes(l, campaign);
    if (l->diags->count == before)
        resolve_files(l, campaign);
}

/* ---- What is read ---- */

/* A source that lists what it is asked to read. */
typedef struct lister {
    tf_source source;
    tf_source *below; /* what it reads from */
    tf_arena *arena;
    const char **path;
    int count, capacity;
} lister;

/* The lister that a source is a member of. */
static lister *lister_of(tf_source *self) {
    return (lister *)(void *)((char *)self - offsetof(lister, source));
}

static void list_path(lister *list, const char *path) {
    if (list->count == list->capacity) { /* the old list stays in the arena */
        list->capacity = list->capacity ? 2 * list->capacity : 8;
        const char **more = tf_arena_array(list->arena, (size_t)list->capacity, sizeof *more);
        for (int i = 0; i < list->count; i++)
            more[i] = list->path[i];
        list->path = more;
    }
    list->path[list->count++] = tf_arena_strdup(list->arena, path);
}

static int list_read(tf_source *self, const char *path, tf_buf *out) {
    lister *list = lister_of(self);
    list_path(list, path);
    return list->below->read(list->below, path, out);
}

static int list_glob(tf_source *self, const char *pattern, tf_buf *out) {
    const lister *list = lister_of(self);
    return list->below->glob(list->below, pattern, out);
}

static int list_scan(tf_source *self, const char *path, int64_t batch, int64_t before, tf_buf *out) {
    lister *list = lister_of(self);
    list_path(list, path);
    return list->below->scan(list->below, path, batch, before, out);
}

/* ---- The whole ---- */

tf_campaign *tf_campaign_load(const tf_load_options *options, tf_source *source, tf_diags *diags) {
    enum { LARGEST = 256 << 20 }; /* bytes */
    int before = diags->count;
    tf_buf text = {0};
    tf_arena *arena = tf_arena_new();
    lister list = {.source = {.read = list_read, .glob = list_glob, .scan = source->scan ? list_scan : NULL},
                   .below = source,
                   .arena = arena};
    int failure = list.source.read(&list.source, options->path, &text);
    if (failure)
        tf_diags_add(diags, "", tf_diag_of_read(failure), "%s", tf_read_failure(failure));
    else if (text.length > LARGEST)
        tf_diags_add(diags, "", TF_DIAG_TOO_LARGE, "is larger than 256 MB: lists belong into tables that it names");
    if (diags->count > before) {
        tf_buf_free(&text);
        tf_arena_free(arena);
        return NULL;
    }
    tf_campaign *campaign = tf_arena_alloc(arena, sizeof *campaign);
    campaign->arena = arena;
    campaign->written = tf_arena_strndup(arena, tf_buf_text(&text), text.length);
    relaxed_blank(text.data, text.length);
    campaign->text = tf_arena_strndup(arena, tf_buf_text(&text), text.length);
    campaign->workdir = tf_arena_strdup(arena, options->workdir);
    campaign->keep_incomplete = options->keep_incomplete;
    campaign->latency = options->latency;
    struct loader loader = {.arena = arena,
                            .diags = diags,
                            .source = &list.source,
                            .workdir = campaign->workdir,
                            .need_stage = load_needed_stage};
    cJSON *json = json_parse(diags, campaign->text, campaign->written, text.length);
    if (json)
        load_campaign(&loader, options, json, campaign);
    cJSON_Delete(json);
    tf_buf_free(&text);
    campaign->read = list.path;
    campaign->reads = list.count;
    if (diags->count == before)
        return campaign;
    tf_campaign_free(campaign);
    return NULL;
}

void tf_campaign_free(tf_campaign *campaign) {
    if (!campaign)
        return;
    for (int s = 0; s < campaign->stages; s++)
        for (int i = 0; i < campaign->stage[s].inputs; i++)
            free_lists(&campaign->stage[s].input[i]);
    tf_links_free(&campaign->links);
    tf_table_free(&campaign->stage_number);
    tf_arena_free(campaign->arena);
}
