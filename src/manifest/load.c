/* The campaign: its own members, its variables, and its stages with their defaults. */
#include "manifest/load.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---- Variables ---- */

static void load_variables(struct loader *l, const at *root, const cJSON *json) {
    const cJSON *variables = json_object(l->diags, root, json, "variables");
    if (!variables)
        return;
    at where = at_key(root, "variables");
    l->variable = tf_arena_array(l->arena, (size_t)cJSON_GetArraySize(variables), sizeof *l->variable);
    for (const cJSON *item = variables->child; item; item = item->next) {
        at here = at_key(&where, item->string);
        check_param_name(l, &here, "variable", item->string);
        variable *v = &l->variable[l->variables++];
        *v = (variable){.name = tf_arena_strdup(l->arena, item->string), .type = TF_STRING, .text = ""};
        if (cJSON_IsString(item)) {
            v->text = tf_arena_strdup(l->arena, item->valuestring);
        } else if (cJSON_IsNumber(item)) {
            v->type = json_int(item, &v->integer) ? TF_INT64 : TF_FLOAT64;
            v->number = item->valuedouble;
            if (v->type == TF_FLOAT64 && tf_is_digits(json_number_text(item), strlen(json_number_text(item))))
                complain(l->diags, &here, BEYOND_INT64, json_number_text(item));
        } else if (cJSON_IsBool(item)) {
            v->type = TF_BOOL;
            v->number = cJSON_IsTrue(item);
        } else {
            complain(l->diags, &here, "must be a string, a number, true or false, not %s", json_kind(item));
        }
    }
}

/* --set NAME=VALUE: the value keeps the type that the manifest gives it; an integer may become a number. */
static void set_variable(struct loader *l, const char *setting) {
    const char *equals = strchr(setting, '=');
    if (!equals || equals == setting) {
        tf_diags_add(l->diags, "", "--set %s: must be NAME=VALUE", setting);
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
                tf_diags_add(l->diags, "", "--set %s: must be true or false", setting);
            v->number = *value == 't';
        } else if (!tf_parse_double(value, &v->number)) {
            tf_diags_add(l->diags, "", "--set %s: \"%s\" is not a number", setting, value);
        } else {
            v->type = tf_parse_int(value, &v->integer) ? TF_INT64 : TF_FLOAT64;
            if (v->type == TF_FLOAT64 && tf_is_digits(value, strlen(value)))
                tf_diags_add(l->diags, "", "--set %.*s: " BEYOND_INT64, (int)length, setting, value);
        }
        return;
    }
    const char **known = tf_arena_array(l->arena, (size_t)l->variables + 1, sizeof *known);
    for (int i = 0; i < l->variables; i++)
        known[i] = l->variable[i].name;
    const char *near = tf_suggest(tf_arena_strndup(l->arena, setting, length), known, (size_t)l->variables);
    tf_diags_add(l->diags, "", "--set %s: the manifest has no variable \"%.*s\"%s%s%s", setting, (int)length, setting,
                 near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

/* ---- Stages ---- */

static bool is_identifier(const char *name) {
    if (!isalpha((unsigned char)*name) && *name != '_')
        return false;
    for (; *name; name++)
        if (!isalnum((unsigned char)*name) && *name != '_')
            return false;
    return true;
}

/* "where" of the stage, and of its axes of rows. */
static void load_wheres(struct loader *l, const stage_json *json, const at *over, tf_stage_spec *stage) {
    const cJSON *object;
    const at *where;
    const char *own =
        stage_member(json, "where", &object, &where) ? json_string(l->diags, where, object, "where") : NULL;
    if (!stage->space)
        return;
    int sources = tf_space_sources(stage->space);
    expr_name *name = tf_arena_array(l->arena, (size_t)tf_space_params(stage->space), sizeof *name);
    expr_names names = param_names(stage->space, name);
    const tf_expr **list = tf_arena_array(l->arena, (size_t)sources + 1, sizeof(tf_expr *));
    for (int n = 0; n < sources; n++) {
        const char *source = tf_space_source_at(stage->space, n)->where;
        if (source)
            list[stage->wheres++] = load_expr(l, over, source, &names);
    }
    at here = at_key(where, "where");
    if (own)
        list[stage->wheres++] = load_expr(l, &here, own, &names);
    stage->where = list;
}

static void check_not_array(struct loader *l, const at *where, const tf_stage_spec *stage, const char *column) {
    at here = at_key(where, column);
    int a = 0;
    while (a < stage->arrays && strcmp(stage->array[a].name, column) != 0)
        a++;
    if (a < stage->arrays)
        complain(l->diags, &here, "\"%s\" is the name of an array already", column);
}

static void load_stage(struct loader *l, const stage_json *json, tf_stage_spec *stage) {
    const cJSON *object;
    const at *where;
    int before = l->diags->count;
    const cJSON *over = stage_member(json, "over", &object, &where);
    at at_over = at_key(where, "over");
    const tf_found *others = l->found; /* of a stage that needs this one */
    l->found = NULL;
    stage->space = load_space(l, &at_over, over);
    stage->found = l->found;
    l->found = others;
    if (stage->space) {
        for (int i = 0; i < l->variables; i++)
            if (tf_space_find(stage->space, l->variable[i].name) >= 0)
                complain(l->diags, &at_over, "\"%s\" is a variable and a parameter; one needs another name",
                         l->variable[i].name);
    }
    if (l->diags->count > before)
        stage->space = NULL; /* what follows is checked all the same, as far as that goes */

    load_files(l, json, stage);
    load_arrays(l, json, stage);
    if (stage->space && tf_space_sources(stage->space) && tf_stage_has_files(stage))
        complain(l->diags, &at_over, "a stage with files can't take its points from another stage's rows");
    if (stage->space && tf_stage_has_files(stage) && tf_space_size(stage->space) > TF_MOST_FILE_TASKS)
        complain(l->diags, &at_over, "a stage with files has at most %d tasks", TF_MOST_FILE_TASKS);
    if (stage->space && tf_files_know_log(stage) && tf_space_size(stage->space) > TF_MOST_FILE_TASKS)
        complain(l->diags, &at_over, "a stage with a \"log\" has at most %d tasks", TF_MOST_FILE_TASKS);
    const cJSON *run = stage_member(json, "run", &object, &where);
    at at_run = at_key(where, "run");
    known_names scope = {.stage = stage->name, .space = stage->space, .files = stage};
    bool command = cJSON_GetObjectItemCaseSensitive(run, "command") != NULL;
    if (!run)
        complain(l->diags, &json->own_at, "needs a \"run\"");
    else if (!cJSON_IsObject(run))
        complain(l->diags, &at_run, "must be an object, not %s", json_kind(run));
    else
        load_run(l, &at_run, run, &scope, &stage->run);
    const cJSON *results = stage_member(json, "results", &object, &where);
    at at_results = at_key(where, "results");
    if (results)
        load_columns(l, &at_results, results, &scope, command, stage);
    for (int c = 0; c < stage->columns; c++)
        check_not_array(l, &at_results, stage, stage->column[c].name);
    load_exprs(l, &at_run, run, stage);
    load_wheres(l, json, &at_over, stage);
    load_reductions(l, json, stage);
    load_until(l, json, stage);
    load_handling(l, json, stage);
    if (stage->log && !tf_run_is_command(&stage->run))
        complain(l->diags, &json->own_at,
                 "\"log\" goes with a command; what a function or a service logs is in its stderr");
}

/* Names first, so that "after" can name a later stage. */
static void load_stage_name(struct loader *l, const at *where, const cJSON *json, tf_stage_spec *stage,
                            const tf_stage_spec *earlier, int count) {
    at here = at_key(where, "name");
    const char *name = json_string(l->diags, where, json, "name");
    stage->name = name ? tf_arena_strdup(l->arena, name) : "";
    if (!cJSON_GetObjectItemCaseSensitive(json, "name"))
        complain(l->diags, where, "needs a \"name\"");
    else if (name && !is_identifier(name))
        complain(l->diags, &here, "\"%s\" is not a stage's name: letters, digits and _, not beginning with a digit",
                 name);
    for (int i = 0; name && i < count; i++)
        if (strcmp(earlier[i].name, name) == 0)
            complain(l->diags, &here, "two stages are called \"%s\"", name);
}

/* Names of stages, in "after". */
static int load_after_names(struct loader *l, const at *where, const cJSON *after, const tf_campaign *campaign,
                            int *list) {
    int n = 0, count = 0;
    for (const cJSON *item = after->child; item; item = item->next, n++) {
        at here = at_index(where, n);
        if (!cJSON_IsString(item)) {
            complain(l->diags, &here, "must be a string, not %s", json_kind(item));
            continue;
        }
        int s = tf_campaign_stage(campaign, item->valuestring, strlen(item->valuestring));
        if (s >= 0)
            list[count++] = s;
        else
            complain(l->diags, &here, "%s", no_such_stage(l, campaign, item->valuestring));
    }
    return count;
}

/* "after", and the stages whose rows are points of this one, or whose columns its arrays. */
static void load_after(struct loader *l, const stage_json *json, const tf_campaign *campaign, tf_stage_spec *stage) {
    const cJSON *object, *after = NULL;
    const at *where;
    int sources = stage->space ? tf_space_sources(stage->space) : 0;
    if (stage_member(json, "after", &object, &where))
        after = json_array(l->diags, where, object, "after");
    at at_after = at_key(where, "after");
    size_t most = (size_t)cJSON_GetArraySize(after) + (size_t)sources + (size_t)stage->arrays;
    int *list = tf_arena_array(l->arena, most, sizeof *list);
    stage->afters = after ? load_after_names(l, &at_after, after, campaign, list) : 0;
    for (int n = 0; n < sources; n++)
        list[stage->afters++] = tf_space_source_at(stage->space, n)->stage;
    for (int a = 0; a < stage->arrays; a++)
        if (stage->array[a].stage >= 0)
            list[stage->afters++] = stage->array[a].stage;
    stage->after = list;
}

/* The stages of a manifest while they are loaded: one that takes points from another comes after it. */
typedef enum load_mark { NOT_LOADED, LOADING, LOADED, BROKEN } load_mark;

struct stages_json {
    tf_campaign *campaign;
    tf_stage_spec *stage;
    const cJSON *list, *defaults;
    const at *at_stages, *at_defaults;
    load_mark *mark;
};

static void load_stage_once(struct loader *l, int s) {
    struct stages_json *all = l->stages;
    if (all->mark[s] != NOT_LOADED)
        return;
    stage_json both = {.own = cJSON_GetArrayItem(all->list, s),
                       .defaults = all->defaults,
                       .own_at = at_index(all->at_stages, s),
                       .defaults_at = *all->at_defaults};
    int before = l->diags->count;
    all->mark[s] = LOADING;
    load_stage(l, &both, &all->stage[s]);
    load_after(l, &both, all->campaign, &all->stage[s]);
    all->mark[s] = l->diags->count > before ? BROKEN : LOADED;
}

static const tf_stage_spec *load_needed_stage(struct loader *l, const at *where, const char *name) {
    struct stages_json *all = l->stages;
    int s = all ? tf_campaign_stage(all->campaign, name, strlen(name)) : -1;
    if (s < 0) {
        complain(l->diags, where, "there is no stage \"%s\"", name);
        return NULL;
    }
    if (all->mark[s] == LOADING) {
        complain(l->diags, where, "stage \"%s\" takes its points or arrays from this one", name);
        return NULL;
    }
    load_stage_once(l, s);
    return all->mark[s] == LOADED ? &all->stage[s] : NULL;
}

static void load_stages(struct loader *l, const at *root, const cJSON *json, tf_campaign *campaign) {
    const cJSON *list = json_array(l->diags, root, json, "stages");
    const cJSON *defaults = json_object(l->diags, root, json, "defaults");
    at at_defaults = at_key(root, "defaults"), at_stages = at_key(root, "stages");
    if (defaults)
        json_check_keys(l->diags, &at_defaults, defaults, keys_defaults());
    if (!list)
        return;
    int count = cJSON_GetArraySize(list);
    if (count == 0)
        complain(l->diags, &at_stages, "needs at least one stage");
    tf_stage_spec *stage = tf_arena_array(l->arena, (size_t)count, sizeof *stage);
    campaign->stage = stage;
    campaign->stages = count;
    bool objects = true;
    for (int s = 0; s < count; s++) {
        const cJSON *item = cJSON_GetArrayItem(list, s);
        at here = at_index(&at_stages, s);
        stage[s].number = s;
        stage[s].pointer = tf_arena_printf(l->arena, "/stages/%d", s);
        stage[s].name = "";
        if (cJSON_IsObject(item)) {
            json_check_keys(l->diags, &here, item, keys_stage());
            load_stage_name(l, &here, item, &stage[s], stage, s);
        } else {
            complain(l->diags, &here, "must be an object, not %s", json_kind(item));
            objects = false;
        }
    }
    struct stages_json all = {.campaign = campaign,
                              .stage = stage,
                              .list = list,
                              .defaults = defaults,
                              .at_stages = &at_stages,
                              .at_defaults = &at_defaults,
                              .mark = tf_alloc_array((size_t)count, sizeof *all.mark)};
    l->stages = &all;
    for (int s = 0; objects && s < count; s++)
        load_stage_once(l, s);
    l->stages = NULL;
    free(all.mark);
}

/* A manifest with "run" at its top is one stage, named as the campaign as far as a stage's name allows. */
static void load_single(struct loader *l, const at *root, const cJSON *json, tf_campaign *campaign) {
    char *name = tf_arena_strdup(l->arena, campaign->name);
    for (char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c))
            *c = '_';
    if (isdigit((unsigned char)*name))
        name = tf_arena_printf(l->arena, "_%s", name);
    tf_stage_spec *stage = tf_arena_alloc(l->arena, sizeof *stage);
    stage->name = name;
    stage->pointer = tf_arena_strdup(l->arena, "");
    campaign->stage = stage;
    campaign->stages = 1;
    stage_json only = {.own = json, .own_at = *root};
    load_stage(l, &only, stage);
    load_after(l, &only, campaign, stage);
}

/* ---- The campaign ---- */

/* The manifest's file name without .json. */
static const char *default_name(tf_arena *arena, const char *path) {
    const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    size_t length = strlen(base);
    if (length > 5 && strcmp(base + length - 5, ".json") == 0)
        length -= 5;
    return tf_arena_strndup(arena, base, length);
}

static uint64_t load_seed(struct loader *l, const at *root, const cJSON *json, const char *option) {
    uint64_t seed = 0;
    if (option) {
        if (!tf_parse_uint(option, &seed))
            tf_diags_add(l->diags, "", "--seed %s: must be an integer from 0 to 18446744073709551615", option);
        return seed;
    }
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(json, "seed");
    at here = at_key(root, "seed");
    if (value && (!cJSON_IsNumber(value) || json_store(value, TF_UINT64, &seed) != TF_FITS))
        complain(l->diags, &here, "must be an integer from 0 to 18446744073709551615");
    return seed;
}

/* -1: as the manifest says. */
static int load_retries_option(struct loader *l, const char *option) {
    int64_t retries = -1;
    if (option && (!tf_parse_int(option, &retries) || retries < 0 || retries > TF_MAX_RETRIES))
        tf_diags_add(l->diags, "", "--retries %s: must be an integer from 0 to %d", option, TF_MAX_RETRIES);
    return (int)retries;
}

/* A manifest's own keys, and those of its only stage where it is one. */
static void check_top(struct loader *l, const at *root, const cJSON *json, bool single, bool stages) {
    json_check_keys(l->diags, root, json, keys_top());
    for (const cJSON *member = json->child; member && single != stages; member = member->next) {
        at here = at_key(root, member->string);
        if (stages && json_keys_have(keys_defaults(), member->string))
            complain(l->diags, &here, "\"%s\" belongs in a stage, or in \"defaults\" for all stages", member->string);
        else if (single && strcmp(member->string, "defaults") == 0)
            complain(l->diags, &here, "\"defaults\" goes with \"stages\"; here the stage's keys stand at the top");
    }
}

static void load_record_env(struct loader *l, const at *root, const cJSON *json, tf_campaign *campaign) {
    const cJSON *list = json_array(l->diags, root, json, "record_env");
    const char **names = tf_arena_array(l->arena, (size_t)cJSON_GetArraySize(list), sizeof *names);
    at here = at_key(root, "record_env");
    for (const cJSON *item = list ? list->child : NULL; item; item = item->next) {
        at there = at_index(&here, campaign->record_envs);
        if (!cJSON_IsString(item))
            complain(l->diags, &there, "must be a string, not %s", json_kind(item));
        else if (*item->valuestring == '\0' || strchr(item->valuestring, '='))
            complain(l->diags, &there, "\"%s\" can't be the name of an environment variable", item->valuestring);
        names[campaign->record_envs++] = cJSON_IsString(item) ? tf_arena_strdup(l->arena, item->valuestring) : "";
    }
    campaign->record_env = names;
}

static void load_campaign(struct loader *l, const tf_load_options *options, const cJSON *json, tf_campaign *campaign) {
    const at root = {0};
    const int before = l->diags->count;
    if (!cJSON_IsObject(json)) {
        complain(l->diags, &root, "a manifest must be an object, not %s", json_kind(json));
        return;
    }
    bool single = cJSON_GetObjectItemCaseSensitive(json, "run") != NULL;
    bool stages = cJSON_GetObjectItemCaseSensitive(json, "stages") != NULL;
    check_top(l, &root, json, single, stages);
    const char *name = json_string(l->diags, &root, json, "name");
    campaign->name = name ? tf_arena_strdup(l->arena, name) : default_name(l->arena, options->path);
    at at_name = at_key(&root, "name");
    if (*campaign->name == '\0' || strchr(campaign->name, '/'))
        complain(l->diags, &at_name, "must not be empty or contain /");
    load_record_env(l, &root, json, campaign);
    load_hints(l, &root, json, campaign);
    load_variables(l, &root, json);
    for (int i = 0; i < options->sets; i++)
        set_variable(l, options->set[i]);
    campaign->seed = load_seed(l, &root, json, options->seed);
    l->retries = load_retries_option(l, options->retries);
    const char *output = json_string(l->diags, &root, json, "output");
    at at_output = at_key(&root, "output");
    if (options->output)
        campaign->output = tf_arena_strdup(l->arena, options->output);
    else if (output)
        campaign->output = constant_text(l, &at_output, output);
    else
        campaign->output = tf_arena_printf(l->arena, "%s.h5", campaign->name);
    if (*campaign->output == '\0')
        complain(l->diags, &at_output, "must not be empty");
    if (single && stages)
        complain(l->diags, &root,
                 "\"run\" and \"stages\" can't both be there: a manifest is one stage or a list of them");
    else if (single)
        load_single(l, &root, json, campaign);
    else if (stages)
        load_stages(l, &root, json, campaign);
    else
        complain(l->diags, &root, "needs \"stages\", or \"run\" for a single stage");
    if (l->diags->count == before)
        check_sizes(l, campaign);
    if (l->diags->count == before)
        resolve_files(l, campaign);
}

/* ---- What is read ---- */

/* A source that keeps a list of what it was asked to read. */
typedef struct lister {
    tf_source source; /* first, so that it leads here */
    tf_source *below;
    tf_arena *arena;
    const char **path;
    int count, capacity;
} lister;

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
    lister *list = (lister *)self;
    list_path(list, path);
    return list->below->read(list->below, path, out);
}

static int list_glob(tf_source *self, const char *pattern, tf_buf *out) {
    const lister *list = (lister *)self;
    return list->below->glob(list->below, pattern, out);
}

static int list_scan(tf_source *self, const char *path, int64_t batch, int64_t before, tf_buf *out) {
    lister *list = (lister *)self;
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
        tf_diags_add(diags, "", "%s", tf_read_failure(failure));
    else if (text.length > LARGEST)
        tf_diags_add(diags, "", "is larger than 256 MB: lists belong into tables that it names");
    if (diags->count > before) {
        tf_buf_free(&text);
        tf_arena_free(arena);
        return NULL;
    }
    tf_campaign *campaign = tf_arena_alloc(arena, sizeof *campaign);
    campaign->arena = arena;
    campaign->text = tf_arena_strndup(arena, tf_buf_text(&text), text.length);
    campaign->workdir = tf_arena_strdup(arena, options->workdir);
    campaign->keep_incomplete = options->keep_incomplete;
    campaign->latency = options->latency;
    struct loader loader = {.arena = arena,
                            .diags = diags,
                            .source = &list.source,
                            .workdir = campaign->workdir,
                            .need_stage = load_needed_stage};
    cJSON *json = json_parse(diags, campaign->text, text.length);
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
    tf_arena_free(campaign->arena);
}
