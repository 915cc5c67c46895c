/* The fields that tasks of a stage have. What its parameters and results are is said by its fingerprint, in the order
 * of the manifest; where they are, by the file. */
#include "store/read/reader.h"

#include <cjson/cJSON.h>
#include <string.h>

/* ---- One field ---- */

reader_field *reader_new_field(tf_reader *o, reader_stage *stage, tf_field_kind kind, const char *name, tf_type type) {
    const char *dataset = tf_arena_strdup(o->arena, name), *unique = dataset;
    const uint32_t number = (uint32_t)stage->fields;
    if (tf_table_add(&stage->named, name, strlen(name), number) != number)
        unique = tf_arena_printf(o->arena, "task.%s", name);
    reader_field *f = &stage->field[stage->fields++];
    *f = (reader_field){
        .about = {.name = unique, .dataset = dataset, .kind = kind, .type = type, .elements = 1, .stored = true},
        .kind = -1};
    return f;
}

/* Opens "FOLDER/NAME"; 0 in `dataset`: there is none. */
bool reader_open_rows(reader_field *f, hid_t group, const char *folder, h5_fault *fault) {
    hsize_t shape[H5_RANKS] = {0};
    hid_t part = h5_open_group(group, folder, fault);
    hid_t dataset = part > 0 ? h5_open_dataset(part, f->about.dataset, fault) : part;
    const bool there = dataset > 0;
    if (there)
        f->rows.rank = h5_shape(dataset, shape, fault);
    memcpy(f->rows.shape, shape, sizeof shape);
    f->rows.dataset = there ? dataset : 0;
    if (part > 0)
        H5Gclose(part);
    return dataset >= 0 && (!there || f->rows.rank >= 0);
}

/* Of the elements of a row their number is looked at, too: a row must be small enough to be held. */
static bool check_shape(tf_field *about, const table *rows, int64_t tasks, h5_fault *fault) {
    const int64_t most = (int64_t)1 << 31; /* as in a manifest */
    bool fits = rows->rank >= 1 && rows->shape[0] == (hsize_t)tasks;
    about->rank = rows->rank - 1;
    for (int d = 1; d < rows->rank && fits; d++) {
        about->shape[d - 1] = (int64_t)rows->shape[d];
        fits = rows->shape[d] > 0 && rows->shape[d] <= (hsize_t)(most / about->elements);
        about->elements *= fits ? (int64_t)rows->shape[d] : 1;
    }
    if (!fits)
        h5_note(fault, rows->dataset, NULL, "has another shape than it must have");
    return fits;
}

/* A number or a cell a row, maybe an array of numbers, which must be of that type in the file; of cells the type is
 * what they have. */
bool reader_check_rows(reader_field *f, hid_t type, int64_t tasks, h5_fault *fault) {
    const bool good = h5_has_type(f->rows.dataset, type, fault) && check_shape(&f->about, &f->rows, tasks, fault);
    f->rows.type = type;
    return good;
}

/* An array of which each task has a block, which is a chunk of it. `chunk` has as many dimensions as the array. */
static bool check_blocks(tf_reader *o, reader_field *f, hid_t type, const hsize_t *chunk, int64_t tasks,
                         h5_fault *fault) {
    tf_grid *grid = tf_arena_alloc(o->arena, sizeof *grid);
    bool fits = f->rows.rank >= 1 && f->rows.rank <= TF_MAX_RANK;
    int64_t blocks = 1;
    *grid = (tf_grid){.rank = f->rows.rank};
    f->rows.type = type;
    for (int d = 0; d < f->rows.rank && fits; d++) {
        grid->shape[d] = (int64_t)f->rows.shape[d];
        grid->chunk[d] = (int64_t)chunk[d];
        fits = grid->shape[d] > 0 && grid->chunk[d] > 0 &&
               !__builtin_mul_overflow(blocks, (grid->shape[d] - 1) / grid->chunk[d] + 1, &blocks);
    }
    f->about.grid = grid;
    if (fits && blocks == tasks)
        return h5_has_type(f->rows.dataset, type, fault);
    h5_note(fault, f->rows.dataset, NULL, "has another shape than it must have");
    return false;
}

bool reader_open_cells(reader_field *f, hid_t group, const char *folder, int64_t rows, h5_fault *fault) {
    hid_t part = h5_open_group(group, folder, fault);
    const bool good =
        part == 0 || (part > 0 && store_open_cells(part, f->about.dataset, (hsize_t)rows, &f->rows, fault));
    if (part > 0)
        H5Gclose(part);
    return good;
}

/* In a byte heap; none need be there. */
static bool open_byte_heap(reader_field *f, hid_t group, int64_t tasks, h5_fault *fault) {
    hid_t part = h5_open_group(group, "text", fault);
    const bool good = part == 0 || (part > 0 && store_open_byte_heap(part, f->about.dataset, (hsize_t)tasks, &f->rows,
                                                                     &f->byte_heap, fault));
    if (part > 0)
        H5Gclose(part);
    return good;
}

/* ---- Fields of a stage ---- */

static bool add_param(tf_reader *o, reader_stage *stage, hid_t group, const cJSON *param, h5_fault *fault) {
    tf_type type;
    const int64_t tasks = stage->contents->tasks;
    if (!cJSON_IsString(param) || !param->string || !tf_type_parse(param->valuestring, &type) || type == TF_BYTES)
        return true;
    reader_field *f = reader_new_field(o, stage, TF_FIELD_PARAM, param->string, type);
    bool good = type == TF_STRING ? reader_open_cells(f, group, "params", tasks, fault)
                                  : reader_open_rows(f, group, "params", fault);
    f->about.stored = f->rows.dataset > 0;
    if (good && f->about.stored && type != TF_STRING)
        good = reader_check_rows(f, store_number_type(type), tasks, fault);
    return good;
}

/* ["snr", "float32", 50, ...] */
static bool add_result(tf_reader *o, reader_stage *stage, hid_t group, int column, const cJSON *spec, h5_fault *fault) {
    tf_type type;
    const int64_t tasks = stage->contents->tasks;
    const char *name = cJSON_GetStringValue(cJSON_GetArrayItem(spec, 0));
    const char *type_name = cJSON_GetStringValue(cJSON_GetArrayItem(spec, 1));
    if (!name || !type_name || !tf_type_parse(type_name, &type))
        return true;
    reader_field *f = reader_new_field(o, stage, TF_FIELD_RESULT, name, type);
    if (tf_type_size(type) == 0) {
        bool good = type == TF_BYTES || reader_open_cells(f, group, "results", tasks, fault);
        if (good && f->rows.dataset <= 0)
            good = open_byte_heap(f, group, tasks, fault);
        f->kind = f->rows.dataset > 0 ? -1 : TF_RECORD_COLUMN + column;
        return good;
    }
    if (!reader_open_rows(f, group, "results", fault))
        return false;
    if (f->rows.dataset == 0) {
        h5_note(fault, group, "results", "lacks %.100s", name);
        return false;
    }
    hsize_t chunk[H5_RANKS];
    return H5Dget_offset(f->rows.dataset) == HADDR_UNDEF && h5_chunk(f->rows.dataset, f->rows.rank, chunk)
               ? check_blocks(o, f, store_number_type(type), chunk, tasks, fault)
               : reader_check_rows(f, store_number_type(type), tasks, fault);
}

static bool add_task(tf_reader *o, reader_stage *stage, hid_t group, int which, h5_fault *fault) {
    static const tf_type types[TASK_TABLES] = {
        [TASK_STATUS] = TF_UINT8,      [TASK_ATTEMPTS] = TF_UINT8, [TASK_INPUT_SET] = TF_UINT64,
        [TASK_INPUT_HASH] = TF_UINT64, [TASK_START] = TF_FLOAT64,  [TASK_DURATION] = TF_FLOAT64,
        [TASK_CPU] = TF_FLOAT64,       [TASK_MAX_RSS] = TF_INT64,  [TASK_EXIT_CODE] = TF_INT32,
        [TASK_SIGNAL] = TF_INT32,      [TASK_WORKER] = TF_INT32,   [TASK_SLOT] = TF_INT32,
    };
    reader_field *f = reader_new_field(o, stage, TF_FIELD_TASK, store_task_table(which)->name, types[which]);
    bool good = reader_open_rows(f, group, "task", fault);
    if (good && f->rows.dataset > 0)
        good = reader_check_rows(f, store_task_type(which), stage->contents->tasks, fault);
    else
        stage->fields--;
    if (good && which == TASK_STATUS && f->rows.dataset > 0)
        store_keep_type(&f->rows);
    if (good && which == TASK_STATUS && (f->rows.dataset == 0 || f->about.rank > 0)) {
        h5_note(fault, group, "task", "has no status");
        return false;
    }
    return good;
}

static bool add_text(tf_reader *o, reader_stage *stage, hid_t group, int kind, h5_fault *fault) {
    static const char *const names[] = {
        [TF_RECORD_STDOUT] = "stdout", [TF_RECORD_STDERR] = "stderr", [TF_RECORD_MESSAGE] = "message"};
    reader_field *f = reader_new_field(o, stage, TF_FIELD_TEXT, names[kind], TF_STRING);
    const bool good = open_byte_heap(f, group, stage->contents->tasks, fault);
    f->kind = f->byte_heap.dataset > 0 || stage->contents->finished ? -1 : kind; /* in neither: no task has one */
    return good;
}

/* A member of a fingerprint that is JSON in a text. */
static cJSON *part_of(const cJSON *fingerprint, const char *part) {
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(fingerprint, part));
    return text ? cJSON_Parse(text) : NULL;
}

static bool open_fields(tf_reader *o, reader_stage *stage, hid_t group, const cJSON *params, const cJSON *results,
                        h5_fault *fault) {
    bool good = true;
    int column = 0;
    for (const cJSON *param = params ? params->child : NULL; param && good; param = param->next)
        good = add_param(o, stage, group, param, fault);
    for (const cJSON *spec = results ? results->child : NULL; spec && good; spec = spec->next)
        good = add_result(o, stage, group, column++, spec, fault);
    good = good && add_task(o, stage, group, TASK_STATUS, fault);
    for (int i = 0; i < TASK_STATUS && good; i++)
        good = add_task(o, stage, group, i, fault);
    for (int kind = TF_RECORD_STDOUT; kind < TF_RECORD_COLUMN && good; kind++)
        good = add_text(o, stage, group, kind, fault);
    return good;
}

reader_stage *reader_add_table(tf_reader *o, const contents_stage *c, int64_t rows, int most) {
    o->stage = tf_realloc_array(o->stage, (size_t)o->tables + 1, sizeof *o->stage);
    reader_stage *added = &o->stage[o->tables++];
    *added = (reader_stage){.contents = c, .rows = rows};
    added->field = tf_arena_array(o->arena, (size_t)most, sizeof *added->field);
    return added;
}

bool reader_open_stage(tf_reader *o, const contents_stage *c, h5_fault *fault) {
    hid_t group = h5_open_group(o->file, c->name, fault);
    cJSON *fingerprint = cJSON_Parse(c->fingerprint);
    cJSON *params = part_of(fingerprint, "parameters"), *results = part_of(fingerprint, "results");
    const int most = cJSON_GetArraySize(params) + cJSON_GetArraySize(results) + TASK_TABLES + TF_RECORD_COLUMN;
    reader_stage *stage = reader_add_table(o, c, c->tasks, most);
    o->stages++;
    if (group == 0)
        h5_note(fault, o->file, c->name, "is missing");
    if (group > 0)
        stage->run = h5_text_attribute(group, "run", fault);
    const bool good = group > 0 && !*fault->text && open_fields(o, stage, group, params, results, fault);
    cJSON_Delete(params);
    cJSON_Delete(results);
    cJSON_Delete(fingerprint);
    if (group > 0)
        H5Gclose(group);
    return good;
}
