/* Arrays that have a block for each task: those that a stage reads ("arrays"), and columns that are one. */
#include <stdlib.h>
#include <string.h>

#include "manifest/load.h"

/* ---- Places ---- */

void tf_grid_block(const tf_grid *grid, int64_t point, int64_t *start, int64_t *count) {
    for (int d = grid->rank - 1; d >= 0; d--) {
        const int64_t length = grid->shape[d], chunk = grid->chunk[d], blocks = (length - 1) / chunk + 1;
        start[d] = point % blocks * chunk;
        count[d] = length - start[d] < chunk ? length - start[d] : chunk;
        point /= blocks;
    }
}

int64_t tf_line_in_chunk(int rank, const int64_t *count, const int64_t *chunk, int64_t n) {
    int64_t start = 0, stride = chunk[rank - 1];
    for (int d = rank - 2; d >= 0; d--) {
        start += n % count[d] * stride;
        n /= count[d];
        stride *= chunk[d];
    }
    return start;
}

void tf_grid_place(const tf_grid *grid, int64_t index, tf_block *block) {
    int64_t start[TF_MAX_RANK], count[TF_MAX_RANK];
    tf_grid_block(grid, index, start, count);
    *block = (tf_block){.rank = grid->inner};
    for (int d = 0; d < grid->inner; d++) {
        block->start[d] = start[grid->first + d];
        block->count[d] = block->shape[d] = count[grid->first + d];
    }
}

void tf_array_place(const tf_array_spec *array, int64_t index, tf_block *block) {
    tf_grid_place(array->grid, index, block);
    for (int d = 0; d < block->rank; d++) {
        const int64_t length = array->grid->shape[array->grid->first + d], end = block->start[d] + block->count[d];
        int64_t before = array->halo[d], after = array->halo[d];
        if (!array->reflect) {
            before = before < block->start[d] ? before : block->start[d];
            after = after < length - end ? after : length - end;
        }
        block->before[d] = before;
        block->shape[d] = before + block->count[d] + after;
    }
}

int64_t tf_array_part(const tf_array_spec *array, int64_t index) {
    const tf_grid *grid = array->grid;
    int64_t start[TF_MAX_RANK], count[TF_MAX_RANK];
    tf_grid_block(grid, index, start, count);
    return start[grid->first] / grid->chunk[grid->first];
}

int64_t tf_block_elements(const tf_block *block) {
    int64_t elements = 1;
    for (int d = 0; d < block->rank; d++)
        elements *= block->shape[d];
    return elements;
}

bool tf_stage_takes_from(const tf_stage_spec *stage, int other) {
    for (int n = 0; n < tf_space_sources(stage->space); n++)
        if (tf_space_source_at(stage->space, n)->stage == other)
            return true;
    for (int a = 0; a < stage->arrays; a++)
        if (stage->array[a].stage == other)
            return true;
    return false;
}

/* ---- Grids ---- */

/* The child of the space that is the axis of that name, or with NULL the only axis of blocks. -1 after a diagnostic. */
static int find_blocks(struct loader *l, const json_path *where, const tf_space *space, const char *name) {
    int found = -1, count = 0;
    const char *near = NULL;
    for (int c = 0; c < space->children; c++) {
        const space_blocks *blocks = space->child[c]->blocks;
        if (!blocks)
            continue;
        near = blocks->name;
        if (name && strcmp(blocks->name, name) != 0)
            continue;
        found = c;
        count++;
    }
    if (count == 1)
        return found;
    if (count > 1)
        diagnose(l->diags, where, TF_DIAG_MISSING_KEY,
                 "there are several axes of blocks: \"axis\" must say which one is meant");
    else if (near)
        diagnose(l->diags, where, TF_DIAG_UNKNOWN_NAME,
                 "there is no axis of blocks \"%s\" in \"over\"; there is \"%s\"", name, near);
    else
        diagnose(l->diags, where, TF_DIAG_MISSING_KEY, "needs an axis of \"blocks\" in \"over\"");
    return -1;
}

static bool add_dimension(tf_grid *grid, int64_t length, int64_t chunk, const char *label) {
    if (grid->rank == TF_MAX_RANK)
        return false;
    grid->shape[grid->rank] = length;
    grid->chunk[grid->rank] = chunk < length ? chunk : length;
    grid->label[grid->rank++] = label;
    return true;
}

static bool add_blocks(struct loader *l, tf_grid *grid, const space_blocks *blocks) {
    bool room = true;
    for (int d = 0; d < blocks->rank; d++)
        room = room &&
               add_dimension(grid, blocks->shape[d], blocks->chunk[d],
                             blocks->rank == 1 ? blocks->name : tf_arena_printf(l->arena, "%s_%d", blocks->name, d));
    return room;
}

const tf_grid *load_grid(struct loader *l, const json_path *where, const tf_space *space, const char *name) {
    int axis = find_blocks(l, where, space, name);
    if (axis < 0)
        return NULL;
    tf_grid *grid = tf_arena_alloc(l->arena, sizeof *grid);
    bool room = true;
    grid->axis = space->child[axis]->blocks->name;
    for (int c = 0; c < space->children && room; c++) {
        const tf_space *child = space->child[c];
        if (c == axis) {
            grid->first = grid->rank;
            grid->inner = child->blocks->rank;
        }
        room = c == axis ? add_blocks(l, grid, child->blocks)
                         : add_dimension(grid, child->size, 1, child->params ? child->param[0].name : "axis");
    }
    if (room)
        return grid;
    diagnose(l->diags, where, TF_DIAG_TOO_LARGE, "with the other axes the array has more than %d dimensions",
             TF_MAX_RANK);
    return NULL;
}

bool has_halo(const tf_array_spec *array) {
    for (int d = 0; d < TF_MAX_RANK; d++)
        if (array->halo[d] > 0)
            return true;
    return false;
}

int64_t grid_elements(const tf_grid *grid, const int64_t *halo) {
    int64_t elements = 1;
    for (int d = 0; d < grid->inner; d++) {
        int64_t length = halo ? halo[d] : 0;
        if (__builtin_mul_overflow(length, 2, &length) ||
            __builtin_add_overflow(length, grid->chunk[grid->first + d], &length) ||
            __builtin_mul_overflow(elements, length, &elements))
            return INT64_MAX;
    }
    return elements;
}

/* ---- "arrays" ---- */

typedef struct array_place {
    struct loader *l;
    const json_path *where;
    tf_stage_spec *stage;
    tf_array_spec *array;
} array_place;

/* Loads "FILE:/DATASET". The file becomes one of the stage's inputs. */
static void load_dataset(const array_place *p, const json_path *where, const char *text) {
    struct loader *l = p->l;
    tf_stage_spec *stage = p->stage;
    const char *colon = NULL;
    for (const char *next = strstr(text, ":/"); next; next = strstr(next + 1, ":/"))
        colon = next;
    if (!colon || colon == text || colon[2] == '\0') {
        diagnose(l->diags, where, TF_DIAG_BAD_VALUE,
                 "\"%s\" is no dataset of a file: that is FILE:/DATASET, as in \"in.h5:/flux\"", text);
        return;
    }
    const known_names scope = {.stage = stage->name, .space = stage->space};
    for (int i = 0; i < stage->inputs; i++)
        if (stage->input[i].name && strcmp(stage->input[i].name, p->array->name) == 0)
            diagnose(l->diags, where, TF_DIAG_NAME_TAKEN, "\"%s\" is the name of an input already", p->array->name);
    tf_file_spec *input = tf_arena_array(l->arena, (size_t)stage->inputs + 1, sizeof *input);
    for (int i = 0; i < stage->inputs; i++)
        input[i] = stage->input[i];
    input[stage->inputs] = (tf_file_spec){
        .name = p->array->name,
        .pointer = p->array->pointer,
        .separators = "",
        .text = template_parse(l, where, tf_arena_strndup(l->arena, text, (size_t)(colon - text)), &scope, false)};
    p->array->file = stage->inputs++;
    p->array->dataset = constant_text(l, where, colon + 1);
    stage->input = input;
}

/* Loads "from": a column of another stage that is an array of the same dimensions. */
static void load_column_of(const array_place *p, const json_path *where, const cJSON *json) {
    struct loader *l = p->l;
    const char *name = json_string(l->diags, where, json, "from");
    const char *column = json_string(l->diags, where, json, "column");
    json_path here = json_path_key(where, "from");
    const tf_stage_spec *other = name ? need_stage(l, &here, name) : NULL;
    tf_array_spec *a = p->array;
    if (!other)
        return;
    column = column ? column : a->name;
    a->stage = other->number;
    for (int c = 0; c < other->columns; c++)
        if (strcmp(other->column[c].name, column) == 0)
            a->column = c;
    const tf_grid *theirs = a->column >= 0 ? other->column[a->column].grid : NULL;
    if (!theirs) {
        diagnose(l->diags, &here, TF_DIAG_UNKNOWN_NAME, "stage \"%s\" has no array column \"%s\"", other->name, column);
        return;
    }
    a->type = other->column[a->column].type;
    bool same = !a->grid || theirs->rank == a->grid->inner;
    for (int d = 0; same && a->grid && d < theirs->rank; d++)
        same = theirs->shape[d] == a->grid->shape[a->grid->first + d];
    if (!same)
        diagnose(l->diags, &here, TF_DIAG_MISMATCH,
                 "column \"%s\" of stage \"%s\" has another shape than the axis \"%s\"", column, other->name,
                 a->grid->axis);
}

/* Loads "halo": either one number for all dimensions, or a list of one for each. */
static void load_halo(const array_place *p, const json_path *where, const cJSON *json) {
    const cJSON *halo = cJSON_GetObjectItemCaseSensitive(json, "halo");
    json_path here = json_path_key(where, "halo");
    const tf_grid *grid = p->array->grid;
    if (!halo || !grid)
        return;
    bool list = cJSON_IsArray(halo), sound = list ? cJSON_GetArraySize(halo) == grid->inner : cJSON_IsNumber(halo);
    for (int d = 0; d < grid->inner && sound; d++) {
        const cJSON *length = list ? cJSON_GetArrayItem(halo, d) : halo;
        sound = json_int_within(length, 0, INT64_MAX, &p->array->halo[d]);
        if (sound && p->array->halo[d] > grid->shape[grid->first + d])
            diagnose(p->l->diags, &here, TF_DIAG_OUT_OF_RANGE,
                     "is longer than the array, which has %lld elements in dimension %d",
                     (long long)grid->shape[grid->first + d], d);
    }
    if (!sound)
        diagnose(p->l->diags, &here, TF_DIAG_BAD_VALUE,
                 "must be a number of elements, or a list of %d: one for each dimension", grid->inner);
}

static void load_array_type(const array_place *p, const json_path *where, const cJSON *json) {
    const char *type = json_string(p->l->diags, where, json, "type");
    json_path here = json_path_key(where, "type");
    if (type && (!tf_type_read(type, &p->array->type) ||
                 !(tf_type_is_integer(p->array->type) || tf_type_is_float(p->array->type))))
        diagnose(p->l->diags, &here, TF_DIAG_BAD_VALUE,
                 "must be one of int8 to int64, uint8 to uint64, float32 and float64");
}

static void load_array_object(const array_place *p, const cJSON *json) {
    tf_diags *diags = p->l->diags;
    const json_path *where = p->where;
    bool from = cJSON_GetObjectItemCaseSensitive(json, "from") != NULL;
    json_check_keys(diags, where, json, keys_array());
    if (from == (cJSON_GetObjectItemCaseSensitive(json, "dataset") != NULL))
        diagnose(diags, where, TF_DIAG_MISSING_KEY,
                 "needs either a \"dataset\" of a file or, \"from\" a stage, a \"column\"");
    const char *dataset = json_string(diags, where, json, "dataset");
    json_path dataset_path = json_path_key(where, "dataset"), column_path = json_path_key(where, "column"),
              edge_path = json_path_key(where, "edge");
    if (dataset)
        load_dataset(p, &dataset_path, dataset);
    if (from)
        load_column_of(p, where, json);
    else if (cJSON_GetObjectItemCaseSensitive(json, "column"))
        diagnose(diags, &column_path, TF_DIAG_MISPLACED_KEY, "\"column\" goes with \"from\"");
    load_array_type(p, where, json);
    load_halo(p, where, json);
    const char *edge = json_string(diags, where, json, "edge");
    if (edge && strcmp(edge, "clip") != 0 && strcmp(edge, "reflect") != 0)
        diagnose(diags, &edge_path, TF_DIAG_BAD_VALUE, "must be \"clip\" or \"reflect\", not \"%s\"", edge);
    p->array->reflect = edge && strcmp(edge, "reflect") == 0;
}

static void load_array(struct loader *l, const json_path *where, const cJSON *json, tf_stage_spec *stage,
                       tf_array_spec *array) {
    const array_place p = {.l = l, .where = where, .stage = stage, .array = array};
    tf_buf pointer = {0};
    json_path_pointer(where, &pointer);
    *array = (tf_array_spec){.name = tf_arena_strdup(l->arena, json->string),
                             .pointer = tf_arena_strdup(l->arena, tf_buf_text(&pointer)),
                             .type = TF_FLOAT64,
                             .file = -1,
                             .stage = -1,
                             .column = -1};
    tf_buf_free(&pointer);
    bool object = cJSON_IsObject(json);
    json_path axis_path = json_path_key(where, "axis");
    const char *axis = object ? json_string(l->diags, where, json, "axis") : NULL;
    array->grid = load_grid(l, axis ? &axis_path : where, stage->space, axis);
    if (object)
        load_array_object(&p, json);
    else if (cJSON_IsString(json))
        load_dataset(&p, where, json->valuestring);
    else
        diagnose(l->diags, where, TF_DIAG_WRONG_TYPE, "must be FILE:/DATASET or an object, not %s", json_kind(json));
    array->element = tf_type_size(array->type);
    array->elements = array->grid ? grid_elements(array->grid, array->halo) : 1;
    if (array->elements > MOST_ELEMENTS)
        diagnose(l->diags, where, TF_DIAG_TOO_LARGE, "a block of more than 2^31 elements: choose smaller chunks");
}

static void check_array_name(struct loader *l, const json_path *where, const tf_stage_spec *stage, const char *name) {
    check_param_name(l, where, "array", name);
    if (tf_space_find(stage->space, name) >= 0)
        diagnose(l->diags, where, TF_DIAG_NAME_TAKEN, "\"%s\" is the name of a parameter already", name);
    for (int i = 0; i < l->variables; i++)
        if (strcmp(l->variable[i].name, name) == 0)
            diagnose(l->diags, where, TF_DIAG_NAME_TAKEN, "\"%s\" is the name of a variable already", name);
    for (int a = 0; a < stage->arrays; a++)
        if (strcmp(stage->array[a].name, name) == 0)
            diagnose(l->diags, where, TF_DIAG_NAME_TAKEN, "two arrays are called \"%s\"", name);
}

/* Adds the columns of a table that is read in parts as arrays. */
static void add_table(struct loader *l, const json_path *where, const tf_space *axis, tf_stage_spec *stage,
                      tf_array_spec *array) {
    const tf_grid *grid = load_grid(l, where, stage->space, axis->blocks->name);
    for (int f = 0; f < tf_csv_fields(axis->csv) && grid; f++) {
        const tf_param_spec field = tf_csv_field(axis->csv, f);
        check_array_name(l, where, stage, field.name);
        array[stage->arrays++] = (tf_array_spec){.name = field.name,
                                                 .pointer = stage->pointer,
                                                 .type = field.type,
                                                 .grid = grid,
                                                 .elements = grid_elements(grid, NULL),
                                                 .element = (size_t)field.max_bytes,
                                                 .file = -1,
                                                 .stage = -1,
                                                 .column = -1,
                                                 .csv = axis->csv,
                                                 .field = f};
    }
}

void load_arrays(struct loader *l, const stage_json *json, tf_stage_spec *stage) {
    if (!stage->space)
        return;
    const stage_value member = stage_member(json, "arrays");
    const cJSON *all = json_object(l->diags, member.up, member.object, "arrays");
    const json_path over_path = json_path_key(&json->own_path, "over");
    size_t most = (size_t)cJSON_GetArraySize(all);
    for (int c = 0; c < stage->space->children; c++)
        most += stage->space->child[c]->csv ? (size_t)tf_csv_fields(stage->space->child[c]->csv) : 0;
    tf_array_spec *array = tf_arena_array(l->arena, most, sizeof *array);
    stage->array = array;
    for (int c = 0; c < stage->space->children; c++)
        if (stage->space->child[c]->csv)
            add_table(l, &over_path, stage->space->child[c], stage, array);
    for (const cJSON *item = all ? all->child : NULL; item; item = item->next) {
        json_path there = json_path_key(&member.where, item->string);
        check_array_name(l, &there, stage, item->string);
        load_array(l, &there, item, stage, &array[stage->arrays]);
        stage->arrays++;
    }
}
