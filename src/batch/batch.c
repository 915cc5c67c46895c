/* The layout of a batch in shared memory, and mapping it. */
#include "batch/batch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { TARGET_BYTES = 2 << 20, MOST_ROWS = 65536, MOST_CALLS = 4, BLOBS_AT_FIRST = 64 * 1024, ALIGNMENT = 64 };

/* Hands out consecutive aligned columns of `rows` cells, each by its cell `row`. With `base` NULL it only counts the
 * bytes. */
typedef struct area {
    char *base;
    size_t rows, row;
    size_t used; /* bytes */
} area;

static size_t align(size_t bytes) {
    return (bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

static void *allocate(area *a, size_t cell) {
    void *at = a->base ? a->base + a->used + a->row * cell : NULL;
    a->used += align(a->rows * cell);
    return at;
}

/* The same of what a batch has once, whatever the number of its rows. */
static void *allocate_once(area *a, size_t bytes) {
    void *at = a->base ? a->base + a->used : NULL;
    a->used += align(bytes);
    return at;
}

static void place_columns(area *a, const tf_stage_spec *stage, bool reads_blocks, batch_columns *c) {
    a->used = align(sizeof(batch_header));
    c->files = reads_blocks ? allocate_once(a, (size_t)stage->arrays * sizeof *c->files) : NULL;
    for (int p = 0; p < tf_space_params(stage->space); p++) {
        bool used = stage->store_params || tf_space_param(stage->space, p)->upstream;
        void *at = used ? allocate(a, tf_space_cell_size(stage->space, p)) : NULL;
        if (c->params)
            c->params[p] = at;
    }
    for (int k = 0; k < stage->columns; k++) {
        size_t size = tf_column_bytes(&stage->column[k]);
        void *at = size ? allocate(a, size) : NULL;
        if (c->columns)
            c->columns[k] = at;
    }
    for (int i = 0; i < stage->arrays; i++) {
        const size_t size = tf_array_bytes(&stage->array[i]);
        void *at = reads_blocks && batch_is_read(stage, i) ? allocate_once(a, size) : allocate(a, size);
        if (c->arrays)
            c->arrays[i] = at;
    }
    c->upstream_status = tf_stage_takes_rows(stage) ? allocate(a, sizeof *c->upstream_status) : NULL;
    c->status = allocate(a, sizeof *c->status);
    c->attempts = allocate(a, sizeof *c->attempts);
    c->input_set = stage->inputs ? allocate(a, sizeof *c->input_set) : NULL;
    c->input_hash = tf_stage_hashes_inputs(stage) ? allocate(a, sizeof *c->input_hash) : NULL;
    const bool has_times = stage->record_full, has_process = has_times && tf_run_has_process(&stage->run);
    const bool is_process = has_times && tf_run_is_command(&stage->run);
    c->start = has_times ? allocate(a, sizeof *c->start) : NULL;
    c->duration = has_times ? allocate(a, sizeof *c->duration) : NULL;
    c->exit_code = has_process ? allocate(a, sizeof *c->exit_code) : NULL;
    c->signal = has_process ? allocate(a, sizeof *c->signal) : NULL;
    c->cpu = is_process ? allocate(a, sizeof *c->cpu) : NULL;
    c->max_rss = is_process ? allocate(a, sizeof *c->max_rss) : NULL;
}

static size_t size_of_rows(const tf_stage_spec *stage, bool reads_blocks, int64_t rows) {
    area a = {.rows = (size_t)rows};
    batch_columns none = {0};
    place_columns(&a, stage, reads_blocks, &none);
    return a.used;
}

int64_t batch_capacity(const tf_stage_spec *stage, bool reads_blocks) {
    size_t fixed = size_of_rows(stage, reads_blocks, 0);
    size_t sample =
        (size_of_rows(stage, reads_blocks, ALIGNMENT) - fixed) / ALIGNMENT; /* exact: every element size divides it */
    int64_t rows = (int64_t)(TARGET_BYTES / (sample ? sample : 1));
    const int64_t batch = tf_stage_batch(stage), most = batch > MOST_ROWS / MOST_CALLS ? MOST_CALLS * batch : MOST_ROWS;
    rows = rows < 1 ? 1 : rows > most ? most : rows;
    return batch < rows ? rows / batch * batch : batch;
}

static bool has_read_arrays(const tf_stage_spec *stage) {
    bool any = false;
    for (int a = 0; a < stage->arrays; a++)
        any = any || batch_is_read(stage, a);
    return any;
}

int64_t batch_most_rows(const tf_stage_spec *stage) {
    const int64_t copied = batch_capacity(stage, false), read = batch_capacity(stage, has_read_arrays(stage));
    return copied > read ? copied : read;
}

size_t batch_fixed_size(const tf_campaign *campaign) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), most = page;
    for (int s = 0; s < campaign->stages; s++) {
        const tf_stage_spec *stage = &campaign->stage[s];
        for (int n = 0; n < (has_read_arrays(stage) ? 2 : 1); n++) {
            const bool reads = n > 0;
            const size_t size = size_of_rows(stage, reads, batch_capacity(stage, reads));
            most = size > most ? size : most;
        }
    }
    return (most + page - 1) / page * page;
}

bool batch_map_open(batch_map *map, int fd, size_t fixed_size) {
    void *fixed = mmap(NULL, fixed_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    void *blobs = mmap(NULL, BLOBS_AT_FIRST, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)fixed_size);
    *map = (batch_map){.fd = fd,
                       .fixed = fixed == MAP_FAILED ? NULL : fixed,
                       .fixed_size = fixed_size,
                       .blobs = blobs == MAP_FAILED ? NULL : blobs,
                       .blobs_mapped = BLOBS_AT_FIRST};
    return map->fixed && map->blobs;
}

/* The file is sealed: whoever has the descriptor, what is mapped can't be cut off. */
bool batch_map_new(batch_map *map, size_t fixed_size) {
    int fd = memfd_create("taskfarm-batch", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    *map = (batch_map){.fd = -1};
    if (fd < 0)
        return false;
    if (ftruncate(fd, (off_t)(fixed_size + BLOBS_AT_FIRST)) == 0 &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_SEAL) == 0 && batch_map_open(map, fd, fixed_size))
        return true;
    const int why = errno;
    map->fd = fd;
    batch_map_close(map);
    errno = why;
    return false;
}

void batch_map_close(batch_map *map) {
    if (map->fixed)
        munmap(map->fixed, map->fixed_size);
    if (map->blobs)
        munmap(map->blobs, map->blobs_mapped);
    if (map->fd >= 0)
        close(map->fd);
    *map = (batch_map){.fd = -1};
}

bool batch_map_blobs(batch_map *map, size_t size, bool grow) {
    if (size <= map->blobs_mapped)
        return true;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t wanted = grow ? size + size / 2 : size;
    wanted = (wanted + page - 1) / page * page;
    if (grow && ftruncate(map->fd, (off_t)(map->fixed_size + wanted)) != 0)
        return false;
    void *moved = mremap(map->blobs, map->blobs_mapped, wanted, MREMAP_MAYMOVE);
    if (moved == MAP_FAILED)
        return false;
    map->blobs = moved;
    map->blobs_mapped = wanted;
    return true;
}

void batch_locate(const batch_map *map, const tf_stage_spec *stage, bool reads_blocks, int64_t row,
                  batch_columns *columns) {
    area a = {.base = map->fixed, .rows = (size_t)batch_capacity(stage, reads_blocks), .row = (size_t)row};
    place_columns(&a, stage, reads_blocks, columns);
}

void batch_columns_alloc(batch_columns *columns, const tf_campaign *campaign) {
    int params = 0, results = 0, arrays = 0;
    for (int s = 0; s < campaign->stages; s++) {
        const tf_stage_spec *stage = &campaign->stage[s];
        params = tf_space_params(stage->space) > params ? tf_space_params(stage->space) : params;
        results = stage->columns > results ? stage->columns : results;
        arrays = stage->arrays > arrays ? stage->arrays : arrays;
    }
    *columns = (batch_columns){.params = tf_alloc_array((size_t)params, sizeof(void *)),
                               .columns = tf_alloc_array((size_t)results, sizeof(void *)),
                               .arrays = tf_alloc_array((size_t)arrays, sizeof(void *))};
}

void batch_columns_free(batch_columns *columns) {
    free(columns->params);
    free(columns->columns);
    free(columns->arrays);
    *columns = (batch_columns){0};
}

void batch_prepare(const batch_columns *c, int64_t count, int attempt) {
    size_t rows = (size_t)count;
    memset(c->status, TF_STATUS_PENDING, rows);
    memset(c->attempts, attempt, rows);
    if (c->input_set)
        memset(c->input_set, 0, rows * sizeof *c->input_set);
    if (c->input_hash)
        memset(c->input_hash, 0, rows * sizeof *c->input_hash);
    if (c->start)
        c->start[0] = 0; /* else a task that never began would have the time of an earlier batch (rows_back.c) */
    if (c->exit_code) {
        memset(c->exit_code, 0, rows * sizeof *c->exit_code);
        memset(c->signal, 0, rows * sizeof *c->signal);
    }
    if (c->cpu) {
        memset(c->cpu, 0, rows * sizeof *c->cpu);
        memset(c->max_rss, 0, rows * sizeof *c->max_rss);
    }
}

void batch_add_limit(const tf_stage_spec *stage, tf_buf *message) {
    char text[32];
    if (stage->need.memory)
        tf_buf_addf(message, " (its memory is limited to %s)", tf_format_size(stage->need.memory, text));
}

void batch_clear_columns(const batch_columns *c, const tf_stage_spec *stage, int64_t row, int64_t count) {
    for (int k = 0; k < stage->columns; k++) {
        const tf_column_spec *column = &stage->column[k];
        size_t size = tf_column_bytes(column);
        if (size)
            tf_store_absent(column->type, count * column->elements, (char *)c->columns[k] + (size_t)row * size);
    }
}

/* Moves lines to their places, the last one first: no line's place is before where it is. */
static void spread_lines(const tf_block *block, const int64_t *chunk, size_t size, char *cell) {
    const int last = block->rank - 1;
    int64_t lines = tf_block_elements(block) / block->count[last];
    for (int64_t n = lines - 1; n > 0; n--) {
        int64_t to = tf_line_in_chunk(block->rank, block->count, chunk, n);
        memmove(cell + (size_t)to * size, cell + (size_t)(n * block->count[last]) * size,
                (size_t)block->count[last] * size);
    }
}

void batch_spread_blocks(const batch_columns *c, const tf_stage_spec *stage, int64_t row, int64_t index) {
    for (int k = 0; k < stage->columns; k++) {
        const tf_column_spec *column = &stage->column[k];
        if (!column->grid)
            continue;
        tf_block block;
        tf_grid_place(column->grid, index, &block);
        if (tf_block_elements(&block) < column->elements)
            spread_lines(&block, column->shape, tf_type_size(column->type),
                         (char *)c->columns[k] + (size_t)row * tf_column_bytes(column));
    }
}

void batch_point_rows(const tf_stage_spec *stage, const batch_columns *columns, const batch_part *part, tf_rows *rows) {
    *rows = (tf_rows){.stage = stage->number,
                      .count = part->end - part->row,
                      .seconds = part->seconds,
                      .params = stage->store_params ? (const void *const *)columns->params : NULL,
                      .columns = (const void *const *)columns->columns,
                      .status = columns->status,
                      .attempts = columns->attempts,
                      .input_set = columns->input_set,
                      .input_hash = columns->input_hash,
                      .exit_code = columns->exit_code,
                      .signal = columns->signal,
                      .start = columns->start,
                      .duration = columns->duration,
                      .cpu = columns->cpu,
                      .max_rss = columns->max_rss};
}

int64_t batch_count_rows(tf_rows *rows) {
    int64_t done = 0;
    for (int64_t row = 0; row < rows->count; row++)
        done += rows->status[row] == TF_STATUS_DONE;
    for (int64_t row = 0; row < rows->count && done < rows->count; row++) {
        rows->failed += tf_status_has_failed(rows->status[row]);
        rows->excluded += rows->status[row] == TF_STATUS_EXCLUDED;
        rows->skipped += rows->status[row] == TF_STATUS_SKIPPED;
    }
    return done;
}

void batch_rows(const batch_map *map, const tf_stage_spec *stage, const batch_columns *columns, const batch_part *part,
                tf_rows *rows) {
    const batch_header *head = (const batch_header *)(const void *)map->fixed;
    batch_point_rows(stage, columns, part, rows);
    rows->attempt = head->attempt;
    rows->first = head->first + part->row;
    rows->blobs = map->blobs + part->blobs;
    rows->blobs_size = part->blobs_end - part->blobs;
    batch_count_rows(rows);
}
