/* Values of fields: numbers and cells from the file, other texts from a heap or from side files. */
#include "store/read/reader.h"

#include <stdlib.h>
#include <string.h>

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

/* ---- Rows ---- */

static tf_err cant_read(const tf_reader *o, const reader_stage *stage, const reader_field *f, tf_error *error) {
    return tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_OUTPUT_DAMAGED, "%s: can't read \"%s\" of stage \"%s\"",
                           o->old.path, f->about.name, stage->contents->name);
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

static void copy_entries(const reader_field *f, int64_t first, int64_t count, tf_texts *texts) {
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
        reader_read_sides(o);
        copy_entries(f, first, count, texts);
        return TF_OK;
    }
    bool good = f->heap.dataset > 0 ? read_heap(f, first, count, texts) : read_cells(f, first, count, texts);
    return good ? TF_OK : cant_read(o, &o->stage[stage], f, error);
}

int64_t tf_reader_text_bytes(const tf_reader *o, int stage, int field) {
    const reader_field *f = &o->stage[stage].field[field];
    return f->heap.dataset > 0 ? (int64_t)f->heap.shape[0] : 0;
}
