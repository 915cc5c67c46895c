/* "inputs", "outputs" and "log" of a stage. An entry is a path, an object that says how paths are found, or, by name,
 * a list of both. Other stages' outputs and patterns of files, which entries refer to, are resolved once all stages are
 * known. */
#include "manifest/load.h"

#include <stdlib.h>
#include <string.h>

#define WHITE_SPACE " \t\r\n"

/* ---- Entries ---- */

typedef struct entries {
    struct loader *loader;
    const known_names *scope;
    bool outputs; /* they are outputs, and not inputs */
    tf_file_spec *spec;
    int count, capacity;
} entries;

static const tf_template *entry_text(const entries *e, const json_path *where, const char *text) {
    if (text[strspn(text, WHITE_SPACE)] == '\0')
        diagnose(e->loader->diags, where, TF_DIAG_BAD_PATH, "the path is empty");
    return template_parse(e->loader, where, text, e->scope, false);
}

/* Is what is written a folder, whatever is put in? */
static bool ends_in_slash(const tf_template *text) {
    const char *source = tf_template_source(text);
    const size_t length = strlen(source);
    return length > 0 && source[length - 1] == '/';
}

/* The JSON pointer of a path, owned by the arena. */
static const char *make_pointer(struct loader *l, const json_path *where) {
    tf_buf pointer = {0};
    json_path_pointer(where, &pointer);
    const char *copy = tf_arena_strdup(l->arena, tf_buf_text(&pointer));
    tf_buf_free(&pointer);
    return copy;
}

/* Loads "match" as names of parameters; they are resolved once both stages are known. */
static void load_match(const entries *e, const json_path *where, const cJSON *json, tf_file_spec *spec) {
    const cJSON *list = json_array(e->loader->diags, where, json, "match");
    const char **names = tf_arena_array(e->loader->arena, (size_t)cJSON_GetArraySize(list), sizeof *names);
    json_path here = json_path_key(where, "match");
    for (const cJSON *item = list ? list->child : NULL; item; item = item->next) {
        json_path there = json_path_index(&here, spec->matches);
        if (!cJSON_IsString(item))
            diagnose(e->loader->diags, &there, TF_DIAG_WRONG_TYPE, "must be a string, not %s", json_kind(item));
        names[spec->matches++] = cJSON_IsString(item) ? tf_arena_strdup(e->loader->arena, item->valuestring) : "";
    }
    spec->match = names;
}

/* "where" of an entry, until it is resolved. */
struct filter {
    const char *pointer; /* JSON pointer of the entry */
    const char *source;
    const json_path *where;
};

/* Copies a path, whose steps are on the stack, to the arena. */
static const json_path *copy_path(struct loader *l, const json_path *where) {
    if (!where)
        return NULL;
    json_path *copy = tf_arena_alloc(l->arena, sizeof *copy);
    *copy = *where;
    copy->up = copy_path(l, where->up);
    return copy;
}

static void load_filter(const entries *e, const json_path *where, const cJSON *json, const tf_file_spec *spec) {
    struct loader *l = e->loader;
    const char *source = json_string(l->diags, where, json, "where");
    json_path here = json_path_key(where, "where");
    if (!source)
        return;
    struct filter *more = tf_arena_array(l->arena, (size_t)l->filters + 1, sizeof *more);
    for (int f = 0; f < l->filters; f++)
        more[f] = l->filter[f];
    more[l->filters++] = (struct filter){
        .pointer = spec->pointer, .source = tf_arena_strdup(l->arena, source), .where = copy_path(l, &here)};
    l->filter = more;
}

/* Loads what an entry that is an object says besides where its files are. */
static void load_entry_options(const entries *e, const json_path *where, const cJSON *json, tf_file_spec *spec) {
    static const struct {
        const char *key;
        tf_file_kind kind;
        const char *with;
    } belongs[] = {{"by", TF_FILE_SPLIT, "split"},
                   {"match", TF_FILE_OUTPUTS, "outputs_of"},
                   {"where", TF_FILE_OUTPUTS, "outputs_of"},
                   {"allow_empty", TF_FILE_GLOB, "glob"}};
    tf_diags *diags = e->loader->diags;
    for (size_t i = 0; i < sizeof belongs / sizeof *belongs; i++) {
        json_path here = json_path_key(where, belongs[i].key);
        if (cJSON_GetObjectItemCaseSensitive(json, belongs[i].key) && spec->kind != belongs[i].kind)
            diagnose(diags, &here, TF_DIAG_MISPLACED_KEY, "\"%s\" goes with \"%s\"", belongs[i].key, belongs[i].with);
    }
    const char *by = json_string(diags, where, json, "by");
    json_path by_path = json_path_key(where, "by"), check_path = json_path_key(where, "check");
    if (by && !*by)
        diagnose(diags, &by_path, TF_DIAG_WRONG_LENGTH, "must not be empty");
    spec->separators = by ? tf_arena_strdup(e->loader->arena, by) : WHITE_SPACE;
    load_match(e, where, json, spec);
    load_filter(e, where, json, spec);
    spec->allow_empty = json_flag(diags, where, json, "allow_empty");
    const char *check = json_string(diags, where, json, "check");
    if (check && strcmp(check, "time") != 0 && strcmp(check, "hash") != 0)
        diagnose(diags, &check_path, TF_DIAG_BAD_VALUE, "must be \"time\" or \"hash\", not \"%s\"", check);
    spec->by_hash = check && strcmp(check, "hash") == 0;
    spec->stage_in = json_flag(diags, where, json, "stage_in");
    spec->temp = json_flag(diags, where, json, "temp");
    spec->protect = json_flag(diags, where, json, "protected");
    spec->outside = json_flag(diags, where, json, "allow_outside");
    if (spec->stage_in && spec->text && ends_in_slash(spec->text))
        diagnose(diags, where, TF_DIAG_CONFLICT, "\"stage_in\" copies files, and a path that ends in / is a folder");
    if (spec->temp && spec->protect)
        diagnose(diags, where, TF_DIAG_CONFLICT, "a file can't be both temp and protected");
}

static const char *const kinds[] = {
    [TF_FILE_PATH] = "path", [TF_FILE_SPLIT] = "split", [TF_FILE_GLOB] = "glob", [TF_FILE_OUTPUTS] = "outputs_of"};

/* Is the object an entry? Else it has entries by name. */
static bool is_entry(const cJSON *json) {
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        if (cJSON_GetObjectItemCaseSensitive(json, kinds[k]))
            return true;
    return false;
}

static void load_entry_object(const entries *e, const json_path *where, const cJSON *json, tf_file_spec *spec) {
    tf_diags *diags = e->loader->diags;
    int before = diags->count, found = 0;
    json_check_keys(diags, where, json, e->outputs ? keys_output() : keys_input());
    if (diags->count > before)
        return;
    for (int k = 0; k <= TF_FILE_OUTPUTS; k++) {
        if (!cJSON_GetObjectItemCaseSensitive(json, kinds[k]))
            continue;
        const char *text = json_string(diags, where, json, kinds[k]);
        json_path here = json_path_key(where, kinds[k]);
        if (found++)
            diagnose(diags, where, TF_DIAG_CONFLICT, "\"%s\" and \"%s\" can't both be there", kinds[spec->kind],
                     kinds[k]);
        spec->kind = (tf_file_kind)k;
        if (text && k != TF_FILE_OUTPUTS)
            spec->text = entry_text(e, &here, text);
        else if (text)
            spec->output = tf_arena_strdup(e->loader->arena, text); /* until it is resolved */
    }
    if (!found)
        diagnose(diags, where, TF_DIAG_MISSING_KEY,
                 e->outputs ? "needs a \"path\" or a \"split\""
                            : "needs a \"path\", a \"split\", a \"glob\" or an \"outputs_of\"");
    load_entry_options(e, where, json, spec);
}

static void load_entry(entries *e, const json_path *where, const cJSON *json, const char *name) {
    if (e->count == e->capacity) { /* the old ones stay in the arena */
        e->capacity = e->capacity ? 2 * e->capacity : 4;
        tf_file_spec *more = tf_arena_array(e->loader->arena, (size_t)e->capacity, sizeof *more);
        if (e->count)
            memcpy(more, e->spec, (size_t)e->count * sizeof *more);
        e->spec = more;
    }
    tf_file_spec *spec = &e->spec[e->count++];
    *spec = (tf_file_spec){.name = name, .pointer = make_pointer(e->loader, where)};
    if (cJSON_IsString(json))
        spec->text = entry_text(e, where, json->valuestring);
    else if (cJSON_IsObject(json))
        load_entry_object(e, where, json, spec);
    else
        diagnose(e->loader->diags, where, TF_DIAG_WRONG_TYPE, "must be a path or an object, not %s", json_kind(json));
}

static void load_list(entries *e, const json_path *where, const cJSON *json, const char *name) {
    int n = 0;
    for (const cJSON *item = json->child; item; item = item->next) {
        json_path here = json_path_index(where, n++);
        load_entry(e, &here, item, name);
    }
}

static void load_named(entries *e, const json_path *where, const cJSON *json) {
    for (const cJSON *item = json->child; item; item = item->next) {
        json_path here = json_path_key(where, item->string);
        if (*item->string == '\0' || strpbrk(item->string, "/{}:."))
            diagnose(e->loader->diags, &here, TF_DIAG_BAD_NAME,
                     "\"%s\" can't be a file's name: it must not be empty or contain / { } : .", item->string);
        const char *name = tf_arena_strdup(e->loader->arena, item->string);
        if (cJSON_IsArray(item))
            load_list(e, &here, item, name);
        else
            load_entry(e, &here, item, name);
    }
}

static tf_file_spec *load_entries(struct loader *l, const stage_json *json, const char *key, const known_names *scope,
                                  bool outputs, int *count) {
    const stage_value member = stage_member(json, key);
    const cJSON *value = member.json;
    entries e = {.loader = l, .scope = scope, .outputs = outputs};
    if (cJSON_IsArray(value))
        load_list(&e, &member.where, value, NULL);
    else if (cJSON_IsObject(value) && !is_entry(value))
        load_named(&e, &member.where, value);
    else if (value)
        load_entry(&e, &member.where, value, NULL);
    *count = e.count;
    return e.spec;
}

void load_files(struct loader *l, const stage_json *json, tf_stage_spec *stage) {
    const stage_value allow = stage_member(json, "allow_outside"), member = stage_member(json, "log");
    known_names scope = {.stage = stage->name, .space = stage->space};
    stage->input = load_entries(l, json, "inputs", &scope, false, &stage->inputs);
    stage->output = load_entries(l, json, "outputs", &scope, true, &stage->outputs);
    const bool outside = json_flag(l->diags, allow.up, allow.object, "allow_outside");
    for (int i = 0; i < stage->outputs && outside; i++)
        stage->output[i].outside = true;
    const char *log = json_string(l->diags, member.up, member.object, "log");
    if (!log)
        return;
    entries e = {.loader = l, .scope = &scope};
    const tf_template *text = entry_text(&e, &member.where, log);
    if (text && ends_in_slash(text))
        diagnose(l->diags, &member.where, TF_DIAG_BAD_PATH,
                 "a log is a file, and a path that ends in / is a folder; leave out the /, or name a file in it");
    tf_file_spec *spec = tf_arena_alloc(l->arena, sizeof *spec);
    *spec = (tf_file_spec){.pointer = make_pointer(l, &member.where), .text = text, .outside = outside};
    stage->log = spec;
}

/* ---- What entries refer to ---- */

/* Reports what is wrong with a member of an entry. */
static void diagnose_member(struct loader *l, const tf_file_spec *spec, const char *key, tf_diag_id id,
                            const char *text) {
    tf_buf pointer = {0};
    tf_buf_addf(&pointer, "%s/%s", spec->pointer, key);
    tf_diags_add(l->diags, tf_buf_text(&pointer), id, "%s", text);
    tf_buf_free(&pointer);
}

/* Finds the parameters named in "match", which both stages must have, of the same type. */
static void resolve_match(struct loader *l, const tf_stage_spec *stage, const tf_stage_spec *other,
                          tf_file_spec *spec) {
    int *mine = tf_arena_array(l->arena, (size_t)spec->matches, sizeof *mine);
    int *theirs = tf_arena_array(l->arena, (size_t)spec->matches, sizeof *theirs);
    for (int m = 0; m < spec->matches; m++) {
        const char *name = spec->match[m];
        mine[m] = tf_space_find(stage->space, name);
        theirs[m] = tf_space_find(other->space, name);
        if (mine[m] < 0 || theirs[m] < 0)
            diagnose_member(l, spec, "match", TF_DIAG_UNKNOWN_NAME,
                            tf_arena_printf(l->arena, "stage \"%s\" has no parameter \"%s\"",
                                            mine[m] < 0 ? stage->name : other->name, name));
        else if (tf_space_param(stage->space, mine[m])->type != tf_space_param(other->space, theirs[m])->type)
            diagnose_member(l, spec, "match", TF_DIAG_MISMATCH,
                            tf_arena_printf(l->arena, "\"%s\" is of another type in stage \"%s\"", name, other->name));
    }
    spec->mine = mine;
    spec->theirs = theirs;
}

/* Resolves "STAGE" or "STAGE.NAME", which spec->output is until then. */
static void resolve_outputs(struct loader *l, const tf_campaign *campaign, const tf_stage_spec *stage,
                            tf_file_spec *spec) {
    char *name = tf_arena_strdup(l->arena, spec->output), *output = strchr(name, '.');
    if (output)
        *output++ = '\0';
    spec->output = output;
    spec->stage = tf_campaign_stage(campaign, name, strlen(name));
    if (spec->stage < 0) {
        diagnose_member(l, spec, "outputs_of", TF_DIAG_UNKNOWN_NAME, no_such_stage(l, campaign, name));
        return;
    }
    const tf_stage_spec *other = &campaign->stage[spec->stage];
    bool found = false;
    for (int i = 0; i < other->outputs; i++)
        found = found || tf_file_has_name(&other->output[i], output);
    if (!found)
        diagnose_member(l, spec, "outputs_of", TF_DIAG_UNKNOWN_NAME,
                        output ? tf_arena_printf(l->arena, "stage \"%s\" has no output \"%s\"", name, output)
                               : tf_arena_printf(l->arena, "stage \"%s\" has no outputs", name));
    resolve_match(l, stage, other, spec);
    for (int f = 0; f < l->filters; f++) {
        if (strcmp(l->filter[f].pointer, spec->pointer) != 0)
            continue;
        expr_name *param = tf_arena_array(l->arena, (size_t)tf_space_params(other->space), sizeof *param);
        expr_names names = param_names(other->space, param);
        names.what = tf_arena_printf(l->arena, "the parameters of stage \"%s\"", other->name);
        spec->where = load_expr(l, l->filter[f].where, l->filter[f].source, &names);
    }
}

/* ---- Globs ---- */

/* Adds the paths that match to `list`, without the campaign's own outputs, which are gathered at the first match. */
static int list_matches(struct loader *l, const tf_campaign *campaign, tf_files *files, tf_table *outputs,
                        const char *pattern, tf_buf *list) {
    tf_buf found = {0}, path = {0};
    int failure = l->source->glob(l->source, pattern, &found);
    if (found.length && !outputs->capacity)
        tf_files_all_outputs(files, outputs);
    for (size_t next = 0; next < found.length; next += strlen(found.data + next) + 1) {
        const char *match = found.data + next;
        tf_buf_clear(&path);
        add_path(&path, campaign->workdir, match, strlen(match));
        if (tf_files_are_of(outputs, tf_buf_text(&path)))
            continue;
        tf_buf_adds(&path, *match && match[strlen(match) - 1] == '/' ? "/" : "");
        tf_buf_add(list, tf_buf_text(&path), path.length + 1);
    }
    tf_buf_free(&found);
    tf_buf_free(&path);
    return failure;
}

/* Makes the lists of an entry's patterns, each pattern once. */
static void resolve_glob(struct loader *l, const tf_campaign *campaign, tf_files *files, tf_table *outputs,
                         const tf_stage_spec *stage, tf_file_spec *spec) {
    int64_t tasks = tf_template_is_constant(spec->text) ? 1 : tf_space_size(stage->space);
    size_t capacity = 0;
    tf_buf pattern = {0}, task = {0};
    for (int64_t i = 0; i < tasks && i < tf_space_size(stage->space); i++) {
        tf_buf_clear(&pattern);
        if (tf_files_leave_out(files, stage->number, i))
            continue;
        file_text(files, stage->number, spec, i, &pattern);
        uint32_t number = (uint32_t)spec->patterns.count;
        if (tf_table_add(&spec->patterns, tf_buf_text(&pattern), pattern.length, number) != number)
            continue;
        if (number == capacity) {
            capacity = capacity ? 2 * capacity : 1;
            spec->list = tf_realloc_array(spec->list, capacity, sizeof *spec->list);
        }
        spec->list[number] = (tf_buf){0};
        int failure = list_matches(l, campaign, files, outputs, tf_buf_text(&pattern), &spec->list[number]);
        if (failure || (spec->list[number].length == 0 && !spec->allow_empty)) {
            tf_buf_clear(&task);
            tf_task_name(campaign, stage->number, i, &task);
            tf_diags_add(l->diags, spec->pointer, failure ? tf_diag_of_read(failure) : TF_DIAG_NO_MATCH, "%s: %s: %s",
                         tf_buf_text(&task), tf_buf_text(&pattern),
                         failure ? tf_read_failure(failure) : "no file matches; \"allow_empty\": true allows that");
            break;
        }
    }
    tf_buf_free(&pattern);
    tf_buf_free(&task);
}

void free_lists(tf_file_spec *spec) {
    for (size_t i = 0; i < spec->patterns.count && spec->list; i++)
        tf_buf_free(&spec->list[i]);
    free(spec->list);
    spec->list = NULL;
    tf_table_free(&spec->patterns);
}

void resolve_files(struct loader *l, tf_campaign *campaign) {
    tf_table outputs = {0};
    int before = l->diags->count;
    for (int s = 0; s < campaign->stages; s++)
        for (int i = 0; i < campaign->stage[s].inputs; i++)
            if (campaign->stage[s].input[i].kind == TF_FILE_OUTPUTS)
                resolve_outputs(l, campaign, &campaign->stage[s], &campaign->stage[s].input[i]);
    tf_files *files = tf_files_new(campaign);
    for (int s = 0; s < campaign->stages && l->diags->count == before; s++)
        for (int i = 0; i < campaign->stage[s].inputs; i++)
            if (campaign->stage[s].input[i].kind == TF_FILE_GLOB)
                resolve_glob(l, campaign, files, &outputs, &campaign->stage[s], &campaign->stage[s].input[i]);
    tf_files_free(files);
    tf_table_free(&outputs);
}
