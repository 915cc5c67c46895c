/* Axes of values that stand in the manifest, and typed columns of JSON values. */
#include "manifest/axis.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Which value it is: "t.jsonl: line 3: "; nothing where the place of a diagnostic says it. */
static const char *label(struct loader *l, const json_cells *cells, int64_t i) {
    return cells->what ? tf_arena_printf(l->arena, "%s %d: \"%s\": ", cells->what, cells->line[i], cells->name) : "";
}

/* The first value that is not what those before it are. */
static int64_t find_misfit(const cJSON *const *value, int64_t count) {
    const cJSON *known = NULL; /* a value that tells the kind: null is a missing number */
    for (int64_t i = 0; i < count; i++) {
        const cJSON *v = value[i];
        if (cJSON_IsArray(v) || cJSON_IsObject(v))
            return i;
        if (known && strcmp(json_kind(v), json_kind(known)) != 0 && !(cJSON_IsNull(v) && cJSON_IsNumber(known)))
            return i;
        if (!cJSON_IsNull(v))
            known = v;
    }
    return 0;
}

static void diagnose_misfit(struct loader *l, const json_path *where, const json_cells *cells, int64_t count) {
    static const char must[] = "values must be all integers, all numbers, all strings or all booleans";
    const int64_t i = find_misfit(cells->value, count);
    if (cells->what)
        diagnose(l->diags, where, TF_DIAG_MISMATCH, "%s %d: \"%s\" is %s; %s", cells->what, cells->line[i], cells->name,
                 json_kind(cells->value[i]), must);
    else
        diagnose(l->diags, where, TF_DIAG_MISMATCH, "%s", must);
}

/* The type that takes all of one column's JSON values; TF_ANY after a diagnostic. Null is a missing number. */
static tf_type common_type(struct loader *l, const json_path *where, const json_cells *cells, int64_t count) {
    int64_t integers = 0, numbers = 0, strings = 0, booleans = 0, nulls = 0, integer;
    int64_t rounded = -1; /* an integer that is not exact as a double */
    for (int64_t i = 0; i < count; i++) {
        const cJSON *v = cells->value[i];
        const bool is_int = json_int(v, &integer);
        integers += is_int;
        numbers += cJSON_IsNumber(v);
        strings += cJSON_IsString(v);
        booleans += cJSON_IsBool(v);
        nulls += cJSON_IsNull(v);
        if (is_int && !tf_is_double(integer))
            rounded = i;
        const char *text = json_number_text(v);
        if (text && !is_int && tf_is_digits(text, strlen(text))) {
            diagnose(l->diags, where, TF_DIAG_OUT_OF_RANGE, "%s" BEYOND_INT64, label(l, cells, i), text);
            return TF_ANY;
        }
    }
    if (integers == count)
        return TF_INT64;
    if (rounded >= 0 && numbers + nulls == count) {
        diagnose(l->diags, where, TF_DIAG_MISMATCH,
                 "%sinteger %s stands among numbers that are no integers, where it would be rounded; write it as a "
                 "string",
                 label(l, cells, rounded), json_number_text(cells->value[rounded]));
        return TF_ANY;
    }
    if (numbers > 0 && numbers + nulls == count)
        return TF_FLOAT64;
    if (strings == count)
        return TF_STRING;
    if (booleans == count)
        return TF_BOOL;
    diagnose_misfit(l, where, cells, count);
    return TF_ANY;
}

static void set_strings(struct loader *l, tf_space *table, int param, const cJSON *const *values) {
    const size_t count = (size_t)table->size;
    const char **strings = tf_arena_array(l->arena, count, sizeof *strings);
    for (size_t i = 0; i < count; i++)
        strings[i] = tf_arena_strdup(l->arena, values[i]->valuestring);
    table_set_strings(table, param, strings);
}

static void set_numbers(struct loader *l, tf_space *table, int param, tf_type type, const cJSON *const *values) {
    const size_t count = (size_t)table->size;
    void *column = tf_arena_array(l->arena, count, tf_space_value_size(type));
    for (size_t i = 0; i < count; i++) {
        if (type == TF_INT64)
            json_int(values[i], (int64_t *)column + i);
        else if (type == TF_FLOAT64)
            ((double *)column)[i] = cJSON_IsNull(values[i]) ? NAN : values[i]->valuedouble;
        else
            ((uint8_t *)column)[i] = cJSON_IsTrue(values[i]) != 0;
    }
    table_set(table, param, type, column);
}

/* The type that is asked for, if values of this type have it too: integers are floats where none is rounded. TF_ANY
 * after a diagnostic. */
static tf_type widen(struct loader *l, const json_path *where, const json_cells *cells, int64_t count, tf_type type) {
    int64_t integer;
    if (cells->type == TF_ANY || cells->type == type)
        return type;
    if (cells->type != TF_FLOAT64 || type != TF_INT64) {
        diagnose(l->diags, where, TF_DIAG_MISMATCH, "values are of type %s, and \"type\" says %s", tf_type_name(type),
                 tf_type_name(cells->type));
        return TF_ANY;
    }
    for (int64_t i = 0; i < count; i++)
        if (json_int(cells->value[i], &integer) && !tf_is_double(integer)) {
            diagnose(l->diags, where, TF_DIAG_MISMATCH, "integer %s would be rounded as float64",
                     json_number_text(cells->value[i]));
            return TF_ANY;
        }
    return TF_FLOAT64;
}

bool load_json_column(struct loader *l, const json_path *where, tf_space *table, int param, const json_cells *cells) {
    const tf_type found = common_type(l, where, cells, table->size);
    const tf_type type = found == TF_ANY ? TF_ANY : widen(l, where, cells, table->size, found);
    if (type == TF_STRING)
        set_strings(l, table, param, cells->value);
    else if (type != TF_ANY)
        set_numbers(l, table, param, type, cells->value);
    return type != TF_ANY;
}

/* Values of a type; TF_ANY: of the one that takes them all. */
static tf_space *load_typed(struct loader *l, const json_path *where, const char *name, const cJSON *list,
                            tf_type type) {
    const int64_t count = cJSON_GetArraySize(list);
    if (count == 0) {
        diagnose(l->diags, where, TF_DIAG_WRONG_LENGTH, "an axis needs at least one value");
        return NULL;
    }
    const cJSON **values = tf_alloc_array((size_t)count, sizeof *values);
    int64_t n = 0;
    for (const cJSON *v = list->child; v; v = v->next)
        values[n++] = v;
    tf_space *table = table_new(l->arena, 1, count);
    table->param[0].name = name;
    const bool is_sound = load_json_column(l, where, table, 0, &(json_cells){.value = values, .type = type});
    free(values);
    return is_sound ? table : NULL;
}

tf_space *load_values(struct loader *l, const json_path *where, const char *name, const cJSON *list) {
    return load_typed(l, where, name, list, TF_ANY);
}

tf_space *axis_values(struct loader *l, const axis_json *axis) {
    static const tf_type types[] = {TF_BOOL, TF_INT64, TF_FLOAT64, TF_STRING};
    const int before = l->diags->count;
    const char *text = json_string(l->diags, axis->up, axis->axis, "type");
    if (!text)
        return l->diags->count == before ? load_values(l, &axis->where, axis->name, axis->value) : NULL;
    for (size_t t = 0; t < sizeof types / sizeof *types; t++)
        if (strcmp(text, tf_type_name(types[t])) == 0)
            return load_typed(l, &axis->where, axis->name, axis->value, types[t]);
    const json_path here = json_path_key(axis->up, "type");
    diagnose(l->diags, &here, TF_DIAG_BAD_VALUE, "values are bool, int64, float64 or string, not \"%s\"", text);
    return NULL;
}
