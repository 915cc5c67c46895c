/* Values of a row: what was found as JSON or as text becomes numbers, strings and bytes of a column's type. */
#include "host/column_reader.h"

#include <string.h>

static void *cell_at(const cell *c) {
    return (char *)c->host->columns.columns[c->column] + (size_t)c->row * tf_column_bytes(c->spec);
}

/* How many elements the row has: of a block at the end of its array there are fewer than of the others. */
static int64_t elements_of(const cell *c) {
    tf_block block;
    if (!c->spec->grid)
        return c->spec->elements;
    tf_grid_place(c->spec->grid, c->host->header->first + c->row, &block);
    return tf_block_elements(&block);
}

/* Stores a number that is written as text in one element; "true" and "false" are booleans. */
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

/* Stores nested lists in C order, no more than `most` elements. Returns their number, or -1 if one does not fit. */
static int64_t store_list(tf_type type, int64_t most, const cJSON *list, char *out, int64_t at) {
    size_t size = tf_type_size(type);
    for (const cJSON *item = list->child; item && at >= 0; item = item->next) {
        if (cJSON_IsArray(item))
            at = store_list(type, most, item, out, at);
        else if (at < most && store_json(type, item, out + (size_t)at * size) != TF_FITS)
            at = -1;
        else
            at++;
    }
    return at;
}

/* Fails the row because the object has no such member, and says which it has. */
static void fail_missing(const cell *c, const cJSON *object, const char *where) {
    enum { MOST = 8 };
    tf_buf names = {0};
    char text[SHORT];
    int n = 0;
    for (const cJSON *member = object->child; member && n <= MOST; member = member->next, n++)
        tf_buf_addf(&names,
                    n == MOST ? ", ..."
                    : n       ? ", \"%s\""
                              : "; it has \"%s\"",
                    shorten(member->string, strlen(member->string), text));
    host_fail(c->host, "column \"%s\": no such member in %s%s", c->spec->name, where,
              n ? tf_buf_text(&names) : "; it is empty");
    tf_buf_free(&names);
}

static bool store_elements(const cell *c, const cJSON *value, const char *where) {
    const int64_t most = elements_of(c);
    const int64_t found = cJSON_IsArray(value) ? store_list(c->spec->type, most, value, cell_at(c), 0) : -1;
    if (found == most)
        return true;
    if (found >= 0)
        host_fail(c->host, "column \"%s\": %lld elements in %s, expected %lld", c->spec->name, (long long)found, where,
                  (long long)most);
    else
        host_fail(c->host, "column \"%s\": not a list of %s in %s", c->spec->name, tf_type_name(c->spec->type), where);
    return false;
}

bool cell_store_member(const cell *c, const cJSON *object, const char *where) {
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, c->spec->name);
    char text[SHORT];
    if (c->spec->optional && (!value || cJSON_IsNull(value)))
        return true; /* the cells are as they were laid out: absent */
    if (!value) {
        fail_missing(c, object, where);
        return false;
    }
    if (c->spec->type == TF_STRING || c->spec->type == TF_BYTES) {
        if (cJSON_IsString(value))
            host_add_blob(c->host, c->row, TF_RECORD_COLUMN + c->column, value->valuestring,
                          strlen(value->valuestring));
        else
            host_fail(c->host, "column \"%s\": not a string in %s", c->spec->name, where);
        return cJSON_IsString(value);
    }
    if (c->spec->rank > 0)
        return store_elements(c, value, where);
    const tf_fit fit = store_json(c->spec->type, value, cell_at(c));
    if (fit == TF_FITS)
        return true;
    if (cJSON_IsArray(value)) {
        host_fail(c->host, "column \"%s\": a list in %s; a column that takes lists has a \"shape\"", c->spec->name,
                  where);
        return false;
    }
    char *printed = json_number_text(value) ? NULL : json_print(value, false);
    const char *given = printed ? printed : json_number_text(value);
    host_fail(c->host, "column \"%s\": %s in %s %s %s", c->spec->name, shorten(given, strlen(given), text), where,
              tf_fit_text(fit), tf_type_name(c->spec->type));
    cJSON_free(printed);
    return false;
}

/* Stores a text as it is. */
static bool store_string(const cell *c, const char *found, size_t size, const char *where) {
    const char *wrong = c->spec->type == TF_BYTES           ? NULL
                        : tf_utf8_invalid(found, size) >= 0 ? "is not UTF-8"
                        : memchr(found, 0, size)            ? "holds a NUL byte"
                                                            : NULL;
    if (wrong)
        host_fail(c->host, "column \"%s\": %s %s; use type \"bytes\"", c->spec->name, where, wrong);
    else
        host_add_blob(c->host, c->row, TF_RECORD_COLUMN + c->column, found, size);
    return !wrong;
}

bool cell_store_text(const cell *c, const char *found, size_t size, const char *where) {
    static const char between[] = " \t\r\n,";
    const char *end = found + size, *word = found + span_of(found, end, between);
    const int64_t most = elements_of(c);
    char text[SHORT], *out;
    int64_t n = 0;
    if (c->spec->type == TF_STRING || c->spec->type == TF_BYTES)
        return store_string(c, found, size, where);
    for (out = cell_at(c); word < end && n < most; n++, out += tf_type_size(c->spec->type)) {
        const size_t length = span_to(word, end, between);
        const tf_fit fit = store_text(c->spec->type, word, length, out);
        if (fit != TF_FITS) {
            host_fail(c->host, "column \"%s\": \"%s\" in %s %s %s", c->spec->name, shorten(word, length, text), where,
                      tf_fit_text(fit), tf_type_name(c->spec->type));
            return false;
        }
        word += length + span_of(word + length, end, between);
    }
    if (n == most && word == end)
        return true;
    host_fail(c->host, "column \"%s\": %s%lld element%s in %s, expected %lld", c->spec->name,
              word < end ? "more than " : "", (long long)n, n == 1 && word == end ? "" : "s", where, (long long)most);
    return false;
}
