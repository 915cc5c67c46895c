/* A task as users name it: by its index, or by its parameters, as targets are written. */
#include "cli/named_task.h"

#include <stdlib.h>
#include <string.h>

#include "report/failures.h"
#include "report/find.h"

/* "STAGE[TASK]": brackets that no parameter's value has. */
static bool has_brackets(const char *text) {
    const size_t length = strlen(text);
    return text[strcspn(text, "[=")] == '[' && text[length - 1] == ']';
}

named_task named_task_read(const options *o, const recalled *r) {
    const char *last = o->argument[o->arguments - 1];
    if (o->arguments == 1 && has_brackets(last)) {
        const size_t name = strcspn(last, "[");
        return (named_task){tf_arena_strndup(r->arena, last, name),
                            tf_arena_strndup(r->arena, last + name + 1, strlen(last) - name - 2)};
    }
    if (o->arguments == 1 && tf_reader_find(r->it.reader, last) >= 0)
        return (named_task){last, NULL};
    return (named_task){o->arguments == 2 ? o->argument[0] : NULL, last};
}

static int refuse_none(view *v, const char *stage, const char *task, const found *tasks) {
    tf_buf more = {0};
    if (tasks->nearest >= 0) {
        tf_buf_adds(&more, "; the nearest is ");
        find_add_task(v, stage, tasks->nearest, &more);
    }
    if (tasks->unknown)
        tf_buf_addf(&more, "; of %lld that are not written nothing tells the parameters: %s", (long long)tasks->unknown,
                    view_why_unknown(v));
    cli_usage_error("%s: no task of stage \"%s\" has these parameters%s", task, stage, tf_buf_text(&more));
    tf_buf_free(&more);
    return TF_ERR_USAGE;
}

static void print_several(const options *o, view *v, const char *stage, const found *tasks) {
    tf_buf hint = {0};
    find_print(stdout, v, stage, tasks, o->json);
    failures_add_hint("show", o->manifest, stage, tasks->index[0], &hint);
    if (!o->json)
        tf_print(stdout, "see: %s\n", tf_buf_text(&hint));
    tf_buf_free(&hint);
}

static int64_t find_by_parameters(const options *o, const recalled *r, int stage, const char *task, int *status) {
    const char *name = tf_reader_stage(r->it.reader, stage);
    view *v = view_new(&r->it, stage);
    found tasks;
    tf_error error;
    tf_err err = find_tasks(v, task, &tasks, &error);
    *status = TF_OK;
    if (err != TF_OK) {
        tf_error_context(&error, "stage \"%s\"", name);
        *status = cli_fail(o, NULL, &error);
    } else if (tasks.count == 0) {
        *status = refuse_none(v, name, task, &tasks);
    } else if (tasks.count > 1) {
        print_several(o, v, name, &tasks);
    }
    view_free(v);
    return err == TF_OK && tasks.count == 1 ? tasks.index[0] : -1;
}

int64_t named_task_find(const options *o, const recalled *r, int stage, const char *task, int *status) {
    const char *name = tf_reader_stage(r->it.reader, stage);
    const int64_t tasks = tf_reader_tasks(r->it.reader, stage);
    int64_t index;
    *status = TF_ERR_USAGE;
    if (tasks == 0) {
        cli_usage_error("stage \"%s\" has no tasks", name);
    } else if (!task) {
        tf_buf hint = {0};
        failures_add_hint("show", o->manifest, name, 0, &hint);
        cli_usage_error("%s: the task's index is missing, or its parameters, as in %s", name, tf_buf_text(&hint));
        tf_buf_free(&hint);
    } else if (strchr(task, '=')) {
        return find_by_parameters(o, r, stage, task, status);
    } else if (tf_parse_int(task, &index) && index >= 0 && index < tasks) {
        return index;
    } else {
        cli_usage_error("%s: stage \"%s\" has tasks 0 to %lld", task, name, (long long)(tasks - 1));
    }
    return -1;
}
