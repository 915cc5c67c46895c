/* Stages whose function is called for many tasks at once, with arrays of their values. A batch is tasks kN to
 * (k + 1)N - 1, whatever was done before and wherever it runs: so results do not depend on that. */
#include "manifest/identify.h"
#include "manifest/load.h"

#include <stdlib.h>
#include <string.h>

/* Do blocks differ in their shape, because the last ones are cut off? */
static bool has_cut_blocks(const tf_grid *grid) {
    for (int d = 0; d < grid->rank; d++)
        if (grid->shape[d] % grid->chunk[d] != 0)
            return true;
    return false;
}

static bool has_clipped_halo(const tf_array_spec *array) {
    bool any = false;
    for (int d = 0; d < array->grid->inner; d++)
        any = any || array->halo[d] > 0;
    return any && !array->reflect;
}

static void refuse_uneven(struct loader *l, const json_path *where, const char *name, const char *why) {
    diagnose(l->diags, where, TF_DIAG_CONFLICT,
             "the blocks of \"%s\" differ in shape, %s, and can't be one array: leave \"batch\" out", name, why);
}

/* The first array whose blocks are read from a file, which is one of the stage's inputs; NULL: there is none. */
static const tf_array_spec *find_dataset(const tf_stage_spec *stage) {
    for (int a = 0; a < stage->arrays; a++)
        if (stage->array[a].dataset)
            return &stage->array[a];
    return NULL;
}

static void refuse_files(struct loader *l, const json_path *where, const tf_stage_spec *stage) {
    const tf_array_spec *array = find_dataset(stage);
    if (array)
        diagnose(l->diags, where, TF_DIAG_CONFLICT,
                 "tasks with blocks of a file, as those of \"%s\" are, run one by one: leave \"batch\" out",
                 array->name);
    else
        diagnose(l->diags, where, TF_DIAG_CONFLICT,
                 "tasks with \"inputs\" or \"outputs\" run one by one: leave \"batch\" out");
}

void check_batch(struct loader *l, const json_path *where, const tf_stage_spec *stage) {
    if (tf_stage_has_files(stage))
        refuse_files(l, where, stage);
    for (int a = 0; a < stage->arrays; a++) {
        const tf_array_spec *array = &stage->array[a];
        if (!array->grid)
            continue;
        if (has_cut_blocks(array->grid))
            refuse_uneven(l, where, array->name, "since the last ones are cut off");
        else if (has_clipped_halo(array))
            refuse_uneven(l, where, array->name, "since their halo is cut off at the array's ends");
    }
    for (int c = 0; c < stage->columns; c++)
        if (stage->column[c].grid && has_cut_blocks(stage->column[c].grid))
            refuse_uneven(l, where, stage->column[c].name, "since the last ones are cut off");
}

/* ---- How many tasks a batch has ---- */

/* Bytes of a task's parameters and results, without strings. */
static size_t row_bytes(const tf_stage_spec *stage) {
    size_t bytes = 0;
    for (int p = 0; p < tf_space_params(stage->space); p++)
        bytes += tf_type_size(tf_space_param(stage->space, p)->type);
    for (int c = 0; c < stage->columns; c++)
        bytes += tf_column_bytes(&stage->column[c]);
    return bytes;
}

/* Long enough that a call's own cost is small beside that of its tasks, short enough for a core's cache; and so many
 * that a small stage, too, keeps the cores of a node at work. It may depend on nothing that differs from run to run. */
int64_t choose_batch(const tf_stage_spec *stage) {
    enum { BYTES = 1 << 20, LEAST_ROW = 8, BATCHES = 128 };
    if (!stage->space)
        return 1;
    const size_t row = row_bytes(stage);
    const int64_t fit = BYTES / (int64_t)(row < LEAST_ROW ? LEAST_ROW : row), share = tf_stage_final(stage) / BATCHES;
    const int64_t tasks = fit < share ? fit : share;
    return tasks > 0 ? tasks : 1;
}

static const char prefix[] = "batch ";

void identify_batch(cJSON *list, int64_t tasks) {
    tf_buf text = {0};
    tf_buf_addf(&text, "%s%lld", prefix, (long long)tasks);
    identify_text(list, text.data);
    tf_buf_free(&text);
}

/* The size in a list that identify_batch has added to; 0: there is none. */
static int64_t find_batch(const cJSON *list) {
    for (const cJSON *item = list ? list->child : NULL; item; item = item->next) {
        const char *text = cJSON_GetStringValue(item);
        if (text && strncmp(text, prefix, sizeof prefix - 1) == 0)
            return strtoll(text + sizeof prefix - 1, NULL, 10);
    }
    return 0;
}

void tf_stage_keep_batch(const tf_stage_spec *stage, const char *fingerprint) {
    if (!stage->run.python || !stage->run.python->batch || !stage->run.python->batch->is_auto)
        return;
    cJSON *parts = cJSON_Parse(fingerprint);
    const char *run = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(parts, "run"));
    cJSON *list = run ? cJSON_Parse(run) : NULL;
    const int64_t tasks = find_batch(list);
    if (tasks >= 1 && tasks <= TF_MOST_BATCH)
        stage->run.python->batch->tasks = tasks;
    cJSON_Delete(list);
    cJSON_Delete(parts);
}
