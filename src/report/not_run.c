/* Why a task was not run. The expressions of "where" that are not true of its parameters are told; and the rows of
 * other stages that it takes and that are not done, which leave it out or have it skipped. */
#include "report/not_run.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

/* ---- Expressions ---- */

/* The parameters, as expressions take them. NULL: one of them is not known. */
static const void **list_values(const unrun_task *task, tf_arena *arena) {
    const tf_space *space = task->spec->space;
    const int params = tf_space_params(space);
    const void **list = tf_arena_array(arena, (size_t)params + 1, sizeof *list);
    for (int p = 0; p < params; p++) {
        const int f = view_find(task->view, tf_space_param(space, p)->name);
        const view_values *value = f < 0 ? NULL : &task->values[f];
        if (!value || !value->field || !view_is_known(value, 0))
            return NULL;
        if (tf_type_size(value->field->type) > 0) {
            list[p] = value->numbers;
            continue;
        }
        size_t length;
        const char *text = tf_blobs_at(&value->texts, 0, &length);
        const char **cell = tf_arena_alloc(arena, sizeof *cell);
        *cell = tf_arena_strndup(arena, text, length);
        list[p] = cell;
    }
    return list;
}

static bool is_true(const unrun_task *task, const tf_expr *expr, const void *const *values) {
    double truth;
    tf_eval *eval = tf_eval_new(expr, task->from->campaign->seed, task->spec->name);
    tf_eval_run(eval, values, task->index, 1, &truth);
    tf_eval_free(eval);
    return tf_eval_is_true(truth);
}

static void add_wheres(const unrun_task *task, tf_buf *out) {
    tf_arena *arena = tf_arena_new();
    const void **list = list_values(task, arena);
    for (int w = 0; w < task->spec->wheres; w++)
        if (!list || !is_true(task, task->spec->where[w], list))
            tf_buf_addf(out, "where %s\n", tf_expr_source(task->spec->where[w]));
    tf_arena_free(arena);
}

/* Without the campaign: what the manifest in the output says. */
static void add_where_of_manifest(const tf_recalled *from, int stage, tf_buf *out) {
    cJSON *manifest = cJSON_Parse(tf_reader_text(from->reader, "manifest"));
    const cJSON *stages = cJSON_GetObjectItemCaseSensitive(manifest, "stages"), *its = stages ? NULL : manifest;
    const char *name = tf_reader_stage(from->reader, stage);
    for (const cJSON *s = stages ? stages->child : NULL; s && !its; s = s->next) {
        const char *own = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(s, "name"));
        its = own && strcmp(own, name) == 0 ? s : NULL;
    }
    const char *where = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(its, "where"));
    if (where)
        tf_buf_addf(out, "where %s\n", where);
    cJSON_Delete(manifest);
}

/* ---- Rows of other stages ---- */

static void add_upstream(const tf_recalled *from, const tf_space_source *source, int64_t index, tf_buf *out) {
    const int64_t place = index / source->stride % source->rows;
    const int64_t row = source->row ? source->row[place] : place;
    const int other = tf_reader_find(from->reader, source->name);
    uint8_t status;
    tf_error ignored;
    if (other < 0 || row >= tf_reader_tasks(from->reader, other) ||
        tf_reader_numbers(from->reader, other, tf_reader_record(from->reader, other, "status"), row, 1, &status,
                          &ignored) != TF_OK)
        return;
    if (status != TF_STATUS_DONE)
        tf_buf_addf(out, "%s[%lld], which is %s\n", source->name, (long long)row, tf_status_name(status));
}

void not_run_add_reasons(const unrun_task *task, tf_buf *out) {
    if (task->status != TF_STATUS_EXCLUDED && task->status != TF_STATUS_SKIPPED)
        return;
    for (int n = 0; task->spec && n < tf_space_sources(task->spec->space); n++)
        add_upstream(task->from, tf_space_source_at(task->spec->space, n), task->index, out);
    if (task->status != TF_STATUS_EXCLUDED || out->length > 0)
        return;
    if (task->spec)
        add_wheres(task, out);
    else
        add_where_of_manifest(task->from, task->stage, out);
}
