/* Blobs move from the side files into the file when their stage ends. HDF5 can't write values of varying length in
 * parallel, so a kind of blob becomes either cells of a fixed length, or a byte heap in task order with an
 * index of (offset, length).
 *
 * All datasets are made first, since their sizes follow from the blobs' lengths alone; then, with the file's metadata
 * whole again, the bytes are written. */
#include <stdlib.h>

#include "store/attributes.h"
#include "store/blob_offsets.h"
#include "store/change.h"
#include "store/entries.h"
#include "store/make.h"
#include "store/meet.h"
#include "store/row_writer.h"
#include "store/side_index.h"

/* One kind of blob of the stage, and where it goes: nowhere, to cells, or to a byte heap with its index. */
typedef struct blob_kind {
    const char *name;
    entries list;
    table cells, byte_heap, index;
} blob_kind;

/* ---- Reading the side file ---- */

/* Only where the stage has something. */
static tf_err sort_side_file(const tf_store *s, int stage, const char *bytes, blob_kind *kinds, tf_error *error) {
    const int kind_count = TF_RECORD_COLUMN + s->campaign->stage[stage].columns;
    const int64_t tasks = tf_stage_so_far(&s->campaign->stage[stage]);
    const size_t size = (size_t)s->stage[stage].side_end;
    size_t at = (size_t)s->stage[stage].side_first;
    int64_t position = 0;
    while (at < size) {
        const tf_record *record = tf_record_at(bytes + at, size - at);
        const bool ours = record && record->kind >= 0 && record->stage == stage;
        if (!record || (ours && (record->kind >= kind_count || record->index < 0 || record->index >= tasks)))
            return side_index_damaged(s, at, error);
        if (ours)
            entries_add(&kinds[record->kind].list, record, position++);
        at += tf_record_size((size_t)record->length);
    }
    for (int k = 0; k < kind_count; k++)
        entries_settle(&kinds[k].list);
    return TF_OK;
}

/* ---- Cells ---- */

static bool write_cells(const table *cells, const entries *list) {
    static const char zeros[STORE_LONGEST_CELL];
    row_writer w = {.to = cells, .width = H5Tget_size(cells->type)};
    for (size_t i = 0; i < list->count; i++) {
        const entry *e = &list->items[i];
        row_writer_seek(&w, e->index);
        tf_buf_add(&w.rows, e->bytes, (size_t)e->length);
        tf_buf_add(&w.rows, zeros, w.width - (size_t)e->length);
    }
    return row_writer_end(&w);
}

/* ---- Heaps ---- */

static bool write_byte_heap(const table *byte_heap, const entries *list) {
    row_writer w = {.to = byte_heap, .width = 1};
    for (size_t i = 0; i < list->count; i++) {
        const entry *e = &list->items[i];
        for (int64_t done = 0; done < e->length;) {
            int64_t part = e->length - done < ROW_WRITER_BYTES ? e->length - done : ROW_WRITER_BYTES;
            row_writer_seek(&w, e->offset + done);
            tf_buf_add(&w.rows, e->bytes + done, (size_t)part);
            done += part;
        }
    }
    return row_writer_end(&w);
}

/* ---- A stage's blobs ---- */

/* Is there to be a dataset of it, of a stage of which there are so many blobs? A column has one in any case, but
 * numbers have no blobs. */
static bool has_dataset(const tf_stage_spec *spec, int kind, int64_t blobs) {
    return kind < TF_RECORD_COLUMN ? blobs > 0 : tf_type_size(spec->column[kind - TF_RECORD_COLUMN].type) == 0;
}

/* Collective: makes the datasets of one kind. */
static bool make_kind(tf_store *s, int stage, int kind, blob_kind *k) {
    int64_t longest = 0, bytes = 0;
    for (size_t i = 0; i < k->list.count; i++) {
        longest = k->list.items[i].length > longest ? k->list.items[i].length : longest;
        bytes += k->list.items[i].length;
    }
    const tf_stage_spec *spec = &s->campaign->stage[stage];
    const tf_column_spec *column = kind < TF_RECORD_COLUMN ? NULL : &spec->column[kind - TF_RECORD_COLUMN];
    store_stage *st = &s->stage[stage];
    const hsize_t tasks = (hsize_t)tf_stage_so_far(spec);
    longest = store_max(s, longest);
    bytes = store_sum(s, bytes);
    if (column && column->type == TF_STRING && longest <= STORE_LONGEST_CELL) {
        k->cells = (table){.type = store_string_type((size_t)longest), .rank = 1, .shape = {tasks}};
        return store_create_table(s, st->results, k->name, (scale *[]){&st->index}, &k->cells) &&
               store_attribute_encoding(k->cells.dataset) >= 0;
    }
    tf_buf index_name = {0};
    tf_buf_addf(&index_name, "%s_index", k->name);
    k->index = (table){.type = H5Tcopy(H5T_STD_I64LE), .rank = 2, .shape = {tasks, 2}};
    k->byte_heap = (table){.type = H5Tcopy(H5T_STD_U8LE), .rank = 1, .shape = {(hsize_t)bytes}};
    bool good = store_create_table(s, st->text, tf_buf_text(&index_name), (scale *[]){&st->index, NULL}, &k->index);
    k->byte_heap.dataset = good ? store_dataset(s, st->text, k->name, k->byte_heap.type, 1, k->byte_heap.shape) : -1;
    tf_buf_free(&index_name);
    return good && k->byte_heap.dataset >= 0;
}

static bool write_kind(const tf_store *s, blob_kind *k) {
    if (k->cells.dataset > 0)
        return write_cells(&k->cells, &k->list);
    bool good = blob_offsets_place(s, &k->list, &k->index);
    return write_byte_heap(&k->byte_heap, &k->list) && good;
}

static void free_kind(blob_kind *k) {
    table *const tables[] = {&k->cells, &k->byte_heap, &k->index};
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        store_close_table(tables[t]);
    free(k->list.items);
}

static tf_err check_lengths(const tf_store *s, int stage, const blob_kind *kind, tf_error *error) {
    const table *const tables[] = {&kind->cells, &kind->byte_heap, &kind->index};
    tf_err err = TF_OK;
    for (size_t t = 0; t < sizeof tables / sizeof *tables && err == TF_OK; t++)
        err = store_check_length(s, stage, tables[t], error);
    return err;
}

static tf_err make_datasets(tf_store *s, int stage, blob_kind *kind, int kinds, const bool *makes, int made,
                            tf_error *error) {
    tf_err err = store_make_room(s, stage, made, error);
    if (err == TF_OK)
        err = store_begin_change(s, error);
    for (int k = 0; k < kinds && err == TF_OK; k++) {
        if (!makes[k])
            continue;
        if (!make_kind(s, stage, k, &kind[k]))
            err = store_error(s, error, "can't make \"%s\"", kind[k].name);
        else
            err = check_lengths(s, stage, &kind[k], error);
        err = store_agree(s, err, error);
    }
    if (err == TF_OK && !scale_list(&s->stage[stage].index))
        err = store_error(s, error, "can't list the texts of stage \"%s\"", s->campaign->stage[stage].name);
    err = store_agree(s, err, error);
    tf_crash_point("texts.made");
    return err == TF_OK ? store_end_change(s, stage, false, error) : err;
}

/* A stage that has none of them costs no change. */
static tf_err make_kinds(tf_store *s, int stage, blob_kind *kind, int kinds, tf_error *error) {
    const tf_stage_spec *spec = &s->campaign->stage[stage];
    int64_t *blobs = tf_alloc_array((size_t)kinds, sizeof *blobs);
    bool *makes = tf_alloc_array((size_t)kinds, sizeof *makes);
    int made = 0;
    for (int k = 0; k < kinds; k++)
        blobs[k] = (int64_t)kind[k].list.count;
    store_sum_all(s, blobs, kinds);
    for (int k = 0; k < kinds; k++)
        made += makes[k] = has_dataset(spec, k, blobs[k]);
    free(blobs);
    const tf_err err = made ? make_datasets(s, stage, kind, kinds, makes, made, error) : TF_OK;
    free(makes);
    return err;
}

static tf_err write_kinds(tf_store *s, blob_kind *kind, int kinds, tf_error *error) {
    tf_err err = TF_OK;
    for (int k = 0; k < kinds && err == TF_OK; k++) {
        if (kind[k].cells.dataset <= 0 && kind[k].byte_heap.dataset <= 0)
            continue;
        if (!write_kind(s, &kind[k]))
            err = store_error(s, error, "can't write \"%s\"", kind[k].name);
        err = store_agree(s, err, error);
        tf_crash_point("texts.written");
    }
    return err;
}

static tf_err move_blobs(tf_store *s, int stage, tf_error *error) {
    const tf_stage_spec *spec = &s->campaign->stage[stage];
    int kinds = TF_RECORD_COLUMN + spec->columns;
    blob_kind *kind = tf_alloc_array((size_t)kinds, sizeof *kind);
    for (int k = 0; k < kinds; k++)
        kind[k].name = store_blob_name(spec, k);
    const char *bytes;
    size_t size;
    tf_err err = side_map(s->side, &bytes, &size, error);
    if (err == TF_OK)
        err = sort_side_file(s, stage, bytes, kind, error);
    err = store_agree(s, err, error);
    if (err == TF_OK)
        err = make_kinds(s, stage, kind, kinds, error);
    if (err == TF_OK)
        err = write_kinds(s, kind, kinds, error);
    side_unmap(bytes, size);
    for (int k = 0; k < kinds; k++)
        free_kind(&kind[k]);
    free(kind);
    return err;
}

tf_err tf_store_blobs(tf_store *s, int stage, tf_error *error) {
    store_begin_vigil(s);
    const tf_err err = move_blobs(s, stage, error);
    store_end_vigil(s);
    return err;
}
