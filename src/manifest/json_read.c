/* A strict JSON reader that builds cJSON's trees. A number's text stands in its `valuestring`, which cJSON leaves
 * empty, copies and frees with the rest: so nobody need know it who does not ask for exact numbers. */
#include "manifest/json_read.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 1000 };

typedef struct reader {
    const char *text, *end;
    const char *at; /* the next character to be read */
    json_rules rules;
    json_error *error;
    int depth;
} reader;

static cJSON *read_value(reader *r);

/* ---- What is wrong ---- */

static void fail(reader *r, const char *where, const char *what) {
    if (r->error->text[0])
        return;
    r->error->offset = (size_t)(where - r->text);
    snprintf(r->error->text, sizeof r->error->text, "%s%s", r->error->is_syntax ? "not JSON: " : "", what);
}

static void fail_syntax(reader *r, const char *where, const char *what) {
    if (r->error->text[0])
        return;
    r->error->is_syntax = true;
    fail(r, where, what);
}

/* The last character before `stop` that is not white space; NULL: there is none. */
static const char *last_before(const reader *r, const char *stop) {
    while (stop > r->text)
        if (!strchr(" \t\r\n", *--stop))
            return stop;
    return NULL;
}

/* Something else should stand here: says what does. */
static void fail_here(reader *r) {
    const char *stop = r->at, *before = last_before(r, stop);
    char what[100];
    if (stop == r->end) {
        fail_syntax(r, stop, "the text ends here, and more was expected");
        return;
    }
    int word = 0;
    while (word < 20 && stop + word < r->end && !strchr(" \t\r\n,:{}[]", stop[word]))
        word++;
    while (word > 0 && stop + word < r->end && ((unsigned char)stop[word] & 0xC0) == 0x80)
        word--; /* whole characters */
    if ((*stop == '}' || *stop == ']') && before && *before == ',')
        snprintf(what, sizeof what, "a comma before \"%c\"", *stop);
    else if (*stop == '\'')
        snprintf(what, sizeof what, "strings and keys need double quotes");
    else if (*stop == '/' || *stop == '#')
        snprintf(what, sizeof what, "comments are not allowed");
    else if (*stop == '"' && before && !strchr(",:{[", *before))
        snprintf(what, sizeof what, "a comma or a colon is missing before this string");
    else
        snprintf(what, sizeof what, "\"%.*s\" was not expected here", word ? word : 1, stop);
    fail_syntax(r, stop, what);
}

/* ---- Tokens ---- */

static void skip_space(reader *r) {
    while (r->at < r->end && strchr(" \t\r\n", *r->at))
        r->at++;
}

/* Moves on if this character comes next. false: it does not. */
static bool accept(reader *r, char c) {
    if (r->at == r->end || *r->at != c)
        return false;
    r->at++;
    return true;
}

/* Likewise for a word. */
static bool accept_word(reader *r, const char *word) {
    const size_t length = strlen(word);
    if ((size_t)(r->end - r->at) < length || memcmp(r->at, word, length) != 0)
        return false;
    r->at += length;
    return true;
}

/* ---- Strings ---- */

static void add_utf8(tf_buf *out, uint32_t code) {
    const char bytes[] = {(char)(code < 0x800     ? 0xC0 | code >> 6
                                 : code < 0x10000 ? 0xE0 | code >> 12
                                                  : 0xF0 | code >> 18),
                          (char)(0x80 | (code >> 12 & 0x3F)), (char)(0x80 | (code >> 6 & 0x3F)),
                          (char)(0x80 | (code & 0x3F))};
    if (code < 0x80) {
        tf_buf_addc(out, (char)code);
        return;
    }
    const int behind = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3; /* bytes behind the first */
    tf_buf_addc(out, bytes[0]);
    tf_buf_add(out, bytes + 4 - behind, (size_t)behind);
}

/* Reads the four digits of \uXXXX. */
static bool read_hex(reader *r, uint32_t *code) {
    static const char digits[] = "0123456789abcdefABCDEF";
    *code = 0;
    for (int i = 0; i < 4; i++, r->at++) {
        const char *digit = r->at < r->end ? strchr(digits, *r->at) : NULL;
        if (!digit)
            return false;
        const uint32_t value = (uint32_t)(digit - digits);
        *code = 16 * *code + (value < 16 ? value : value - 6);
    }
    return true;
}

/* Reads what stands behind "\u". A character beyond 2^16 is a pair of surrogates. */
static bool read_code(reader *r, tf_buf *out) {
    const char *escape = r->at - 2;
    uint32_t code, low = 0;
    if (!read_hex(r, &code)) {
        fail_syntax(r, escape, "\"\\u\" in a string needs four hexadecimal digits");
        return false;
    }
    if (code == 0) {
        fail(r, escape, "a NUL (\\u0000) in a string: texts can't hold one");
        return false;
    }
    const bool is_high = code >= 0xD800 && code < 0xDC00, is_low = code >= 0xDC00 && code < 0xE000;
    const bool paired = is_high && accept_word(r, "\\u") && read_hex(r, &low) && low >= 0xDC00 && low < 0xE000;
    if ((is_high && !paired) || is_low) {
        char what[80];
        snprintf(what, sizeof what, "a lone surrogate (\\u%04x) in a string: half a character", code);
        fail(r, escape, what);
        return false;
    }
    add_utf8(out, paired ? 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00) : code);
    return true;
}

static bool read_escape(reader *r, tf_buf *out) {
    static const char name[] = "\"\\/bfnrt", meaning[] = "\"\\/\b\f\n\r\t";
    const char *known = r->at < r->end ? strchr(name, *r->at) : NULL;
    if (known) {
        tf_buf_addc(out, meaning[known - name]);
        r->at++;
        return true;
    }
    if (accept(r, 'u'))
        return read_code(r, out);
    char what[60] = "the text ends here, and more was expected";
    int length = 1; /* of the character */
    while (r->at + length < r->end && ((unsigned char)r->at[length] & 0xC0) == 0x80)
        length++;
    if (r->at < r->end)
        snprintf(what, sizeof what, "\"\\%.*s\" in a string means nothing", length, r->at);
    fail_syntax(r, r->at == r->end ? r->end : r->at - 1, what);
    return false;
}

static bool is_refused(const reader *r, char c) {
    return r->rules == JSON_STRICT && (unsigned char)c < 0x20;
}

/* A control character stands in a string: RFC 8259 wants it escaped. */
static void fail_control(reader *r) {
    static const char letters[] = "btn\vfr", first = '\b';
    char what[80];
    const char c = *r->at;
    if (c >= first && c <= '\r' && c != '\v')
        snprintf(what, sizeof what, "a control character in a string; write it as \\%c", letters[c - first]);
    else
        snprintf(what, sizeof what, "a control character in a string; write it as \\u%04x", (unsigned)c);
    fail_syntax(r, r->at, what);
}

/* Reads a string, for cJSON to free. NULL: it is none. */
static char *read_text(reader *r) {
    tf_buf out = {0};
    bool good = accept(r, '"');
    if (!good)
        fail_here(r);
    while (good && r->at < r->end && *r->at != '"') {
        const char *from = r->at;
        while (r->at < r->end && *r->at != '"' && *r->at != '\\' && !is_refused(r, *r->at))
            r->at++;
        tf_buf_add(&out, from, (size_t)(r->at - from));
        good = r->at == r->end || !is_refused(r, *r->at);
        if (!good)
            fail_control(r);
        else if (accept(r, '\\'))
            good = read_escape(r, &out);
    }
    if (good && !accept(r, '"')) {
        fail_syntax(r, r->end, "the text ends here, and more was expected");
        good = false;
    }
    char *text = good ? cJSON_malloc(out.length + 1) : NULL;
    if (text)
        memcpy(text, tf_buf_text(&out), out.length + 1);
    tf_buf_free(&out);
    return text;
}

/* ---- Values ---- */

static cJSON *with_text(reader *r, cJSON *value, const char *text, size_t length) {
    char *copy = value ? cJSON_malloc(length + 1) : NULL;
    if (!copy) {
        fail(r, r->at, "out of memory");
        cJSON_Delete(value);
        return NULL;
    }
    memcpy(copy, text, length);
    copy[length] = '\0';
    value->valuestring = copy;
    return value;
}

/* Reads digits, a point and an exponent, or a name of a number. What is too large for a double is infinite in the tree,
 * and refused where it is stored. */
static cJSON *read_number(reader *r) {
    const char *from = r->at;
    double number = 0;
    const bool negative = accept(r, '-');
    if (accept_word(r, "NaN")) {
        number = NAN;
    } else if (accept_word(r, "Infinity")) {
        number = negative ? -INFINITY : INFINITY;
    } else {
        const char *digits = r->at;
        while (r->at < r->end && strchr("0123456789.eE+-", *r->at))
            r->at++;
        const size_t length = (size_t)(r->at - from);
        const bool padded = r->at - digits > 1 && *digits == '0' && strchr("0123456789", digits[1]);
        if (r->at > digits && padded) {
            fail_syntax(r, from, "a number does not begin with 0; write it as a string");
            return NULL;
        }
        const tf_fit fit = r->at > digits && strchr("0123456789", *digits)
                               ? tf_store_number(TF_FLOAT64, from, length, &number)
                               : TF_NO_NUMBER;
        if (fit == TF_NO_NUMBER) {
            r->at = from;
            fail_here(r);
            return NULL;
        }
        if (fit == TF_TOO_LARGE)
            number = negative ? -INFINITY : INFINITY;
    }
    return with_text(r, cJSON_CreateNumber(number), from, (size_t)(r->at - from));
}

static cJSON *read_string(reader *r) {
    char *text = read_text(r);
    cJSON *value = text ? with_text(r, cJSON_CreateNull(), "", 0) : NULL;
    if (!value) {
        cJSON_free(text);
        return NULL;
    }
    cJSON_free(value->valuestring);
    value->type = cJSON_String;
    value->valuestring = text;
    return value;
}

static cJSON *read_list(reader *r) {
    cJSON *list = cJSON_CreateArray();
    skip_space(r);
    if (accept(r, ']'))
        return list;
    for (;;) {
        cJSON *item = read_value(r);
        if (!item)
            break;
        cJSON_AddItemToArray(list, item);
        skip_space(r);
        if (accept(r, ']'))
            return list;
        if (!accept(r, ',')) {
            fail_here(r);
            break;
        }
    }
    cJSON_Delete(list);
    return NULL;
}

/* Reads a member with its key. */
static cJSON *read_member(reader *r) {
    skip_space(r);
    char *key = read_text(r);
    cJSON *value = NULL;
    skip_space(r);
    if (key && !accept(r, ':'))
        fail_here(r);
    else if (key)
        value = read_value(r);
    if (value)
        value->string = key;
    else
        cJSON_free(key);
    return value;
}

/* Drops all but the last of members with the same key. */
static void drop_repeats(cJSON *object) {
    enum { FEW = 8 };
    const int count = cJSON_GetArraySize(object);
    tf_table seen = {0};
    cJSON *member = object->child ? object->child->prev : NULL; /* the last one */
    for (int n = count; n > 0 && member; n--) {
        cJSON *before = member->prev;
        bool again = false;
        if (count <= FEW)
            for (const cJSON *later = member->next; later && !again; later = later->next)
                again = strcmp(later->string, member->string) == 0;
        else
            again = tf_table_add(&seen, member->string, strlen(member->string), (uint32_t)n) != (uint32_t)n;
        if (again)
            cJSON_Delete(cJSON_DetachItemViaPointer(object, member));
        member = before;
    }
    tf_table_free(&seen);
}

static cJSON *read_object(reader *r) {
    cJSON *object = cJSON_CreateObject();
    skip_space(r);
    if (accept(r, '}'))
        return object;
    for (;;) {
        cJSON *member = read_member(r);
        if (!member)
            break;
        cJSON_AddItemToArray(object, member);
        skip_space(r);
        if (accept(r, '}')) {
            if (r->rules == JSON_ANSWER)
                drop_repeats(object);
            return object;
        }
        if (!accept(r, ',')) {
            fail_here(r);
            break;
        }
    }
    cJSON_Delete(object);
    return NULL;
}

static cJSON *read_value(reader *r) {
    skip_space(r);
    cJSON *value = NULL;
    if (r->at == r->end) {
        fail_here(r);
    } else if (*r->at == '{' || *r->at == '[') {
        if (++r->depth > DEEPEST)
            fail_syntax(r, r->at, "too many brackets inside each other");
        else
            value = *r->at++ == '{' ? read_object(r) : read_list(r);
        r->depth--;
    } else if (*r->at == '"') {
        value = read_string(r);
    } else if (accept_word(r, "true")) {
        value = cJSON_CreateTrue();
    } else if (accept_word(r, "false")) {
        value = cJSON_CreateFalse();
    } else if (accept_word(r, "null")) {
        value = cJSON_CreateNull();
    } else {
        value = read_number(r);
    }
    return value;
}

cJSON *json_read(const char *text, size_t length, json_rules rules, json_error *error) {
    static const char mark[] = "\xEF\xBB\xBF"; /* byte order mark */
    reader r = {.text = text, .end = text + length, .at = text, .rules = rules, .error = error};
    *error = (json_error){0};
    const int64_t invalid = tf_utf8_invalid(text, length);
    const char *nul = memchr(text, 0, length);
    if (invalid >= 0) {
        fail(&r, text + invalid, "not UTF-8");
        return NULL;
    }
    if (nul) {
        fail_syntax(&r, nul, "a NUL byte");
        return NULL;
    }
    accept_word(&r, mark);
    cJSON *value = read_value(&r);
    if (!value)
        fail(&r, r.at, "out of memory"); /* unless it has said why */
    skip_space(&r);
    if (value && r.at < r.end) {
        fail_here(&r);
        cJSON_Delete(value);
        return NULL;
    }
    return value;
}

/* ---- Numbers ---- */

const char *json_number_text(const cJSON *value) {
    return cJSON_IsNumber(value) ? value->valuestring : NULL;
}

tf_fit json_store(const cJSON *value, tf_type type, void *out) {
    if (!cJSON_IsNumber(value) && !cJSON_IsString(value))
        return TF_NO_NUMBER;
    if (value->valuestring)
        return tf_store_number(type, value->valuestring, strlen(value->valuestring), out);
    return tf_store_double(type, value->valuedouble, out) ? TF_FITS : TF_NOT_WHOLE; /* one that was made, not read */
}

bool json_int(const cJSON *value, int64_t *integer) {
    return cJSON_IsNumber(value) && json_store(value, TF_INT64, integer) == TF_FITS;
}

cJSON *json_integer(int64_t integer) {
    cJSON *value = cJSON_CreateNumber((double)integer);
    char text[24], *copy;
    const int length = snprintf(text, sizeof text, "%" PRId64, integer);
    if (value && (copy = cJSON_malloc((size_t)length + 1)))
        value->valuestring = memcpy(copy, text, (size_t)length + 1);
    return value;
}

/* Would cJSON print another number? It knows doubles alone. */
static bool is_misprinted(const cJSON *value) {
    const char *text = json_number_text(value);
    return text && (!isfinite(value->valuedouble) || tf_is_digits(text, strlen(text)));
}

/* Turns numbers that cJSON would misprint into raw text. */
static void keep_texts(cJSON *value) {
    for (cJSON *item = value; item; item = item->next) {
        if (is_misprinted(item))
            item->type = cJSON_Raw;
        if (cJSON_IsArray(item) || cJSON_IsObject(item))
            keep_texts(item->child);
    }
}

char *json_print(const cJSON *value, bool formatted) {
    cJSON *copy = cJSON_Duplicate(value, true);
    if (copy)
        keep_texts(copy);
    char *text = formatted ? json_print_indented(copy) : cJSON_PrintUnformatted(copy);
    cJSON_Delete(copy);
    return text;
}
