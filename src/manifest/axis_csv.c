/* Axes of CSV tables: a point a record, or a point for each batch of them. */
#include "manifest/axis.h"

#include <string.h>

/* Loads "batch": how many records a task has. 0: each record is a point. -1 after a diagnostic. */
static int64_t load_batch(struct loader *l, const axis_json *axis) {
    const cJSON *batch = cJSON_GetObjectItemCaseSensitive(axis->axis, "batch");
    const json_path here = json_path_key(axis->up, "batch");
    int64_t records = 0;
    if (!batch)
        return 0;
    if (!axis->name)
        diagnose(l->diags, axis->up, TF_DIAG_MISSING_KEY, "this axis needs a \"name\"");
    else
        check_param_name(l, axis->up, "parameter", axis->name);
    if (json_int_within(batch, 1, 1 << 28, &records))
        return records;
    diagnose(l->diags, &here, json_int_mistake(batch), "must be an integer from 1 to 2^28");
    return -1;
}

/* One file, or all that match a pattern. */
tf_space *axis_csv(struct loader *l, const axis_json *axis) {
    const int before = l->diags->count;
    const bool is_pattern = strpbrk(axis->text, "*?[") != NULL;
    int64_t count = 1;
    const char *const *paths = is_pattern ? match_paths(l, &axis->where, axis->text, &count) : &axis->text;
    if (count == 0 && l->diags->count == before)
        diagnose(l->diags, &axis->where, TF_DIAG_NO_MATCH, "no file matches %s", axis->text);
    const int64_t batch = load_batch(l, axis);
    if (l->diags->count > before)
        return NULL;
    if (batch > 0)
        return load_csv_parts(l, axis, paths, count, batch);
    csv_file *file = tf_arena_array(l->arena, (size_t)count, sizeof *file);
    for (int64_t f = 0; f < count; f++) {
        file[f].name = paths[f];
        file[f].text = read_text(l, &axis->where, paths[f], &file[f].length);
    }
    return l->diags->count == before ? load_csv(l, axis, file, count) : NULL;
}
