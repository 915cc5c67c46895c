/* A command's stdout, as columns are read from it. */
#include "host/column_reader.h"

#include <string.h>

void answer_read(const host *h, answer *a) {
    if (a->is_read)
        return;
    a->is_read = true;
    a->is_cut = !capture_lines(&h->out, &a->first, &a->last);
}

bool answer_find_line(const cell *c, answer *a) {
    char size[32], part[32];
    answer_read(c->host, a);
    const tf_buf *text = a->is_cut ? &a->last : &a->first;
    size_t end = text->length;
    while (end > 0 && strchr(" \t\r\n", text->data[end - 1]) && text->data[end - 1])
        end--;
    const char *before = end > 0 ? memrchr(text->data, '\n', end) : NULL;
    a->line = before ? before + 1 : tf_buf_text(text);
    a->length = end - (size_t)(a->line - tf_buf_text(text));
    if (end > 0 || !a->is_cut)
        return true;
    host_fail(c->host,
              "column \"%s\": the last line of stdout is too long: of more than %s only the first and the last %s are "
              "kept; write it to a file and read that with \"from\": \"file:PATH\"",
              c->spec->name, tf_format_size(c->host->out.limit, size), tf_format_size(c->host->out.limit / 2, part));
    return false;
}

/* ---- Texts ---- */

const char *shorten(const char *text, size_t length, char out[SHORT]) {
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

size_t span_of(const char *from, const char *end, const char *set) {
    const char *c = from;
    while (c < end && *c && strchr(set, *c))
        c++;
    return (size_t)(c - from);
}

size_t span_to(const char *from, const char *end, const char *set) {
    const char *c = from;
    while (c < end && (!*c || !strchr(set, *c)))
        c++;
    return (size_t)(c - from);
}
