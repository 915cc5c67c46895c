/* What an argument names in an output: a stage, or a reduction of one. */
#include <ctype.h>
#include <string.h>

#include "cli/cli.h"

/* ---- Stages ---- */

static void add_listed(tf_buf *list, const char *name) {
    tf_buf_addf(list, "%s%s", list->length ? ", " : "", name);
}

/* A reduction of that name, of whatever stage; NULL: there is none. */
static const char *find_reduction(const tf_reader *reader, const char *name) {
    for (int s = 0; s < tf_reader_stages(reader); s++) {
        const int table = tf_reader_find_reduction(reader, s, name);
        if (table >= 0)
            return tf_reader_reduction_name(reader, table);
    }
    return NULL;
}

int cli_find_stage(const recalled *r, const char *name) {
    const tf_reader *reader = r->it.reader;
    const int stages = tf_reader_stages(reader);
    if (stages == 0) {
        cli_usage_error("%s: no stage has begun", r->name);
        return -1;
    }
    if (!name && stages == 1)
        return 0;
    const char **names = tf_arena_array(r->arena, (size_t)stages, sizeof *names);
    tf_buf list = {0};
    for (int s = 0; s < stages; s++) {
        names[s] = tf_reader_stage(reader, s);
        add_listed(&list, names[s]);
    }
    const int stage = name ? tf_reader_find(reader, name) : -1;
    const char *near = name ? find_reduction(reader, name) : NULL;
    if (name && !near)
        near = tf_suggest(name, names, (size_t)stages);
    if (!name)
        cli_usage_error("which stage? %s has %s", r->name, tf_buf_text(&list));
    else if (stage < 0 && near)
        cli_usage_error("%s has no stage \"%s\"; did you mean \"%s\"?", r->name, name, near);
    else if (stage < 0)
        cli_usage_error("%s has no stage \"%s\"; it has %s", r->name, name, tf_buf_text(&list));
    tf_buf_free(&list);
    return stage;
}

/* ---- Reductions ---- */

bool cli_is_reduction(const char *argument) {
    const size_t name = strcspn(argument, ".=[");
    return name > 0 && argument[name] == '.' && !isdigit((unsigned char)*argument) && *argument != '-';
}

static void no_such_reduction(const recalled *r, int stage, const char *name) {
    const tf_reader *reader = r->it.reader;
    const int reductions = tf_reader_reductions(reader, stage);
    const char **names = tf_arena_array(r->arena, (size_t)reductions + 1, sizeof *names);
    tf_buf list = {0};
    for (int n = 0; n < reductions; n++) {
        names[n] = tf_reader_reduction_name(reader, tf_reader_reduction(reader, stage, n));
        add_listed(&list, names[n]);
    }
    const char *near = tf_suggest(name, names, (size_t)reductions);
    if (!tf_reader_is_finished(reader, stage))
        cli_usage_error("%s: stage \"%s\" is not finished: its reductions are made at its end", r->name,
                        tf_reader_stage(reader, stage));
    else if (reductions == 0)
        cli_usage_error("%s: stage \"%s\" has no reductions", r->name, tf_reader_stage(reader, stage));
    else if (near)
        cli_usage_error("%s has no reduction \"%s\"; did you mean \"%s\"?", r->name, name, near);
    else
        cli_usage_error("%s has no reduction \"%s\"; it has %s", r->name, name, tf_buf_text(&list));
    tf_buf_free(&list);
}

int cli_find_table(const recalled *r, const char *name) {
    if (!name || !cli_is_reduction(name))
        return cli_find_stage(r, name);
    const size_t length = strcspn(name, ".");
    const int stage = cli_find_stage(r, tf_arena_strndup(r->arena, name, length));
    const int table = stage >= 0 ? tf_reader_find_reduction(r->it.reader, stage, name + length + 1) : -1;
    if (stage >= 0 && table < 0)
        no_such_reduction(r, stage, name);
    return table;
}
