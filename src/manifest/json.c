/* Walking a cJSON tree: complaints with JSON pointers, checked keys, typed members. */
#include "manifest/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A complaint is one line, whatever the names in it are. */
static void TF_PRINTF(2, 3) add_visible(tf_buf *out, const char *format, ...) {
    va_list args;
    va_start(args, format);
    tf_buf_addv_visible(out, format, args);
    va_end(args);
}

void tf_diags_add(tf_diags *diags, const char *pointer, const char *format, ...) {
    va_list args;
    va_start(args, format);
    add_visible(&diags->lines, "%s: %s%s", diags->file, pointer, *pointer ? ": " : "");
    tf_buf_addv_visible(&diags->lines, format, args);
    va_end(args);
    tf_buf_addc(&diags->lines, '\n');
    diags->count++;
}

void tf_diags_free(tf_diags *diags) {
    tf_buf_free(&diags->lines);
}

void at_pointer(const at *where, tf_buf *out) {
    if (!where || !where->up)
        return; /* the root */
    at_pointer(where->up, out);
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

void complain(tf_diags *diags, const at *where, const char *format, ...) {
    tf_buf pointer = {0}, text = {0};
    at_pointer(where, &pointer);
    va_list args;
    va_start(args, format);
    tf_buf_addv(&text, format, args);
    va_end(args);
    tf_diags_add(diags, tf_buf_text(&pointer), "%s", tf_buf_text(&text));
    tf_buf_free(&pointer);
    tf_buf_free(&text);
}

/* Line and column, both from 1; columns count characters. */
static void complain_at_offset(tf_diags *diags, const char *text, size_t offset, const char *what) {
    int line = 1, column = 1;
    for (size_t i = 0; i < offset; i++) {
        if (text[i] == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)text[i] & 0xC0) != 0x80) {
            column++;
        }
    }
    add_visible(&diags->lines, "%s:%d:%d: %s\n", diags->file, line, column, what);
    diags->count++;
}

/* The last character before `stop` that is not white space, NULL if there is none. */
static const char *last_before(const char *text, const char *stop) {
    while (stop > text)
        if (!strchr(" \t\r\n", *--stop))
            return stop;
    return NULL;
}

/* cJSON tells where it stopped; people want to know what stands there. */
static void complain_syntax(tf_diags *diags, const char *text, size_t length, size_t offset) {
    const char *last = offset > 0 ? text + offset - 1 : NULL;
    const char *opener = last && !strchr(" \t\r\n", *last) ? last_before(text, last) : NULL;
    if (opener && strchr("{,", *opener) && *last != '"')
        offset--; /* where a key should be, cJSON stops one behind what stands there */
    while (offset < length && strchr(" \t\r\n", text[offset]))
        offset++;
    if (offset >= length) {
        complain_at_offset(diags, text, length, "not JSON: the text ends here, and more was expected");
        return;
    }
    const char *stop = text + offset;
    const char *before = last_before(text, stop);
    char what[120];
    int word = (int)strcspn(stop, " \t\r\n,:{}[]");
    if ((*stop == '}' || *stop == ']') && before && *before == ',')
        snprintf(what, sizeof what, "not JSON: a comma before \"%c\"", *stop);
    else if (*stop == '\'')
        snprintf(what, sizeof what, "not JSON: strings and keys need double quotes");
    else if (*stop == '/' || *stop == '#')
        snprintf(what, sizeof what, "not JSON: comments are not allowed");
    else if (*stop == '\\' && stop[1])
        snprintf(what, sizeof what, "not JSON: \"\\%c\" in a string means nothing", stop[1]);
    else if (*stop == '"' && before && *before != ',' && *before != ':' && *before != '{' && *before != '[')
        snprintf(what, sizeof what, "not JSON: a comma or a colon is missing before this string");
    else
        snprintf(what, sizeof what, "not JSON: \"%.*s\" was not expected here", word > 20 ? 20 : word ? word : 1, stop);
    complain_at_offset(diags, text, offset, what);
}

cJSON *json_parse(tf_diags *diags, const char *text, size_t length) {
    int64_t invalid = tf_utf8_invalid(text, length);
    if (invalid >= 0) {
        complain_at_offset(diags, text, (size_t)invalid, "not UTF-8");
        return NULL;
    }
    if (memchr(text, 0, length)) {
        complain_at_offset(diags, text, strlen(text), "not JSON: a NUL byte");
        return NULL;
    }
    const char *stop = NULL;
    cJSON *root = cJSON_ParseWithLengthOpts(text, length + 1, &stop, true);
    if (!root)
        complain_syntax(diags, text, length, stop ? (size_t)(stop - text) : 0);
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

static void complain_unknown(tf_diags *diags, const at *where, const char *name, json_keys keys) {
    const char **names = tf_alloc_array((size_t)keys.count, sizeof *names);
    for (int i = 0; i < keys.count; i++)
        names[i] = keys.key[i].name;
    const char *near = tf_suggest(name, names, (size_t)keys.count);
    if (near)
        complain(diags, where, "unknown key \"%s\"; did you mean \"%s\"?", name, near);
    else
        complain(diags, where, "unknown key \"%s\"", name);
    free(names);
}

bool json_is_repeated(const cJSON *object, const cJSON *member) {
    for (const cJSON *other = object->child; other != member; other = other->next)
        if (strcmp(other->string, member->string) == 0)
            return true;
    return false;
}

void json_check_keys(tf_diags *diags, const at *where, const cJSON *object, json_keys keys) {
    for (const cJSON *member = object->child; member; member = member->next) {
        at here = at_key(where, member->string);
        const json_key *key = find_key(keys, member->string);
        if (!key)
            complain_unknown(diags, &here, member->string, keys);
        if (json_is_repeated(object, member))
            complain(diags, &here, "key \"%s\" is given twice", member->string);
    }
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

static const cJSON *member_of_kind(tf_diags *diags, const at *where, const cJSON *object, const char *key,
                                   cJSON_bool (*is)(const cJSON *const), const char *wanted) {
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!value || is(value))
        return value;
    at here = at_key(where, key);
    complain(diags, &here, "must be %s, not %s", wanted, json_kind(value));
    return NULL;
}

const cJSON *json_object(tf_diags *diags, const at *where, const cJSON *object, const char *key) {
    return member_of_kind(diags, where, object, key, cJSON_IsObject, "an object");
}

const cJSON *json_array(tf_diags *diags, const at *where, const cJSON *object, const char *key) {
    return member_of_kind(diags, where, object, key, cJSON_IsArray, "a list");
}

const char *json_string(tf_diags *diags, const at *where, const cJSON *object, const char *key) {
    const cJSON *value = member_of_kind(diags, where, object, key, cJSON_IsString, "a string");
    return value ? value->valuestring : NULL;
}

bool json_is_int(const cJSON *value) {
    return cJSON_IsNumber(value) && value->valuedouble == floor(value->valuedouble) &&
           fabs(value->valuedouble) < 0x1p53;
}
