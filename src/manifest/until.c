/* "until": when enough of a stage is known, as an expression of statistics. */
#include "manifest/statistic.h"

/* How many statistics are one number. */
static int count_plain(void) {
    int count = 0;
    for (const statistic_kind *kind = statistic_kinds(); kind->name; kind++)
        count += !kind->parse;
    return count;
}

/* Adds the names COLUMN.STATISTIC, for all columns that are numbers and all statistics that are one number. `stats`
 * gets the statistics, by the numbers of their names. */
static void add_stat_names(struct loader *l, const tf_stage_spec *stage, expr_names *names, tf_stat_spec *stats) {
    expr_name *name = tf_arena_array(l->arena, (size_t)(tf_stage_values(stage) * count_plain()) + 1, sizeof *name);
    const expr_names values = value_names(l, stage);
    names->name = name;
    for (int v = 0; v < values.count; v++) {
        if (!*values.name[v].name || values.name[v].type == TF_STRING || values.name[v].array)
            continue;
        for (const statistic_kind *kind = statistic_kinds(); kind->name; kind++) {
            if (kind->parse)
                continue;
            stats[names->count] = statistic_plain(kind, v);
            name[names->count++] = (expr_name){
                .name = tf_arena_printf(l->arena, "%s.%s", values.name[v].name, kind->name), .type = TF_FLOAT64};
        }
    }
}

/* Chooses the statistics that the expression uses. */
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
    const stage_value member = stage_member(json, "until");
    const cJSON *value = member.json;
    const json_path here = member.where;
    json_path expr_path = here;
    if (!value || !stage->space)
        return;
    const char *source = cJSON_IsString(value) ? value->valuestring : NULL;
    stage->until.first = FIRST;
    if (cJSON_IsObject(value)) {
        json_check_keys(l->diags, &here, value, keys_until());
        expr_path = json_path_key(&here, "expr");
        source = json_string(l->diags, &here, value, "expr");
        const cJSON *first = cJSON_GetObjectItemCaseSensitive(value, "first");
        json_path first_path = json_path_key(&here, "first");
        if (!cJSON_GetObjectItemCaseSensitive(value, "expr"))
            diagnose(l->diags, &here, TF_DIAG_MISSING_KEY, "needs an \"expr\"");
        if (first && !json_int_within(first, 1, INT64_MAX, &stage->until.first))
            diagnose(l->diags, &first_path, json_int_mistake(first), "must be a positive integer");
    } else if (!source) {
        diagnose(l->diags, &here, TF_DIAG_WRONG_TYPE, "must be an expression or an object, not %s", json_kind(value));
    }
    if (tf_stage_has_files(stage))
        diagnose(l->diags, &here, TF_DIAG_CONFLICT, "a stage with files is run to its end: it can't have \"until\"");
    if (!source)
        return;
    expr_names names = {.what = "COLUMN.STATISTIC, such as x.mean or x.stderr", .is_open = stage->untyped};
    if (stage->untyped) {
        load_expr(l, &expr_path, source, &names);
        return;
    }
    tf_stat_spec *all = tf_arena_array(l->arena, (size_t)(tf_stage_values(stage) * count_plain()) + 1, sizeof *all);
    add_stat_names(l, stage, &names, all);
    stage->until.expr = load_expr(l, &expr_path, source, &names);
    stage->until.names = names.count;
    if (stage->until.expr)
        choose_stats(l, all, &stage->until);
    if (stage->until.expr && stage->until.reduce.stats == 0)
        diagnose(l->diags, &expr_path, TF_DIAG_BAD_EXPRESSION, "\"%s\" does not depend on any result", source);
}
