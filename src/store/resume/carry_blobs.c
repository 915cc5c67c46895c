/* Texts of rows that are kept, from the side files of an earlier run, or from the file where their stage was finished.
 */
#include "store/resume/carry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/sync.h"

static tf_err add_blob(const carrying *c, int stage, int64_t index, int32_t kind, int32_t attempt, const void *data,
                       size_t length) {
    size_t size = tf_record_size(length);
    void *record = tf_alloc(size);
    tf_record_write(record, stage, carry_place(&c->plan->stage[stage], index), kind, attempt, data, length);
    tf_err err = side_append(c->side, record, size, c->error);
    free(record);
    return err;
}

/* A blob of an unfinished stage, from an old side file, if its task is kept. */
static tf_err copy_record(void *context, const tf_record *record, int number, int64_t at, int64_t synced,
                          tf_error *error) {
    (void)at, (void)synced, (void)error;
    const carrying *c = context;
    const plan_stage *ps = number >= 0 ? &c->plan->stage[number] : NULL;
    if (record->kind < 0 || !ps || !ps->old || ps->old->finished ||
        record->kind >= TF_RECORD_COLUMN + c->plan->campaign->stage[number].columns ||
        !tf_intervals_contain(&ps->kept, record->index, record->index + 1))
        return TF_OK;
    return add_blob(c, number, record->index, record->kind, record->attempt, record + 1, (size_t)record->length);
}

static tf_err copy_cells(const carrying *c, int stage, int kind, const contents_table *cells) {
    const plan_stage *ps = &c->plan->stage[stage];
    const size_t width =
        cells->row_bytes <= STORE_LONGEST_CELL ? (size_t)cells->row_bytes : 0; /* 0 is an error below */
    char *rows = tf_alloc_array(CARRY_CHUNK, width);
    tf_err err = TF_OK;
    tf_interval run = {0};
    while (err == TF_OK && tf_intervals_next(&ps->kept, CARRY_CHUNK, &run)) {
        int64_t first = run.first, count = run.end - run.first;
        err = old_read(c->old, cells, width, first, count, rows, c->error);
        for (int64_t i = 0; i < count && err == TF_OK; i++)
            err = add_blob(c, stage, first + i, kind, 1, rows + (size_t)i * width,
                           strnlen(rows + (size_t)i * width, width));
    }
    free(rows);
    return err;
}

static tf_err copy_byte_heap(const carrying *c, int stage, int kind, const contents_table *byte_heap,
                             const contents_table *index) {
    const plan_stage *ps = &c->plan->stage[stage];
    int64_t(*rows)[2] = tf_alloc_array(CARRY_CHUNK, sizeof *rows);
    tf_buf text = {0};
    tf_err err = TF_OK;
    tf_interval run = {0};
    while (err == TF_OK && tf_intervals_next(&ps->kept, CARRY_CHUNK, &run)) {
        int64_t first = old_skip_hole(c->old, index, run.first), count = run.end - first;
        if (count <= 0)
            continue;
        err = old_read(c->old, index, sizeof *rows, first, count, rows, c->error);
        for (int64_t i = 0; i < count && err == TF_OK; i++) {
            int64_t offset = rows[i][0], length = rows[i][1];
            if (length == 0)
                continue;
            if (!store_is_in_byte_heap(rows[i], byte_heap->rows) || length > STORE_MOST_BLOB) {
                err = tf_error_set_as(c->error, TF_ERR_RUN, TF_DIAG_OUTPUT_DAMAGED, "%s: is damaged: %s", c->old->path,
                                      index->path);
                break;
            }
            tf_buf_clear(&text);
            tf_buf_reserve(&text, (size_t)length);
            err = old_read(c->old, byte_heap, 1, offset, length, text.data, c->error);
            if (err == TF_OK)
                err = add_blob(c, stage, first + i, kind, 1, text.data, (size_t)length);
        }
    }
    free(rows);
    tf_buf_free(&text);
    return err;
}

/* The blobs of a stage that was finished, from the old file. */
static tf_err copy_finished(const carrying *c, int stage) {
    const tf_stage_spec *spec = &c->plan->campaign->stage[stage];
    const contents_stage *old = c->plan->stage[stage].old;
    tf_err err = TF_OK;
    for (int kind = 0; kind < TF_RECORD_COLUMN + spec->columns && err == TF_OK; kind++) {
        const char *name = store_blob_name(spec, kind);
        if (kind >= TF_RECORD_COLUMN && tf_type_size(spec->column[kind - TF_RECORD_COLUMN].type) > 0)
            continue;
        char path[300], index_path[320];
        snprintf(path, sizeof path, "results/%s", name);
        const contents_table *cells = kind >= TF_RECORD_COLUMN ? contents_table_at(old, path) : NULL;
        snprintf(path, sizeof path, "text/%s", name);
        snprintf(index_path, sizeof index_path, "text/%s_index", name);
        const contents_table *byte_heap = contents_table_at(old, path), *index = contents_table_at(old, index_path);
        if (cells && cells->offset >= 0)
            err = copy_cells(c, stage, kind, cells);
        else if (byte_heap && index && byte_heap->offset >= 0)
            err = copy_byte_heap(c, stage, kind, byte_heap, index);
        else if (kind >= TF_RECORD_COLUMN && !cells && !(byte_heap && index) && c->plan->stage[stage].kept.total > 0)
            err = tf_error_set_as(c->error, TF_ERR_RUN, TF_DIAG_OUTPUT_DAMAGED,
                                  "%s: is damaged: /%s/results/%s is missing", c->old->path, old->name, name);
    }
    return err;
}

/* All that is kept needs someone to vouch for it in the next run, too. */
static tf_err vouch(const carrying *c, int stage) {
    const plan_stage *ps = &c->plan->stage[stage];
    tf_intervals now = {0};
    for (size_t n = 0; n < ps->kept.count; n++) {
        tf_interval run = ps->kept.items[n];
        if (!ps->place)
            tf_intervals_add(&now, run.first, run.end);
        for (int64_t i = run.first; ps->place && i < run.end; i++)
            tf_intervals_add(&now, ps->place[i], ps->place[i] + 1);
    }
    tf_err err = TF_OK;
    for (size_t n = 0; n < now.count && err == TF_OK; n++)
        err = side_append_rows(c->side, NULL, 0, stage, now.items[n].first,
                               (side_rows){.count = now.items[n].end - now.items[n].first}, c->error);
    tf_intervals_free(&now);
    return err;
}

tf_err carry_blobs(carrying *c) {
    tf_store_plan *plan = c->plan;
    c->side = side_open(c->old->path, plan->start.contents.run, 0, c->error);
    if (!c->side)
        return c->error->code;
    tf_err err = plan_each_record(plan, c->old, copy_record, c, c->error);
    for (int s = 0; s < plan->campaign->stages && err == TF_OK; s++) {
        const plan_stage *ps = &plan->stage[s];
        if (!ps->old || ps->finished)
            continue;
        if (ps->old->finished)
            err = copy_finished(c, s);
        if (err == TF_OK)
            err = vouch(c, s);
    }
    int64_t size = side_size(c->side);
    if (err == TF_OK && (fdatasync(side_fd(c->side)) != 0 || fdatasync(c->old->fd) != 0))
        err = store_cant_sync(c->old->path, errno, c->error);
    if (err == TF_OK)
        err = side_append_synced(c->side, size, c->error);
    side_close(c->side);
    c->side = NULL;
    return err;
}
