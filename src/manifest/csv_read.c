/* The records of one part, read by the task that needs them. */
#include "manifest/csv_parts.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

int tf_csv_fields(const tf_csv *csv) {
    return csv->fields;
}

tf_param_spec tf_csv_field(const tf_csv *csv, int field) {
    return (tf_param_spec){.name = csv->name[field],
                           .type = csv->type[field],
                           .max_bytes = csv->width[field],
                           .reason = csv->reason[field],
                           .cell = csv->cell[field]};
}

/* Stores a value as a row's. false: it is not of the field's type, or too long. */
static bool store_value(const tf_csv *csv, int field, const char *text, int64_t row, void *out) {
    double *number = (double *)out + row;
    if (csv->type[field] == TF_INT64)
        return tf_parse_int(text, (int64_t *)out + row);
    if (csv->type[field] == TF_FLOAT64 && *text == '\0')
        *number = NAN;
    if (csv->type[field] == TF_FLOAT64)
        return *text == '\0' || tf_parse_double(text, number);
    size_t length = strlen(text), width = (size_t)csv->width[field];
    if (length > width)
        return false;
    memset((char *)out + (size_t)row * width, 0, width);
    memcpy((char *)out + (size_t)row * width, text, length);
    return true;
}

/* Stores the values that are wanted of a record. false: it does not have the table's fields. */
static bool store_record(const tf_csv *csv, const int *place, csv_reader *record, int64_t row, void *const *out) {
    const char *text;
    csv_end end;
    int fields = 0;
    do {
        end = csv_field(record, &text);
        if (end == CSV_BROKEN || fields == csv->fields)
            return false;
        int field = place[fields++];
        if (out[field] && !store_value(csv, field, text, row, out[field]))
            return false;
    } while (end == CSV_COMMA);
    return fields == csv->fields;
}

/* A part while it is read. */
typedef struct reading {
    const tf_csv *csv;
    void *const *out;
    int64_t rows;  /* that have been read */
    int64_t count; /* rows of the part */
    uint64_t hash;
} reading;

/* Reads the rows that the part has in a file, from the offset on. Returns 0 or an errno; EILSEQ: the file has other
 * rows there. */
static int read_file(reading *r, int64_t file, int64_t offset) {
    const tf_csv *csv = r->csv;
    records in;
    csv_reader record;
    uint64_t hash = 0;
    bool sound = true;
    records_open(&in, csv->path[file], offset);
    if (offset == 0 && in.failure == 0)
        records_next(&in, &record); /* the header */
    while (r->rows < r->count && sound && in.failure == 0 && records_next(&in, &record)) {
        if (csv_is_blank(&record))
            continue;
        hash = tf_hash(record.next, (size_t)(record.end - record.next), hash);
        sound = store_record(csv, csv->place[file], &record, r->rows, r->out);
        r->rows++;
    }
    r->hash = offset > 0 ? hash : hash ? csv_mix_hash(r->hash, hash) : r->hash;
    records_close(&in);
    return in.failure ? in.failure : sound ? 0 : EILSEQ;
}

tf_err tf_csv_read(const tf_csv *csv, int64_t part, void *const *out, tf_error *error) {
    const int64_t left = csv->rows - part * csv->batch;
    reading r = {.csv = csv, .out = out, .count = left < csv->batch ? left : csv->batch};
    int64_t file = csv->file_of[part];
    int failure = read_file(&r, file, csv->offset_of[part]);
    while (failure == 0 && r.rows < r.count && file + 1 < csv->files)
        failure = read_file(&r, ++file, 0);
    if (failure == 0 && r.rows == r.count && r.hash == (uint64_t)csv->hash[part])
        return TF_OK;
    if (failure && failure != EILSEQ)
        return tf_error_set_as(error, TF_ERR_RUN, tf_diag_of_read(failure), "%s: %s", csv->path[file],
                               tf_read_failure(failure));
    return tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_INPUT_CHANGED, "%s%s: has changed since the manifest was read",
                           csv->path[csv->file_of[part]], file > csv->file_of[part] ? ", or a file after it" : "");
}
