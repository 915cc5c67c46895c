/* Parts of rows, and copies (see rows_part.h). */
#include "farm/rows_part.h"

#include <string.h>

static const void *take(const rows_part *p, const void *cells, size_t size) {
    if (!cells)
        return NULL;
    const char *first = (const char *)cells + (size_t)p->from * size;
    if (!p->arena)
        return first;
    const size_t bytes = (size_t)p->count * size;
    return bytes ? memcpy(tf_arena_alloc(p->arena, bytes), first, bytes) : first;
}

static const void *const *take_params(const rows_part *p, const tf_space *space, const void *const *params,
                                      const void **out) {
    for (int i = 0; params && i < tf_space_params(space); i++)
        out[i] = tf_space_param(space, i)->upstream ? NULL : take(p, params[i], tf_space_cell_size(space, i));
    return params ? out : NULL;
}

static const void *const *take_columns(const rows_part *p, const tf_stage_spec *spec, const void *const *columns,
                                       const void **out) {
    for (int i = 0; columns && i < spec->columns; i++) {
        const size_t size = tf_column_bytes(&spec->column[i]);
        out[i] = size ? take(p, columns[i], size) : NULL;
    }
    return columns ? out : NULL;
}

tf_rows rows_part_take(const rows_part *p, const tf_stage_spec *spec, const tf_rows *rows, const void **pointers) {
    tf_rows out = *rows;
    out.first += p->from;
    out.count = p->count;
    if (rows->count > 0)
        out.seconds = rows->seconds / (double)rows->count * (double)p->count;
    out.params = take_params(p, spec->space, rows->params, pointers);
    out.columns = take_columns(p, spec, rows->columns, pointers + tf_space_params(spec->space));
    out.status = take(p, rows->status, sizeof *rows->status);
    out.attempts = take(p, rows->attempts, sizeof *rows->attempts);
    out.input_set = take(p, rows->input_set, sizeof *rows->input_set);
    out.input_hash = take(p, rows->input_hash, sizeof *rows->input_hash);
    out.start = take(p, rows->start, sizeof *rows->start);
    out.duration = take(p, rows->duration, sizeof *rows->duration);
    out.exit_code = take(p, rows->exit_code, sizeof *rows->exit_code);
    out.signal = take(p, rows->signal, sizeof *rows->signal);
    out.cpu = take(p, rows->cpu, sizeof *rows->cpu);
    out.max_rss = take(p, rows->max_rss, sizeof *rows->max_rss);
    return out;
}

size_t rows_part_pointers(const tf_stage_spec *spec) {
    return (size_t)(tf_space_params(spec->space) + spec->columns) + 1;
}

void rows_part_add_blobs(const tf_rows *rows, int64_t first, int64_t end, tf_buf *out) {
    const char *bytes = rows->blobs;
    for (size_t at = 0, size; at < rows->blobs_size; at += size) {
        const tf_record *record = (const tf_record *)(const void *)(bytes + at);
        size = tf_record_size((size_t)record->length);
        if (record->index >= first && record->index < end)
            tf_buf_add(out, record, size);
    }
}
