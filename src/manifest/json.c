/* Walking a cJSON tree: diagnostics with JSON pointers, checked keys, typed members. */
#include "manifest/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void json_path_pointer(const json_path *where, tf_buf *out) {
    if (!where || !where->up)
        return; /* the root */
    json_path_pointer(where->up, out);
    tf_buf_addc(out, '/');
    if (!where->key) {
        tf_buf_addf(out, "%d", where->index);
        return;
    }
    for (const char *c = where->key; *c; c++) {
        if (*c == '~')
            tf_buf_adds(out, "~0");
        else if (*c == '/')
            tf_buf_adds(out, "~1");
        else
            tf_buf_addc(out, *c);
    }
}

void diagnose(tf_diags *diags, const json_path *where, tf_diag_id id, const char *format, ...) {
    tf_buf pointer = {0}, text = {0};
    json_path_pointer(where, &pointer);
    va_list args;
    va_start(args, format);
    tf_buf_addv(&text, format, args);
    va_end(args);
    tf_diags_add(diags, tf_buf_text(&pointer), id, "%s", tf_buf_text(&text));
    tf_buf_free(&pointer);
    tf_buf_free(&text);
}

static void diagnose_at_offset(tf_diags *diags, const char *text, size_t offset, const char *what) {
    int line, column;
    json_locate(text, offset, &line, &column);
    tf_diags_add_syntax(diags, line, column, what);
}

/* Reports keys that an object has twice, and drops all but the first of each. */
static void diagnose_repeats(tf_diags *diags, const json_path *where, cJSON *object) {
    tf_table seen = {0};
    uint32_t n = 0;
    for (cJSON *member = object->child, *next; member; member = next, n++) {
        json_path here = json_path_key(where, member->string);
        next = member->next;
        if (tf_table_add(&seen, member->string, strlen(member->string), n) == n)
            continue;
        diagnose(diags, &here, TF_DIAG_DUPLICATE_KEY, "key \"%s\" is given twice", member->string);
        cJSON_Delete(cJSON_DetachItemViaPointer(object, member));
    }
    tf_table_free(&seen);
}

/* Reports a number that is none, of which a loader would report another time that it is not what it needs. */
static void diagnose_number(tf_diags *diags, const json_path *where, const cJSON *value, bool in_axis) {
    const bool named = strpbrk(json_number_text(value), "NI") != NULL;
    if (named && in_axis)
        return;
    if (named)
        diagnose(diags, where, TF_DIAG_BAD_VALUE, "%s can only be a value of an axis", json_number_text(value));
    else
        diagnose(diags, where, TF_DIAG_OUT_OF_RANGE, "%.40s is beyond float64", json_number_text(value));
    tf_buf pointer = {0};
    json_path_pointer(where, &pointer);
    tf_diags_close(diags, tf_buf_text(&pointer));
    tf_buf_free(&pointer);
}

/* Reports what no part of a manifest may have: keys that are given twice, numbers beyond float64, and, except as values
 * of an axis, NaN and infinities. */
static void check_everywhere(tf_diags *diags, const json_path *where, cJSON *value, bool in_axis) {
    int n = 0;
    if (cJSON_IsObject(value))
        diagnose_repeats(diags, where, value);
    if (cJSON_IsNumber(value) && !isfinite(value->valuedouble))
        diagnose_number(diags, where, value, in_axis);
    for (cJSON *item = cJSON_IsObject(value) || cJSON_IsArray(value) ? value->child : NULL; item;
         item = item->next, n++) {
        json_path here = item->string ? json_path_key(where, item->string) : json_path_index(where, n);
        check_everywhere(diags, &here, item, in_axis || (item->string && strcmp(item->string, "over") == 0));
    }
}

void json_locate(const char *text, size_t offset, int *line, int *column) {
    *line = *column = 1;
    for (size_t i = 0; i < offset; i++) {
        if (text[i] == '\n') {
            ++*line;
            *column = 1;
        } else if (((unsigned char)text[i] & 0xC0) != 0x80) {
            ++*column;
        }
    }
}

cJSON *json_parse(tf_diags *diags, const char *text, const char *written, size_t length) {
    json_error error;
    cJSON *root = json_read(text, length, JSON_STRICT, &error);
    const json_path here = {0};
    if (!root && error.offset < length && text[error.offset] == '/') /* others are blanks by now */
        snprintf(error.text, sizeof error.text, "not JSON: %s",
                 error.offset + 1 < length && text[error.offset + 1] == '*' ? "this comment does not end"
                                                                            : "\"/\" was not expected here");
    if (root)
        check_everywhere(diags, &here, root, false);
    else
        diagnose_at_offset(diags, written, error.offset, error.text);
    return root;
}

static const json_key *find_key(json_keys keys, const char *name) {
    for (const json_key *key = keys.key; key < keys.key + keys.count; key++)
        if (strcmp(key->name, name) == 0)
            return key;
    return NULL;
}

bool json_keys_have(json_keys keys, const char *name) {
    return find_key(keys, name) != NULL;
}

/* What others call a thing, or what somebody may look for. */
static const struct {
    const char *word, *key, *advice;
} other_words[] = {
    {"cpus", "slots", ""},
    {"cores", "slots", ""},
    {"threads", "slots", ""},
    {"ncpus", "slots", ""},
    {"mem", "memory", ""},
    {"ram", "memory", ""},
    {"cmd", "command", ""},
    {"shell", "command", ""},
    {"script", "command", ": [\"python3\", \"script.py\"]"},
    {"parameters", "over", ""},
    {"params", "over", ""},
    {"depends_on", "after", ""},
    {"needs", "after", ""},
    {"command", "run", ": {\"command\": ...}"},
    {"service", "run", ": {\"service\": ...}"},
    {"function", "run", ": {\"function\": ...}"},
    {"python", "run", ": {\"python\": ...}"},
    {"batch", "run", ": {..., \"batch\": ...}"},
    {"common", "run", ": {..., \"common\": ...}"},
    {"env", "run", ": {..., \"env\": ...}"},
    {"cwd", "run", ": {..., \"cwd\": ...}"},
    {"stdin", "run", ": {..., \"stdin\": ...}"},
    {"parquet", "csv", " or \"jsonl\": Parquet is not read"},
};

static bool diagnose_other_word(tf_diags *diags, const json_path *where, const char *name, json_keys keys) {
    for (size_t i = 0; i < sizeof other_words / sizeof *other_words; i++)
        if (strcmp(other_words[i].word, name) == 0 && find_key(keys, other_words[i].key)) {
            diagnose(diags, where, TF_DIAG_UNKNOWN_KEY, "unknown key \"%s\"; write \"%s\"%s", name, other_words[i].key,
                     other_words[i].advice);
            return true;
        }
    return false;
}

static void diagnose_unknown(tf_diags *diags, const json_path *where, const char *name, json_keys keys) {
    if (diagnose_other_word(diags, where, name, keys))
        return;
    const char **names = tf_alloc_array((size_t)keys.count, sizeof *names);
    for (int i = 0; i < keys.count; i++)
        names[i] = keys.key[i].name;
    const char *near = tf_suggest(name, names, (size_t)keys.count);
    if (near)
        diagnose(diags, where, TF_DIAG_UNKNOWN_KEY, "unknown key \"%s\"; did you mean \"%s\"?", name, near);
    else
        diagnose(diags, where, TF_DIAG_UNKNOWN_KEY, "unknown key \"%s\"", name);
    free(names);
}

void json_check_keys(tf_diags *diags, const json_path *where, const cJSON *object, json_keys keys) {
    for (const cJSON *member = object->child; member; member = member->next) {
        json_path here = json_path_key(where, member->string);
        const json_key *key = find_key(keys, member->string);
        if (!key && strcmp(member->string, JSON_COMMENT) != 0)
            diagnose_unknown(diags, &here, member->string, keys);
    }
}

cJSON *json_without_comment(const cJSON *object) {
    cJSON *copy = cJSON_Duplicate(object, true);
    cJSON_DeleteItemFromObjectCaseSensitive(copy, JSON_COMMENT);
    return copy;
}

tf_diag_id json_int_mistake(const cJSON *value) {
    return cJSON_IsNumber(value) ? TF_DIAG_OUT_OF_RANGE : TF_DIAG_WRONG_TYPE;
}

const char *json_kind(const cJSON *value) {
    if (cJSON_IsObject(value))
        return "an object";
    if (cJSON_IsArray(value))
        return "a list";
    if (cJSON_IsString(value))
        return "a string";
    if (cJSON_IsNumber(value))
        return "a number";
    return cJSON_IsNull(value) ? "null" : "true or false";
}

static const cJSON *member_of_kind(tf_diags *diags, const json_path *where, const cJSON *object, const char *key,
                                   cJSON_bool (*is)(const cJSON *const), const char *wanted) {
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!value || is(value))
        return value;
    json_path here = json_path_key(where, key);
    diagnose(diags, &here, TF_DIAG_WRONG_TYPE, "must be %s, not %s", wanted, json_kind(value));
    return NULL;
}

const cJSON *json_object(tf_diags *diags, const json_path *where, const cJSON *object, const char *key) {
    return member_of_kind(diags, where, object, key, cJSON_IsObject, "an object");
}

const cJSON *json_array(tf_diags *diags, const json_path *where, const cJSON *object, const char *key) {
    return member_of_kind(diags, where, object, key, cJSON_IsArray, "a list");
}

const char *json_string(tf_diags *diags, const json_path *where, const cJSON *object, const char *key) {
    const cJSON *value = member_of_kind(diags, where, object, key, cJSON_IsString, "a string");
    return value ? value->valuestring : NULL;
}

bool json_int_within(const cJSON *value, int64_t least, int64_t most, int64_t *integer) {
    int64_t found;
    if (!json_int(value, &found) || found < least || found > most)
        return false;
    *integer = found;
    return true;
}

bool json_flag(tf_diags *diags, const json_path *where, const cJSON *object, const char *key) {
    return cJSON_IsTrue(member_of_kind(diags, where, object, key, cJSON_IsBool, "true or false"));
}
