/* Fields of tasks, and how they are written (see view.h). */
#include "report/view.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "store/store.h"

struct view {
    const tf_recalled *from;
    int stage;                 /* of the output */
    tf_store *upstream;        /* where parameters come from that rows of other stages give; NULL before the first */
    const tf_stage_spec *spec; /* of the campaign; NULL: it is not known, or not looked for */
    bool looked;
    uint8_t *status; /* of the tasks that were asked for last */
    int64_t status_first, status_count;
};

view *view_new(const tf_recalled *from, int stage) {
    view *v = tf_alloc(sizeof *v);
    *v = (view){.from = from, .stage = stage};
    return v;
}

void view_free(view *v) {
    if (!v)
        return;
    if (v->upstream)
        tf_store_close_upstream(v->upstream, v->spec->number);
    free(v->status);
    free(v);
}

int64_t view_tasks(const view *v) {
    return tf_reader_tasks(v->from->reader, v->stage);
}

int view_fields(const view *v) {
    return tf_reader_fields(v->from->reader, v->stage);
}

const tf_field *view_field(const view *v, int field) {
    return tf_reader_field(v->from->reader, v->stage, field);
}

int view_find(const view *v, const char *name) {
    for (int f = 0; f < view_fields(v); f++)
        if (strcmp(view_field(v, f)->name, name) == 0)
            return f;
    return -1;
}

int view_record(const view *v, const char *dataset) {
    return tf_reader_record(v->from->reader, v->stage, dataset);
}

bool view_is_reduction(const view *v) {
    return tf_reader_reduction_name(v->from->reader, v->stage) != NULL;
}

int64_t view_width(const view *v, int field) {
    const tf_field *f = view_field(v, field);
    const int64_t tasks = tf_reader_tasks(v->from->reader, v->stage);
    const int64_t texts = tf_reader_blob_bytes(v->from->reader, v->stage, field);
    return f->elements * 8 + (tasks ? texts / tasks : 0);
}

int64_t view_piece(int64_t width, int64_t most) {
    enum { PIECE_BYTES = 8 << 20 };
    const int64_t rows = PIECE_BYTES / width;
    return rows < 1 ? 1 : rows > most ? most : rows;
}

/* ---- Parameters that the output has not ---- */

static tf_err not_known(const view *v, const char *name, const char *why, tf_error *error) {
    return tf_error_set(error, TF_ERR_RUN, "parameter \"%s\" of stage \"%s\" is not in the output, and %s", name,
                        tf_reader_stage(v->from->reader, v->stage), why);
}

/* Do the stage's tasks have the parameters now that they had then? */
static bool has_same_points(const view *v, const tf_stage_spec *spec) {
    static const char *const parts[] = {"parameters", "space", "where", "seed"};
    cJSON *ours = tf_fingerprint_points(v->from->campaign, spec->number),
          *its = cJSON_Parse(tf_reader_fingerprint(v->from->reader, v->stage));
    bool same = tf_stage_so_far(spec) == tf_reader_tasks(v->from->reader, v->stage);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        same = same && cJSON_Compare(cJSON_GetObjectItemCaseSensitive(ours, parts[i]),
                                     cJSON_GetObjectItemCaseSensitive(its, parts[i]), true) ==
                           (cJSON_HasObjectItem(ours, parts[i]) || cJSON_HasObjectItem(its, parts[i]));
    cJSON_Delete(ours);
    cJSON_Delete(its);
    return same;
}

const tf_stage_spec *tf_recalled_stage(const tf_recalled *from, int stage) {
    const char *name = tf_reader_stage(from->reader, stage);
    const int number = from->campaign ? tf_campaign_stage(from->campaign, name, strlen(name)) : -1;
    const view v = {.from = from, .stage = stage};
    return number >= 0 && has_same_points(&v, &from->campaign->stage[number]) ? &from->campaign->stage[number] : NULL;
}

void view_tell_point(const tf_recalled *from, const tf_stage_spec *spec, int64_t index, tf_host_on_point *on_point,
                     void *context) {
    tf_error error;
    tf_store *upstream = NULL;
    if (!spec ||
        (tf_stage_takes_rows(spec) && !(upstream = tf_store_open_upstream(from->campaign, spec->number, &error))))
        return;
    const tf_task_source source = {
        .values = tf_store_upstream_values, .status = tf_store_upstream_status, .context = upstream};
    tf_interval task = {index, index + 1};
    tf_host_tell_points(from->campaign, spec->number, &(tf_intervals){.items = &task, .count = 1, .total = 1},
                        upstream ? &source : NULL, on_point, context, &error);
    tf_store_close_upstream(upstream, spec->number);
}

const char *view_why_unknown(const view *v) {
    return v->from->campaign ? "what the manifest reads has changed since, so that it can't be worked out"
                             : v->from->why;
}

static tf_err find_spec(view *v, const char *param, tf_error *error) {
    if (!v->looked)
        v->spec = tf_recalled_stage(v->from, v->stage);
    v->looked = true;
    return v->spec ? TF_OK : not_known(v, param, view_why_unknown(v), error);
}

static void copy_cells(const char *cells, size_t width, int64_t count, tf_blobs *texts) {
    for (int64_t i = 0; i < count; i++) {
        tf_buf_add(&texts->bytes, cells + (size_t)i * width, strnlen(cells + (size_t)i * width, width));
        texts->end[i] = (int64_t)texts->bytes.length;
    }
}

static tf_err read_given(view *v, int param, int64_t first, int64_t count, view_values *out, tf_error *error) {
    const size_t width = tf_space_cell_size(v->spec->space, param);
    if (!v->upstream)
        v->upstream = tf_store_open_upstream(v->from->campaign, v->spec->number, error);
    if (!v->upstream)
        return error->code;
    char *cells = out->numbers ? out->numbers : tf_alloc_array((size_t)count, width);
    tf_err err = tf_store_upstream_values(v->upstream, v->spec->number, param, first, count, cells, error);
    if (!out->numbers) {
        copy_cells(cells, width, count, &out->texts);
        free(cells);
    }
    return err;
}

static tf_err work_out(view *v, const tf_field *field, int64_t first, int64_t count, view_values *out,
                       tf_error *error) {
    tf_err err = find_spec(v, field->name, error);
    if (err != TF_OK)
        return err;
    const int param = tf_space_find(v->spec->space, field->name);
    if (tf_space_param(v->spec->space, param)->upstream)
        return read_given(v, param, first, count, out, error);
    if (out->numbers) {
        tf_space_fill(v->spec->space, param, first, count, out->numbers);
        return TF_OK;
    }
    const char **texts = tf_alloc_array((size_t)count, sizeof *texts);
    tf_space_fill(v->spec->space, param, first, count, texts);
    for (int64_t i = 0; i < count; i++) {
        tf_buf_adds(&out->texts.bytes, texts[i]);
        out->texts.end[i] = (int64_t)out->texts.bytes.length;
    }
    free(texts);
    return TF_OK;
}

/* ---- Rows without a value ---- */

/* Parameters are written with their row; only tasks that are done have results. */
static bool lacks_value(const tf_field *field, uint8_t status) {
    if (field->kind == TF_FIELD_RESULT)
        return status != TF_STATUS_DONE;
    return field->kind == TF_FIELD_PARAM && (status == TF_STATUS_PENDING || status == TF_STATUS_CANCELLED);
}

/* To be called before the values are read: a run that is at work writes these first. */
static tf_err read_statuses(view *v, int64_t first, int64_t count, tf_error *error) {
    if (v->status && v->status_first == first && v->status_count == count)
        return TF_OK;
    free(v->status);
    v->status = tf_alloc((size_t)count);
    v->status_first = first;
    v->status_count = count;
    return tf_reader_numbers(v->from->reader, v->stage, view_record(v, "status"), first, count, v->status, error);
}

static bool any_lacks(const view *v, const tf_field *field) {
    bool any = false;
    for (int64_t i = 0; i < v->status_count && !any; i++)
        any = lacks_value(field, v->status[i]);
    return any;
}

/* Works a parameter out of all rows of the piece at once: those that are stored are the same. false: it can't be. */
static bool fill_unwritten(view *v, const tf_field *field, view_values *out) {
    tf_error ignored;
    if (field->kind != TF_FIELD_PARAM || find_spec(v, field->name, &ignored) != TF_OK ||
        tf_space_param(v->spec->space, tf_space_find(v->spec->space, field->name))->upstream)
        return false;
    if (!out->numbers)
        tf_blobs_clear(&out->texts, v->status_count);
    return work_out(v, field, v->status_first, v->status_count, out, &ignored) == TF_OK;
}

static void note_unknown(const view *v, const tf_field *field, view_values *out) {
    out->is_unknown = tf_alloc_array((size_t)v->status_count, sizeof *out->is_unknown);
    for (int64_t i = 0; i < v->status_count; i++)
        out->is_unknown[i] = lacks_value(field, v->status[i]);
}

/* ---- Reading ---- */

static tf_err read_stored(view *v, int field, int64_t first, int64_t count, view_values *out, tf_error *error) {
    if (tf_type_size(view_field(v, field)->type) > 0)
        return tf_reader_numbers(v->from->reader, v->stage, field, first, count, out->numbers, error);
    return tf_reader_blobs(v->from->reader, v->stage, field, first, count, &out->texts, error);
}

static void make_room(view_values *out, const tf_field *f, int64_t count) {
    const size_t size = (size_t)(count * f->elements) * tf_type_size(f->type);
    out->field = f;
    if (size > out->capacity) {
        free(out->numbers);
        out->numbers = tf_alloc(size);
        out->capacity = size;
    }
    if (size == 0)
        tf_blobs_clear(&out->texts, count);
    free(out->is_unknown);
    out->is_unknown = NULL;
}

tf_err view_read(view *v, int field, int64_t first, int64_t count, view_values *out, tf_error *error) {
    const tf_field *f = view_field(v, field);
    make_room(out, f, count);
    if (!f->stored)
        return work_out(v, f, first, count, out, error);
    const int status = view_record(v, "status");
    if (status < 0) /* its rows are no tasks */
        return read_stored(v, field, first, count, out, error);
    tf_err err = read_statuses(v, first, count, error);
    if (err == TF_OK && field == status)
        memcpy(out->numbers, v->status, (size_t)count); /* the same that say which results there are */
    else if (err == TF_OK)
        err = read_stored(v, field, first, count, out, error);
    if (err == TF_OK && any_lacks(v, f) && !fill_unwritten(v, f, out))
        note_unknown(v, f, out);
    return err;
}

tf_err view_read_elements(view *v, int field, const int64_t *start, const int64_t *count, void *numbers,
                          tf_error *error) {
    return tf_reader_elements(v->from->reader, v->stage, field, start, count, numbers, error);
}

void view_values_free(view_values *values) {
    free(values->numbers);
    free(values->is_unknown);
    tf_blobs_free(&values->texts);
    *values = (view_values){0};
}

/* ---- Writing ---- */

static bool is_status(const tf_field *field) {
    return field->kind == TF_FIELD_TASK && strcmp(field->dataset, "status") == 0;
}

static const void *element_at(const view_values *values, int64_t row, int64_t element) {
    return (const char *)values->numbers +
           (size_t)(row * values->field->elements + element) * tf_type_size(values->field->type);
}

static double as_double(const tf_field *field, const void *element) {
    double value;
    tf_load_doubles(field->type, element, 0, 1, &value);
    return value;
}

static void add_json_element(const view_values *values, int64_t row, int64_t element, tf_buf *out) {
    const void *at = element_at(values, row, element);
    if (tf_type_is_float(values->field->type) && !isfinite(as_double(values->field, at)))
        tf_buf_adds(out, "null");
    else
        tf_buf_add_number(out, values->field->type, at);
}

/* Nested lists, the last dimension innermost. */
static void add_json_part(const view_values *values, int64_t row, int dimension, int64_t from, int64_t elements,
                          tf_buf *out) {
    if (dimension == values->field->rank) {
        add_json_element(values, row, from, out);
        return;
    }
    const int64_t size = values->field->shape[dimension];
    tf_buf_addc(out, '[');
    for (int64_t i = 0; i < size; i++) {
        if (i)
            tf_buf_addc(out, ',');
        add_json_part(values, row, dimension + 1, from + i * (elements / size), elements / size, out);
    }
    tf_buf_addc(out, ']');
}

void view_add_base64(const char *bytes, size_t length, tf_buf *out) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < length; i += 3) {
        const size_t left = length - i;
        uint32_t word = (uint32_t)(uint8_t)bytes[i] << 16;
        word |= left > 1 ? (uint32_t)(uint8_t)bytes[i + 1] << 8 : 0;
        word |= left > 2 ? (uint32_t)(uint8_t)bytes[i + 2] : 0;
        tf_buf_addc(out, digits[word >> 18]);
        tf_buf_addc(out, digits[word >> 12 & 63]);
        tf_buf_addc(out, left > 1 ? digits[word >> 6 & 63] : '=');
        tf_buf_addc(out, left > 2 ? digits[word & 63] : '=');
    }
}

void view_add_json(const view_values *values, int64_t row, tf_buf *out) {
    const tf_field *f = values->field;
    if (!view_is_known(values, row)) {
        tf_buf_adds(out, "null");
        return;
    }
    if (is_status(f)) {
        tf_buf_addf(out, "\"%s\"", tf_status_name(*(const uint8_t *)element_at(values, row, 0)));
        return;
    }
    if (tf_type_size(f->type)) {
        add_json_part(values, row, 0, 0, f->elements, out);
        return;
    }
    size_t length;
    const char *text = tf_blobs_at(&values->texts, row, &length);
    if (f->type == TF_STRING) {
        tf_buf_add_json(out, text, length);
        return;
    }
    tf_buf_addc(out, '"');
    view_add_base64(text, length, out);
    tf_buf_addc(out, '"');
}

void view_add_csv_text(const char *text, size_t length, tf_buf *out) {
    bool plain = true;
    for (size_t i = 0; i < length && plain; i++)
        plain = text[i] != '"' && text[i] != ',' && text[i] != '\n' && text[i] != '\r';
    if (plain) {
        tf_buf_add(out, text, length);
        return;
    }
    tf_buf_addc(out, '"');
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '"')
            tf_buf_addc(out, '"');
        tf_buf_addc(out, text[i]);
    }
    tf_buf_addc(out, '"');
}

void view_add_csv(const view_values *values, int64_t row, int64_t element, tf_buf *out) {
    const tf_field *f = values->field;
    size_t length;
    if (!view_is_known(values, row))
        return;
    if (is_status(f)) {
        tf_buf_adds(out, tf_status_name(*(const uint8_t *)element_at(values, row, 0)));
    } else if (tf_type_size(f->type)) {
        const void *at = element_at(values, row, element);
        if (tf_type_is_float(f->type) && isnan(as_double(f, at)))
            tf_buf_adds(out, "nan"); /* without a sign */
        else
            tf_buf_add_number(out, f->type, at);
    } else {
        const char *text = tf_blobs_at(&values->texts, row, &length);
        if (f->type == TF_STRING)
            view_add_csv_text(text, length, out);
        else
            view_add_base64(text, length, out);
    }
}
