/* "results": the typed columns of a stage, and where a command's come from. */
#include "manifest/column_source.h"
#include "manifest/run.h"

#include <string.h>

void check_column_name(struct loader *l, const json_path *where, const char *name) {
    const char *fault = name_fault(name, false);
    if (fault)
        diagnose(l->diags, where, TF_DIAG_BAD_NAME, "\"%s\" can't be a column's name: %s", name, fault);
}

size_t tf_column_bytes(const tf_column_spec *column) {
    return tf_type_size(column->type) * (size_t)column->elements;
}

const column_source *column_source_find(const char *name, size_t length) {
    for (const column_source *source = column_sources(); source->name; source++)
        if (strlen(source->name) == length && strncmp(source->name, name, length) == 0)
            return source;
    return NULL;
}

static void load_shape(struct loader *l, const json_path *where, const cJSON *json, tf_column_spec *column) {
    const cJSON *shape = json_array(l->diags, where, json, "shape");
    if (!shape)
        return;
    json_path here = json_path_key(where, "shape");
    column->rank = cJSON_GetArraySize(shape);
    if (column->rank < 1 || column->rank > TF_MAX_RANK) {
        diagnose(l->diags, &here, TF_DIAG_WRONG_LENGTH, "needs 1 to %d lengths, not %d", TF_MAX_RANK, column->rank);
        column->rank = 0;
        return;
    }
    if (tf_type_size(column->type) == 0)
        diagnose(l->diags, &here, TF_DIAG_UNSUITABLE_TYPE, "%s columns have no shape", tf_type_name(column->type));
    for (int d = 0; d < column->rank; d++) {
        const cJSON *length = cJSON_GetArrayItem(shape, d);
        json_path there = json_path_index(&here, d);
        if (!json_int_within(length, 1, INT64_MAX, &column->shape[d])) {
            diagnose(l->diags, &there, json_int_mistake(length), "must be a positive integer");
            return;
        }
        if (__builtin_mul_overflow(column->elements, column->shape[d], &column->elements) ||
            column->elements > MOST_ELEMENTS) {
            diagnose(l->diags, &here, TF_DIAG_TOO_LARGE, "a row has more than 2^31 elements");
            column->elements = 1;
            return;
        }
    }
}

/* Loads "array": the name of an axis of blocks. */
static void load_array_column(struct loader *l, const json_path *where, const cJSON *json, const known_names *scope,
                              bool command, tf_column_spec *column) {
    const char *axis = json_string(l->diags, where, json, "array");
    json_path here = json_path_key(where, "array");
    if (!axis || !scope->space)
        return;
    if (tf_type_size(column->type) == 0)
        diagnose(l->diags, &here, TF_DIAG_UNSUITABLE_TYPE, "%s columns can't be arrays", tf_type_name(column->type));
    if (command)
        diagnose(l->diags, &here, TF_DIAG_CONFLICT,
                 "a command can't give a block of an array; functions, services and expressions can");
    if (column->rank > 0)
        diagnose(l->diags, &here, TF_DIAG_CONFLICT, "\"array\" and \"shape\" can't both be there");
    column->grid = load_grid(l, &here, scope->space, axis);
    if (!column->grid)
        return;
    const tf_grid *grid = column->grid;
    column->rank = grid->inner;
    for (int d = 0; d < grid->inner; d++)
        column->shape[d] = grid->chunk[grid->first + d];
    column->elements = grid_elements(grid, NULL);
    if (column->elements > MOST_ELEMENTS / 8) /* HDF5: a chunk has less than 4 GB */
        diagnose(l->diags, &here, TF_DIAG_TOO_LARGE, "a block of more than 2^28 elements: choose smaller chunks");
}

/* "json, regex:EXPRESSION, ... or file:PATH" */
static void list_sources(tf_buf *out) {
    int count = 0;
    while (column_sources()[count].name)
        count++;
    for (int n = 0; n < count; n++)
        tf_buf_add_choice(out, column_sources()[n].form, n, count);
}

static void load_from(struct loader *l, const json_path *where, const cJSON *json, const known_names *scope,
                      bool command, tf_column_spec *column) {
    const char *from = json_string(l->diags, where, json, "from");
    if (!from)
        return;
    const json_path here = json_path_key(where, "from");
    const char *colon = strchr(from, ':');
    const column_source *source = column_source_find(from, strcspn(from, ":"));
    if (!command) {
        diagnose(l->diags, &here, TF_DIAG_MISPLACED_KEY,
                 "only a command's columns are read from somewhere; a function sets them, a service answers them");
    } else if (!source || (colon != NULL) != (source->load != NULL)) {
        tf_buf list = {0};
        list_sources(&list);
        diagnose(l->diags, &here, TF_DIAG_BAD_VALUE, "\"%s\" must be %s", from, tf_buf_text(&list));
        tf_buf_free(&list);
    } else {
        column->from = source->name;
        if (source->load)
            source->load(l, &here, colon + 1, scope, column);
    }
}

static void load_optional(struct loader *l, const json_path *where, const cJSON *json, tf_column_spec *column) {
    json_path here = json_path_key(where, "optional");
    column->optional = json_flag(l->diags, where, json, "optional");
    if (column->optional && tf_type_size(column->type) > 0 && !tf_type_is_float(column->type))
        diagnose(l->diags, &here, TF_DIAG_UNSUITABLE_TYPE,
                 "a column of %s can't be optional: it has no value for what is missing, as float64 has NaN",
                 tf_type_name(column->type));
}

static void load_column(struct loader *l, const json_path *where, const cJSON *json, const known_names *scope,
                        bool command, tf_column_spec *column) {
    const char *type = NULL;
    if (cJSON_IsString(json)) {
        type = json->valuestring;
    } else if (cJSON_IsObject(json)) {
        json_check_keys(l->diags, where, json, keys_column());
        type = json_string(l->diags, where, json, "type");
        if (!cJSON_GetObjectItemCaseSensitive(json, "type"))
            diagnose(l->diags, where, TF_DIAG_MISSING_KEY, "needs a \"type\"");
    } else {
        diagnose(l->diags, where, TF_DIAG_WRONG_TYPE, "must be a type or an object, not %s", json_kind(json));
    }
    if (!type)
        return;
    if (!tf_type_read(type, &column->type)) {
        const char *near = tf_type_suggest(type);
        if (near)
            diagnose(l->diags, where, TF_DIAG_UNKNOWN_NAME, "unknown type \"%s\"; did you mean \"%s\"?", type, near);
        else
            diagnose(
                l->diags, where, TF_DIAG_UNKNOWN_NAME,
                "unknown type \"%s\"; there are bool, int8 to int64, uint8 to uint64, float32, float64, string and "
                "bytes",
                type);
        return;
    }
    if (cJSON_IsObject(json)) {
        load_shape(l, where, json, column);
        load_array_column(l, where, json, scope, command, column);
        load_from(l, where, json, scope, command, column);
        load_optional(l, where, json, column);
    }
}

tf_table number_columns(const tf_column_spec *column, int columns) {
    tf_table number = {0};
    for (int c = 0; c < columns; c++)
        tf_table_add(&number, column[c].name, strlen(column[c].name), (uint32_t)c);
    return number;
}

int find_column(const tf_table *number, const char *name) {
    const uint32_t c = tf_table_get(number, name, strlen(name));
    return c == TF_TABLE_NONE ? -1 : (int)c;
}

/* Reports a column that has the name of a second dataset of another column. */
static void check_dataset_name(struct loader *l, const json_path *where, const tf_table *number, const char *name) {
    if (find_column(number, name) >= 0)
        diagnose(l->diags, where, TF_DIAG_NAME_TAKEN,
                 "the output has a dataset \"%s\" for this column: rename the column of that name", name);
}

static void check_column_names(struct loader *l, const json_path *where, const tf_column_spec *all,
                               const tf_table *number, const tf_column_spec *column) {
    static const char *const captured[] = {"stdout", "stderr", "message"};
    const bool text = tf_type_size(column->type) == 0;
    tf_buf name = {0};
    for (int k = 0; text && k < 3; k++)
        if (strcmp(column->name, captured[k]) == 0)
            diagnose(l->diags, where, TF_DIAG_NAME_TAKEN,
                     "the output has captured text by the name \"%s\": rename this %s column", captured[k],
                     tf_type_name(column->type));
    tf_buf_addf(&name, "%s_index", column->name);
    const int index = text ? find_column(number, name.data) : -1;
    if (index >= 0 && tf_type_size(all[index].type) == 0)
        check_dataset_name(l, where, number, name.data);
    for (int d = 1; !column->grid && d <= column->rank; d++) {
        tf_buf_clear(&name);
        tf_buf_addf(&name, "%s_dim%d", column->name, d);
        check_dataset_name(l, where, number, name.data);
    }
    for (int d = 0; column->grid && d < column->grid->rank; d++)
        if (find_column(number, column->grid->label[d]) >= 0)
            diagnose(l->diags, where, TF_DIAG_NAME_TAKEN,
                     "\"%s\" is a dimension of this array in the output: rename the column of that name",
                     column->grid->label[d]);
    tf_buf_free(&name);
}

/* Reports columns whose datasets would have the name of another dataset: in the output long strings lie beside captured
 * text, each with its index, and arrays beside their dimensions. */
static void check_taken_names(struct loader *l, const json_path *where, const tf_column_spec *column, int columns) {
    tf_table number = number_columns(column, columns);
    for (int c = 0; c < columns; c++) {
        json_path here = json_path_key(where, column[c].name);
        check_column_names(l, &here, column, &number, &column[c]);
    }
    tf_table_free(&number);
}

void load_columns(struct loader *l, const json_path *where, const cJSON *json, const known_names *scope, bool command,
                  tf_stage_spec *stage) {
    if (!cJSON_IsObject(json)) {
        diagnose(l->diags, where, TF_DIAG_WRONG_TYPE, "must be an object, not %s", json_kind(json));
        return;
    }
    tf_column_spec *column = tf_arena_array(l->arena, (size_t)cJSON_GetArraySize(json), sizeof *column);
    for (const cJSON *item = json->child; item; item = item->next) {
        json_path here = json_path_key(where, item->string);
        tf_column_spec *c = &column[stage->columns++];
        *c = (tf_column_spec){.name = tf_arena_strdup(l->arena, item->string),
                              .type = TF_FLOAT64,
                              .elements = 1,
                              .from = column_sources()->name};
        check_column_name(l, &here, c->name);
        if (scope->space && tf_space_find(scope->space, c->name) >= 0)
            diagnose(l->diags, &here, TF_DIAG_NAME_TAKEN, "\"%s\" is the name of a parameter already", c->name);
        load_column(l, &here, item, scope, command, c);
    }
    check_taken_names(l, where, column, stage->columns);
    stage->column = column;
}
