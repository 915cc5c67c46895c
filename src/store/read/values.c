/* Values of fields: numbers and cells from the file, other blobs from a byte heap or from side files. */
#include "store/read/reader.h"

#include <stdlib.h>
#include <string.h>

/* ---- Blobs ---- */

void tf_blobs_clear(tf_blobs *blobs, int64_t count) {
    tf_buf_clear(&blobs->bytes);
    if (count > blobs->capacity) {
        blobs->end = tf_realloc_array(blobs->end, (size_t)count, sizeof *blobs->end);
        blobs->capacity = count;
    }
}

void tf_blobs_free(tf_blobs *blobs) {
    tf_buf_free(&blobs->bytes);
    free(blobs->end);
    *blobs = (tf_blobs){0};
}

/* ---- Rows ---- */

static tf_err cant_read(const tf_reader *o, const reader_stage *stage, const reader_field *f, tf_error *error) {
    return tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_OUTPUT_DAMAGED, "%s: can't read \"%s\" of %s \"%s\"", o->old.path,
                           f->about.name, stage->name ? "reduction" : "stage",
                           stage->name ? stage->name : stage->contents->name);
}

/* Reads what all rows share once, and copies it. */
static bool read_shared(const reader_field *f, int64_t count, void *numbers) {
    const size_t bytes = (size_t)f->about.elements * tf_type_size(f->about.type);
    const bool good = count == 0 || store_read_rows(&f->rows, 0, f->about.elements, numbers) >= 0;
    for (int64_t row = 1; row < count && good; row++)
        memcpy((char *)numbers + (size_t)row * bytes, numbers, bytes);
    return good;
}

tf_err tf_reader_numbers(tf_reader *o, int stage, int field, int64_t first, int64_t count, void *numbers,
                         tf_error *error) {
    const reader_field *f = &o->stage[stage].field[field];
    const bool good =
        f->about.shared ? read_shared(f, count, numbers) : store_read_rows(&f->rows, first, count, numbers) >= 0;
    return good ? TF_OK : cant_read(o, &o->stage[stage], f, error);
}

tf_err tf_reader_elements(tf_reader *o, int stage, int field, const int64_t *start, const int64_t *count, void *numbers,
                          tf_error *error) {
    const reader_field *f = &o->stage[stage].field[field];
    return store_read_elements(&f->rows, start, count, numbers) >= 0 ? TF_OK : cant_read(o, &o->stage[stage], f, error);
}

static bool read_cells(const reader_field *f, int64_t first, int64_t count, tf_blobs *blobs) {
    size_t width = H5Tget_size(f->rows.type);
    char *cells = tf_alloc_array((size_t)count, width);
    bool good = store_read_rows(&f->rows, first, count, cells) >= 0;
    for (int64_t i = 0; i < count && good; i++) {
        tf_buf_add(&blobs->bytes, cells + (size_t)i * width, strnlen(cells + (size_t)i * width, width));
        blobs->end[i] = (int64_t)blobs->bytes.length;
    }
    free(cells);
    return good;
}

/* Blobs of tasks side by side lie side by side. */
static bool read_byte_heap(const reader_field *f, int64_t first, int64_t count, tf_blobs *blobs) {
    int64_t(*index)[2] = tf_alloc_array((size_t)count, sizeof *index);
    bool good = store_read_rows(&f->rows, first, count, index) >= 0;
    int64_t from = -1, end = 0;
    for (int64_t i = 0; i < count && good; i++) {
        int64_t offset = index[i][0], length = index[i][1];
        good = store_is_in_byte_heap(index[i], (int64_t)f->byte_heap.shape[0]) &&
               (length == 0 || from < 0 || offset == end);
        from = length && from < 0 ? offset : from;
        end = length ? offset + length : end;
        blobs->end[i] = from < 0 ? 0 : end - from;
    }
    good = good && end - from <= STORE_MOST_BLOB;
    if (good && from >= 0) {
        tf_buf_reserve(&blobs->bytes, (size_t)(end - from));
        good = store_read_rows(&f->byte_heap, from, end - from, blobs->bytes.data) >= 0;
        blobs->bytes.length = (size_t)(end - from);
        blobs->bytes.data[blobs->bytes.length] = '\0';
    }
    free(index);
    return good;
}

static void copy_entries(const reader_field *f, int64_t first, int64_t count, tf_blobs *blobs) {
    size_t n = entries_from(&f->side, first);
    for (int64_t i = 0; i < count; i++) {
        if (n < f->side.count && f->side.items[n].index == first + i) {
            tf_buf_add(&blobs->bytes, f->side.items[n].bytes, (size_t)f->side.items[n].length);
            n++;
        }
        blobs->end[i] = (int64_t)blobs->bytes.length;
    }
}

tf_err tf_reader_blobs(tf_reader *o, int stage, int field, int64_t first, int64_t count, tf_blobs *blobs,
                       tf_error *error) {
    const reader_field *f = &o->stage[stage].field[field];
    tf_blobs_clear(blobs, count);
    if (f->kind >= 0) {
        reader_read_sides(o);
        copy_entries(f, first, count, blobs);
        return TF_OK;
    }
    bool good = true;
    if (f->byte_heap.dataset > 0)
        good = read_byte_heap(f, first, count, blobs);
    else if (f->rows.dataset > 0)
        good = read_cells(f, first, count, blobs);
    else
        memset(blobs->end, 0, (size_t)count * sizeof *blobs->end); /* no task has any */
    return good ? TF_OK : cant_read(o, &o->stage[stage], f, error);
}

int64_t tf_reader_blob_bytes(const tf_reader *o, int stage, int field) {
    const reader_field *f = &o->stage[stage].field[field];
    return f->byte_heap.dataset > 0 ? (int64_t)f->byte_heap.shape[0] : 0;
}
