/* Blocks of arrays that tasks read: of datasets of other files, which each rank opens for itself, and of columns of
 * other stages, which are finished by then. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "store/array_files.h"
#include "store/upstream.h"

/* ---- Opening ---- */

static tf_err open_column(tf_store *s, const tf_array_spec *array, array_source *source, tf_error *error) {
    const tf_stage_spec *other = &s->campaign->stage[array->stage];
    char path[600];
    const tf_column_spec *column = &other->column[array->column];
    table t = {.type = store_number_type(column->type), .rank = column->grid->rank};
    h5_fault fault = {0};
    for (int d = 0; d < t.rank; d++)
        t.shape[d] = (hsize_t)column->grid->shape[d];
    snprintf(path, sizeof path, "%s/results/%s", other->name, column->name);
    const bool good = store_open_table(s->file, path, &t, &fault) && t.dataset > 0;
    H5Tclose(t.type);
    source->dataset = t.dataset;
    store_blame(s, &fault);
    return good ? store_open_status(s, array->stage, &source->status, error)
                : store_error(s, error, "can't open %s", path);
}

tf_err store_open_arrays(tf_store *s, int stage, tf_error *error) {
    const tf_stage_spec *spec = &s->campaign->stage[stage];
    store_stage *st = &s->stage[stage];
    tf_err err = TF_OK;
    if (spec->arrays == 0)
        return TF_OK;
    st->array = tf_alloc_array((size_t)spec->arrays, sizeof *st->array);
    st->files = tf_files_new(s->campaign);
    for (int a = 0; a < spec->arrays && err == TF_OK; a++) {
        if (spec->array[a].csv)
            continue;
        st->array[a].type = store_number_type(spec->array[a].type);
        if (spec->array[a].stage >= 0)
            err = open_column(s, &spec->array[a], &st->array[a], error);
    }
    return err;
}

static void close_dataset(array_source *source) {
    if (source->dataset > 0)
        H5Dclose(source->dataset);
    if (source->file > 0)
        H5Fclose(source->file);
    source->dataset = source->file = 0;
}

void store_close_arrays(tf_store *s, int stage) {
    store_stage *st = &s->stage[stage];
    for (int a = 0; st->array && a < s->campaign->stage[stage].arrays; a++) {
        close_dataset(&st->array[a]);
        store_close_table(&st->array[a].status);
        if (st->array[a].type > 0)
            H5Tclose(st->array[a].type);
        tf_buf_free(&st->array[a].path);
    }
    tf_files_free(st->files);
    free(st->array);
    st->array = NULL;
    st->files = NULL;
}

/* 0 if the file is not known. */
static int64_t file_bytes(const array_source *source) {
    struct stat info;
    return source->fd >= 0 && fstat(source->fd, &info) == 0 ? (int64_t)info.st_size : 0;
}

/* The task's dataset, which may be in another file than that of the task before. */
static tf_err open_for_task(tf_store *s, int stage, int a, int64_t index, tf_error *error) {
    const tf_stage_spec *spec = &s->campaign->stage[stage];
    const tf_array_spec *array = &spec->array[a];
    array_source *source = &s->stage[stage].array[a];
    const tf_file_spec *input = &spec->input[array->file];
    tf_paths paths = {0};
    tf_buf why = {0};
    if (source->dataset > 0 && tf_template_is_constant(input->text))
        return TF_OK;
    tf_files_of_spec(s->stage[stage].files, stage, input, index, &paths);
    const char *path = tf_paths_text(&paths, 0);
    if (source->dataset <= 0 || strcmp(path, tf_buf_text(&source->path)) != 0) {
        close_dataset(source);
        tf_buf_clear(&source->path);
        tf_buf_adds(&source->path, path);
        source->dataset = array_file_open(path, array, &source->file, &why);
        source->fd = why.length ? -1 : array_file_descriptor(source->file);
        source->bytes = file_bytes(source);
    }
    tf_err err = TF_OK;
    if (why.length) {
        source->dataset = source->file = 0;
        err = tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_BAD_DATA, "%s: array \"%s\" of stage \"%s\": %s", path,
                              array->name, spec->name, why.data);
    }
    tf_paths_free(&paths);
    tf_buf_free(&why);
    return err;
}

/* ---- Blocks ---- */

/* What of a block, with its halo, lies in the array: elements low .. high - 1 of each dimension. */
static void clip(const tf_array_spec *array, const tf_block *block, int64_t *low, int64_t *high) {
    for (int d = 0; d < block->rank; d++) {
        const int64_t length = array->grid->shape[array->grid->first + d];
        low[d] = block->start[d] - block->before[d];
        high[d] = low[d] + block->shape[d];
        low[d] = low[d] > 0 ? low[d] : 0;
        high[d] = high[d] < length ? high[d] : length;
    }
}

/* Fills what is beyond the array in dimension d: the element at its end is the first in the mirror, too. Other
 * dimensions are filled or will be. */
static void reflect(const tf_array_spec *array, const tf_block *block, int d, char *elements) {
    const int64_t length = array->grid->shape[array->grid->first + d], first = block->start[d] - block->before[d];
    size_t line = tf_type_size(array->type);
    int64_t planes = 1;
    for (int e = 0; e < block->rank; e++) {
        planes *= e < d ? block->shape[e] : 1;
        line *= e > d ? (size_t)block->shape[e] : 1;
    }
    for (int64_t i = 0; i < block->shape[d]; i++) {
        int64_t at = first + i;
        int64_t mirrored = at < 0 ? -1 - at : at >= length ? 2 * length - 1 - at : at;
        for (int64_t p = 0; p < planes && mirrored != at; p++)
            memcpy(elements + (size_t)(p * block->shape[d] + i) * line,
                   elements + (size_t)(p * block->shape[d] + mirrored - first) * line, line);
    }
}

static herr_t read_block(const tf_array_spec *array, const array_source *source, const tf_block *block,
                         void *elements) {
    int64_t low[TF_MAX_RANK], high[TF_MAX_RANK];
    hsize_t shape[TF_MAX_RANK], whole[TF_MAX_RANK], from[TF_MAX_RANK], to[TF_MAX_RANK], count[TF_MAX_RANK];
    clip(array, block, low, high);
    for (int d = 0; d < block->rank; d++) {
        shape[d] = (hsize_t)block->shape[d];
        whole[d] = (hsize_t)array->grid->shape[array->grid->first + d];
        from[d] = (hsize_t)low[d];
        count[d] = (hsize_t)(high[d] - low[d]);
        to[d] = (hsize_t)(low[d] - (block->start[d] - block->before[d]));
    }
    hid_t memory = H5Screate_simple(block->rank, shape, NULL), where = H5Screate_simple(block->rank, whole, NULL);
    H5Sselect_hyperslab(memory, H5S_SELECT_SET, to, NULL, count, NULL);
    H5Sselect_hyperslab(where, H5S_SELECT_SET, from, NULL, count, NULL);
    herr_t result = H5Dread(source->dataset, source->type, memory, where, H5P_DEFAULT, elements);
    H5Sclose(where);
    H5Sclose(memory);
    return result;
}

static tf_err read_column(const tf_array_spec *array, int64_t index, void *elements, tf_error *error) {
    void **out = tf_alloc_array((size_t)tf_csv_fields(array->csv), sizeof *out);
    out[array->field] = elements;
    tf_err err = tf_csv_read(array->csv, tf_array_part(array, index), out, error);
    free(out);
    return err;
}

tf_err tf_store_block(void *context, int stage, int a, int64_t index, void *elements, tf_error *error) {
    tf_store *s = context;
    const tf_array_spec *array = &s->campaign->stage[stage].array[a];
    const array_source *source = &s->stage[stage].array[a];
    tf_block block;
    if (array->csv)
        return read_column(array, index, elements, error);
    tf_array_place(array, index, &block);
    tf_err err = array->file >= 0 ? open_for_task(s, stage, a, index, error) : TF_OK;
    if (err != TF_OK)
        return err;
    if (read_block(array, source, &block, elements) < 0)
        return store_error(s, error, "can't read array \"%s\" of stage \"%s\"%s%s", array->name,
                           s->campaign->stage[stage].name, array->file >= 0 ? " from " : "",
                           tf_buf_text(&source->path));
    if (array->file >= 0 && file_bytes(source) < source->bytes) /* HDF5 gives zeros for what is not there */
        return tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_BAD_DATA,
                               "%s: array \"%s\" of stage \"%s\": the file has been cut off since it was opened",
                               source->path.data, array->name, s->campaign->stage[stage].name);
    for (int d = 0; array->reflect && d < block.rank; d++)
        reflect(array, &block, d, elements);
    return TF_OK;
}

/* Bytes of the largest block that stand side by side in the array. */
static int64_t line_bytes(const tf_array_spec *array) {
    const tf_grid *grid = array->grid;
    int64_t bytes = (int64_t)tf_type_size(array->type);
    bool is_whole = true;
    for (int d = grid->inner - 1; d >= 0 && is_whole; d--) {
        const int64_t length = grid->shape[grid->first + d], block = grid->chunk[grid->first + d] + 2 * array->halo[d];
        bytes *= block < length ? block : length;
        is_whole = block >= length;
    }
    return bytes;
}

/* A line is a call of the system. HDF5 reads lines 64 KB at a time, with what is between them, which pays where they
 * are short. */
bool tf_store_array_file(void *context, int stage, int a, tf_array_file *file) {
    enum { SHORT = 1024 }; /* bytes */
    tf_store *s = context;
    const tf_array_spec *array = &s->campaign->stage[stage].array[a];
    const array_source *source = &s->stage[stage].array[a];
    tf_error ignored;
    return array->file >= 0 && tf_template_is_constant(s->campaign->stage[stage].input[array->file].text) &&
           line_bytes(array) >= SHORT && open_for_task(s, stage, a, 0, &ignored) == TF_OK &&
           array_file_find(source->fd, source->dataset, array->type, file);
}

/* ---- What became of other stages' blocks ---- */

/* The other array's blocks that an element belongs to are numbered by dimension. */
static int64_t block_number(const tf_grid *grid, const int64_t *block) {
    int64_t number = 0;
    for (int d = 0; d < grid->rank; d++)
        number = number * ((grid->shape[d] - 1) / grid->chunk[d] + 1) + block[d];
    return number;
}

/* The next line of blocks, but for the last dimension; false when all have been. */
static bool next_line(int rank, const int64_t *first, const int64_t *last, int64_t *block) {
    for (int d = rank - 2; d >= 0; d--) {
        if (++block[d] <= last[d])
            return true;
        block[d] = first[d];
    }
    return false;
}

herr_t store_upstream_array_status(const tf_store *s, int stage, int a, int64_t index, uint8_t *status) {
    const tf_array_spec *array = &s->campaign->stage[stage].array[a];
    const array_source *source = &s->stage[stage].array[a];
    const tf_grid *grid = s->campaign->stage[array->stage].column[array->column].grid;
    int64_t low[TF_MAX_RANK] = {0}, high[TF_MAX_RANK] = {0};
    int64_t first[TF_MAX_RANK] = {0}, last[TF_MAX_RANK] = {0}, at[TF_MAX_RANK];
    tf_block block;
    tf_array_place(array, index, &block);
    clip(array, &block, low, high);
    for (int d = 0; d < grid->rank; d++) {
        first[d] = at[d] = low[d] / grid->chunk[d];
        last[d] = (high[d] - 1) / grid->chunk[d];
    }
    const int64_t line = last[grid->rank - 1] - first[grid->rank - 1] + 1;
    uint8_t *rows = tf_alloc((size_t)line);
    herr_t result = 0;
    do {
        result = store_read_rows(&source->status, block_number(grid, at), line, rows);
        for (int64_t i = 0; i < line && result >= 0; i++)
            *status = store_join_upstream(*status, rows[i]);
    } while (result >= 0 && next_line(grid->rank, first, last, at));
    free(rows);
    return result;
}
