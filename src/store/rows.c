/* Rows into the file: data first, then texts and what vouches for both, and the status last, so that a row that says
 * "done" is. A row that stays pending is not written at all. */
#include "store/file.h"

#include <stdlib.h>

static void select_rows(const table *t, int64_t first, int64_t count, hid_t *memory, hid_t *where) {
    hsize_t start[1 + TF_MAX_RANK] = {(hsize_t)first}, size[1 + TF_MAX_RANK] = {(hsize_t)count};
    for (int d = 1; d < t->rank; d++)
        size[d] = t->shape[d];
    *memory = H5Screate_simple(t->rank, size, NULL);
    *where = H5Screate_simple(t->rank, t->shape, NULL);
    H5Sselect_hyperslab(*where, H5S_SELECT_SET, start, NULL, size, NULL);
}

/* Element `at` and so many others of a chunk that lies in memory. */
typedef struct corner {
    int64_t start[TF_MAX_RANK], count[TF_MAX_RANK];
    bool is_whole; /* chunk */
} corner;

static corner corner_of(const tf_grid *grid, int64_t point) {
    corner c = {.is_whole = true};
    tf_grid_block(grid, point, c.start, c.count);
    for (int d = 0; d < grid->rank; d++)
        c.is_whole = c.is_whole && c.count[d] == grid->chunk[d];
    return c;
}

static size_t chunk_bytes(const tf_grid *grid, size_t element) {
    for (int d = 0; d < grid->rank; d++)
        element *= (size_t)grid->chunk[d];
    return element;
}

static void to_sizes(int rank, const int64_t *from, hsize_t *to) {
    for (int d = 0; d < rank; d++)
        to[d] = (hsize_t)from[d];
}

/* The block in the file. In memory it is the corner of a chunk, or else alone. Both spaces have the array's dimensions:
 * if their shapes differ, HDF5 goes element by element. */
static void select_block(const table *t, int64_t row, bool corner_of_chunk, hid_t *memory, hid_t *where) {
    const int rank = t->grid->rank;
    hsize_t start[TF_MAX_RANK], count[TF_MAX_RANK], chunk[TF_MAX_RANK], none[TF_MAX_RANK] = {0};
    corner c = corner_of(t->grid, row);
    to_sizes(rank, c.start, start);
    to_sizes(rank, c.count, count);
    to_sizes(rank, t->grid->chunk, chunk);
    *memory = H5Screate_simple(rank, corner_of_chunk ? chunk : count, NULL);
    *where = H5Screate_simple(rank, t->shape, NULL);
    H5Sselect_hyperslab(*memory, H5S_SELECT_SET, none, NULL, count, NULL);
    H5Sselect_hyperslab(*where, H5S_SELECT_SET, start, NULL, count, NULL);
}

/* Writes (from `out`) or reads (to `in`) blocks. */
static herr_t move_blocks(const table *t, int64_t first, int64_t count, const char *out, char *in) {
    const size_t bytes = chunk_bytes(t->grid, H5Tget_size(t->type));
    herr_t result = 0;
    for (int64_t i = 0; i < count && result >= 0; i++) {
        hid_t memory, where;
        select_block(t, first + i, true, &memory, &where);
        result = out ? H5Dwrite(t->dataset, t->type, memory, where, H5P_DEFAULT, out + (size_t)i * bytes)
                     : H5Dread(t->dataset, t->type, memory, where, H5P_DEFAULT, in + (size_t)i * bytes);
        H5Sclose(where);
        H5Sclose(memory);
    }
    return result;
}

/* What of a chunk is beyond the array is not written, and not hashed. */
static uint64_t hash_block(const tf_grid *grid, const corner *c, size_t element, const char *cell, uint64_t hash) {
    const int last = grid->rank - 1;
    int64_t lines = 1;
    for (int d = 0; d < last; d++)
        lines *= c->count[d];
    for (int64_t n = 0; n < lines; n++) {
        int64_t at = tf_line_in_chunk(grid->rank, c->count, grid->chunk, n);
        hash = tf_hash(cell + (size_t)at * element, (size_t)c->count[last] * element, hash);
    }
    return hash;
}

uint64_t store_hash_rows(const row_part *part, int64_t first, int64_t count, const void *data, uint64_t hash) {
    if (!part->grid)
        return tf_hash(data, (size_t)count * part->bytes, hash);
    const size_t element = part->bytes / chunk_bytes(part->grid, 1);
    for (int64_t i = 0; i < count; i++) {
        const char *cell = (const char *)data + (size_t)i * part->bytes;
        corner c = corner_of(part->grid, first + i);
        hash = c.is_whole ? tf_hash(cell, part->bytes, hash) : hash_block(part->grid, &c, element, cell, hash);
    }
    return hash;
}

herr_t store_write_rows(const table *t, int64_t first, int64_t count, const void *data) {
    hid_t memory, where;
    if (t->grid)
        return move_blocks(t, first, count, data, NULL);
    select_rows(t, first, count, &memory, &where);
    herr_t result = H5Dwrite(t->dataset, t->type, memory, where, H5P_DEFAULT, data);
    H5Sclose(where);
    H5Sclose(memory);
    return result;
}

herr_t store_read_rows(const table *t, int64_t first, int64_t count, void *data) {
    hid_t memory, where;
    if (t->grid)
        return move_blocks(t, first, count, NULL, data);
    select_rows(t, first, count, &memory, &where);
    herr_t result = H5Dread(t->dataset, t->type, memory, where, H5P_DEFAULT, data);
    H5Sclose(where);
    H5Sclose(memory);
    return result;
}

herr_t store_read_block(const table *t, int64_t row, void *data) {
    hid_t memory, where;
    select_block(t, row, false, &memory, &where);
    herr_t result = H5Dread(t->dataset, t->type, memory, where, H5P_DEFAULT, data);
    H5Sclose(where);
    H5Sclose(memory);
    return result;
}

tf_err tf_store_status(tf_store *s, int stage, int64_t first, int64_t count, uint8_t *status, tf_error *error) {
    herr_t result = store_read_rows(&s->stage[stage].task[TASK_STATUS], first, count, status);
    return result >= 0 ? TF_OK : store_error(s, error, "can't read statuses");
}

int store_row_parts(const tf_stage_spec *spec, row_part *parts) {
    static const size_t task_bytes[TASK_TABLES] = {
        [TASK_ATTEMPTS] = 1, [TASK_INPUT_SET] = 8, [TASK_INPUT_HASH] = 8, [TASK_EXIT_CODE] = 4,
        [TASK_SIGNAL] = 4,   [TASK_WORKER] = 4,    [TASK_SLOT] = 4,       [TASK_START] = 8,
        [TASK_DURATION] = 8, [TASK_CPU] = 8,       [TASK_MAX_RSS] = 8,    [TASK_STATUS] = 1,
    };
    int count = 0;
    for (int c = 0; c < spec->columns; c++)
        if (tf_column_bytes(&spec->column[c]))
            parts[count++] = (row_part){.folder = "results",
                                        .name = spec->column[c].name,
                                        .column = c,
                                        .bytes = tf_column_bytes(&spec->column[c]),
                                        .grid = spec->column[c].grid};
    for (int i = 0; i < TASK_TABLES; i++)
        if (store_has_task_table(spec, i))
            parts[count++] = (row_part){
                .folder = "task", .name = store_task_name(i), .column = -1, .task = i, .bytes = task_bytes[i]};
    return count;
}

int64_t store_expected_bytes(const tf_campaign *campaign) {
    int64_t bytes = 0;
    for (int s = 0; s < campaign->stages; s++) {
        const tf_stage_spec *spec = &campaign->stage[s];
        row_part *part = tf_alloc_array((size_t)spec->columns + TASK_TABLES, sizeof *part);
        size_t row = 0;
        for (int n = store_row_parts(spec, part); n-- > 0;)
            row += part[n].bytes;
        for (int p = 0; spec->store_params && p < tf_space_params(spec->space); p++)
            row += tf_space_cell_size(spec->space, p);
        bytes += (int64_t)row * tf_space_size(spec->space);
        free(part);
    }
    return bytes;
}

/* Rows from .. from + count - 1 of those given. */
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
