/* "run": which kind it is, and what may stand beside it. */
#include "manifest/run.h"

#include <string.h>

/* ---- Keys ---- */

json_keys run_keys(json_key *room) {
    int count = 0;
    for (const tf_run_kind *const *each = run_kinds(); *each; each++) {
        const tf_run_kind *kind = *each;
        room[count++] = (json_key){kind->key, kind->schema};
        for (int m = 0; m < RUN_MEMBERS && kind->member[m].name; m++)
            if (!json_keys_have((json_keys){room, count}, kind->member[m].name))
                room[count++] = kind->member[m];
    }
    return (json_keys){room, count};
}

/* ---- Which kind ---- */

static const char *article(const char *word) {
    return strchr("aeiou", *word) ? "an" : "a";
}

/* Adds the kinds, each in quotes and with its article. */
static void list_kinds(tf_buf *out) {
    const tf_run_kind *const *kind = run_kinds();
    int count = 0;
    while (kind[count])
        count++;
    for (int k = 0; k < count; k++) {
        tf_buf word = {0};
        tf_buf_addf(&word, "%s \"%s\"", article(kind[k]->key), kind[k]->key);
        tf_buf_add_choice(out, tf_buf_text(&word), k, count);
        tf_buf_free(&word);
    }
}

/* Finds the kind by the member that says it. NULL after a diagnostic. With `diagnosed` an unknown key has been
 * reported, which may be that member: then nothing more is said. */
static const tf_run_kind *find_kind(struct loader *l, const json_path *where, const cJSON *json, bool diagnosed) {
    const tf_run_kind *found = NULL;
    for (const tf_run_kind *const *each = run_kinds(); *each; each++) {
        const tf_run_kind *kind = *each;
        if (!cJSON_GetObjectItemCaseSensitive(json, kind->key))
            continue;
        if (found) {
            diagnose(l->diags, where, TF_DIAG_CONFLICT, "\"%s\" and \"%s\" can't both be run", found->key, kind->key);
            return NULL;
        }
        found = kind;
    }
    if (!found && !diagnosed) {
        tf_buf list = {0};
        list_kinds(&list);
        diagnose(l->diags, where, TF_DIAG_MISSING_KEY, "needs %s", tf_buf_text(&list));
        tf_buf_free(&list);
    }
    return found;
}

static bool has_member(const tf_run_kind *kind, const char *key) {
    for (int m = 0; m < RUN_MEMBERS && kind->member[m].name; m++)
        if (strcmp(kind->member[m].name, key) == 0)
            return true;
    return false;
}

static const char *noun_of(const tf_run_kind *kind) {
    return kind->noun ? kind->noun : kind->key;
}

/* Adds the kinds that have the member: "a command, a service or a Python function". */
static void list_kinds_with(const char *key, tf_buf *out) {
    int count = 0, n = 0;
    for (const tf_run_kind *const *kind = run_kinds(); *kind; kind++)
        count += has_member(*kind, key);
    for (const tf_run_kind *const *kind = run_kinds(); *kind; kind++) {
        tf_buf word = {0};
        tf_buf_addf(&word, "%s %s", article(noun_of(*kind)), noun_of(*kind));
        if (has_member(*kind, key))
            tf_buf_add_choice(out, tf_buf_text(&word), n++, count);
        tf_buf_free(&word);
    }
}

/* Reports members that only other kinds have. */
static void check_members(struct loader *l, const json_path *where, const cJSON *json, const tf_run_kind *own) {
    for (const cJSON *item = json->child; item; item = item->next) {
        const json_path here = json_path_key(where, item->string);
        tf_buf kinds = {0};
        list_kinds_with(item->string, &kinds);
        if (kinds.length && !has_member(own, item->string))
            diagnose(l->diags, &here, TF_DIAG_MISPLACED_KEY, "\"%s\" goes with %s, not with %s %s", item->string,
                     tf_buf_text(&kinds), article(noun_of(own)), noun_of(own));
        tf_buf_free(&kinds);
    }
}

static run_json as_written(const json_path *where, const cJSON *json, const known_names *scope,
                           const tf_run_kind *kind) {
    return (run_json){.run = json,
                      .up = where,
                      .value = cJSON_GetObjectItemCaseSensitive(json, kind->key),
                      .where = json_path_key(where, kind->key),
                      .scope = scope};
}

void load_run(struct loader *l, const json_path *where, const cJSON *json, const known_names *scope, tf_run_spec *run) {
    const int before = l->diags->count;
    json_key keys[RUN_KEYS];
    json_check_keys(l->diags, where, json, run_keys(keys));
    const tf_run_kind *kind = find_kind(l, where, json, l->diags->count > before);
    if (!kind)
        return;
    check_members(l, where, json, kind);
    run->kind = kind;
    run->key = kind->key;
    const run_json own = as_written(where, json, scope, kind);
    kind->load(l, &own, run);
    cJSON *plain = json_without_comment(json);
    char *printed = json_print(plain, false);
    run->json = tf_arena_strdup(l->arena, printed);
    cJSON_free(printed);
    cJSON_Delete(plain);
}

void complete_run(struct loader *l, const json_path *where, const cJSON *json, const known_names *scope,
                  tf_stage_spec *stage) {
    const tf_run_kind *kind = stage->run.kind;
    if (!kind || !kind->complete)
        return;
    const run_json own = as_written(where, json, scope, kind);
    kind->complete(l, &own, stage);
}
