/* JSON for people: a member a line, two spaces deeper a level; lists of numbers and texts stand in one line, as long as
 * they fit. */
#include <cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "manifest/json_read.h"

enum { WIDTH = 100 }; /* of a list in one line */

/* The end of the string that begins at `text`. */
static const char *string_end(const char *text) {
    for (text++; *text != '"'; text++)
        text += *text == '\\';
    return text + 1;
}

/* The end of a list that is short and has neither lists nor objects in it; NULL: it is another one. */
static const char *short_list_end(const char *text) {
    for (const char *at = text + 1; at - text < WIDTH; at = *at == '"' ? string_end(at) : at + 1) {
        if (*at == ']')
            return at + 1;
        if (*at == '[' || *at == '{')
            return NULL;
    }
    return NULL;
}

static void begin_line(tf_buf *out, int depth) {
    tf_buf_addf(out, "\n%*s", 2 * depth, "");
}

static const char *add_string(const char *text, tf_buf *out) {
    const char *end = string_end(text);
    tf_buf_add(out, text, (size_t)(end - text));
    return end;
}

static void add_short_list(const char *text, const char *end, tf_buf *out) {
    while (text < end) {
        if (*text == '"') {
            text = add_string(text, out);
            continue;
        }
        tf_buf_addc(out, *text);
        if (*text++ == ',')
            tf_buf_addc(out, ' ');
    }
}

static void indent(const char *text, tf_buf *out) {
    int depth = 0;
    while (*text) {
        const char c = *text, *end = c == '[' ? short_list_end(text) : NULL;
        if (end) {
            add_short_list(text, end, out);
            text = end;
            continue;
        }
        if (c == '"') {
            text = add_string(text, out);
            continue;
        }
        const bool opens = c == '{' || c == '[', closes = c == '}' || c == ']';
        const bool is_empty = opens && (text[1] == '}' || text[1] == ']');
        if (closes)
            begin_line(out, --depth);
        tf_buf_addc(out, c);
        if (is_empty)
            tf_buf_addc(out, *++text);
        else if (opens)
            begin_line(out, ++depth);
        else if (c == ',')
            begin_line(out, depth);
        else if (c == ':')
            tf_buf_addc(out, ' ');
        text++;
    }
}

char *json_print_indented(const cJSON *value) {
    char *compact = cJSON_PrintUnformatted(value);
    tf_buf out = {0};
    indent(compact, &out);
    cJSON_free(compact);
    char *text = strdup(tf_buf_text(&out));
    tf_buf_free(&out);
    return text;
}
