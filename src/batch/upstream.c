/* Copies what tasks take of other stages' rows, and their blocks of arrays, into their batch before they start. */
#include "batch/batch.h"

/* Copies blocks of arrays for the tasks that are going to be run. Tables are read by hosts. */
static tf_err copy_blocks(const tf_task_source *from, const tf_stage_spec *spec, const batch_columns *columns,
                          int64_t first, int64_t count, tf_error *error) {
    tf_err err = TF_OK;
    for (int a = 0; a < spec->arrays && from->block; a++) {
        size_t size = tf_array_bytes(&spec->array[a]);
        const bool is_copied = !spec->array[a].csv && !(columns->files && batch_is_read(spec, a));
        for (int64_t row = 0; row < count && err == TF_OK && is_copied; row++)
            if (!columns->upstream_status || columns->upstream_status[row] == TF_STATUS_DONE)
                err = from->block(from->context, spec->number, a, first + row,
                                  (char *)columns->arrays[a] + (size_t)row * size, error);
    }
    return err;
}

tf_err batch_copy_upstream(const batch_map *map, const tf_stage_spec *spec, batch_columns *columns,
                           const tf_task_source *from, const tf_array_file *files, int64_t first, int64_t count,
                           tf_error *error) {
    tf_err err = TF_OK;
    if (!tf_stage_takes_rows(spec) && spec->arrays == 0)
        return TF_OK;
    batch_locate(map, spec, files != NULL, 0, columns);
    for (int a = 0; a < spec->arrays && files; a++)
        columns->files[a] = files[a];
    if (tf_stage_takes_rows(spec))
        err = from->status(from->context, spec->number, first, count, columns->upstream_status, error);
    for (int p = 0; p < tf_space_params(spec->space) && err == TF_OK; p++)
        if (tf_space_param(spec->space, p)->upstream)
            err = from->values(from->context, spec->number, p, first, count, columns->params[p], error);
    return err == TF_OK ? copy_blocks(from, spec, columns, first, count, error) : err;
}
