/* Frames as a Python process gets them (see frame.h). What it has to know of a row lies in the frame's memory, column
 * after column, and numbers of parameters where they were worked out; what it fills in lies in the batch's buffer. It
 * is told the offsets. */
#include "host/frame.h"
#include "host/packet.h"
#include "host/task_paths.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- The memory ---- */

/* Whoever has the descriptor, what is mapped can't be cut off. */
bool frame_memory_new(frame_memory *m) {
    *m = (frame_memory){.fd = memfd_create("taskfarm-frame", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
    if (m->fd < 0 || ftruncate(m->fd, FRAME_CONTROL_BYTES) != 0 ||
        fcntl(m->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_SEAL) != 0)
        return false;
    void *mapped = mmap(NULL, FRAME_CONTROL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, m->fd, 0);
    m->control = mapped == MAP_FAILED ? NULL : mapped;
    m->size = FRAME_CONTROL_BYTES;
    return m->control != NULL;
}

void frame_memory_free(frame_memory *m) {
    if (m->control)
        munmap(m->control, m->size);
    if (m->fd >= 0)
        close(m->fd);
    *m = (frame_memory){.fd = -1};
}

/* Makes it at least so large. */
static bool grow(frame_memory *m, size_t size) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (size <= m->size)
        return true;
    size = (size + size / 4 + page - 1) / page * page;
    if (ftruncate(m->fd, (off_t)size) != 0)
        return false;
    void *moved = mremap(m->control, m->size, size, MREMAP_MAYMOVE);
    if (moved == MAP_FAILED)
        return false;
    m->control = moved;
    m->size = size;
    return true;
}

/* ---- What is laid out in it ---- */

/* Hands out places in the memory, each aligned to 8 bytes. */
typedef struct layout {
    frame_memory *memory;
    size_t used;
    bool failed; /* there is no more memory; errno says why */
} layout;

/* Returns the offset of a place for so many bytes. */
static size_t place(layout *l, size_t bytes) {
    const size_t at = l->used;
    l->used = (at + bytes + 7) & ~(size_t)7;
    l->failed = l->failed || !grow(l->memory, l->used);
    return at;
}

static void *address(const layout *l, size_t offset) {
    return (char *)l->memory->control + offset;
}

/* Offsets of the texts, one more than there are, and behind them the texts. */
static size_t put_strings(layout *l, const char *const *text, int64_t count) {
    size_t bytes = 0;
    for (int64_t i = 0; i < count; i++)
        bytes += strlen(text[i]);
    const size_t head = ((size_t)count + 1) * sizeof(int64_t), at = place(l, head + bytes);
    if (l->failed)
        return at;
    int64_t *offset = address(l, at), end = 0;
    char *to = (char *)address(l, at) + head;
    for (int64_t i = 0; i < count; i++) {
        const size_t length = strlen(text[i]);
        offset[i] = end;
        memcpy(to + end, text[i], length);
        end += (int64_t)length;
    }
    offset[count] = end;
    return at;
}

/* Texts are laid out in the frame's memory; numbers are where they were worked out. */
static size_t place_param(layout *l, const host *h, int p, int64_t first, int64_t count) {
    const tf_type type = tf_space_param(h->spec->space, p)->type;
    const char *values = (const char *)h->values[p] + (size_t)first * tf_space_value_size(type);
    return type == TF_STRING ? put_strings(l, (const char *const *)(const void *)values, count)
                             : (size_t)(values - h->memory.start);
}

static size_t put_seeds(layout *l, const host *h, int64_t first, int64_t count) {
    const size_t at = place(l, (size_t)count * sizeof(uint64_t));
    const uint64_t key = tf_rng_seed_key(h->spec->streams->seed, h->spec->name);
    for (int64_t i = 0; i < count && !l->failed; i++)
        ((uint64_t *)address(l, at))[i] = tf_rng_key_seed(key, h->header->first + first + i);
    return at;
}

/* The lengths of each row's block, dimension by dimension: of an array with its halo, or of a column (`array` is NULL).
 */
static size_t put_counts(layout *l, const host *h, const tf_array_spec *array, const tf_grid *grid, int64_t first,
                         int64_t count) {
    const size_t at = place(l, (size_t)count * (size_t)grid->inner * sizeof(int64_t));
    for (int64_t i = 0; i < count && !l->failed; i++) {
        tf_block block;
        if (array)
            tf_array_place(array, h->header->first + first + i, &block);
        else
            tf_grid_place(grid, h->header->first + first + i, &block);
        memcpy((int64_t *)address(l, at) + i * grid->inner, block.shape, (size_t)grid->inner * sizeof(int64_t));
    }
    return at;
}

/* Where each row's block begins, with its halo, which may be before the array itself does. */
static size_t put_origins(layout *l, const host *h, const tf_array_spec *array, int64_t first, int64_t count) {
    const int rank = array->grid->inner;
    const size_t at = place(l, (size_t)count * (size_t)rank * sizeof(int64_t));
    for (int64_t i = 0; i < count && !l->failed; i++) {
        tf_block block;
        tf_array_place(array, h->header->first + first + i, &block);
        for (int d = 0; d < rank; d++)
            ((int64_t *)address(l, at))[i * rank + d] = block.start[d] - block.before[d];
    }
    return at;
}

/* Does the process read the array's blocks itself? Then the buffer has room for that of the row under way. */
static bool is_read(const host *h, int array) {
    return h->reads_blocks && batch_is_read(h->spec, array);
}

/* ---- The packet ---- */

static void add_item(tf_buf *out, int n, int64_t value) {
    tf_buf_addf(out, "%s%" PRId64, n ? ", " : "", value);
}

/* Where a column of the batch has the row's cell; -1: there is no such column. */
static int64_t offset_in_buffer(const host *h, const void *cells, int64_t row, size_t cell) {
    return cells ? (const char *)cells - h->map->fixed + row * (int64_t)cell : -1;
}

/* Where the buffer has the row's block of an array, or the one block that there is. */
static int64_t offset_of_blocks(const host *h, int array, int64_t row) {
    return offset_in_buffer(h, h->columns.arrays[array], is_read(h, array) ? 0 : row,
                            tf_array_bytes(&h->spec->array[array]));
}

static void add_columns(host *h, layout *l, int64_t first, int64_t count, tf_buf *out) {
    const tf_stage_spec *spec = h->spec;
    packet_add_key(out, "columns");
    tf_buf_addc(out, '[');
    for (int c = 0; c < spec->columns; c++)
        add_item(out, c, offset_in_buffer(h, h->columns.columns[c], first, tf_column_bytes(&spec->column[c])));
    tf_buf_addc(out, ']');
    packet_add_key(out, "column_counts");
    tf_buf_addc(out, '[');
    for (int c = 0; c < spec->columns; c++) {
        const tf_grid *grid = spec->column[c].grid;
        add_item(out, c, grid ? (int64_t)put_counts(l, h, NULL, grid, first, count) : -1);
    }
    tf_buf_addc(out, ']');
    packet_add_key(out, "arrays");
    tf_buf_addc(out, '[');
    for (int a = 0; a < spec->arrays; a++)
        add_item(out, a, offset_of_blocks(h, a, first));
    tf_buf_addc(out, ']');
    packet_add_key(out, "array_counts");
    tf_buf_addc(out, '[');
    for (int a = 0; a < spec->arrays; a++)
        add_item(out, a, (int64_t)put_counts(l, h, &spec->array[a], spec->array[a].grid, first, count));
    tf_buf_addc(out, ']');
    packet_add_key(out, "array_origins");
    tf_buf_addc(out, '[');
    for (int a = 0; a < spec->arrays; a++)
        add_item(out, a, is_read(h, a) ? (int64_t)put_origins(l, h, &spec->array[a], first, count) : -1);
    tf_buf_addc(out, ']');
}

/* A frame has one row, if tasks have files of their own. */
static void add_files(const host *h, tf_buf *out) {
    const char *folder = h->spec->run.cwd ? h->campaign->workdir : NULL;
    if (h->spec->inputs) {
        packet_add_key(out, "inputs");
        task_add_paths(out, folder, &h->inputs);
    }
    if (h->spec->outputs) {
        packet_add_key(out, "outputs");
        task_add_paths(out, folder, &h->outputs);
    }
}

static void add_scratch(const host *h, tf_buf *out) {
    tf_buf prefix = {0};
    scratch_add_prefix(h, &prefix);
    if (prefix.length) {
        packet_add_key(out, "scratch");
        tf_buf_add_json(out, prefix.data, prefix.length);
    }
    tf_buf_free(&prefix);
}

bool frame_write(host *h, frame_memory *m, int buffer, int64_t first, int64_t count, bool has_seeds, bool has_times,
                 tf_buf *packet) {
    layout l = {.memory = m, .used = FRAME_CONTROL_BYTES};
    const batch_columns *c = &h->columns;
    tf_buf_addf(packet, "{\"frame\": {\"stage\": %d, \"buffer\": %d", h->spec->number, buffer);
    packet_add_number(packet, "first", h->header->first + first);
    packet_add_number(packet, "count", count);
    packet_add_number(packet, "attempt", h->header->attempt);
    if (h->spec->run.python->batch)
        packet_add_number(packet, "batch", host_call(h));
    packet_add_key(packet, "params");
    tf_buf_addc(packet, '[');
    for (int p = 0; p < tf_space_params(h->spec->space); p++)
        add_item(packet, p, (int64_t)place_param(&l, h, p, first, count));
    tf_buf_adds(packet, "]");
    packet_add_number(packet, "seeds", has_seeds ? (int64_t)put_seeds(&l, h, first, count) : -1);
    add_columns(h, &l, first, count, packet);
    packet_add_number(packet, "start", has_times ? offset_in_buffer(h, c->start, first, sizeof *c->start) : -1);
    packet_add_number(packet, "duration",
                      has_times ? offset_in_buffer(h, c->duration, first, sizeof *c->duration) : -1);
    packet_add_number(packet, "apart", h->sets_apart ? offset_in_buffer(h, c->status, first, sizeof *c->status) : -1);
    add_files(h, packet);
    add_scratch(h, packet);
    packet_add_number(packet, "size", (int64_t)m->size);
    tf_buf_adds(packet, "}}");
    return !l.failed;
}
