/* Diagnostics: lines for people, and items for programs. */
#include "manifest/diags.h"

#include <stdlib.h>
#include <string.h>

static char *copy(const char *text) {
    const size_t size = strlen(text) + 1;
    return memcpy(tf_alloc(size), text, size);
}

/* A diagnostic is one line, whatever the names in it are. */
static void TF_PRINTF(2, 3) add_visible(tf_buf *out, const char *format, ...) {
    va_list args;
    va_start(args, format);
    tf_buf_addv_visible(out, format, args);
    va_end(args);
}

static void add_item(tf_diags *diags, tf_diag item) {
    if ((diags->items & (diags->items - 1)) == 0)
        diags->item = tf_realloc_array(diags->item, diags->items ? 2 * (size_t)diags->items : 1, sizeof item);
    diags->item[diags->items++] = item;
}

static void TF_PRINTF(4, 0) add(tf_diags *diags, const char *pointer, tf_diag item, const char *format, va_list args) {
    diags->count++;
    if (tf_table_get(&diags->closed, pointer, strlen(pointer)) != TF_TABLE_NONE)
        return;
    tf_buf text = {0};
    tf_buf_addv_visible(&text, format, args);
    item.pointer = copy(pointer);
    item.text = copy(tf_buf_text(&text));
    add_item(diags, item);
    add_visible(&diags->lines, "%s: %s%s", diags->file, pointer, *pointer ? ": " : "");
    tf_buf_addf(&diags->lines, "%s%s\n", item.is_warning ? "warning: " : "", item.text);
    tf_buf_free(&text);
}

void tf_diags_add(tf_diags *diags, const char *pointer, tf_diag_id id, const char *format, ...) {
    va_list args;
    va_start(args, format);
    add(diags, pointer, (tf_diag){.id = id}, format, args);
    va_end(args);
}

void tf_diags_warn(tf_diags *diags, const char *pointer, tf_diag_id id, const char *format, ...) {
    va_list args;
    va_start(args, format);
    add(diags, pointer, (tf_diag){.id = id, .is_warning = true}, format, args);
    va_end(args);
}

void tf_diags_close(tf_diags *diags, const char *pointer) {
    tf_table_add(&diags->closed, pointer, strlen(pointer), 0);
}

void tf_diags_add_syntax(tf_diags *diags, int line, int column, const char *text) {
    tf_buf visible = {0};
    add_visible(&visible, "%s", text);
    diags->count++;
    add_item(diags, (tf_diag){.id = TF_DIAG_SYNTAX,
                              .pointer = copy(""),
                              .text = copy(tf_buf_text(&visible)),
                              .line = line,
                              .column = column});
    add_visible(&diags->lines, "%s:%d:%d: ", diags->file, line, column);
    tf_buf_addf(&diags->lines, "%s\n", tf_buf_text(&visible));
    tf_buf_free(&visible);
}

void tf_diags_free(tf_diags *diags) {
    for (int i = 0; i < diags->items; i++) {
        free(diags->item[i].pointer);
        free(diags->item[i].text);
    }
    free(diags->item);
    tf_table_free(&diags->closed);
    tf_buf_free(&diags->lines);
}
