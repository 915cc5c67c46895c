/* Contents from an HDF5 file (see contents.h). Metadata is read independently, by one process. */
#include "store/contents.h"

#include <cjson/cJSON.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void free_stage(contents_stage *stage) {
    for (int t = 0; t < stage->tables; t++)
        free(stage->table[t].path);
    free(stage->table);
    free(stage->name);
    free(stage->until);
    free(stage->fingerprint);
    code_free(&stage->code);
}

void contents_drop_stages(contents *c) {
    for (int s = 0; s < c->stages; s++)
        free_stage(&c->stage[s]);
    c->stages = 0;
    tf_table_free(&c->by_name);
}

contents_stage *contents_add(contents *c, char *name) {
    const size_t count = (size_t)c->stages;
    if ((count & (count - 1)) == 0)
        c->stage = tf_realloc_array(c->stage, 2 * count + 1, sizeof *c->stage);
    tf_table_add(&c->by_name, name, strlen(name), (uint32_t)count);
    contents_stage *stage = &c->stage[c->stages++];
    *stage = (contents_stage){.name = name};
    return stage;
}

contents_stage *contents_clear_stage(contents_stage *stage) {
    char *name = stage->name;
    stage->name = NULL;
    free_stage(stage);
    *stage = (contents_stage){.name = name};
    return stage;
}

void contents_free(contents *c) {
    contents_drop_stages(c);
    for (int n = 0; n < c->names; n++)
        free(c->name[n]);
    free(c->name);
    free(c->stage);
    free(c->runs);
    *c = (contents){0};
}

void contents_note_incident(contents *c, int number, const char *incident) {
    cJSON *runs = c->runs ? cJSON_Parse(c->runs) : NULL, *item = cJSON_Parse(incident);
    cJSON *run = cJSON_GetArrayItem(runs, cJSON_GetArraySize(runs) - 1);
    cJSON *list = cJSON_GetObjectItemCaseSensitive(run, "incidents");
    if (cJSON_IsObject(run) && !list)
        list = cJSON_AddArrayToObject(run, "incidents");
    const int known = cJSON_GetArraySize(list);
    number = number == CONTENTS_NEXT ? known : number;
    const bool is_right = cJSON_IsArray(list) && cJSON_IsObject(item) && number >= 0 && number <= known;
    if (is_right && number == known)
        cJSON_AddItemToArray(list, item);
    else if (is_right)
        cJSON_ReplaceItemInArray(list, number, item);
    else
        cJSON_Delete(item);
    if (is_right) {
        free(c->runs);
        c->runs = cJSON_PrintUnformatted(runs);
    }
    cJSON_Delete(runs);
}

void contents_copy(contents *to, const contents *from) {
    *to = *from;
    to->runs = from->runs ? strdup(from->runs) : NULL;
    to->stage = NULL;
    to->stages = 0;
    to->by_name = (tf_table){0};
    for (int s = 0; s < from->stages; s++) {
        contents_stage *stage = contents_add(to, strdup(from->stage[s].name));
        char *name = stage->name;
        *stage = from->stage[s];
        stage->name = name;
        stage->fingerprint = strdup(stage->fingerprint);
        stage->until = stage->until ? strdup(stage->until) : NULL;
        stage->code = (code_history){0};
        code_copy(&stage->code, &from->stage[s].code);
        stage->table = tf_alloc_array((size_t)stage->tables, sizeof *stage->table);
        for (int t = 0; t < stage->tables; t++) {
            stage->table[t] = from->stage[s].table[t];
            stage->table[t].path = strdup(stage->table[t].path);
        }
    }
    to->name = tf_alloc_array((size_t)from->names, sizeof *to->name);
    for (int n = 0; n < from->names; n++)
        to->name[n] = strdup(from->name[n]);
}

void contents_set_names(contents *c, const tf_campaign *campaign) {
    for (int n = 0; n < c->names; n++)
        free(c->name[n]);
    c->names = campaign->stages;
    c->name = tf_realloc_array(c->name, (size_t)c->names, sizeof *c->name);
    for (int n = 0; n < c->names; n++)
        c->name[n] = strdup(campaign->stage[n].name);
}

contents_stage *contents_find(const contents *c, const char *name) {
    const uint32_t number = tf_table_get(&c->by_name, name, strlen(name));
    return number == TF_TABLE_NONE ? NULL : &c->stage[number];
}

const contents_table *contents_table_at(const contents_stage *stage, const char *path) {
    for (int t = 0; t < stage->tables; t++)
        if (strcmp(stage->table[t].path, path) == 0)
            return &stage->table[t];
    return NULL;
}

/* ---- One stage ---- */

/* A chunk is a row where there are chunks. */
bool contents_place(hid_t dataset, contents_table *table, h5_fault *fault) {
    hsize_t shape[H5_RANKS] = {0}, chunk[H5_RANKS], none[H5_RANKS] = {0}, size;
    const int rank = h5_shape(dataset, shape, fault);
    if (rank < 0)
        return false;
    hid_t type = H5Dget_type(dataset);
    haddr_t offset = H5Dget_offset(dataset);
    const bool chunked = offset == HADDR_UNDEF && h5_chunk(dataset, rank, chunk);
    unsigned filters;
    bool fits = true;
    table->row_bytes = (int64_t)H5Tget_size(type);
    table->rows = rank > 0 && !chunked ? (int64_t)shape[0] : 1;
    for (int d = chunked ? 0 : 1; d < rank && fits; d++) {
        const hsize_t inner = chunked ? chunk[d] : shape[d],
                      chunks = chunked && inner ? (shape[d] + inner - 1) / inner : 1;
        fits = !__builtin_mul_overflow(table->row_bytes, inner, &table->row_bytes) &&
               !__builtin_mul_overflow(table->rows, chunks, &table->rows);
    }
    if (chunked && H5Dget_chunk_info_by_coord(dataset, none, &filters, &offset, &size) < 0)
        offset = HADDR_UNDEF;
    table->offset = offset == HADDR_UNDEF ? -1 : (int64_t)offset;
    H5Tclose(type);
    if (!fits)
        h5_note(fault, dataset, NULL, "has too many elements");
    return fits;
}

void contents_add_open(contents_open *open, const char *folder, const char *name, hid_t dataset) {
    const size_t count = open->number.count;
    tf_buf path = {0};
    tf_buf_addf(&path, "%s/%s", folder, name);
    if ((count & (count - 1)) == 0)
        open->dataset = tf_realloc_array(open->dataset, 2 * count + 1, sizeof *open->dataset);
    open->dataset[count] = dataset;
    tf_table_add(&open->number, path.data, path.length, (uint32_t)count);
    tf_buf_free(&path);
}

void contents_free_open(contents_open *open) {
    tf_table_free(&open->number);
    free(open->dataset);
}

/* 0: it is not open. */
static hid_t find_open(const contents_open *open, const char *path) {
    const uint32_t number = open ? tf_table_get(&open->number, path, strlen(path)) : TF_TABLE_NONE;
    return number == TF_TABLE_NONE ? 0 : open->dataset[number];
}

typedef struct visit {
    contents_stage *stage;
    const contents_open *open; /* NULL: nothing is */
    const char *group;
    h5_fault *fault;
} visit;

/* Takes `path`. */
static void append_table(contents_stage *stage, contents_table table, char *path) {
    const size_t count = (size_t)stage->tables;
    if ((count & (count - 1)) == 0)
        stage->table = tf_realloc_array(stage->table, 2 * count + 1, sizeof *stage->table);
    table.path = path;
    stage->table[stage->tables++] = table;
}

/* 0: on to the next; what is no dataset is nothing of ours. */
static herr_t add_table(hid_t group, const char *name, const H5L_info_t *info, void *context) {
    const visit *v = context;
    if (!h5_is_hard(group, name, info, v->fault))
        return -1;
    tf_buf path = {0};
    tf_buf_addf(&path, "%s/%s", v->group, name);
    const hid_t open = find_open(v->open, path.data);
    hid_t dataset = open > 0 ? open : H5Oopen(group, name, H5P_DEFAULT);
    const bool is_other = dataset >= 0 && H5Iget_type(dataset) != H5I_DATASET;
    contents_table table = {0};
    const bool found =
        dataset >= 0 && !is_other && h5_is_inside(dataset, v->fault) && contents_place(dataset, &table, v->fault);
    if (found)
        append_table(v->stage, table, path.data);
    else
        tf_buf_free(&path);
    if (open <= 0)
        H5Oclose(dataset);
    return found || is_other ? 0 : -1;
}

/* Of each name in a group; the callback says what is wrong, or else the list itself can't be read. */
static bool visit_all(hid_t group, H5L_iterate_t visit_one, void *context, h5_fault *fault) {
    if (H5Literate(group, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, visit_one, context) >= 0)
        return true;
    h5_note(fault, group, NULL, "can't be read");
    return false;
}

/* Of what a stage's group has: links that lead elsewhere have no place in it, and some groups are looked into. */
static herr_t add_part(hid_t group, const char *name, const H5L_info_t *info, void *context) {
    static const char *const parts[] = {"params", "results", "task", "text"};
    visit v = *(const visit *)context;
    bool is_part = false;
    if (!h5_is_hard(group, name, info, v.fault))
        return -1;
    for (size_t p = 0; p < sizeof parts / sizeof *parts; p++)
        is_part = is_part || strcmp(name, parts[p]) == 0;
    hid_t part = is_part ? h5_open_group(group, name, v.fault) : 0;
    v.group = name;
    const bool good = part == 0 || (part > 0 && visit_all(part, add_table, &v, v.fault));
    if (part > 0)
        H5Gclose(part);
    return good ? 0 : -1;
}

static bool read_until(hid_t group, contents_stage *stage, h5_fault *fault) {
    stage->until = h5_text_attribute(group, "until", fault);
    return h5_number_attribute(group, "enough", H5T_NATIVE_INT64, &stage->enough, fault) && !*fault->text;
}

bool contents_read_stage(contents *c, hid_t file, const char *name, const char *fingerprint, const code_history *code,
                         const contents_open *open, h5_fault *fault) {
    contents_stage *old = contents_find(c, name), stage = {.name = strdup(name)};
    hid_t group = h5_open_group(file, name, fault);
    bool good = group >= 0;
    if (group > 0) {
        good = h5_number_attribute(group, "tasks", H5T_NATIVE_INT64, &stage.tasks, fault) &&
               visit_all(group, add_part, &(visit){.stage = &stage, .open = open, .fault = fault}, fault);
        if (good)
            stage.fingerprint = fingerprint ? strdup(fingerprint) : h5_text_attribute(group, "fingerprint", fault);
        if (good && code)
            code_copy(&stage.code, code);
        else if (good)
            good = code_read(group, stage.tasks, &stage.code, fault) && read_until(group, &stage, fault);
        H5Gclose(group);
    }
    if (!stage.fingerprint)
        stage.fingerprint = strdup("");
    if (old) {
        stage.finished = old->finished;
        free_stage(old);
        *old = stage;
    } else {
        *contents_add(c, stage.name) = stage;
    }
    return good;
}

/* ---- All of them ---- */

typedef struct stages_visit {
    contents *contents;
    h5_fault *fault;
} stages_visit;

static herr_t add_stage(hid_t file, const char *name, const H5L_info_t *info, void *context) {
    const stages_visit *v = context;
    if (!h5_is_hard(file, name, info, v->fault))
        return -1;
    hid_t object = H5Oopen(file, name, H5P_DEFAULT);
    const bool is_group = object >= 0 && H5Iget_type(object) == H5I_GROUP;
    H5Oclose(object);
    return object < 0 || (is_group && !contents_read_stage(v->contents, file, name, NULL, NULL, NULL, v->fault)) ? -1
                                                                                                                 : 0;
}

bool contents_read_file(contents *c, hid_t file, h5_fault *fault) {
    return visit_all(file, add_stage, &(stages_visit){c, fault}, fault) && !*fault->text;
}

bool contents_read_finished(contents *c, hid_t file, h5_fault *fault) {
    bool good = true;
    for (int s = 0; s < c->stages && good; s++) {
        int64_t finished = 0;
        hid_t group = h5_open_group(file, c->stage[s].name, fault);
        good = group > 0 && h5_number_attribute(group, CONTENTS_FINISHED, H5T_NATIVE_INT64, &finished, fault);
        if (group > 0)
            H5Gclose(group);
        c->stage[s].finished = finished > 0;
    }
    return good;
}

/* ---- Do they make sense? ---- */

/* What a dataset must be for its name, whatever the campaign: bytes of a row, and whether there is a row a task. */
typedef struct form {
    int64_t row_bytes; /* 0: any */
    bool by_task;
} form;

static form form_of(const char *path) {
    static const struct {
        const char *name;
        int64_t bytes;
    } records[] = {{"status", 1}, {"attempts", 1}, {"exit_code", 4}, {"signal", 4},
                   {"worker", 4}, {"slot", 4},     {"start", 8},     {"duration", 8},
                   {"cpu", 8},    {"max_rss", 8},  {"input_set", 8}, {"input_hash", 8}};
    for (size_t i = 0; strncmp(path, "task/", 5) == 0 && i < sizeof records / sizeof *records; i++)
        if (strcmp(path + 5, records[i].name) == 0)
            return (form){records[i].bytes, true};
    return (form){.by_task = strncmp(path, "params/", 7) == 0};
}

static const char *check_table(const contents_table *t, const contents_stage *stage, int64_t size) {
    const form wanted = form_of(t->path);
    int64_t bytes, end;
    if (t->rows < 0 || t->row_bytes < 0 || t->offset < -1 || __builtin_mul_overflow(t->rows, t->row_bytes, &bytes))
        return "makes no sense";
    if (wanted.row_bytes && t->row_bytes != wanted.row_bytes)
        return "has rows of another size than it must have";
    if (wanted.by_task && t->rows != stage->tasks)
        return "has not as many rows as there are tasks";
    if (t->offset >= 0 && (__builtin_add_overflow(t->offset, bytes, &end) || end > size))
        return "is cut short";
    return NULL;
}

bool contents_check(const contents *c, int64_t size, h5_fault *fault) {
    for (int s = 0; s < c->stages; s++) {
        const contents_stage *stage = &c->stage[s];
        if (stage->tasks < 0) {
            snprintf(fault->text, sizeof fault->text, "/%.150s: has %lld tasks", stage->name, (long long)stage->tasks);
            return false;
        }
        for (int t = 0; t < stage->tables; t++) {
            const char *wrong = check_table(&stage->table[t], stage, size);
            if (!wrong)
                continue;
            snprintf(fault->text, sizeof fault->text, "/%.150s/%.150s: %s", stage->name, stage->table[t].path, wrong);
            return false;
        }
    }
    return true;
}
