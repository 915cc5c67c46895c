/* taskfarm import KIND FILE: reads the file, and hands it to who knows its kind. */
#include "cli/import.h"
#include "cli/piped.h"

#include <string.h>

const char *import_kind(int number) {
    return import_kinds()[number].name;
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
    const import_kind_spec *kind = import_kinds();
    while (strcmp(o->kind, kind->name) != 0)
        kind++;
    const bool is_piped = cli_is_piped(o->manifest);
    tf_buf text = {0};
    int failure = tf_read_input(cli_piped_path(o->manifest), &text);
    if (failure)
        return cli_usage_error("%s: %s", o->manifest, tf_read_failure(failure));
    int status;
    if (text.length && memchr(text.data, '\0', text.length))
        status = cli_usage_error("%s: is not text", o->manifest);
    else
        status = kind->import(&(import_source){.path = o->manifest,
                                               .name = is_piped ? kind->name : name_of(o->arena, o->manifest),
                                               .text = (char *)(uintptr_t)tf_buf_text(&text),
                                               .length = text.length,
                                               .arena = o->arena});
    tf_buf_free(&text);
    return status;
}
