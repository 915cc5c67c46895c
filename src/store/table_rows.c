/* Rows of a dataset, read and written where they belong. Of an array a row is one of its blocks, which lies in memory
 * as the corner of a whole chunk. */
#include "store/table.h"

static void select_rows(const table *t, int64_t first, int64_t count, hid_t *memory, hid_t *where) {
    hsize_t start[H5_RANKS] = {(hsize_t)first}, size[H5_RANKS] = {(hsize_t)count};
    for (int d = 1; d < t->rank; d++)
        size[d] = t->shape[d];
    *memory = H5Screate_simple(t->rank, size, NULL);
    *where = H5Screate_simple(t->rank, t->shape, NULL);
    H5Sselect_hyperslab(*where, H5S_SELECT_SET, start, NULL, size, NULL);
}

/* The part of a chunk that lies in the array: a corner of it, since the last chunks may reach beyond the array's ends.
 */
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

herr_t store_read_elements(const table *t, const int64_t *start, const int64_t *count, void *data) {
    hsize_t from[H5_RANKS], size[H5_RANKS];
    to_sizes(t->rank, start, from);
    to_sizes(t->rank, count, size);
    hid_t memory = H5Screate_simple(t->rank, size, NULL), where = H5Screate_simple(t->rank, t->shape, NULL);
    H5Sselect_hyperslab(where, H5S_SELECT_SET, from, NULL, size, NULL);
    herr_t result = H5Dread(t->dataset, t->type, memory, where, H5P_DEFAULT, data);
    H5Sclose(where);
    H5Sclose(memory);
    return result;
}
