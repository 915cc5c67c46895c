/* "run": which kind it is, and what may stand beside it. */
#include "manifest/run.h"

#include <string.h>

/* Each with its article, in quotes. */
static void list_kinds(tf_buf *out) {
    const run_kind *kind = run_kinds();
    int count = 0;
    while (kind[count].key)
        count++;
    for (int k = 0; k < count; k++) {
        tf_buf word = {0};
        tf_buf_addf(&word, "%s \"%s\"", strchr("aeiou", *kind[k].key) ? "an" : "a", kind[k].key);
        tf_buf_add_choice(out, tf_buf_text(&word), k, count);
        tf_buf_free(&word);
    }
}

/* By the member that makes it; NULL after a complaint. Where some key is unknown it may be that one. */
static const run_kind *find_kind(struct loader *l, const at *where, const cJSON *json, bool complained) {
    const run_kind *found = NULL;
    for (const run_kind *kind = run_kinds(); kind->key; kind++) {
        if (!cJSON_GetObjectItemCaseSensitive(json, kind->key))
            continue;
        if (found) {
            complain(l->diags, where, "\"%s\" and \"%s\" can't both be run", found->key, kind->key);
            return NULL;
        }
        found = kind;
    }
    if (!found && !complained) {
        tf_buf list = {0};
        list_kinds(&list);
        complain(l->diags, where, "needs %s", tf_buf_text(&list));
        tf_buf_free(&list);
    }
    return found;
}

static bool has_member(const run_kind *kind, const char *key) {
    for (int m = 0; m < RUN_MEMBERS && kind->member[m]; m++)
        if (strcmp(kind->member[m], key) == 0)
            return true;
    return false;
}

/* "a command or a service": the kinds that have the member; none, if none has. */
static void list_kinds_with(const char *key, tf_buf *out) {
    for (const run_kind *kind = run_kinds(); kind->key; kind++)
        if (has_member(kind, key))
            tf_buf_addf(out, "%sa %s", out->length ? " or " : "", kind->key);
}

/* Members that only other kinds have. */
static void check_members(struct loader *l, const at *where, const cJSON *json, const run_kind *own) {
    for (const cJSON *item = json->child; item; item = item->next) {
        const at here = at_key(where, item->string);
        tf_buf kinds = {0};
        list_kinds_with(item->string, &kinds);
        if (kinds.length && !has_member(own, item->string))
            complain(l->diags, &here, "\"%s\" goes with %s, not with a %s", item->string, tf_buf_text(&kinds),
                     own->key);
        tf_buf_free(&kinds);
    }
}

void load_run(struct loader *l, const at *where, const cJSON *json, const known_names *scope, tf_run_spec *run) {
    const int before = l->diags->count;
    json_check_keys(l->diags, where, json, keys_run());
    const run_kind *kind = find_kind(l, where, json, l->diags->count > before);
    if (!kind)
        return;
    check_members(l, where, json, kind);
    const run_json own = {.run = json,
                          .up = where,
                          .value = cJSON_GetObjectItemCaseSensitive(json, kind->key),
                          .where = at_key(where, kind->key),
                          .scope = scope};
    run->key = kind->key;
    kind->load(l, &own, run);
    char *printed = json_print(json, false);
    run->json = tf_arena_strdup(l->arena, printed);
    cJSON_free(printed);
}
