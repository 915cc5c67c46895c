/* Axes whose points are the rows of another stage: which of its parameters and columns become parameters here. */
#include "manifest/axis.h"

#include <assert.h>
#include <string.h>

/* Finds the parameter or column of the other stage with that name. false: there is none. */
static bool find_upstream(const tf_stage_spec *other, const char *name, int *param, int *column) {
    *param = tf_space_find(other->space, name);
    *column = -1;
    for (int c = 0; c < other->columns && *param < 0; c++)
        if (strcmp(other->column[c].name, name) == 0)
            *column = c;
    return *param >= 0 || *column >= 0;
}

static tf_type upstream_type(tf_type type) {
    return type == TF_BOOL || type == TF_STRING ? type : tf_type_is_float(type) ? TF_FLOAT64 : TF_INT64;
}

/* The parameter that a parameter or column of the other stage becomes here. */
static tf_param_spec upstream_spec(const tf_stage_spec *other, int param, int column) {
    if (param >= 0) {
        tf_param_spec spec = *tf_space_param(other->space, param);
        spec.upstream = true;
        return spec;
    }
    assert(other->column);
    return (tf_param_spec){
        .type = upstream_type(other->column[column].type), .max_bytes = TF_LONGEST_UPSTREAM, .upstream = true};
}

/* Adds the parameter `name`, which is called `theirs` in the other stage. */
static void add_upstream(struct loader *l, const json_path *where, tf_space *leaf, const tf_stage_spec *other,
                         const char *name, const char *theirs) {
    int n = leaf->params, param, column;
    if (!find_upstream(other, theirs, &param, &column)) {
        diagnose(l->diags, where, TF_DIAG_UNKNOWN_NAME, "stage \"%s\" has neither a parameter nor a column \"%s\"",
                 other->name, theirs);
        return;
    }
    const tf_column_spec *c = column >= 0 ? &other->column[column] : NULL;
    const tf_param_spec *p = param >= 0 ? tf_space_param(other->space, param) : NULL;
    if (c && (c->rank > 0 || c->type == TF_BYTES || c->type == TF_UINT64)) {
        diagnose(l->diags, where, TF_DIAG_UNSUITABLE_TYPE,
                 "column \"%s\" of stage \"%s\" can't be a parameter: it is %s", theirs, other->name,
                 c->rank > 0           ? "an array"
                 : c->type == TF_BYTES ? "of bytes"
                                       : "of uint64");
        return;
    }
    if (p && p->upstream) {
        diagnose(l->diags, where, TF_DIAG_CONFLICT,
                 "parameter \"%s\" of stage \"%s\" is itself taken from stage \"%s\": take it from there", theirs,
                 other->name, tf_space_source_of(other->space, param)->name);
        return;
    }
    if (!check_param_name(l, where, "parameter", name))
        return;
    leaf->param[n] = upstream_spec(other, param, column);
    leaf->param[n].name = tf_arena_strdup(l->arena, name);
    ((int *)(uintptr_t)leaf->source->param)[n] = param;
    ((int *)(uintptr_t)leaf->source->column)[n] = column;
    leaf->params = leaf->source->params = n + 1;
}

/* Adds all that can be a parameter. */
static void add_all_upstream(struct loader *l, const json_path *where, tf_space *leaf, const tf_stage_spec *other) {
    for (int p = 0; p < tf_space_params(other->space); p++)
        if (!tf_space_param(other->space, p)->upstream)
            add_upstream(l, where, leaf, other, tf_space_param(other->space, p)->name,
                         tf_space_param(other->space, p)->name);
    for (int c = 0; c < other->columns; c++) {
        const tf_column_spec *column = &other->column[c];
        if (column->rank == 0 && column->type != TF_BYTES && column->type != TF_UINT64)
            add_upstream(l, where, leaf, other, column->name, column->name);
    }
}

/* Loads "columns": a list of names, or an object of new names and old ones. */
static void add_chosen(struct loader *l, const json_path *where, tf_space *leaf, const tf_stage_spec *other,
                       const cJSON *columns) {
    if (!cJSON_IsArray(columns) && !cJSON_IsObject(columns)) {
        diagnose(l->diags, where, TF_DIAG_WRONG_TYPE,
                 "must be a list of names, or an object of new names and old ones");
        return;
    }
    int n = 0;
    for (const cJSON *item = columns->child; item; item = item->next, n++) {
        json_path here = item->string ? json_path_key(where, item->string) : json_path_index(where, n);
        if (!cJSON_IsString(item))
            diagnose(l->diags, &here, TF_DIAG_WRONG_TYPE, "must be a string, not %s", json_kind(item));
        else
            add_upstream(l, &here, leaf, other, item->string ? item->string : item->valuestring, item->valuestring);
    }
}

/* Checks "where" of the axis, with the axis's own parameters. It is loaded again with all of the stage's. */
static const char *load_rows_where(struct loader *l, const json_path *up, const tf_space *leaf, const cJSON *axis) {
    const char *source = json_string(l->diags, up, axis, "where");
    json_path here = json_path_key(up, "where");
    if (!source)
        return NULL;
    expr_name *name = tf_arena_array(l->arena, (size_t)leaf->params, sizeof *name);
    expr_names names = param_names(leaf, name);
    names.what = "the parameters and columns that the axis takes";
    names.has_index = false;
    return load_expr(l, &here, source, &names) ? tf_arena_strdup(l->arena, source) : NULL;
}

/* Loads "indices": rows in any order, each any number of times. NULL after a diagnostic. */
static const int64_t *load_row_numbers(struct loader *l, const json_path *where, const cJSON *list, int64_t all) {
    int64_t *row = tf_arena_array(l->arena, (size_t)cJSON_GetArraySize(list) + 1, sizeof *row);
    int n = 0;
    for (const cJSON *item = list->child; item; item = item->next, n++) {
        json_path here = json_path_index(where, n);
        if (json_int_within(item, 0, all - 1, &row[n]))
            continue;
        diagnose(l->diags, &here, json_int_mistake(item), "must be the index of a task, from 0 to %lld",
                 (long long)all - 1);
        return NULL;
    }
    if (cJSON_IsArray(list) && n > 0)
        return row;
    diagnose(l->diags, where, TF_DIAG_WRONG_TYPE, "must be a list of indices of tasks");
    return NULL;
}

/* ---- The leaf ---- */

/* What the leaf knows of the other stage's space. Its hash is worked out once: in a chain of stages each would go down
 * to the first one. */
typedef struct upstream {
    const tf_space *space;
    uint64_t hash; /* of all of it */
} upstream;

static const upstream *upstream_new(tf_arena *arena, const tf_space *space) {
    upstream *u = tf_arena_alloc(arena, sizeof *u);
    *u = (upstream){.space = space, .hash = tf_space_hash(space, tf_space_size(space))};
    return u;
}

static void fill(const tf_space *leaf, int param, int64_t first, int64_t count, void *out) {
    (void)leaf, (void)param, (void)first, (void)count, (void)out;
    assert(false); /* every parameter is upstream: tf_space_fill is not called for it */
}

static uint64_t hash(const tf_space *leaf, int64_t points, uint64_t sum) {
    const upstream *other = leaf->data;
    const int64_t *row = leaf->source->row;
    const bool is_all = row || points == tf_space_size(other->space);
    const uint64_t rows = is_all ? other->hash : tf_space_hash(other->space, points);
    if (row)
        sum = tf_hash(row, (size_t)points * sizeof *row, sum);
    for (int p = 0; p < leaf->params; p++) {
        sum = tf_hash(&leaf->source->param[p], sizeof(int), sum);
        sum = tf_hash(&leaf->source->column[p], sizeof(int), sum);
    }
    return rows ? tf_hash(&rows, sizeof rows, sum) : 0;
}

static const char *text(const tf_space *leaf, int param, int64_t index) {
    const tf_space_source *source = leaf->source;
    const upstream *other = leaf->data;
    return tf_space_text(other->space, source->param[param], source->row ? source->row[index] : index);
}

static const leaf_kind rows_kind = {.number = 5, .fill = fill, .hash = hash, .text = text};

tf_space *axis_rows_of(struct loader *l, const axis_json *axis) {
    const tf_stage_spec *other = need_stage(l, &axis->where, axis->text);
    const cJSON *columns = cJSON_GetObjectItemCaseSensitive(axis->axis, "columns");
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(axis->axis, "indices");
    json_path here = json_path_key(axis->up, "columns"), rows_path = json_path_key(axis->up, "indices");
    const int64_t *row = other && rows ? load_row_numbers(l, &rows_path, rows, tf_space_size(other->space)) : NULL;
    if (!other || (rows && !row))
        return NULL;
    tf_space *leaf =
        leaf_new(l->arena, &rows_kind, tf_space_params(other->space) + other->columns + cJSON_GetArraySize(columns),
                 row ? cJSON_GetArraySize(rows) : tf_space_size(other->space));
    size_t room = (size_t)leaf->params + 1;
    leaf->params = 0;
    leaf->data = upstream_new(l->arena, other->space);
    leaf->sources = 1;
    leaf->source = tf_arena_alloc(l->arena, sizeof *leaf->source);
    *leaf->source = (tf_space_source){.stage = other->number,
                                      .name = other->name,
                                      .rows = leaf->size,
                                      .stride = 1,
                                      .row = row,
                                      .param = tf_arena_array(l->arena, room, sizeof(int)),
                                      .column = tf_arena_array(l->arena, room, sizeof(int))};
    if (columns)
        add_chosen(l, &here, leaf, other, columns);
    else
        add_all_upstream(l, &axis->where, leaf, other);
    leaf->source->where = load_rows_where(l, axis->up, leaf, axis->axis);
    return leaf;
}
