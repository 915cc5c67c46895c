/* Rows into the file: data first, then texts and what vouches for both, and the status last, so that a row that says
 * "done" is. A row that stays pending is not written at all. */
#include "store/stage_tables.h"
#include "store/sync.h"

static tf_err write_run(tf_store *s, const tf_rows *rows, int64_t from, int64_t count, const char *texts, size_t size,
                        tf_error *error) {
    const tf_stage_spec *spec = &s->campaign->stage[rows->stage];
    const store_stage *st = &s->stage[rows->stage];
    const void *const task[TASK_TABLES] = {
        [TASK_ATTEMPTS] = rows->attempts,
        [TASK_INPUT_SET] = rows->input_set,
        [TASK_INPUT_HASH] = rows->input_hash,
        [TASK_EXIT_CODE] = rows->exit_code,
        [TASK_SIGNAL] = rows->signal,
        [TASK_WORKER] = rows->worker,
        [TASK_SLOT] = rows->slot,
        [TASK_START] = rows->start,
        [TASK_DURATION] = rows->duration,
        [TASK_CPU] = rows->cpu,
        [TASK_MAX_RSS] = rows->max_rss,
        [TASK_STATUS] = rows->status,
    };
    int64_t first = rows->first + from;
    bool good = true;
    size_t bytes = 0; /* a row */
    for (int p = 0; rows->params && p < tf_space_params(spec->space) && good; p++) {
        const table *t = &st->param[p];
        if (tf_space_param(spec->space, p)->given)
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
        tf_err err = side_append_rows(s->side, texts, size, rows->stage, first, vouch, error);
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
    const char *texts = rows->texts; /* all of them go with the first run: pending rows have none */
    size_t size = rows->texts_size;
    for (int64_t row = 0, end; row < rows->count && err == TF_OK; row = end) {
        end = tf_rows_run(rows, row);
        if (rows->status[row] == TF_STATUS_PENDING)
            continue;
        err = write_run(s, rows, row, end - row, texts, size, error);
        size = 0;
    }
    return err;
}
