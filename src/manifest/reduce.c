/* "reduce" of a stage: statistics of its rows. Of a stage whose columns are not known yet it is checked as far as that
 * goes, and none is made. */
#include <stdlib.h>
#include <string.h>

#include "manifest/statistic.h"

static int find_value(struct loader *l, const json_path *where, const tf_stage_spec *stage, const char *name) {
    int value = tf_stage_find_value(stage, name), values = tf_stage_values(stage);
    if (value >= 0 || stage->untyped)
        return value;
    const char **names = tf_alloc_array((size_t)values + 1, sizeof *names);
    for (int v = 0; v < values; v++)
        names[v] = tf_stage_value(stage, v).name;
    const char *near = tf_suggest(name, names, (size_t)values);
    diagnose(l->diags, where, TF_DIAG_UNKNOWN_NAME, "the stage has neither a parameter nor a column%s \"%s\"%s%s%s",
             stage->arrays ? " nor an array" : "", name, near ? "; did you mean \"" : "", near ? near : "",
             near ? "\"?" : "");
    free(names);
    return -1;
}

/* ---- One reduction ---- */

static void add_key(struct loader *l, const json_path *where, const tf_stage_spec *stage, const char *name,
                    tf_reduce_spec *reduce, int *keys) {
    int value = find_value(l, where, stage, name);
    if (value < 0)
        return;
    tf_value v = tf_stage_value(stage, value);
    if (v.param < 0 && (v.type == TF_BYTES || tf_type_is_float(v.type) || (v.rank > 0 && !v.grid)))
        diagnose(l->diags, where, TF_DIAG_UNSUITABLE_TYPE,
                 "rows can be grouped by parameters, and by columns of integers, booleans or strings");
    for (int k = 0; k < reduce->keys; k++)
        if (keys[k] == value)
            diagnose(l->diags, where, TF_DIAG_NAME_TAKEN, "\"%s\" is given twice", name);
    keys[reduce->keys++] = value;
}

static void load_by(struct loader *l, const json_path *where, const cJSON *json, const tf_stage_spec *stage,
                    tf_reduce_spec *reduce) {
    const cJSON *by = cJSON_GetObjectItemCaseSensitive(json, "by");
    json_path here = json_path_key(where, "by");
    if (!by)
        return;
    int *keys = tf_arena_array(l->arena, (size_t)cJSON_GetArraySize(by) + 1, sizeof *keys), n = 0;
    reduce->key = keys;
    if (cJSON_IsString(by)) {
        add_key(l, &here, stage, by->valuestring, reduce, keys);
        return;
    }
    if (!cJSON_IsArray(by)) {
        diagnose(l->diags, &here, TF_DIAG_WRONG_TYPE, "must be a name or a list of names, not %s", json_kind(by));
        return;
    }
    for (const cJSON *item = by->child; item; item = item->next) {
        json_path there = json_path_index(&here, n++);
        if (cJSON_IsString(item))
            add_key(l, &there, stage, item->valuestring, reduce, keys);
        else
            diagnose(l->diags, &there, TF_DIAG_WRONG_TYPE, "must be a string, not %s", json_kind(item));
    }
}

static void add_stat(struct loader *l, const json_path *where, const char *text, int value, tf_reduce_spec *reduce,
                     tf_stat_spec *stats) {
    tf_stat_spec stat;
    if (!load_statistic(l, where, text, value, &stat))
        return;
    for (int s = 0; s < reduce->stats; s++) {
        if (value >= 0 && stats[s].value == value && strcmp(stats[s].text, text) == 0) {
            diagnose(l->diags, where, TF_DIAG_NAME_TAKEN, "\"%s\" is given twice", text);
            return;
        }
    }
    stats[reduce->stats++] = stat;
}

/* Advice for a parameter that is a column of a table: see advise_types. */
static const char *advise_column(struct loader *l, const tf_stage_spec *stage, const char *name) {
    const int p = stage->space ? tf_space_find(stage->space, name) : -1;
    return advise_types(l, p >= 0 ? tf_space_param(stage->space, p) : NULL);
}

static void load_stats(struct loader *l, const json_path *where, const cJSON *json, const tf_stage_spec *stage,
                       tf_reduce_spec *reduce) {
    const cJSON *columns = json_object(l->diags, where, json, "columns");
    json_path here = json_path_key(where, "columns");
    size_t most = 0;
    for (const cJSON *item = columns ? columns->child : NULL; item; item = item->next)
        most += (size_t)cJSON_GetArraySize(item) + 1;
    tf_stat_spec *stats = tf_arena_array(l->arena, most, sizeof *stats);
    reduce->stat = stats;
    for (const cJSON *item = columns ? columns->child : NULL; item; item = item->next) {
        json_path there = json_path_key(&here, item->string);
        int value = find_value(l, &there, stage, item->string), n = 0;
        const bool is_value = value >= 0 || stage->untyped;
        if (value >= 0 && tf_type_size(tf_stage_value(stage, value).type) == 0)
            diagnose(l->diags, &there, TF_DIAG_UNSUITABLE_TYPE, "\"%s\" is not a number%s", item->string,
                     advise_column(l, stage, item->string));
        if (cJSON_IsString(item) && is_value)
            add_stat(l, &there, item->valuestring, value, reduce, stats);
        else if (!cJSON_IsArray(item) && is_value)
            diagnose(l->diags, &there, TF_DIAG_WRONG_TYPE, "must be a list such as [\"mean\", \"std\"], not %s",
                     json_kind(item));
        for (const cJSON *text = cJSON_IsArray(item) && is_value ? item->child : NULL; text; text = text->next, n++) {
            json_path place = json_path_index(&there, n);
            if (cJSON_IsString(text))
                add_stat(l, &place, text->valuestring, value, reduce, stats);
            else
                diagnose(l->diags, &place, TF_DIAG_WRONG_TYPE, "must be a string, not %s", json_kind(text));
        }
    }
}

/* Finds the blocks that a reduction goes through element by element. All arrays that it uses must have the same. */
static void find_grid(struct loader *l, const json_path *where, const tf_stage_spec *stage, tf_reduce_spec *reduce) {
    const char *shaped = NULL;
    for (int n = 0; n < tf_stage_values(stage); n++) {
        tf_value v = tf_stage_value(stage, n);
        bool used = reduce->where && tf_expr_uses(reduce->where, n);
        for (int k = 0; k < reduce->keys; k++)
            used = used || reduce->key[k] == n;
        for (int s = 0; s < reduce->stats; s++)
            used = used || reduce->stat[s].value == n;
        if (!used)
            continue;
        if (v.rank > 0 && !v.grid)
            shaped = v.name;
        else if (v.grid && reduce->grid && strcmp(reduce->grid->axis, v.grid->axis) != 0)
            diagnose(l->diags, where, TF_DIAG_MISMATCH, "\"%s\" has blocks of another axis than the arrays before it",
                     v.name);
        else if (v.grid)
            reduce->grid = v.grid;
        if (v.array >= 0 && has_halo(&stage->array[v.array]))
            diagnose(l->diags, where, TF_DIAG_CONFLICT, "array \"%s\" has a halo: reductions can't read it", v.name);
    }
    if (reduce->grid && shaped)
        diagnose(l->diags, where, TF_DIAG_CONFLICT,
                 "column \"%s\" has a \"shape\", and can't be reduced together with arrays", shaped);
}

/* Has a reduction a dataset of that name in any case, or beside those of the statistic "x.topk:3" one that begins with
 * its name? */
static bool is_dataset(const tf_stage_spec *stage, const tf_reduce_spec *reduce, const char *name) {
    bool is = strcmp(name, "rows") == 0 || strcmp(name, "group") == 0;
    tf_buf statistic = {0};
    for (int s = 0; s < reduce->stats && !is; s++) {
        tf_buf_clear(&statistic);
        tf_buf_addf(&statistic, "%s.%s", tf_stage_value(stage, reduce->stat[s].value).name, reduce->stat[s].text);
        is = strncmp(name, statistic.data, statistic.length) == 0 && strchr("._", name[statistic.length]);
    }
    tf_buf_free(&statistic);
    return is;
}

static void check_key_names(struct loader *l, const json_path *where, const tf_stage_spec *stage,
                            const tf_reduce_spec *reduce) {
    const json_path by = json_path_key(where, "by");
    for (int k = 0; k < reduce->keys; k++) {
        const char *name = tf_stage_value(stage, reduce->key[k]).name;
        if (is_dataset(stage, reduce, name))
            diagnose(l->diags, &by, TF_DIAG_NAME_TAKEN,
                     "\"%s\" can't be a key: reductions have a dataset of their own with that name", name);
    }
}

static void load_reduction(struct loader *l, const json_path *where, const cJSON *json, const tf_stage_spec *stage,
                           tf_reduce_spec *reduce) {
    reduce->name = tf_arena_strdup(l->arena, json->string);
    const char *fault = name_fault(reduce->name, false);
    if (fault)
        diagnose(l->diags, where, TF_DIAG_BAD_NAME, "\"%s\" can't be a reduction's name: %s", reduce->name, fault);
    if (!cJSON_IsObject(json)) {
        diagnose(l->diags, where, TF_DIAG_WRONG_TYPE, "must be an object, not %s", json_kind(json));
        return;
    }
    json_check_keys(l->diags, where, json, keys_reduction());
    load_by(l, where, json, stage, reduce);
    load_stats(l, where, json, stage, reduce);
    const char *source = json_string(l->diags, where, json, "where");
    json_path filter_path = json_path_key(where, "where");
    expr_names names = value_names(l, stage);
    names.has_arrays = true;
    names.is_open = stage->untyped;
    const tf_expr *filter = source ? load_expr(l, &filter_path, source, &names) : NULL;
    if (stage->untyped)
        return;
    reduce->where = filter;
    check_key_names(l, where, stage, reduce);
    find_grid(l, where, stage, reduce);
    tf_buf resolved = {0};
    cJSON *plain = json_without_comment(json);
    char *printed = cJSON_PrintUnformatted(plain);
    tf_buf_adds(&resolved, printed);
    free(printed);
    cJSON_Delete(plain);
    reduce->json = tf_arena_strdup(l->arena, tf_buf_text(&resolved));
    tf_buf_clear(&resolved);
    if (reduce->where)
        tf_expr_resolved(reduce->where, &resolved);
    reduce->resolved = tf_arena_printf(l->arena, "%s %s", reduce->json, tf_buf_text(&resolved));
    tf_buf_free(&resolved);
}

void load_reductions(struct loader *l, const stage_json *json, tf_stage_spec *stage) {
    if (!stage->space)
        return;
    const stage_value member = stage_member(json, "reduce");
    const cJSON *all = json_object(l->diags, member.up, member.object, "reduce");
    tf_reduce_spec *reduce = tf_arena_array(l->arena, (size_t)cJSON_GetArraySize(all), sizeof *reduce);
    for (const cJSON *item = all ? all->child : NULL; item; item = item->next) {
        json_path there = json_path_key(&member.where, item->string);
        load_reduction(l, &there, item, stage, &reduce[stage->reductions++]);
    }
    stage->reduction = reduce;
    if (stage->untyped)
        stage->reductions = 0;
}
