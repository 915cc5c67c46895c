/* "over": axes, each of a kind of the table, multiplied or side by side. */
#include "manifest/axis.h"

#include <string.h>

/* ---- Keys ---- */

json_keys axis_keys(json_key *room) {
    int count = 0;
    room[count++] =
        (json_key){"name", "{\"type\":\"string\",\"description\":\"the parameter's name, in a list of axes\"}"};
    for (const axis_kind *kind = axis_kinds(); kind->key; kind++) {
        room[count++] = (json_key){kind->key, kind->schema};
        for (int m = 0; m < AXIS_MEMBERS && kind->member[m].key; m++)
            if (!json_keys_have((json_keys){room, count}, kind->member[m].key))
                room[count++] = (json_key){kind->member[m].key, kind->member[m].schema};
    }
    return (json_keys){room, count};
}

/* ---- Which kind ---- */

static bool form_fits(axis_form form, const cJSON *value) {
    switch (form) {
    case AXIS_LIST: return cJSON_IsArray(value);
    case AXIS_STRING:
    case AXIS_PATTERN: return cJSON_IsString(value);
    case AXIS_OBJECT: return cJSON_IsObject(value);
    case AXIS_SPACE: return cJSON_IsObject(value) || cJSON_IsArray(value);
    }
    return false;
}

static const char *form_text(axis_form form) {
    static const char *const text[] = {[AXIS_LIST] = "a list",
                                       [AXIS_STRING] = "a string",
                                       [AXIS_PATTERN] = "a string",
                                       [AXIS_OBJECT] = "an object",
                                       [AXIS_SPACE] = "an object or a list of axes"};
    return text[form];
}

/* "values, range, ... or blocks" */
static void list_kinds(tf_buf *out) {
    const axis_kind *kind = axis_kinds();
    int count = 0;
    while (kind[count].key)
        count++;
    for (int k = 0; k < count; k++)
        tf_buf_add_choice(out, kind[k].key, k, count);
}

/* Finds the kind by the member that says it. NULL after a diagnostic. With `diagnosed` an unknown key has been
 * reported, which may be that member: then nothing more is said. */
static const axis_kind *find_kind(struct loader *l, const json_path *where, const cJSON *axis, bool diagnosed) {
    const axis_kind *found = NULL;
    for (const axis_kind *kind = axis_kinds(); kind->key; kind++) {
        if (!cJSON_GetObjectItemCaseSensitive(axis, kind->key))
            continue;
        if (found) {
            diagnose(l->diags, where, TF_DIAG_CONFLICT, "\"%s\" and \"%s\" can't both make one axis", found->key,
                     kind->key);
            return NULL;
        }
        found = kind;
    }
    if (!found && !diagnosed) {
        tf_buf list = {0};
        list_kinds(&list);
        diagnose(l->diags, where, TF_DIAG_MISSING_KEY, "an axis needs one of %s", tf_buf_text(&list));
        tf_buf_free(&list);
    }
    return found;
}

static const axis_member *find_member(const axis_kind *kind, const char *key) {
    for (int m = 0; m < AXIS_MEMBERS && kind->member[m].key; m++)
        if (strcmp(kind->member[m].key, key) == 0)
            return &kind->member[m];
    return NULL;
}

/* "\"batch\" goes with \"csv\"" */
static void diagnose_member(struct loader *l, const json_path *where, const char *key) {
    tf_buf text = {0};
    const char *elsewhere = NULL;
    bool is_first = true;
    tf_buf_addf(&text, "\"%s\" goes with ", key);
    for (const axis_kind *kind = axis_kinds(); kind->key; kind++) {
        const axis_member *own = find_member(kind, key);
        if (!own)
            continue;
        tf_buf_addf(&text, "%s\"%s\"", is_first ? "" : " or ", kind->key);
        elsewhere = own->elsewhere;
        is_first = false;
    }
    diagnose(l->diags, where, TF_DIAG_MISPLACED_KEY, "%s%s%s", tf_buf_text(&text), elsewhere ? ", " : "",
             elsewhere ? elsewhere : "");
    tf_buf_free(&text);
}

/* Reports members that only other kinds have. */
static void check_members(struct loader *l, const json_path *where, const cJSON *axis, const axis_kind *own) {
    for (const cJSON *item = axis->child; item; item = item->next) {
        const json_path here = json_path_key(where, item->string);
        const axis_kind *kind = axis_kinds();
        while (kind->key && !find_member(kind, item->string))
            kind++;
        if (kind->key && !find_member(own, item->string))
            diagnose_member(l, &here, item->string);
    }
}

/* ---- One axis ---- */

static tf_space *load_axes(struct loader *l, const json_path *where, const cJSON *json, space_join joined);

static void check_name(struct loader *l, const json_path *where, const axis_kind *kind, const char *name) {
    if (kind->naming == NAME_NEEDED && !name)
        diagnose(l->diags, where, TF_DIAG_MISSING_KEY, "this axis needs a \"name\"");
    if (kind->naming != NAME_UNUSED && name)
        check_param_name(l, where, "parameter", name);
}

static tf_space *load_kind(struct loader *l, const axis_kind *kind, axis_json *axis) {
    const int before = l->diags->count;
    if (kind->form == AXIS_PATTERN)
        axis->text = tf_arena_strdup(l->arena, axis->value->valuestring);
    else if (kind->form == AXIS_STRING)
        axis->text = constant_text(l, &axis->where, axis->value->valuestring);
    tf_space *space = l->diags->count == before ? kind->load(l, axis) : NULL;
    return l->diags->count == before ? space : NULL;
}

/* Loads one axis. `name` is its key in an object of axes, or its "name"; NULL: it has neither. */
static tf_space *load_axis(struct loader *l, const json_path *where, const char *name, const cJSON *json) {
    const int before = l->diags->count;
    if (cJSON_IsArray(json)) {
        check_param_name(l, where, "parameter", name);
        tf_space *leaf = load_values(l, where, name, json);
        return l->diags->count == before ? leaf : NULL;
    }
    if (cJSON_IsString(json) && strpbrk(json->valuestring, "*?[")) {
        diagnose(l->diags, where, TF_DIAG_WRONG_TYPE, "paths that match are {\"glob\": \"%s\"}", json->valuestring);
        return NULL;
    }
    if (!cJSON_IsObject(json)) {
        diagnose(l->diags, where, TF_DIAG_WRONG_TYPE, "an axis must be a list of values or an object, not %s",
                 json_kind(json));
        return NULL;
    }
    json_key keys[AXIS_KEYS];
    json_check_keys(l->diags, where, json, axis_keys(keys));
    const axis_kind *kind = find_kind(l, where, json, l->diags->count > before);
    if (!kind)
        return NULL;
    axis_json axis = {.axis = json,
                      .up = where,
                      .value = cJSON_GetObjectItemCaseSensitive(json, kind->key),
                      .where = json_path_key(where, kind->key),
                      .name = name,
                      .load_axes = load_axes};
    check_members(l, where, json, kind);
    check_name(l, where, kind, name);
    if (!form_fits(kind->form, axis.value))
        diagnose(l->diags, &axis.where, TF_DIAG_WRONG_TYPE, "must be %s, not %s", form_text(kind->form),
                 json_kind(axis.value));
    return l->diags->count == before ? load_kind(l, kind, &axis) : NULL;
}

/* The name of an axis: its key, or its member "name". */
static const char *axis_name(struct loader *l, const json_path *where, const cJSON *axis, bool keyed) {
    if (keyed)
        return tf_arena_strdup(l->arena, axis->string);
    const char *name = cJSON_IsObject(axis) ? json_string(l->diags, where, axis, "name") : NULL;
    return name ? tf_arena_strdup(l->arena, name) : NULL;
}

/* ---- Spaces ---- */

static bool check_joined(struct loader *l, const json_path *where, tf_space *const *axis, int count,
                         space_join joined) {
    bool sound = true;
    for (int a = 0; a < count; a++) {
        for (int b = 0; b < a; b++)
            for (int p = 0; p < axis[a]->params; p++)
                if (tf_space_find(axis[b], axis[a]->param[p].name) >= 0) {
                    diagnose(l->diags, where, TF_DIAG_NAME_TAKEN, "two axes give the parameter \"%s\"",
                             axis[a]->param[p].name);
                    sound = false;
                }
        if (joined == JOIN_ZIP && axis[a]->size != axis[0]->size) {
            diagnose(l->diags, where, TF_DIAG_MISMATCH,
                     "axes side by side must have the same length, not %lld and %lld", (long long)axis[0]->size,
                     (long long)axis[a]->size);
            sound = false;
        }
    }
    return sound;
}

/* Could it stand for a named axis: a list of values, or an object with a key of axes? */
static bool is_axis(const cJSON *value) {
    json_key room[AXIS_KEYS];
    const json_keys known = axis_keys(room);
    bool is = cJSON_IsArray(value);
    for (const cJSON *item = cJSON_IsObject(value) ? value->child : NULL; item && !is; item = item->next)
        is = json_keys_have(known, item->string);
    return is;
}

/* {"csv": "t.csv"} for [{"csv": "t.csv"}]: one axis without a name, where an object of named ones is wanted. An axis
 * that is called "range" is one all the same. */
static const axis_kind *find_bare_kind(const cJSON *json) {
    for (const axis_kind *kind = axis_kinds(); kind->key; kind++) {
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(json, kind->key);
        if (value && !is_axis(value) && form_fits(kind->form, value))
            return kind;
    }
    return NULL;
}

/* Loads an object or a list of axes, multiplied or side by side. */
static tf_space *load_axes(struct loader *l, const json_path *where, const cJSON *json, space_join joined) {
    bool keyed = cJSON_IsObject(json);
    if (!keyed && !cJSON_IsArray(json)) {
        diagnose(l->diags, where, TF_DIAG_WRONG_TYPE, "a space must be an object or a list of axes, not %s",
                 json_kind(json));
        return NULL;
    }
    int count = cJSON_GetArraySize(json), n = 0;
    if (count == 0) {
        diagnose(l->diags, where, TF_DIAG_WRONG_LENGTH, "needs at least one axis");
        return NULL;
    }
    const axis_kind *bare = keyed ? find_bare_kind(json) : NULL;
    if (bare) {
        diagnose(l->diags, where, TF_DIAG_WRONG_TYPE,
                 "an object has an axis for each name; one without a name stands in a list, as in [{\"%s\": ...}]",
                 bare->key);
        return NULL;
    }
    tf_space **axis = tf_arena_array(l->arena, (size_t)count, sizeof(tf_space *));
    bool sound = true;
    for (const cJSON *item = json->child; item; item = item->next, n++) {
        json_path here = keyed ? json_path_key(where, item->string) : json_path_index(where, n);
        if (!keyed && cJSON_IsArray(item)) {
            diagnose(l->diags, &here, TF_DIAG_WRONG_TYPE,
                     "in a list of axes each is an object with a \"name\" and \"values\"");
            sound = false;
            continue;
        }
        axis[n] = load_axis(l, &here, axis_name(l, &here, item, keyed), item);
        sound = sound && axis[n];
    }
    if (!sound || !check_joined(l, where, axis, count, joined))
        return NULL;
    tf_space *space = joined == JOIN_ZIP ? space_zip(l->arena, axis, count) : space_product(l->arena, axis, count);
    if (!space)
        diagnose(l->diags, where, TF_DIAG_TOO_LARGE, TOO_MANY_POINTS);
    return space;
}

tf_space *load_space(struct loader *l, const json_path *where, const cJSON *json) {
    if (!json)
        return space_product(l->arena, NULL, 0);
    return load_axes(l, where, json, JOIN_PRODUCT);
}
