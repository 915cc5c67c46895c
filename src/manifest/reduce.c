/* "reduce" of a stage: what is to be made of its rows once they are there. */
#include <stdlib.h>
#include <string.h>

#include "manifest/csv.h"
#include "manifest/load.h"

static const struct {
    const char *name;
    tf_stat_kind kind;
} kinds[] = {
    {"argmax", TF_STAT_ARGMAX}, {"argmin", TF_STAT_ARGMIN},   {"count", TF_STAT_COUNT},   {"first", TF_STAT_FIRST},
    {"mad", TF_STAT_MAD},       {"max", TF_STAT_MAX},         {"mean", TF_STAT_MEAN},     {"median", TF_STAT_QUANTILE},
    {"min", TF_STAT_MIN},       {"std", TF_STAT_STD},         {"stderr", TF_STAT_STDERR}, {"sum", TF_STAT_SUM},
    {"var", TF_STAT_VAR},       {"missing", TF_STAT_MISSING},
};

enum { KINDS = sizeof kinds / sizeof *kinds, MOST_BINS = 1000000, MOST_TOP = 10000 };

/* "quantile:0.025", "quantile~:0.025", "histogram:50", "histogram:50:log", "topk:10". false if it is none of these, or
 * not right. */
static bool parse_counted(const char *text, tf_stat_spec *stat) {
    int64_t count = 0;
    stat->rough = strncmp(text, "quantile~:", 10) == 0;
    if (stat->rough || strncmp(text, "quantile:", 9) == 0) {
        stat->kind = TF_STAT_QUANTILE;
        return tf_parse_double(strchr(text, ':') + 1, &stat->quantile) && stat->quantile >= 0 && stat->quantile <= 1;
    }
    if (strncmp(text, "topk:", 5) == 0) {
        stat->kind = TF_STAT_TOPK;
        bool good = tf_parse_int(text + 5, &count) && count >= 1 && count <= MOST_TOP;
        stat->size = count;
        return good;
    }
    if (strncmp(text, "histogram:", 10) != 0)
        return false;
    char number[24] = "";
    size_t length = strcspn(text + 10, ":");
    stat->kind = TF_STAT_HISTOGRAM;
    stat->log = strcmp(text + 10 + length, ":log") == 0;
    if (length >= sizeof number || (text[10 + length] && !stat->log))
        return false;
    memcpy(number, text + 10, length);
    bool good = tf_parse_int(number, &count) && count >= 1 && count <= MOST_BINS;
    stat->size = count;
    return good;
}

static bool parse_stat(const char *text, tf_stat_spec *stat) {
    stat->size = 1;
    for (int k = 0; k < KINDS; k++) {
        if (strcmp(kinds[k].name, text) == 0) {
            stat->kind = kinds[k].kind;
            stat->quantile = 0.5; /* of the one that is one */
            return true;
        }
    }
    return parse_counted(text, stat);
}

static void complain_stat(struct loader *l, const at *where, const char *text) {
    const char *names[KINDS];
    for (int k = 0; k < KINDS; k++)
        names[k] = kinds[k].name;
    const char *near = tf_suggest(text, names, KINDS);
    if (near)
        complain(l->diags, where, "there is no \"%s\"; did you mean \"%s\"?", text, near);
    else
        complain(l->diags, where,
                 "there is no \"%s\"; there are count, missing, sum, mean, var, std, stderr, min, max, argmin, argmax, "
                 "first, median, mad, quantile:Q and quantile~:Q (Q from 0 to 1), histogram:N, "
                 "histogram:N:log and topk:N",
                 text);
}

static int find_value(struct loader *l, const at *where, const tf_stage_spec *stage, const char *name) {
    int value = tf_stage_find_value(stage, name), values = tf_stage_values(stage);
    if (value >= 0)
        return value;
    const char **names = tf_alloc_array((size_t)values + 1, sizeof *names);
    for (int v = 0; v < values; v++)
        names[v] = tf_stage_value(stage, v).name;
    const char *near = tf_suggest(name, names, (size_t)values);
    complain(l->diags, where, "the stage has neither a parameter nor a column%s \"%s\"%s%s%s",
             stage->arrays ? " nor an array" : "", name, near ? "; did you mean \"" : "", near ? near : "",
             near ? "\"?" : "");
    free(names);
    return -1;
}

/* ---- One reduction ---- */

static void add_key(struct loader *l, const at *where, const tf_stage_spec *stage, const char *name,
                    tf_reduce_spec *reduce, int *keys) {
    int value = find_value(l, where, stage, name);
    if (value < 0)
        return;
    tf_value v = tf_stage_value(stage, value);
    if (v.param < 0 && (v.type == TF_BYTES || tf_type_is_float(v.type) || (v.rank > 0 && !v.grid)))
        complain(l->diags, where, "rows can be grouped by parameters, and by columns of integers, booleans or strings");
    keys[reduce->keys++] = value;
}

static void load_by(struct loader *l, const at *where, const cJSON *json, const tf_stage_spec *stage,
                    tf_reduce_spec *reduce) {
    const cJSON *by = cJSON_GetObjectItemCaseSensitive(json, "by");
    at here = at_key(where, "by");
    if (!by)
        return;
    int *keys = tf_arena_array(l->arena, (size_t)cJSON_GetArraySize(by) + 1, sizeof *keys), n = 0;
    reduce->key = keys;
    if (cJSON_IsString(by)) {
        add_key(l, &here, stage, by->valuestring, reduce, keys);
        return;
    }
    if (!cJSON_IsArray(by)) {
        complain(l->diags, &here, "must be a name or a list of names, not %s", json_kind(by));
        return;
    }
    for (const cJSON *item = by->child; item; item = item->next) {
        at there = at_index(&here, n++);
        if (cJSON_IsString(item))
            add_key(l, &there, stage, item->valuestring, reduce, keys);
        else
            complain(l->diags, &there, "must be a string, not %s", json_kind(item));
    }
}

static void add_stat(struct loader *l, const at *where, const char *text, int value, tf_reduce_spec *reduce,
                     tf_stat_spec *stats) {
    tf_stat_spec stat = {.value = value, .text = tf_arena_strdup(l->arena, text)};
    if (!parse_stat(text, &stat)) {
        complain_stat(l, where, text);
        return;
    }
    for (int s = 0; s < reduce->stats; s++) {
        if (stats[s].value == value && strcmp(stats[s].text, text) == 0) {
            complain(l->diags, where, "\"%s\" is given twice", text);
            return;
        }
    }
    stats[reduce->stats++] = stat;
}

/* See csv_way_out. */
static const char *way_out(struct loader *l, const tf_stage_spec *stage, const char *name) {
    const int p = stage->space ? tf_space_find(stage->space, name) : -1;
    const tf_param_spec *param = p >= 0 ? tf_space_param(stage->space, p) : NULL;
    return param ? advise_types(l, name, param->type, param->why) : "";
}

static void load_stats(struct loader *l, const at *where, const cJSON *json, const tf_stage_spec *stage,
                       tf_reduce_spec *reduce) {
    const cJSON *columns = json_object(l->diags, where, json, "columns");
    at here = at_key(where, "columns");
    size_t most = 0;
    for (const cJSON *item = columns ? columns->child : NULL; item; item = item->next)
        most += (size_t)cJSON_GetArraySize(item) + 1;
    if (!cJSON_GetObjectItemCaseSensitive(json, "columns"))
        complain(l->diags, where, "needs \"columns\"");
    tf_stat_spec *stats = tf_arena_array(l->arena, most, sizeof *stats);
    reduce->stat = stats;
    for (const cJSON *item = columns ? columns->child : NULL; item; item = item->next) {
        at there = at_key(&here, item->string);
        int value = find_value(l, &there, stage, item->string), n = 0;
        if (value >= 0 && tf_type_size(tf_stage_value(stage, value).type) == 0)
            complain(l->diags, &there, "\"%s\" is no number%s", item->string, way_out(l, stage, item->string));
        if (cJSON_IsString(item) && value >= 0)
            add_stat(l, &there, item->valuestring, value, reduce, stats);
        else if (!cJSON_IsArray(item) && value >= 0)
            complain(l->diags, &there, "must be a list such as [\"mean\", \"std\"], not %s", json_kind(item));
        for (const cJSON *text = cJSON_IsArray(item) && value >= 0 ? item->child : NULL; text; text = text->next, n++) {
            at place = at_index(&there, n);
            if (cJSON_IsString(text))
                add_stat(l, &place, text->valuestring, value, reduce, stats);
            else
                complain(l->diags, &place, "must be a string, not %s", json_kind(text));
        }
    }
}

/* A reduction of arrays takes them element by element: there must be as many in each. */
static void find_grid(struct loader *l, const at *where, const tf_stage_spec *stage, tf_reduce_spec *reduce) {
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
            complain(l->diags, where, "\"%s\" has blocks of another axis than the arrays before it", v.name);
        else if (v.grid)
            reduce->grid = v.grid;
        if (v.array >= 0 && has_halo(&stage->array[v.array]))
            complain(l->diags, where, "array \"%s\" has a halo, which reductions know nothing of", v.name);
    }
    if (reduce->grid && shaped)
        complain(l->diags, where, "column \"%s\" has a \"shape\", and can't be reduced together with arrays", shaped);
}

static void load_reduction(struct loader *l, const at *where, const cJSON *json, const tf_stage_spec *stage,
                           tf_reduce_spec *reduce) {
    reduce->name = tf_arena_strdup(l->arena, json->string);
    if (*reduce->name == '\0' || strchr(reduce->name, '/') || strcmp(reduce->name, ".") == 0)
        complain(l->diags, where, "\"%s\" can't be a reduction's name: it must not be empty or contain /",
                 reduce->name);
    if (!cJSON_IsObject(json)) {
        complain(l->diags, where, "must be an object, not %s", json_kind(json));
        return;
    }
    json_check_keys(l->diags, where, json, keys_reduction());
    load_by(l, where, json, stage, reduce);
    load_stats(l, where, json, stage, reduce);
    const char *source = json_string(l->diags, where, json, "where");
    at at_filter = at_key(where, "where");
    expr_names names = value_names(l, stage);
    names.has_arrays = true;
    if (source)
        reduce->where = load_expr(l, &at_filter, source, &names);
    find_grid(l, where, stage, reduce);
    tf_buf resolved = {0};
    char *printed = cJSON_PrintUnformatted(json);
    tf_buf_adds(&resolved, printed);
    free(printed);
    reduce->json = tf_arena_strdup(l->arena, tf_buf_text(&resolved));
    tf_buf_clear(&resolved);
    if (reduce->where)
        tf_expr_resolved(reduce->where, &resolved);
    reduce->resolved = tf_arena_printf(l->arena, "%s %s", reduce->json, tf_buf_text(&resolved));
    tf_buf_free(&resolved);
}

void load_reductions(struct loader *l, const stage_json *json, tf_stage_spec *stage) {
    const cJSON *object;
    const at *where;
    if (!stage->space || !stage_member(json, "reduce", &object, &where))
        return;
    const cJSON *all = json_object(l->diags, where, object, "reduce");
    at here = at_key(where, "reduce");
    tf_reduce_spec *reduce = tf_arena_array(l->arena, (size_t)cJSON_GetArraySize(all), sizeof *reduce);
    for (const cJSON *item = all ? all->child : NULL; item; item = item->next) {
        at there = at_key(&here, item->string);
        load_reduction(l, &there, item, stage, &reduce[stage->reductions++]);
    }
    stage->reduction = reduce;
}

/* ---- Until ---- */

/* COLUMN.STATISTIC, for all numbers and all that is one number of a group. */
static void add_stat_names(struct loader *l, const tf_stage_spec *stage, expr_names *names, tf_stat_spec *stats) {
    expr_name *name = tf_arena_array(l->arena, (size_t)tf_stage_values(stage) * KINDS + 1, sizeof *name);
    const expr_names values = value_names(l, stage);
    names->name = name;
    for (int v = 0; v < values.count; v++) {
        bool number = *values.name[v].name && values.name[v].type != TF_STRING && !values.name[v].array;
        for (int k = 0; k < KINDS && number; k++) {
            stats[names->count] =
                (tf_stat_spec){.text = kinds[k].name, .kind = kinds[k].kind, .value = v, .size = 1, .quantile = 0.5};
            name[names->count++] = (expr_name){
                .name = tf_arena_printf(l->arena, "%s.%s", values.name[v].name, kinds[k].name), .type = TF_FLOAT64};
        }
    }
}

/* The statistics that the expression uses, and no others. */
static void choose_stats(struct loader *l, const tf_stat_spec *all, tf_until_spec *until) {
    tf_stat_spec *stats = tf_arena_array(l->arena, (size_t)until->names, sizeof *stats);
    int *number = tf_arena_array(l->arena, (size_t)until->names, sizeof *number);
    for (int n = 0; n < until->names; n++) {
        if (!tf_expr_uses(until->expr, n))
            continue;
        number[until->reduce.stats] = n;
        stats[until->reduce.stats++] = all[n];
    }
    until->name = number;
    until->reduce.name = "until";
    until->reduce.stat = stats;
}

void load_until(struct loader *l, const stage_json *json, tf_stage_spec *stage) {
    enum { FIRST = 1000 };
    const cJSON *object;
    const at *where;
    const cJSON *value = stage_member(json, "until", &object, &where);
    at here = at_key(where, "until"), at_expr = here;
    if (!value || !stage->space)
        return;
    const char *source = cJSON_IsString(value) ? value->valuestring : NULL;
    stage->until.first = FIRST;
    if (cJSON_IsObject(value)) {
        json_check_keys(l->diags, &here, value, keys_until());
        at_expr = at_key(&here, "expr");
        source = json_string(l->diags, &here, value, "expr");
        const cJSON *first = cJSON_GetObjectItemCaseSensitive(value, "first");
        at at_first = at_key(&here, "first");
        if (!cJSON_GetObjectItemCaseSensitive(value, "expr"))
            complain(l->diags, &here, "needs an \"expr\"");
        if (first && !json_int_within(first, 1, INT64_MAX, &stage->until.first))
            complain(l->diags, &at_first, "must be a positive integer");
    } else if (!source) {
        complain(l->diags, &here, "must be an expression or an object, not %s", json_kind(value));
    }
    if (tf_stage_has_files(stage))
        complain(l->diags, &here, "a stage with files is run to its end: \"until\" has no place there");
    if (!source)
        return;
    expr_names names = {.what = "COLUMN.STATISTIC, such as x.mean or x.stderr"};
    tf_stat_spec *all = tf_arena_array(l->arena, (size_t)tf_stage_values(stage) * KINDS + 1, sizeof *all);
    add_stat_names(l, stage, &names, all);
    stage->until.expr = load_expr(l, &at_expr, source, &names);
    stage->until.names = names.count;
    if (stage->until.expr)
        choose_stats(l, all, &stage->until);
    if (stage->until.expr && stage->until.reduce.stats == 0)
        complain(l->diags, &at_expr, "\"%s\" does not depend on any result", source);
}
