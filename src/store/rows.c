/* Rows into the file: data first, then blobs and what vouches for both, and the status last, so that a row that says
 * "done" is. A row that stays pending is not written at all. */
#include <string.h>

#include "store/side_index.h"
#include "store/stage_tables.h"
#include "store/sync.h"

/* A column of one value, kept for the rows that come next: they are mostly of the same. */
static const int32_t *fill_column(tf_buf *column, int32_t value, int64_t count) {
    const size_t size = (size_t)count * sizeof value;
    int32_t *cells = (void *)column->data;
    if (column->length >= size && cells[0] == value)
        return cells;
    tf_buf_clear(column);
    tf_buf_reserve(column, size);
    column->length = size;
    cells = (void *)column->data;
    for (int64_t row = 0; row < count; row++)
        cells[row] = value;
    return cells;
}

/* A column of zeros, of up to 8 bytes a cell, for what rows have not of their own. */
static const void *zeros(tf_buf *column, int64_t count) {
    const size_t size = (size_t)count * sizeof(double);
    if (column->length < size) {
        tf_buf_clear(column);
        tf_buf_reserve(column, size);
        column->length = size;
        memset(column->data, 0, size);
    }
    return column->data;
}

/* Of what is the same for all rows: stored where times are. */
static void add_constants(tf_store *s, const tf_rows *rows, const void **task) {
    const void *none = zeros(&s->zeros, rows->count);
    task[TASK_WORKER] = fill_column(&s->worker, rows->worker, rows->count);
    task[TASK_SLOT] = fill_column(&s->slot, rows->slot, rows->count);
    task[TASK_EXIT_CODE] = rows->exit_code ? rows->exit_code : none;
    task[TASK_SIGNAL] = rows->signal ? rows->signal : none;
    task[TASK_CPU] = rows->cpu ? rows->cpu : none;
    task[TASK_MAX_RSS] = rows->max_rss ? rows->max_rss : none;
}

static tf_err write_run(tf_store *s, const tf_rows *rows, int64_t from, int64_t count, const char *blobs, size_t size,
                        tf_error *error) {
    const tf_stage_spec *spec = &s->campaign->stage[rows->stage];
    const store_stage *st = &s->stage[rows->stage];
    const void *task[TASK_TABLES] = {
        [TASK_ATTEMPTS] = rows->attempts, [TASK_INPUT_SET] = rows->input_set, [TASK_INPUT_HASH] = rows->input_hash,
        [TASK_START] = rows->start,       [TASK_DURATION] = rows->duration,   [TASK_STATUS] = rows->status,
    };
    if (spec->record_full)
        add_constants(s, rows, task);
    int64_t first = rows->first + from;
    bool good = true;
    size_t bytes = 0; /* a row */
    for (int p = 0; rows->params && p < tf_space_params(spec->space) && good; p++) {
        const table *t = &st->param[p];
        if (tf_space_param(spec->space, p)->upstream)
            continue;
        size_t cell = H5Tget_size(t->type);
        bytes += cell;
        good = store_write_rows(t, first, count, (const char *)rows->params[p] + (size_t)from * cell) >= 0;
    }
    side_rows vouch = {.count = count};
    for (int i = 0; i < st->parts && good; i++) {
        const row_part *part = &st->part[i];
        const char *data = part->column >= 0 ? rows->columns[part->column] : task[part->task];
        const char *start = data + (size_t)from * part->bytes;
        bytes += part->bytes;
        vouch.hash = store_hash_rows(part, first, count, start, vouch.hash);
        bool is_status = part->column < 0 && part->task == TASK_STATUS;
        if (!is_status)
            good = store_write_rows(store_part_table(st, part), first, count, start) >= 0;
    }
    tf_crash_point("rows.data");
    if (good) {
        const int64_t side_first = side_size(s->side);
        tf_err err = side_append_rows(s->side, blobs, size, rows->stage, first, vouch, error);
        side_index_note(s, rows->stage, side_first, side_size(s->side));
        if (err != TF_OK)
            return err;
    }
    tf_crash_point("rows.texts");
    if (good && store_write_rows(&st->task[TASK_STATUS], first, count, rows->status + from) >= 0)
        return store_note_written(s, count * (int64_t)bytes, error);
    return store_error(s, error, "can't write rows %lld to %lld of stage \"%s\"", (long long)first,
                       (long long)(first + count - 1), spec->name);
}

tf_err tf_store_write(tf_store *s, const tf_rows *rows, tf_error *error) {
    tf_err err = TF_OK;
    const char *blobs = rows->blobs; /* all of them go with the first run: pending rows have none */
    size_t size = rows->blobs_size;
    for (int64_t row = 0, end; row < rows->count && err == TF_OK; row = end) {
        end = tf_rows_run(rows, row);
        if (rows->status[row] == TF_STATUS_PENDING)
            continue;
        err = write_run(s, rows, row, end - row, blobs, size, error);
        size = 0;
    }
    return err;
}
