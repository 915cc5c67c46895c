/* Any text as a CSV file that is read in parts of three records: the same values as if it were read as a whole. */
#include "target.h"

#include <math.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BATCH = 3, LONGEST = 1024, MOST_COLUMNS = 4096 };

static int scan(tf_source *self, const char *path, int64_t batch, int64_t before, tf_buf *out) {
    (void)self;
    return tf_csv_scan(path, batch, before, out);
}

/* The campaign of one table; the text is also what `path` holds. */
static tf_campaign *load(const char *path, bool in_parts, const char *data, size_t size) {
    char manifest[300];
    snprintf(manifest, sizeof manifest,
             "{\"over\": [{\"name\": \"p\", \"csv\": \"%s\"%s}], \"run\": {\"command\": [\"true\"]}}", path,
             in_parts ? ", \"batch\": 3" : "");
    texts t = texts_of(manifest, strlen(manifest), data, size);
    t.source.scan = scan;
    return texts_load_from(&t);
}

static bool fits(const tf_space *whole) {
    bool fit = tf_space_params(whole) <= MOST_COLUMNS;
    for (int p = 0; p < tf_space_params(whole); p++) {
        const tf_param_spec *spec = tf_space_param(whole, p);
        fit = fit && spec->max_bytes <= LONGEST && strcmp(spec->name, "p_start") != 0 &&
              strcmp(spec->name, "p_count") != 0 && strcmp(spec->name, "p_hash") != 0;
    }
    return fit;
}

static void require(bool truth) {
    if (!truth)
        abort();
}

static void compare_part(const tf_space *whole, const tf_stage_spec *parts, int64_t part) {
    const int fields = parts->arrays;
    const int64_t first = part * BATCH, left = tf_space_size(whole) - first, count = left < BATCH ? left : BATCH;
    void **out = tf_alloc_array((size_t)fields, sizeof *out);
    for (int f = 0; f < fields; f++)
        out[f] = tf_alloc(BATCH * parts->array[f].element);
    tf_error error;
    require(tf_csv_read(parts->array[0].csv, part, out, &error) == TF_OK);
    for (int f = 0; f < fields; f++) {
        const size_t cell = tf_space_cell_size(whole, f);
        char *values = tf_alloc(BATCH * 8), *cells = tf_alloc(BATCH * cell);
        require(parts->array[f].type == tf_space_param(whole, f)->type && parts->array[f].element == cell);
        tf_space_fill(whole, f, first, count, values);
        tf_space_cells(whole, f, values, count, cells);
        require(memcmp(cells, out[f], (size_t)count * cell) == 0);
        free(values);
        free(cells);
        free(out[f]);
    }
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    int fd = memfd_create("table", 0);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    require(write(fd, data, size) == (ssize_t)size);
    tf_campaign *whole = load(path, false, (const char *)data, size),
                *parts = load(path, true, (const char *)data, size);
    require(!parts || whole);
    require(parts || !whole || !fits(whole->stage[0].space));
    if (parts)
        for (int64_t part = 0; part < tf_space_size(parts->stage[0].space); part++)
            compare_part(whole->stage[0].space, &parts->stage[0], part);
    tf_campaign_free(whole);
    tf_campaign_free(parts);
    close(fd);
    return 0;
}
