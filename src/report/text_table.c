/* Columns of text. A table that is wider than people's terminals is printed in parts, each with the keys, as pandas
 * does it. */
#include "report/text_table.h"

#include <stdlib.h>
#include <string.h>

enum { GAP = 2 /* spaces between columns */, WIDEST = 100 /* characters of a line */ };

void text_table_begin(text_table *t, int columns, int keys) {
    *t = (text_table){.columns = columns, .keys = keys};
    t->is_text = tf_alloc_array((size_t)columns, sizeof *t->is_text);
    t->width = tf_alloc_array((size_t)columns, sizeof *t->width);
}

void text_table_free(text_table *t) {
    free(t->is_text);
    free(t->width);
    free(t->cell);
    tf_buf_free(&t->bytes);
    *t = (text_table){0};
}

/* Characters of visible UTF-8. */
static size_t count_characters(const char *text) {
    size_t count = 0;
    for (; *text; text++)
        count += ((unsigned char)*text & 0xC0) != 0x80;
    return count;
}

void text_table_add(text_table *t, const char *text, size_t length) {
    size_t *width = &t->width[t->cells % (size_t)t->columns];
    const size_t at = t->bytes.length;
    if ((t->cells & (t->cells - 1)) == 0)
        t->cell = tf_realloc_array(t->cell, 2 * t->cells + 1, sizeof *t->cell);
    t->cell[t->cells++] = at;
    tf_buf_add_visible(&t->bytes, text, length);
    tf_buf_addc(&t->bytes, '\0');
    const size_t its = count_characters(t->bytes.data + at);
    *width = its > *width ? its : *width;
}

size_t text_table_rows(const text_table *t) {
    return t->cells / (size_t)t->columns - 1;
}

void text_table_clear(text_table *t) {
    if (text_table_rows(t) == 0)
        return;
    t->bytes.length = t->cell[t->columns];
    t->cells = (size_t)t->columns;
    for (int c = 0; c < t->columns; c++)
        t->width[c] = count_characters(t->bytes.data + t->cell[c]);
}

static void add_spaces(tf_buf *out, size_t count) {
    for (size_t i = 0; i < count; i++)
        tf_buf_addc(out, ' ');
}

static void add_cell(const text_table *t, size_t row, int column, tf_buf *line) {
    const char *text = t->bytes.data + t->cell[row * (size_t)t->columns + (size_t)column];
    const size_t left = t->width[column] - count_characters(text);
    add_spaces(line, t->is_text[column] ? 0 : left);
    tf_buf_adds(line, text);
    add_spaces(line, GAP + (t->is_text[column] ? left : 0));
}

/* All rows of the keys and of columns first .. end - 1. */
static void print_part(FILE *out, const text_table *t, int indent, int first, int end) {
    tf_buf line = {0};
    for (size_t row = 0; row <= text_table_rows(t); row++) {
        tf_buf_clear(&line);
        add_spaces(&line, (size_t)indent);
        for (int c = 0; c < t->keys; c++)
            add_cell(t, row, c, &line);
        for (int c = first; c < end; c++)
            add_cell(t, row, c, &line);
        while (line.length > 0 && line.data[line.length - 1] == ' ')
            line.length--;
        tf_print(out, "%.*s\n", (int)line.length, tf_buf_text(&line));
    }
    tf_buf_free(&line);
}

void text_table_print(FILE *out, const text_table *t, int indent) {
    size_t keys = (size_t)indent;
    for (int c = 0; c < t->keys; c++)
        keys += t->width[c] + GAP;
    int first = t->keys;
    do {
        int end = first;
        for (size_t width = keys; end < t->columns; end++) {
            width += t->width[end] + GAP;
            if (end > first && width > WIDEST + GAP)
                break;
        }
        if (first > t->keys)
            tf_print(out, "\n");
        print_part(out, t, indent, first, end);
        first = end;
    } while (first < t->columns);
}
