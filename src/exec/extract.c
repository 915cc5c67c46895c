/* A command's columns from what it wrote: the JSON object in the last line of stdout, a regular expression, a field of
 * the last line, or a file. */
#include "exec/host.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

/* What a row's columns are read from; each part is made when it is first needed. */
typedef struct sources {
    tf_buf out; /* what is known of stdout */
    char *last_line;
    cJSON *json; /* of the last line */
    const char *scratch;
} sources;

/* Shortens a text for a message. */
static const char *shown(const char *text, char out[60]) {
    size_t length = strcspn(text, "\n");
    if (length > 50) {
        memcpy(out, text, 47);
        strcpy(out + 47, "...");
    } else {
        memcpy(out, text, length);
        out[length] = '\0';
    }
    return out;
}

static const char *last_line(host *h, sources *s) {
    if (s->last_line)
        return s->last_line;
    if (s->out.length == 0)
        capture_tail(&h->out, (size_t)h->out.limit, &s->out);
    tf_buf text = {0};
    tf_buf_add(&text, tf_buf_text(&s->out), s->out.length);
    while (text.length && strchr(" \t\r\n", text.data[text.length - 1]))
        text.data[--text.length] = '\0';
    const char *line = text.length ? memrchr(text.data, '\n', text.length) : NULL;
    s->last_line = strdup(line ? line + 1 : tf_buf_text(&text));
    tf_buf_free(&text);
    return s->last_line;
}

/* ---- Storing one value ---- */

static void *cell(host *h, int64_t row, int column) {
    const tf_column_spec *spec = &h->spec->column[column];
    size_t size = tf_column_bytes(spec);
    return (char *)h->columns.columns[column] + (size_t)row * size;
}

/* A number as text into one element. Exact for integers of 64 bits; "true" and "false" are booleans. */
static bool store_text(tf_type type, const char *text, void *out) {
    int64_t integer;
    uint64_t natural;
    double number;
    if (type == TF_BOOL && (strcmp(text, "true") == 0 || strcmp(text, "false") == 0))
        return tf_store_int(type, *text == 't', out);
    if (tf_parse_int(text, &integer))
        return tf_store_int(type, integer, out);
    if (tf_parse_uint(text, &natural))
        return tf_store_uint(type, natural, out);
    if (tf_parse_double(text, &number))
        return tf_store_double(type, number, out);
    return false;
}

static bool store_json(tf_type type, const cJSON *value, void *out) {
    if (cJSON_IsNull(value) && tf_type_is_float(type))
        return tf_store_double(type, NAN, out);
    if (cJSON_IsBool(value))
        return type == TF_BOOL && tf_store_int(type, cJSON_IsTrue(value), out);
    if (cJSON_IsString(value)) /* "NaN", and integers beyond 2^53 */
        return store_text(type, value->valuestring, out);
    if (!cJSON_IsNumber(value))
        return false;
    if (!tf_type_is_float(type) && fabs(value->valuedouble) > 0x1p53)
        return false;
    return tf_store_double(type, value->valuedouble, out);
}

/* Nested lists in C order. Returns the number of elements found, -1 at one that does not fit. */
static int64_t store_list(const tf_column_spec *spec, const cJSON *list, char *out, int64_t at) {
    size_t size = tf_type_size(spec->type);
    for (const cJSON *item = list->child; item && at >= 0; item = item->next) {
        if (cJSON_IsArray(item))
            at = store_list(spec, item, out, at);
        else if (at < spec->elements && !store_json(spec->type, item, out + (size_t)at * size))
            at = -1;
        else
            at++;
    }
    return at;
}

static bool store_member(host *h, int64_t row, int column, const cJSON *value, const char *where) {
    const tf_column_spec *spec = &h->spec->column[column];
    char text[60];
    if (spec->type == TF_STRING || spec->type == TF_BYTES) {
        if (!cJSON_IsString(value)) {
            host_fail(h, "column \"%s\": %s in %s", spec->name, value ? "not a string" : "no such member", where);
            return false;
        }
        host_add_text(h, row, TF_RECORD_COLUMN + column, value->valuestring, strlen(value->valuestring));
        return true;
    }
    if (!value && tf_type_is_float(spec->type))
        return true; /* stays NaN */
    if (!value) {
        host_fail(h, "column \"%s\": no such member in %s", spec->name, where);
        return false;
    }
    if (spec->rank > 0) {
        int64_t found = cJSON_IsArray(value) ? store_list(spec, value, cell(h, row, column), 0) : -2;
        if (found == spec->elements)
            return true;
        if (found >= 0)
            host_fail(h, "column \"%s\": %lld elements in %s, expected %lld", spec->name, (long long)found, where,
                      (long long)spec->elements);
        else
            host_fail(h, "column \"%s\": not a list of %s in %s", spec->name, tf_type_name(spec->type), where);
        return false;
    }
    if (store_json(spec->type, value, cell(h, row, column)))
        return true;
    char *printed = cJSON_PrintUnformatted(value);
    host_fail(h, "column \"%s\": %s in %s is no %s", spec->name, shown(printed, text), where, tf_type_name(spec->type));
    free(printed);
    return false;
}

/* A text that was found; numbers of an array column are separated by white space or commas. */
static bool store_found(host *h, int64_t row, int column, const char *found, size_t size, const char *where) {
    const tf_column_spec *spec = &h->spec->column[column];
    char text[60];
    if (spec->type == TF_STRING || spec->type == TF_BYTES) {
        int64_t invalid = spec->type == TF_STRING ? tf_utf8_invalid(found, size) : -1;
        if (invalid >= 0)
            host_fail(h, "column \"%s\": %s is not UTF-8; use type \"bytes\"", spec->name, where);
        else
            host_add_text(h, row, TF_RECORD_COLUMN + column, found, size);
        return invalid < 0;
    }
    static const char between[] = " \t\r\n,";
    char *copy = strndup(found, size), *rest = copy, *word;
    int64_t n = 0;
    bool sound = true;
    while (sound && (rest += strspn(rest, between), *rest)) {
        word = rest;
        rest += strcspn(rest, between);
        if (*rest)
            *rest++ = '\0';
        char *out = cell(h, row, column);
        sound = n < spec->elements && store_text(spec->type, word, out + (size_t)n * tf_type_size(spec->type));
        if (!sound && n < spec->elements)
            host_fail(h, "column \"%s\": \"%s\" in %s is no %s", spec->name, shown(word, text), where,
                      tf_type_name(spec->type));
        n++;
    }
    if (n != spec->elements)
        host_fail(h, "column \"%s\": %s%lld element%s in %s, expected %lld", spec->name,
                  n > spec->elements ? "more than " : "", (long long)(n > spec->elements ? spec->elements : n),
                  n == 1 ? "" : "s", where, (long long)spec->elements);
    free(copy);
    return h->message.length == 0;
}

/* ---- Where values come from ---- */

static bool from_json(host *h, int64_t row, int column, sources *s) {
    char text[60];
    const char *line = last_line(h, s);
    if (!s->json)
        s->json = cJSON_ParseWithOpts(line, NULL, true);
    if (!cJSON_IsObject(s->json)) {
        if (*line)
            host_fail(h, "column \"%s\": the last line of stdout is not a JSON object: \"%s\"",
                      h->spec->column[column].name, shown(line, text));
        else
            host_fail(h, "column \"%s\": stdout is empty, expected a JSON object in its last line",
                      h->spec->column[column].name);
        return false;
    }
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(s->json, h->spec->column[column].name);
    return store_member(h, row, column, value, "the last line of stdout");
}

static bool from_regex(host *h, int64_t row, int column, sources *s) {
    const tf_column_spec *spec = &h->spec->column[column];
    regex_t regex; /* compiled here a second time: the manifest's check left nothing behind */
    if (regcomp(&regex, spec->regex, REG_EXTENDED | REG_NEWLINE) != 0)
        return false;
    if (s->out.length == 0)
        capture_tail(&h->out, (size_t)h->out.limit, &s->out);
    regmatch_t match[2];
    int status = regexec(&regex, tf_buf_text(&s->out), 2, match, 0);
    bool groups = regex.re_nsub > 0;
    regfree(&regex);
    if (status == 0 && groups && match[1].rm_so >= 0)
        match[0] = match[1];
    if (status == 0)
        return store_found(h, row, column, s->out.data + match[0].rm_so, (size_t)(match[0].rm_eo - match[0].rm_so),
                           "what the regular expression found");
    host_fail(h, "column \"%s\": nothing in stdout matches \"%s\"", spec->name, spec->regex);
    return false;
}

static bool from_field(host *h, int64_t row, int column, sources *s) {
    const tf_column_spec *spec = &h->spec->column[column];
    static const char between[] = " \t\r";
    const char *line = last_line(h, s), *field = line + strspn(line, between);
    int n = 1;
    while (*field && n < spec->field) {
        field += strcspn(field, between);
        field += strspn(field, between);
        n += *field != '\0';
    }
    char text[60];
    if (*field)
        return store_found(h, row, column, field, strcspn(field, between), "the last line of stdout");
    host_fail(h, "column \"%s\": no field %d in the last line of stdout: \"%s\"", spec->name, spec->field,
              shown(line, text));
    return false;
}

static bool from_file(host *h, int64_t row, int column, sources *s) {
    const tf_column_spec *spec = &h->spec->column[column];
    tf_point point = host_point(h, row);
    point.scratch = s->scratch;
    tf_buf path = {0}, bytes = {0};
    tf_template_expand(spec->file, &point, &path);
    int failure = tf_read_file(tf_buf_text(&path), &bytes);
    bool is_json = path.length > 5 && strcmp(path.data + path.length - 5, ".json") == 0;
    if (failure) {
        host_fail(h, "column \"%s\": %s: %s", spec->name, tf_buf_text(&path), strerror(failure));
    } else if (!is_json) {
        store_found(h, row, column, tf_buf_text(&bytes), bytes.length, tf_buf_text(&path));
    } else {
        cJSON *json = cJSON_ParseWithOpts(tf_buf_text(&bytes), NULL, true);
        if (cJSON_IsObject(json))
            store_member(h, row, column, cJSON_GetObjectItemCaseSensitive(json, spec->name), tf_buf_text(&path));
        else
            host_fail(h, "column \"%s\": %s is not a JSON object", spec->name, tf_buf_text(&path));
        cJSON_Delete(json);
    }
    tf_buf_free(&path);
    tf_buf_free(&bytes);
    return h->message.length == 0;
}

bool extract_columns(host *h, int64_t row, const char *scratch) {
    sources s = {.scratch = scratch};
    bool sound = true;
    for (int c = 0; c < h->spec->columns && sound; c++) {
        switch (h->spec->column[c].from) {
        case TF_FROM_JSON: sound = from_json(h, row, c, &s); break;
        case TF_FROM_REGEX: sound = from_regex(h, row, c, &s); break;
        case TF_FROM_FIELD: sound = from_field(h, row, c, &s); break;
        case TF_FROM_FILE: sound = from_file(h, row, c, &s); break;
        }
    }
    cJSON_Delete(s.json);
    free(s.last_line);
    tf_buf_free(&s.out);
    return sound && h->message.length == 0;
}

bool extract_members(host *h, int64_t row, const cJSON *results) {
    bool good = true;
    for (int c = 0; c < h->spec->columns && good; c++)
        good = store_member(h, row, c, cJSON_GetObjectItemCaseSensitive(results, h->spec->column[c].name),
                            "the service's answer");
    return good;
}
