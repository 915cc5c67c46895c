/* A command's columns from what it wrote: the JSON object in the last line of stdout, a regular expression, a field of
 * the last line, or a file. */
#include "host/host.h"
#include "manifest/json_read.h"

#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

/* What a row's columns are read from; each part is made when it is first needed. */
typedef struct sources {
    const char *scratch;
    bool known;         /* the two that follow are what is known of stdout: */
    tf_buf first, last; /* all of it, or of a longer one the lines at its beginning and at its end */
    bool cut;           /* what was between them is gone */
    const char *line;   /* the last one, without white space behind it: in one of the two. NULL: it is not whole */
    size_t length;
    bool parsed;
    cJSON *json; /* of the last line; NULL: it is none */
    json_error error;
} sources;

enum { SHOWN = 60 };

/* Shortens a text for a message. */
static const char *shown(const char *text, size_t length, char out[SHOWN]) {
    const char *end = memchr(text, '\n', length);
    length = end ? (size_t)(end - text) : length;
    const bool is_long = length > 50;
    size_t kept = is_long ? 47 : length;
    const int64_t bad = tf_utf8_invalid(text, kept);
    kept = bad >= 0 && is_long && kept - (size_t)bad < 4 ? (size_t)bad : kept; /* within a character */
    memcpy(out, text, kept);
    strcpy(out + kept, is_long ? "..." : "");
    for (size_t i = 0; i < kept; i++)
        out[i] = out[i] ? out[i] : '?';
    return out;
}

static void know_output(host *h, sources *s) {
    if (s->known)
        return;
    s->known = true;
    s->cut = !capture_lines(&h->out, &s->first, &s->last);
}

/* Finds the last line. false after host_fail: it is not there as a whole. */
static bool find_line(host *h, int column, sources *s) {
    char size[32], part[32];
    know_output(h, s);
    const tf_buf *text = s->cut ? &s->last : &s->first;
    size_t end = text->length;
    while (end > 0 && strchr(" \t\r\n", text->data[end - 1]) && text->data[end - 1])
        end--;
    const char *before = end > 0 ? memrchr(text->data, '\n', end) : NULL;
    s->line = before ? before + 1 : tf_buf_text(text);
    s->length = end - (size_t)(s->line - tf_buf_text(text));
    if (end > 0 || !s->cut)
        return true;
    host_fail(h,
              "column \"%s\": the last line of stdout is too long: of more than %s only the first and the last %s are "
              "kept; write it to a file and read that with \"from\": \"file:PATH\"",
              h->spec->column[column].name, tf_format_size(h->out.limit, size), tf_format_size(h->out.limit / 2, part));
    return false;
}

/* ---- Storing one value ---- */

static void *cell(host *h, int64_t row, int column) {
    const tf_column_spec *spec = &h->spec->column[column];
    size_t size = tf_column_bytes(spec);
    return (char *)h->columns.columns[column] + (size_t)row * size;
}

/* A number as text into one element; "true" and "false" are booleans. */
static tf_fit store_text(tf_type type, const char *text, size_t length, void *out) {
    const bool yes = length == 4 && memcmp(text, "true", 4) == 0, no = length == 5 && memcmp(text, "false", 5) == 0;
    if (type == TF_BOOL && (yes || no))
        return tf_store_int(type, yes, out) ? TF_FITS : TF_NO_NUMBER;
    return tf_store_number(type, text, length, out);
}

static tf_fit store_json(tf_type type, const cJSON *value, void *out) {
    if (cJSON_IsNull(value) && tf_type_is_float(type)) {
        tf_store_absent(type, 1, out);
        return TF_FITS;
    }
    if (cJSON_IsBool(value))
        return type == TF_BOOL && tf_store_int(type, cJSON_IsTrue(value), out) ? TF_FITS : TF_NO_NUMBER;
    if (cJSON_IsString(value)) /* "NaN", or an integer of a language that has doubles alone */
        return store_text(type, value->valuestring, strlen(value->valuestring), out);
    return json_store(value, type, out);
}

/* Nested lists in C order. Returns the number of elements found, -1 at one that does not fit. */
static int64_t store_list(const tf_column_spec *spec, const cJSON *list, char *out, int64_t at) {
    size_t size = tf_type_size(spec->type);
    for (const cJSON *item = list->child; item && at >= 0; item = item->next) {
        if (cJSON_IsArray(item))
            at = store_list(spec, item, out, at);
        else if (at < spec->elements && store_json(spec->type, item, out + (size_t)at * size) != TF_FITS)
            at = -1;
        else
            at++;
    }
    return at;
}

/* The object has no such member: says what it has. */
static void fail_missing(host *h, const tf_column_spec *spec, const cJSON *object, const char *where) {
    enum { MOST = 8 };
    tf_buf names = {0};
    char text[SHOWN];
    int n = 0;
    for (const cJSON *member = object->child; member && n <= MOST; member = member->next, n++)
        tf_buf_addf(&names,
                    n == MOST ? ", ..."
                    : n       ? ", \"%s\""
                              : "; it has \"%s\"",
                    shown(member->string, strlen(member->string), text));
    host_fail(h, "column \"%s\": no such member in %s%s", spec->name, where, n ? tf_buf_text(&names) : "; it is empty");
    tf_buf_free(&names);
}

static bool store_elements(host *h, int64_t row, int column, const cJSON *value, const char *where) {
    const tf_column_spec *spec = &h->spec->column[column];
    const int64_t found = cJSON_IsArray(value) ? store_list(spec, value, cell(h, row, column), 0) : -1;
    if (found == spec->elements)
        return true;
    if (found >= 0)
        host_fail(h, "column \"%s\": %lld elements in %s, expected %lld", spec->name, (long long)found, where,
                  (long long)spec->elements);
    else
        host_fail(h, "column \"%s\": not a list of %s in %s", spec->name, tf_type_name(spec->type), where);
    return false;
}

/* A column's member of an object. */
static bool store_member(host *h, int64_t row, int column, const cJSON *object, const char *where) {
    const tf_column_spec *spec = &h->spec->column[column];
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, spec->name);
    char text[SHOWN];
    if (spec->optional && (!value || cJSON_IsNull(value)))
        return true; /* the cells are as they were laid out: absent */
    if (!value) {
        fail_missing(h, spec, object, where);
        return false;
    }
    if (spec->type == TF_STRING || spec->type == TF_BYTES) {
        if (cJSON_IsString(value))
            host_add_text(h, row, TF_RECORD_COLUMN + column, value->valuestring, strlen(value->valuestring));
        else
            host_fail(h, "column \"%s\": not a string in %s", spec->name, where);
        return cJSON_IsString(value);
    }
    if (spec->rank > 0)
        return store_elements(h, row, column, value, where);
    const tf_fit fit = store_json(spec->type, value, cell(h, row, column));
    if (fit == TF_FITS)
        return true;
    char *printed = json_number_text(value) ? NULL : json_print(value, false);
    const char *given = printed ? printed : json_number_text(value);
    host_fail(h, "column \"%s\": %s in %s %s %s", spec->name, shown(given, strlen(given), text), where,
              tf_fit_text(fit), tf_type_name(spec->type));
    cJSON_free(printed);
    return false;
}

/* A text as it is. */
static bool store_string(host *h, int64_t row, int column, const char *found, size_t size, const char *where) {
    const tf_column_spec *spec = &h->spec->column[column];
    const char *wrong = spec->type == TF_BYTES              ? NULL
                        : tf_utf8_invalid(found, size) >= 0 ? "is not UTF-8"
                        : memchr(found, 0, size)            ? "holds a NUL byte"
                                                            : NULL;
    if (wrong)
        host_fail(h, "column \"%s\": %s %s; use type \"bytes\"", spec->name, where, wrong);
    else
        host_add_text(h, row, TF_RECORD_COLUMN + column, found, size);
    return !wrong;
}

/* How many of the characters that come next are in `set`, or are not. */
static size_t span(const char *from, const char *end, const char *set, bool in) {
    const char *c = from;
    while (c < end && (*c && strchr(set, *c)) == in)
        c++;
    return (size_t)(c - from);
}

/* A text that was found; numbers of an array column are separated by white space or commas. */
static bool store_found(host *h, int64_t row, int column, const char *found, size_t size, const char *where) {
    static const char between[] = " \t\r\n,";
    const tf_column_spec *spec = &h->spec->column[column];
    const char *end = found + size, *word = found + span(found, end, between, true);
    char text[SHOWN], *out;
    int64_t n = 0;
    if (spec->type == TF_STRING || spec->type == TF_BYTES)
        return store_string(h, row, column, found, size, where);
    for (out = cell(h, row, column); word < end && n < spec->elements; n++, out += tf_type_size(spec->type)) {
        const size_t length = span(word, end, between, false);
        const tf_fit fit = store_text(spec->type, word, length, out);
        if (fit != TF_FITS) {
            host_fail(h, "column \"%s\": \"%s\" in %s %s %s", spec->name, shown(word, length, text), where,
                      tf_fit_text(fit), tf_type_name(spec->type));
            return false;
        }
        word += length + span(word + length, end, between, true);
    }
    if (n == spec->elements && word == end)
        return true;
    host_fail(h, "column \"%s\": %s%lld element%s in %s, expected %lld", spec->name, word < end ? "more than " : "",
              (long long)n, n == 1 && word == end ? "" : "s", where, (long long)spec->elements);
    return false;
}

/* ---- Where values come from ---- */

/* Says why the last line is no JSON object. */
static void fail_json(host *h, const tf_column_spec *spec, const sources *s) {
    char text[SHOWN];
    if (s->length == 0)
        host_fail(h, "column \"%s\": stdout is empty, expected a JSON object in its last line", spec->name);
    else if (s->json || strncmp(s->error.text, "not JSON", 8) == 0)
        host_fail(h, "column \"%s\": the last line of stdout is not a JSON object: \"%s\"", spec->name,
                  shown(s->line, s->length, text));
    else
        host_fail(h, "column \"%s\": the last line of stdout is no sound JSON: %s", spec->name, s->error.text);
}

static bool from_json(host *h, int64_t row, int column, sources *s) {
    const tf_column_spec *spec = &h->spec->column[column];
    if (!s->parsed && !find_line(h, column, s))
        return false;
    if (!s->parsed)
        s->json = json_read(s->line, s->length, JSON_LAST_COUNTS, &s->error);
    s->parsed = true;
    if (cJSON_IsObject(s->json))
        return store_member(h, row, column, s->json, "the last line of stdout");
    if (!s->json && s->length == 0 && spec->optional)
        return true;
    fail_json(h, spec, s);
    return false;
}

/* The first match in the lines: what its group is, or the whole without groups. NULL: there is none. */
static const char *find_match(host *h, const tf_column_spec *spec, const regex_t *regex, const tf_buf *lines,
                              size_t *length) {
    regmatch_t match[2] = {{.rm_so = 0, .rm_eo = (regoff_t)lines->length}};
    const int status = regexec(regex, tf_buf_text(lines), 2, match, REG_STARTEND);
    if (status != 0 && status != REG_NOMATCH)
        host_fail(h, "column \"%s\": \"%s\" can't be looked for: out of memory", spec->name, spec->regex);
    if (status != 0)
        return NULL;
    const regmatch_t *found = &match[regex->re_nsub > 0];
    *length = (size_t)(found->rm_eo - found->rm_so);
    return found->rm_so >= 0 ? tf_buf_text(lines) + found->rm_so : NULL;
}

static void fail_no_match(host *h, int column, sources *s) {
    const tf_column_spec *spec = &h->spec->column[column];
    char text[SHOWN], part[32] = "";
    if (s->cut)
        host_fail(h, "column \"%s\": nothing in the first and the last %s of stdout matches \"%s\"", spec->name,
                  tf_format_size(h->out.limit / 2, part), spec->regex);
    else if (find_line(h, column, s) && s->length > 0)
        host_fail(h, "column \"%s\": nothing in stdout matches \"%s\"; its last line is \"%s\"", spec->name,
                  spec->regex, shown(s->line, s->length, text));
    else
        host_fail(h, "column \"%s\": nothing in stdout matches \"%s\"; it is empty", spec->name, spec->regex);
}

static bool from_regex(host *h, int64_t row, int column, sources *s) {
    const tf_column_spec *spec = &h->spec->column[column];
    regex_t regex; /* compiled here a second time: the manifest's check left nothing behind */
    if (regcomp(&regex, spec->regex, REG_EXTENDED | REG_NEWLINE) != 0) {
        host_fail(h, "column \"%s\": \"%s\" can't be compiled: out of memory", spec->name, spec->regex);
        return false;
    }
    know_output(h, s);
    size_t length = 0;
    const char *found = find_match(h, spec, &regex, &s->first, &length);
    if (!found && s->cut)
        found = find_match(h, spec, &regex, &s->last, &length);
    regfree(&regex);
    if (found)
        return store_found(h, row, column, found, length, "what the regular expression found");
    if (!spec->optional)
        fail_no_match(h, column, s);
    return spec->optional;
}

static bool from_field(host *h, int64_t row, int column, sources *s) {
    static const char between[] = " \t\r";
    const tf_column_spec *spec = &h->spec->column[column];
    char text[SHOWN];
    if (!find_line(h, column, s))
        return false;
    const char *end = s->line + s->length, *field = s->line + span(s->line, end, between, true);
    for (int n = 1; field < end && n < spec->field; n++) {
        field += span(field, end, between, false);
        field += span(field, end, between, true);
    }
    if (field < end)
        return store_found(h, row, column, field, span(field, end, between, false), "the last line of stdout");
    if (!spec->optional)
        host_fail(h, "column \"%s\": no field %d in the last line of stdout: \"%s\"", spec->name, spec->field,
                  shown(s->line, s->length, text));
    return spec->optional;
}

/* A member of the JSON object that a file holds. */
static bool from_json_file(host *h, int64_t row, int column, const char *path, const tf_buf *bytes) {
    const tf_column_spec *spec = &h->spec->column[column];
    json_error error = {0};
    cJSON *json = json_read(tf_buf_text(bytes), bytes->length, JSON_LAST_COUNTS, &error);
    bool sound = false;
    if (cJSON_IsObject(json))
        sound = store_member(h, row, column, json, path);
    else
        host_fail(h, "column \"%s\": %s is not a JSON object%s%s", spec->name, path, json ? "" : ": ", error.text);
    cJSON_Delete(json);
    return sound;
}

static bool from_file(host *h, int64_t row, int column, sources *s) {
    const tf_column_spec *spec = &h->spec->column[column];
    tf_point point = host_point(h, row);
    point.scratch = s->scratch;
    tf_buf path = {0}, bytes = {0};
    tf_template_expand(spec->file, &point, &path);
    const char *name = tf_buf_text(&path);
    const bool left = !answers_is_new(h, column, name);
    const int failure = left ? ENOENT : tf_read_file(name, &bytes);
    const bool is_json = path.length > 5 && strcmp(name + path.length - 5, ".json") == 0;
    bool sound = failure == ENOENT && spec->optional;
    if (left && !sound)
        host_fail(
            h,
            "column \"%s\": %s was there before the task ran, and the task has not written it; what a task only reads "
            "is to be named in \"inputs\"",
            spec->name, name);
    else if (failure && !sound)
        host_fail(h, "column \"%s\": %s: %s", spec->name, name, tf_read_failure(failure));
    else if (!failure)
        sound = is_json ? from_json_file(h, row, column, name, &bytes)
                        : store_found(h, row, column, tf_buf_text(&bytes), bytes.length, name);
    tf_buf_free(&path);
    tf_buf_free(&bytes);
    return sound;
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
    tf_buf_free(&s.first);
    tf_buf_free(&s.last);
    if (!sound)
        host_fail(h, "its columns can't be read"); /* what failed has said more, as a rule */
    return h->message.length == 0;
}

bool extract_members(host *h, int64_t row, const cJSON *results) {
    bool good = true;
    for (int c = 0; c < h->spec->columns && good; c++)
        good = store_member(h, row, c, results, "the service's answer");
    return good;
}
