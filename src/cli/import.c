/* taskfarm import KIND FILE: reads the file, and hands it to who knows its kind. */
#include "cli/import.h"

#include <stdarg.h>
#include <string.h>

int import_complain(const import_source *source, int line, const char *format, ...) {
    tf_buf text = {0};
    va_list args;
    va_start(args, format);
    tf_buf_addv_visible(&text, format, args);
    va_end(args);
    tf_print(stderr, "%s: line %d: %s\n", source->path, line, tf_buf_text(&text));
    tf_buf_free(&text);
    return TF_ERR_USAGE;
}

/* A file's name without folder and ending, as names of stages are written. */
static char *name_of(tf_arena *arena, const char *path) {
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path, *dot = strrchr(base, '.');
    char *name = tf_arena_strndup(arena, base, dot && dot > base ? (size_t)(dot - base) : strlen(base));
    if (strspn(name, "0123456789") > 0 || !*name)
        name = tf_arena_printf(arena, "_%s", name);
    for (char *c = name; *c; c++)
        if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_", *c))
            *c = '_';
    return name;
}

int cli_import(const options *o) {
    static const struct {
        const char *name;
        int (*import)(const import_source *source);
    } kinds[] = {{"commands", import_commands}, {"makeflow", import_makeflow}};
    size_t kind = 0;
    while (kind < 2 && strcmp(o->kind, kinds[kind].name) != 0)
        kind++;
    if (kind == 2)
        return cli_usage_error("import %s: commands and makeflow can be imported", o->kind);
    tf_buf text = {0};
    int failure = tf_read_input(o->manifest, &text);
    if (failure)
        return cli_usage_error("%s: %s", o->manifest, tf_read_failure(failure));
    int status;
    if (text.length && memchr(text.data, '\0', text.length))
        status = cli_usage_error("%s: is not text", o->manifest);
    else
        status = kinds[kind].import(&(import_source){.path = o->manifest,
                                                     .name = name_of(o->arena, o->manifest),
                                                     .text = (char *)(uintptr_t)tf_buf_text(&text),
                                                     .length = text.length,
                                                     .arena = o->arena});
    tf_buf_free(&text);
    return status;
}
