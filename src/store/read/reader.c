/* An output as it is read: stages, and of each the fields that their tasks have, whether the rows are in the file alone
 * or, since the stage is not finished, their texts are in side files still. What a stage's parameters and results are
 * is said by its fingerprint, in the order of the manifest; where they are, by the file. */
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "store/access.h"
#include "store/entries.h"
#include "store/read/reader.h"
#include "store/resume/plan.h"

/* A field, and where its rows are: numbers and cells in `rows`; other texts in a heap with its index, or in side files.
 */
typedef struct reader_field {
    tf_field about;
    table rows, heap;
    int kind; /* of records in side files; -1: it is not there */
    entries side;
} reader_field;

typedef struct reader_stage {
    const contents_stage *contents;
    char *run;
    int fields;
    reader_field *field;
    tf_table named; /* fields, by name */
} reader_stage;

typedef struct mapping {
    const char *bytes;
    size_t size;
} mapping;

struct tf_reader {
    tf_arena *arena;
    old_output old;
    hid_t file;
    uint64_t seed;
    int stages;
    reader_stage *stage;
    bool has_sides; /* side files have been read, */
    int sides;
    mapping *side; /* and are mapped */
};

/* ---- Texts ---- */

void tf_texts_clear(tf_texts *texts, int64_t count) {
    tf_buf_clear(&texts->bytes);
    if (count > texts->capacity) {
        texts->end = tf_realloc_array(texts->end, (size_t)count, sizeof *texts->end);
        texts->capacity = count;
    }
}

void tf_texts_free(tf_texts *texts) {
    tf_buf_free(&texts->bytes);
    free(texts->end);
    *texts = (tf_texts){0};
}

/* ---- Fields ---- */

static reader_field *new_field(tf_reader *o, reader_stage *stage, tf_field_kind kind, const char *name, tf_type type) {
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
static bool open_rows(reader_field *f, hid_t group, const char *folder, h5_fault *fault) {
    hsize_t shape[1 + TF_MAX_RANK] = {0};
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
static bool take_shape(tf_field *about, const table *rows, int64_t tasks, h5_fault *fault) {
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
static bool take_rows(reader_field *f, hid_t type, int64_t tasks, h5_fault *fault) {
    const bool good = h5_has_type(f->rows.dataset, type, fault) && take_shape(&f->about, &f->rows, tasks, fault);
    f->rows.type = type;
    return good;
}

/* Texts as cells, or in a heap; none of them need be there. */
static bool take_texts(reader_field *f, hid_t group, const char *folder, int64_t tasks, h5_fault *fault) {
    hid_t part = h5_open_group(group, folder, fault);
    bool good = part >= 0;
    if (part > 0 && strcmp(folder, "text") != 0)
        good = store_open_cells(part, f->about.dataset, (hsize_t)tasks, &f->rows, fault);
    else if (part > 0)
        good = store_open_heap(part, f->about.dataset, (hsize_t)tasks, &f->rows, &f->heap, fault);
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
    reader_field *f = new_field(o, stage, TF_FIELD_PARAM, param->string, type);
    bool good = type == TF_STRING ? take_texts(f, group, "params", tasks, fault) : open_rows(f, group, "params", fault);
    f->about.stored = f->rows.dataset > 0;
    if (good && f->about.stored && type != TF_STRING)
        good = take_rows(f, store_number_type(type), tasks, fault);
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
    reader_field *f = new_field(o, stage, TF_FIELD_RESULT, name, type);
    if (tf_type_size(type) == 0) {
        bool good = type == TF_BYTES || take_texts(f, group, "results", tasks, fault);
        if (good && f->rows.dataset <= 0)
            good = take_texts(f, group, "text", tasks, fault);
        f->kind = f->rows.dataset > 0 ? -1 : TF_RECORD_COLUMN + column;
        return good;
    }
    if (!open_rows(f, group, "results", fault))
        return false;
    if (f->rows.dataset == 0) {
        h5_note(fault, group, "results", "lacks %.100s", name);
        return false;
    }
    /* an array of which each task has a block, whose chunks are not told: it is not read here */
    f->about.is_blocks = H5Dget_offset(f->rows.dataset) == HADDR_UNDEF && h5_chunk(f->rows.dataset, 0, NULL);
    return f->about.is_blocks || take_rows(f, store_number_type(type), tasks, fault);
}

static bool add_task(tf_reader *o, reader_stage *stage, hid_t group, int which, h5_fault *fault) {
    static const tf_type types[TASK_TABLES] = {
        [TASK_STATUS] = TF_UINT8,      [TASK_ATTEMPTS] = TF_UINT8, [TASK_INPUT_SET] = TF_UINT64,
        [TASK_INPUT_HASH] = TF_UINT64, [TASK_START] = TF_FLOAT64,  [TASK_DURATION] = TF_FLOAT64,
        [TASK_CPU] = TF_FLOAT64,       [TASK_MAX_RSS] = TF_INT64,  [TASK_EXIT_CODE] = TF_INT32,
        [TASK_SIGNAL] = TF_INT32,      [TASK_WORKER] = TF_INT32,   [TASK_SLOT] = TF_INT32,
    };
    reader_field *f = new_field(o, stage, TF_FIELD_TASK, store_task_table(which)->name, types[which]);
    bool good = open_rows(f, group, "task", fault);
    if (good && f->rows.dataset > 0)
        good = take_rows(f, store_task_type(which), stage->contents->tasks, fault);
    else
        stage->fields--;
    if (good && which == TASK_STATUS && f->rows.dataset > 0) { /* an enum, which is not to be converted */
        H5Tclose(f->rows.type);
        f->rows.type = H5Dget_type(f->rows.dataset);
    }
    if (good && which == TASK_STATUS && (f->rows.dataset == 0 || f->about.rank > 0)) {
        h5_note(fault, group, "task", "has no status");
        return false;
    }
    return good;
}

static bool add_text(tf_reader *o, reader_stage *stage, hid_t group, int kind, h5_fault *fault) {
    static const char *const names[] = {
        [TF_RECORD_STDOUT] = "stdout", [TF_RECORD_STDERR] = "stderr", [TF_RECORD_MESSAGE] = "message"};
    reader_field *f = new_field(o, stage, TF_FIELD_TEXT, names[kind], TF_STRING);
    const bool good = take_texts(f, group, "text", stage->contents->tasks, fault);
    if (f->heap.dataset > 0)
        return good;
    if (good && stage->contents->finished)
        stage->fields--; /* no task has one */
    f->kind = kind;
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

static bool open_stage(tf_reader *o, const contents_stage *c, h5_fault *fault) {
    reader_stage *stage = &o->stage[o->stages++];
    hid_t group = h5_open_group(o->file, c->name, fault);
    cJSON *fingerprint = cJSON_Parse(c->fingerprint);
    cJSON *params = part_of(fingerprint, "parameters"), *results = part_of(fingerprint, "results");
    const int most = cJSON_GetArraySize(params) + cJSON_GetArraySize(results) + TASK_TABLES + TF_RECORD_COLUMN;
    *stage = (reader_stage){.contents = c};
    stage->field = tf_arena_array(o->arena, (size_t)most, sizeof *stage->field);
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

/* Those of the manifest first, in its order; then those of an earlier one. */
static bool open_stages(tf_reader *o, h5_fault *fault) {
    const contents *c = &o->old.contents;
    bool good = true;
    o->stage = tf_arena_array(o->arena, (size_t)c->stages, sizeof *o->stage);
    for (int n = 0; n < c->names && good; n++) {
        const contents_stage *stage = contents_find(c, c->name[n]);
        if (stage && tf_reader_find(o, c->name[n]) < 0)
            good = open_stage(o, stage, fault);
    }
    for (int s = 0; s < c->stages && good; s++)
        if (tf_reader_find(o, c->stage[s].name) < 0)
            good = open_stage(o, &c->stage[s], fault);
    return good;
}

/* ---- Opening ---- */

static tf_err map_side(void *context, int fd, const char *path, tf_error *error) {
    tf_reader *o = context;
    mapping m = {0};
    if (side_map_file(fd, path, &m.bytes, &m.size, error) != TF_OK)
        return error->code;
    o->side = tf_realloc_array(o->side, (size_t)o->sides + 1, sizeof *o->side);
    o->side[o->sides++] = m;
    return TF_OK;
}

/* Side files go when their run ends: they are mapped while they are there. */
static tf_err open_all(tf_reader *o, const char *path, tf_error *error) {
    tf_err err = old_open(path, 0, &o->old, error);
    if (err == TF_OK && o->old.dirty)
        err = tf_error_set(error, TF_ERR_RUN,
                           "%s: its run was killed while the file was changed; the command line that made it puts that "
                           "right",
                           path);
    else if (err == TF_OK && o->old.fd < 0)
        err = tf_error_set(error, TF_ERR_USAGE, "%s: there is no such output, or nothing in it", path);
    if (err == TF_OK && (o->file = store_open_file(path, MPI_COMM_NULL, NULL)) < 0)
        err = tf_error_set(error, TF_ERR_RUN, "%s: can't be opened", path);
    h5_fault fault = {0};
    if (err == TF_OK)
        h5_number_attribute(o->file, "seed", H5T_NATIVE_UINT64, &o->seed, &fault);
    if (err == TF_OK && (*fault.text || !open_stages(o, &fault)))
        err = old_damaged(path, &fault, error);
    return err == TF_OK ? old_each_side(&o->old, map_side, o, error) : err;
}

static void close_all(tf_reader *o) {
    for (int s = 0; s < o->stages; s++) {
        for (int f = 0; f < o->stage[s].fields; f++) {
            store_close_table(&o->stage[s].field[f].rows);
            store_close_table(&o->stage[s].field[f].heap);
            free(o->stage[s].field[f].side.items);
        }
        tf_table_free(&o->stage[s].named);
        free(o->stage[s].run);
    }
    o->stages = 0;
    for (int i = 0; i < o->sides; i++)
        side_unmap(o->side[i].bytes, o->side[i].size);
    free(o->side);
    o->side = NULL;
    o->sides = 0;
    if (o->file >= 0)
        H5Fclose(o->file);
    o->file = -1;
    old_close(&o->old);
}

tf_reader *tf_reader_open(const char *path, tf_error *error) {
    tf_store_init();
    tf_reader *o = tf_alloc(sizeof *o);
    *o = (tf_reader){.arena = tf_arena_new(), .file = -1, .old = {.fd = -1}};
    path = tf_arena_strdup(o->arena, path);
    old_look once = {0};
    tf_err err;
    do {
        close_all(o);
        old_look_begin(&once, path);
        err = open_all(o, path, error);
    } while (old_look_again(&once, path, err == TF_OK));
    if (err == TF_OK)
        return o;
    tf_reader_close(o);
    return NULL;
}

void tf_reader_close(tf_reader *o) {
    if (!o)
        return;
    close_all(o);
    tf_arena_free(o->arena);
    free(o);
}

/* ---- What there is ---- */

const char *tf_reader_text(const tf_reader *o, const char *attribute) {
    if (strcmp(attribute, "runs") == 0 && o->old.contents.runs)
        return o->old.contents.runs; /* of a run that goes on, too */
    char *text = h5_text_attribute(o->file, attribute, &(h5_fault){0});
    const char *kept = tf_arena_strdup(o->arena, text ? text : "");
    free(text);
    return kept;
}

const old_output *reader_output(const tf_reader *o) {
    return &o->old;
}

uint64_t tf_reader_seed(const tf_reader *o) {
    return o->seed;
}

int tf_reader_stages(const tf_reader *o) {
    return o->stages;
}

const char *tf_reader_stage(const tf_reader *o, int stage) {
    return o->stage[stage].contents->name;
}

int tf_reader_find(const tf_reader *o, const char *name) {
    for (int s = 0; s < o->stages; s++)
        if (strcmp(o->stage[s].contents->name, name) == 0)
            return s;
    return -1;
}

int64_t tf_reader_tasks(const tf_reader *o, int stage) {
    return o->stage[stage].contents->tasks;
}

const char *tf_reader_code(const tf_reader *o, int stage) {
    const code_history *code = &o->stage[stage].contents->code;
    return code->versions ? code->version[code->versions - 1].files : "[]";
}

const char *tf_reader_fingerprint(const tf_reader *o, int stage) {
    return o->stage[stage].contents->fingerprint;
}

const char *tf_reader_run(const tf_reader *o, int stage) {
    return o->stage[stage].run ? o->stage[stage].run : "";
}

int tf_reader_fields(const tf_reader *o, int stage) {
    return o->stage[stage].fields;
}

const tf_field *tf_reader_field(const tf_reader *o, int stage, int field) {
    return &o->stage[stage].field[field].about;
}

int tf_reader_record(const tf_reader *o, int stage, const char *dataset) {
    for (int f = 0; f < o->stage[stage].fields; f++) {
        const tf_field *field = &o->stage[stage].field[f].about;
        if ((field->kind == TF_FIELD_TASK || field->kind == TF_FIELD_TEXT) && strcmp(field->dataset, dataset) == 0)
            return f;
    }
    return -1;
}

/* ---- Side files ---- */

static void take_record(tf_reader *o, const tf_record *record, int64_t position) {
    const contents *c = &o->old.contents;
    int s = record->stage >= 0 && record->stage < c->names ? tf_reader_find(o, c->name[record->stage]) : -1;
    if (s < 0 || record->kind < 0 || record->index < 0 || record->index >= o->stage[s].contents->tasks)
        return;
    for (int f = 0; f < o->stage[s].fields; f++)
        if (o->stage[s].field[f].kind == record->kind)
            entries_add(&o->stage[s].field[f].side, record, position);
}

static void scan_side(tf_reader *o, const mapping *m) {
    int64_t position = 0;
    for (size_t at = 0; at < m->size;) {
        const tf_record *record = tf_record_at(m->bytes + at, m->size - at);
        if (!record)
            break;
        take_record(o, record, position++);
        at += tf_record_size((size_t)record->length);
    }
}

/* Of all fields at once, when the first is wanted. */
static void read_sides(tf_reader *o) {
    if (o->has_sides)
        return;
    o->has_sides = true;
    for (int i = 0; i < o->sides; i++)
        scan_side(o, &o->side[i]);
    for (int s = 0; s < o->stages; s++)
        for (int f = 0; f < o->stage[s].fields; f++)
            entries_settle(&o->stage[s].field[f].side);
}

/* ---- Rows ---- */

static tf_err cant_read(const tf_reader *o, const reader_stage *stage, const reader_field *f, tf_error *error) {
    return tf_error_set(error, TF_ERR_RUN, "%s: can't read \"%s\" of stage \"%s\"", o->old.path, f->about.name,
                        stage->contents->name);
}

tf_err tf_reader_numbers(tf_reader *o, int stage, int field, int64_t first, int64_t count, void *numbers,
                         tf_error *error) {
    const reader_field *f = &o->stage[stage].field[field];
    return store_read_rows(&f->rows, first, count, numbers) >= 0 ? TF_OK : cant_read(o, &o->stage[stage], f, error);
}

static bool read_cells(const reader_field *f, int64_t first, int64_t count, tf_texts *texts) {
    size_t width = H5Tget_size(f->rows.type);
    char *cells = tf_alloc_array((size_t)count, width);
    bool good = store_read_rows(&f->rows, first, count, cells) >= 0;
    for (int64_t i = 0; i < count && good; i++) {
        tf_buf_add(&texts->bytes, cells + (size_t)i * width, strnlen(cells + (size_t)i * width, width));
        texts->end[i] = (int64_t)texts->bytes.length;
    }
    free(cells);
    return good;
}

/* Texts of tasks side by side lie side by side. */
static bool read_heap(const reader_field *f, int64_t first, int64_t count, tf_texts *texts) {
    int64_t(*index)[2] = tf_alloc_array((size_t)count, sizeof *index);
    bool good = store_read_rows(&f->rows, first, count, index) >= 0;
    int64_t from = -1, end = 0;
    for (int64_t i = 0; i < count && good; i++) {
        int64_t offset = index[i][0], length = index[i][1];
        good = store_is_in_heap(index[i], (int64_t)f->heap.shape[0]) && (length == 0 || from < 0 || offset == end);
        from = length && from < 0 ? offset : from;
        end = length ? offset + length : end;
        texts->end[i] = from < 0 ? 0 : end - from;
    }
    good = good && end - from <= STORE_MOST_TEXT;
    if (good && from >= 0) {
        tf_buf_reserve(&texts->bytes, (size_t)(end - from));
        good = store_read_rows(&f->heap, from, end - from, texts->bytes.data) >= 0;
        texts->bytes.length = (size_t)(end - from);
        texts->bytes.data[texts->bytes.length] = '\0';
    }
    free(index);
    return good;
}

static void take_entries(const reader_field *f, int64_t first, int64_t count, tf_texts *texts) {
    size_t n = entries_from(&f->side, first);
    for (int64_t i = 0; i < count; i++) {
        if (n < f->side.count && f->side.items[n].index == first + i) {
            tf_buf_add(&texts->bytes, f->side.items[n].text, (size_t)f->side.items[n].length);
            n++;
        }
        texts->end[i] = (int64_t)texts->bytes.length;
    }
}

tf_err tf_reader_texts(tf_reader *o, int stage, int field, int64_t first, int64_t count, tf_texts *texts,
                       tf_error *error) {
    const reader_field *f = &o->stage[stage].field[field];
    tf_texts_clear(texts, count);
    if (f->kind >= 0) {
        read_sides(o);
        take_entries(f, first, count, texts);
        return TF_OK;
    }
    bool good = f->heap.dataset > 0 ? read_heap(f, first, count, texts) : read_cells(f, first, count, texts);
    return good ? TF_OK : cant_read(o, &o->stage[stage], f, error);
}

int64_t tf_reader_text_bytes(const tf_reader *o, int stage, int field) {
    const reader_field *f = &o->stage[stage].field[field];
    return f->heap.dataset > 0 ? (int64_t)f->heap.shape[0] : 0;
}
