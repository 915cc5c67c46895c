/* Rows into the file: data first, then texts, and the status last, so that a row that says "done" is. */
#include "store/file.h"

herr_t store_write_rows(const table *t, int64_t first, int64_t count, const void *data) {
    hsize_t start[1 + TF_MAX_RANK] = {(hsize_t)first}, size[1 + TF_MAX_RANK] = {(hsize_t)count};
    for (int d = 1; d < t->rank; d++)
        size[d] = t->shape[d];
    hid_t memory = H5Screate_simple(t->rank, size, NULL);
    hid_t where = H5Screate_simple(t->rank, t->shape, NULL);
    H5Sselect_hyperslab(where, H5S_SELECT_SET, start, NULL, size, NULL);
    herr_t result = H5Dwrite(t->dataset, t->type, memory, where, H5P_DEFAULT, data);
    H5Sclose(where);
    H5Sclose(memory);
    return result;
}

static bool write_table(const table *t, const tf_rows *rows, const void *data) {
    return t->dataset <= 0 || !data || store_write_rows(t, rows->first, rows->count, data) >= 0;
}

tf_err tf_store_write(tf_store *s, const tf_rows *rows, tf_error *error) {
    if (rows->count == 0)
        return TF_OK;
    const tf_stage_spec *spec = &s->campaign->stage[rows->stage];
    const store_stage *st = &s->stage[rows->stage];
    const void *task[TASK_STATUS] = {
        [TASK_ATTEMPTS] = rows->attempts, [TASK_EXIT_CODE] = rows->exit_code,
        [TASK_SIGNAL] = rows->signal,     [TASK_WORKER] = rows->worker,
        [TASK_SLOT] = rows->slot,         [TASK_START] = rows->start,
        [TASK_DURATION] = rows->duration, [TASK_CPU] = rows->cpu,
        [TASK_MAX_RSS] = rows->max_rss,
    };
    bool good = true;
    for (int p = 0; rows->params && p < tf_space_params(spec->space) && good; p++)
        good = write_table(&st->param[p], rows, rows->params[p]);
    for (int c = 0; c < spec->columns && good; c++)
        good = write_table(&st->column[c], rows, rows->columns[c]);
    for (int i = 0; i < TASK_STATUS && good; i++)
        good = write_table(&st->task[i], rows, task[i]);
    if (good && rows->texts_size > 0) {
        tf_err err = side_append(s->side, rows->texts, rows->texts_size, error);
        if (err != TF_OK)
            return err;
    }
    if (good && write_table(&st->task[TASK_STATUS], rows, rows->status))
        return TF_OK;
    return store_error(s, error, "can't write rows %lld to %lld of stage \"%s\"", (long long)rows->first,
                       (long long)(rows->first + rows->count - 1), spec->name);
}
