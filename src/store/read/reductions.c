/* Reductions of a stage as tables, a row a group. Which there are is said by the stage's fingerprint, which keys and
 * statistics a reduction has by its settings, both in the order of the manifest; where they are, by the file. */
#include "store/read/reader.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A reduction on its way. */
typedef struct opening {
    tf_reader *reader;
    reader_stage *table;
    hid_t group;        /* of the stage */
    const char *folder; /* the reduction in it: "reduce/total" */
    int64_t file_size;  /* bytes */
    h5_fault *fault;
} opening;

/* ---- One field ---- */

/* Lies all of it in the file? Then it is no larger than that, whatever it says. */
static bool is_whole(const opening *a, hid_t dataset) {
    contents_table place = {0};
    int64_t bytes, end;
    const haddr_t offset = H5Dget_offset(dataset);
    if (!contents_place(dataset, &place, a->fault))
        return false;
    if (!__builtin_mul_overflow(place.rows, place.row_bytes, &bytes) &&
        (bytes == 0 ||
         (offset != HADDR_UNDEF && !__builtin_add_overflow((int64_t)offset, bytes, &end) && end <= a->file_size)))
        return true;
    h5_note(a->fault, dataset, NULL, "is cut short");
    return false;
}

/* Keys and statistics are of few types. */
static tf_type type_of(hid_t dataset) {
    hid_t type = H5Dget_type(dataset);
    const H5T_class_t class = H5Tget_class(type);
    const bool is_unsigned = class == H5T_INTEGER && H5Tget_sign(type) == H5T_SGN_NONE;
    H5Tclose(type);
    return class == H5T_STRING  ? TF_STRING
           : class == H5T_ENUM  ? TF_BOOL
           : is_unsigned        ? TF_UINT64
           : class == H5T_FLOAT ? TF_FLOAT64
                                : TF_INT64;
}

/* The numbers must be those of the type that they seem to be of. */
static bool check_numbers(const opening *a, reader_field *f, int64_t rows) {
    return reader_check_rows(f, store_number_type(f->about.type), rows, a->fault) && is_whole(a, f->rows.dataset);
}

static bool has_other_shape(const opening *a, const reader_field *f) {
    h5_note(a->fault, f->rows.dataset, NULL, "has another shape than it must have");
    return false;
}

/* Opens what is called so; NULL in `field`: there is nothing. */
static bool open_field(const opening *a, tf_field_kind kind, const char *name, reader_field **field) {
    reader_field *f = reader_new_field(a->reader, a->table, kind, name, TF_INT64);
    *field = f;
    if (!reader_open_rows(f, a->group, a->folder, a->fault))
        return false;
    if (f->rows.dataset == 0) {
        *field = NULL;
        a->table->fields--;
        return true;
    }
    f->about.type = type_of(f->rows.dataset);
    return true;
}

static bool lacks(const opening *a, const char *name) {
    h5_note(a->fault, a->group, a->folder, "lacks %.100s", name);
    return false;
}

static bool add_key(const opening *a, const char *name) {
    reader_field *f;
    if (!open_field(a, TF_FIELD_PARAM, name, &f))
        return false;
    if (!f)
        return lacks(a, name);
    if (f->about.type != TF_STRING)
        return check_numbers(a, f, a->table->rows) && (f->about.rank == 0 || has_other_shape(a, f));
    store_close_table(&f->rows);
    return reader_open_cells(f, a->group, a->folder, a->table->rows, a->fault) && is_whole(a, f->rows.dataset);
}

/* How many rows each group has; and so, how many groups there are. */
static bool add_rows(const opening *a) {
    reader_field *f;
    if (!open_field(a, TF_FIELD_RESULT, "rows", &f))
        return false;
    if (!f)
        return lacks(a, "rows");
    a->table->rows = f->rows.rank > 0 ? (int64_t)f->rows.shape[0] : 0;
    f->about.type = TF_INT64;
    return check_numbers(a, f, a->table->rows) && (f->about.rank == 0 || has_other_shape(a, f));
}

/* ---- Statistics ---- */

/* The edges of bins: one more than there are bins. */
static bool add_edges(const opening *a, const char *name, const tf_field *bins) {
    reader_field *f;
    if (!open_field(a, TF_FIELD_RESULT, name, &f))
        return false;
    if (!f)
        return true;
    const int64_t edges = bins->rank > 0 ? bins->shape[bins->rank - 1] + 1 : 0;
    f->about.type = TF_FLOAT64;
    if (!check_numbers(a, f, edges))
        return false;
    if (f->about.rank > 0)
        return has_other_shape(a, f);
    f->about.rank = 1;
    f->about.shape[0] = f->about.elements = edges;
    f->about.shared = true;
    return true;
}

/* The rows that a statistic names: as many as it has numbers. */
static bool add_named_rows(const opening *a, const char *name, const tf_field *of) {
    reader_field *f;
    if (!open_field(a, TF_FIELD_RESULT, name, &f))
        return false;
    if (!f)
        return true;
    f->about.type = TF_INT64;
    if (!check_numbers(a, f, a->table->rows))
        return false;
    if (f->about.elements == of->elements)
        return true;
    return has_other_shape(a, f);
}

static bool add_statistic(const opening *a, const char *column, const char *text) {
    static const char *const beside[] = {"task", "element"};
    reader_field *f;
    tf_buf name = {0};
    tf_buf_addf(&name, "%s.%s", column, text);
    const size_t length = name.length;
    bool good = open_field(a, TF_FIELD_RESULT, name.data, &f);
    if (good && !f)
        good = lacks(a, name.data);
    if (good && f->about.type == TF_STRING)
        f->about.type = TF_FLOAT64;
    good = good && check_numbers(a, f, a->table->rows);
    tf_buf_adds(&name, ".edges");
    good = good && add_edges(a, name.data, &f->about);
    for (size_t i = 0; i < sizeof beside / sizeof *beside && good; i++) {
        name.length = length;
        tf_buf_addf(&name, ".%s", beside[i]);
        good = add_named_rows(a, name.data, &f->about);
    }
    tf_buf_free(&name);
    return good;
}

/* ---- A reduction ---- */

/* What is one text or a list of them: item `i`; NULL at the end. */
static const char *text_at(const cJSON *json, int i) {
    if (cJSON_IsString(json))
        return i == 0 ? cJSON_GetStringValue(json) : NULL;
    return cJSON_GetStringValue(cJSON_GetArrayItem(json, i));
}

static int count_fields(const cJSON *settings) {
    const cJSON *columns = cJSON_GetObjectItemCaseSensitive(settings, "columns");
    int most = 2 + cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(settings, "by"));
    for (const cJSON *column = columns ? columns->child : NULL; column; column = column->next)
        most += 4 * (1 + cJSON_GetArraySize(column));
    return most;
}

static bool open_fields(const opening *a, const cJSON *settings) {
    const cJSON *by = cJSON_GetObjectItemCaseSensitive(settings, "by");
    const cJSON *columns = cJSON_GetObjectItemCaseSensitive(settings, "columns");
    bool good = add_rows(a);
    for (int k = 0; good && text_at(by, k); k++)
        good = add_key(a, text_at(by, k));
    for (const cJSON *column = columns ? columns->child : NULL; column && good; column = column->next)
        for (int s = 0; good && text_at(column, s); s++)
            good = add_statistic(a, column->string, text_at(column, s));
    return good;
}

/* Keys stand before the number of rows. */
static void move_rows_behind_keys(reader_stage *to) {
    int keys = 0;
    while (1 + keys < to->fields && to->field[1 + keys].about.kind == TF_FIELD_PARAM)
        keys++;
    const reader_field rows = to->field[0];
    memmove(to->field, to->field + 1, (size_t)keys * sizeof rows);
    to->field[keys] = rows;
}

static bool open_reduction(opening *a, const contents_stage *stage, const char *name) {
    hid_t group = h5_open_group(a->group, a->folder, a->fault);
    if (group <= 0)
        return group == 0;
    char *text = h5_text_attribute(group, "settings", a->fault);
    cJSON *settings = text ? cJSON_Parse(text) : NULL;
    bool good = !*a->fault->text && cJSON_IsObject(settings);
    if (good) {
        a->table = reader_add_table(a->reader, stage, 0, count_fields(settings));
        a->table->name = tf_arena_printf(a->reader->arena, "%s.%s", stage->name, name);
        a->table->settings = tf_arena_strdup(a->reader->arena, text);
        good = open_fields(a, settings);
        if (good)
            move_rows_behind_keys(a->table);
    } else {
        h5_note(a->fault, group, "settings", "is no JSON object");
    }
    cJSON_Delete(settings);
    free(text);
    H5Gclose(group);
    return good;
}

/* Those of a stage that goes on are of an earlier run, and not what they say. */
bool reader_open_reductions(tf_reader *o, int stage, h5_fault *fault) {
    const contents_stage *c = o->stage[stage].contents;
    const int first = o->tables;
    struct stat info = {0};
    cJSON *fingerprint = c->finished ? cJSON_Parse(c->fingerprint) : NULL;
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(fingerprint, "reduce"));
    cJSON *names = text ? cJSON_Parse(text) : NULL;
    hid_t group = cJSON_GetArraySize(names) > 0 ? h5_open_group(o->file, c->name, fault) : 0;
    bool good = group >= 0;
    fstat(o->old.fd, &info);
    for (int n = 0; group > 0 && good && n < cJSON_GetArraySize(names); n += 2) {
        const char *name = text_at(names, n);
        tf_buf folder = {0};
        tf_buf_addf(&folder, "reduce/%s", name ? name : "");
        opening a = {.reader = o, .group = group, .folder = folder.data, .file_size = info.st_size, .fault = fault};
        good = open_reduction(&a, c, name ? name : "");
        tf_buf_free(&folder);
    }
    o->stage[stage].reduction = first;
    o->stage[stage].reductions = o->tables - first;
    if (group > 0)
        H5Gclose(group);
    cJSON_Delete(names);
    cJSON_Delete(fingerprint);
    return good && !*fault->text;
}
