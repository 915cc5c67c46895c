/* Columns of an output as arrays. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "embed/embed.h"
#include "store/read/read.h"
#include "store/store.h"

struct tf_results {
    tf_reader *reader;
    tf_error error;
};

tf_results *tf_results_open(const char *path) {
    tf_results *r = tf_alloc(sizeof *r);
    tf_store_guest guest;
    tf_store_enter(&guest);
    r->reader = tf_reader_open(path, &r->error);
    tf_store_leave(&guest);
    return r;
}

void tf_results_close(tf_results *r) {
    if (!r)
        return;
    tf_store_guest guest;
    tf_store_enter(&guest);
    tf_reader_close(r->reader);
    tf_store_leave(&guest);
    free(r);
}

const char *tf_results_message(const tf_results *r) {
    return r->error.text;
}

const char *tf_results_error_id(const tf_results *r) {
    return tf_error_id(&r->error);
}

/* The stage, -1 with a message. */
static int find_stage(tf_results *r, const char *stage) {
    int n = r->reader ? tf_reader_find(r->reader, stage) : -1;
    if (r->reader && n < 0)
        tf_error_set_as(&r->error, TF_ERR_USAGE, TF_DIAG_UNKNOWN_NAME, "stage \"%s\" has not begun, or there is none",
                        stage);
    return n;
}

int64_t tf_results_tasks(tf_results *r, const char *stage) {
    int n = find_stage(r, stage);
    return n < 0 ? -1 : tf_reader_tasks(r->reader, n);
}

/* The field, NULL with a message. */
static const tf_field *find_field(tf_results *r, int stage, const char *name, int *number) {
    for (int f = 0; stage >= 0 && f < tf_reader_fields(r->reader, stage); f++) {
        const tf_field *field = tf_reader_field(r->reader, stage, f);
        if (strcmp(field->name, name) != 0)
            continue;
        *number = f;
        if (field->stored && !field->grid)
            return field;
        tf_error_set_as(&r->error, TF_ERR_USAGE, TF_DIAG_UNSUITABLE_TYPE, "\"%s\" is not stored by rows", name);
        return NULL;
    }
    if (stage >= 0)
        tf_error_set_as(&r->error, TF_ERR_USAGE, TF_DIAG_UNKNOWN_NAME,
                        "stage \"%s\" has neither a parameter nor a result \"%s\"", tf_reader_stage(r->reader, stage),
                        name);
    return NULL;
}

static tf_err read_rows(tf_results *r, int stage, int field, int64_t first, int64_t count, void *numbers) {
    tf_store_guest guest;
    tf_store_enter(&guest);
    tf_err err = tf_reader_numbers(r->reader, stage, field, first, count, numbers, &r->error);
    tf_store_leave(&guest);
    return err;
}

static tf_err read_texts(tf_results *r, int stage, int field, int64_t count, tf_blobs *texts) {
    tf_store_guest guest;
    tf_store_enter(&guest);
    tf_err err = tf_reader_blobs(r->reader, stage, field, 0, count, texts, &r->error);
    tf_store_leave(&guest);
    return err;
}

/* All rows of a field of numbers; NULL with a message. */
static void *read_numbers(tf_results *r, const char *stage, const char *name, const tf_field **field, int64_t *count) {
    int n = find_stage(r, stage), number = 0;
    *field = find_field(r, n, name, &number);
    if (!*field)
        return NULL;
    if (tf_type_size((*field)->type) == 0) {
        tf_error_set_as(&r->error, TF_ERR_USAGE, TF_DIAG_UNSUITABLE_TYPE, "\"%s\" is of texts", name);
        return NULL;
    }
    const int64_t tasks = tf_reader_tasks(r->reader, n);
    *count = tasks * (*field)->elements;
    void *numbers = tf_alloc_array((size_t)*count, tf_type_size((*field)->type));
    if (read_rows(r, n, number, 0, tasks, numbers) == TF_OK)
        return numbers;
    free(numbers);
    return NULL;
}

double *tf_results_doubles(tf_results *r, const char *stage, const char *name, int64_t *count) {
    const tf_field *field;
    int64_t all;
    void *numbers = read_numbers(r, stage, name, &field, &all);
    if (!numbers)
        return NULL;
    double *doubles = tf_alloc_array((size_t)all, sizeof *doubles);
    tf_load_doubles(field->type, numbers, 0, all, doubles);
    free(numbers);
    if (count)
        *count = all;
    return doubles;
}

static int64_t as_int(tf_type type, const void *numbers, int64_t i) {
    switch (type) {
    case TF_INT8: return ((const int8_t *)numbers)[i];
    case TF_INT16: return ((const int16_t *)numbers)[i];
    case TF_INT32: return ((const int32_t *)numbers)[i];
    case TF_UINT16: return ((const uint16_t *)numbers)[i];
    case TF_UINT32: return ((const uint32_t *)numbers)[i];
    case TF_INT64:
    case TF_UINT64: return ((const int64_t *)numbers)[i];
    default: return ((const uint8_t *)numbers)[i]; /* TF_UINT8, TF_BOOL */
    }
}

int64_t *tf_results_ints(tf_results *r, const char *stage, const char *name, int64_t *count) {
    const tf_field *field;
    int64_t all;
    void *numbers = read_numbers(r, stage, name, &field, &all);
    if (numbers && tf_type_is_float(field->type)) {
        tf_error_set_as(&r->error, TF_ERR_USAGE, TF_DIAG_UNSUITABLE_TYPE, "\"%s\" is of %s", name,
                        tf_type_name(field->type));
        free(numbers);
        return NULL;
    }
    if (!numbers)
        return NULL;
    int64_t *ints = tf_alloc_array((size_t)all, sizeof *ints);
    for (int64_t i = 0; i < all; i++)
        ints[i] = as_int(field->type, numbers, i);
    free(numbers);
    if (count)
        *count = all;
    return ints;
}

char **tf_results_strings(tf_results *r, const char *stage, const char *name, int64_t *count) {
    int n = find_stage(r, stage), number = 0;
    const tf_field *field = find_field(r, n, name, &number);
    if (!field)
        return NULL;
    if (tf_type_size(field->type) > 0) {
        tf_error_set_as(&r->error, TF_ERR_USAGE, TF_DIAG_UNSUITABLE_TYPE, "\"%s\" is of %s, not of texts", name,
                        tf_type_name(field->type));
        return NULL;
    }
    const int64_t tasks = tf_reader_tasks(r->reader, n);
    tf_blobs texts = {0};
    tf_blobs_clear(&texts, tasks);
    char **strings = NULL;
    if (read_texts(r, n, number, tasks, &texts) == TF_OK) {
        strings = malloc(((size_t)tasks + 1) * sizeof *strings + texts.bytes.length + (size_t)tasks);
        char *to = strings ? (char *)(strings + tasks + 1) : NULL;
        for (int64_t i = 0; strings && i < tasks; i++) {
            size_t length;
            const char *text = tf_blobs_at(&texts, i, &length);
            strings[i] = memcpy(to, text, length);
            to[length] = '\0';
            to += length + 1;
        }
        if (strings)
            strings[tasks] = NULL;
    }
    tf_blobs_free(&texts);
    if (count)
        *count = tasks;
    return strings;
}

double tf_results_value(tf_results *r, const tf_manifest *m, tf_delayed value) {
    if (value.call < 0)
        return value.number;
    if (value.call >= m->calls) {
        tf_error_set(&r->error, TF_ERR_USAGE, "there is no such call");
        return NAN;
    }
    const call_place *place = &m->call[value.call];
    const char *stage = m->group[place->group].stage;
    int n = find_stage(r, stage), number = 0;
    double result = NAN;
    if (find_field(r, n, "value", &number))
        read_rows(r, n, number, place->row, 1, &result);
    return result;
}
