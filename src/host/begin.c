/* A batch begins: its columns are found, its parameters worked out, its rows made ready. */
#include "host/host.h"

#include <string.h>

/* Copies upstream values, which the rank has put into the batch, to the parameters. */
static void copy_upstream(host *h, int p, int64_t count) {
    const tf_param_spec *param = tf_space_param(h->spec->space, p);
    const char *cells = h->columns.params[p];
    size_t cell = tf_space_cell_size(h->spec->space, p);
    if (param->type != TF_STRING) {
        memcpy(h->values[p], cells, (size_t)count * cell);
        return;
    }
    tf_buf_clear(&h->upstream_text[p]);
    tf_buf_reserve(&h->upstream_text[p], (size_t)count * (cell + 1));
    for (int64_t row = 0; row < count; row++) {
        ((const char **)h->values[p])[row] = h->upstream_text[p].data + h->upstream_text[p].length;
        tf_buf_add(&h->upstream_text[p], cells + (size_t)row * cell, strnlen(cells + (size_t)row * cell, cell));
        tf_buf_addc(&h->upstream_text[p], '\0');
    }
}

static void store_params(host *h, int64_t count) {
    for (int p = 0; p < tf_space_params(h->spec->space); p++) {
        if (tf_space_param(h->spec->space, p)->upstream) {
            copy_upstream(h, p, count);
            continue;
        }
        tf_space_fill(h->spec->space, p, h->header->first, count, h->values[p]);
        if (h->columns.params[p])
            tf_space_cells(h->spec->space, p, h->values[p], count, h->columns.params[p]);
    }
}

/* A call of several tasks stores all their values itself, also those that are absent, so that all of it need not be
 * written twice. Tasks that are set apart are in no call. */
static bool is_stored_whole(const host *h) {
    const bool sets_apart = h->spec->wheres > 0 || tf_stage_takes_rows(h->spec);
    return h->spec->run.python && host_call(h) > 1 && !sets_apart;
}

void host_begin_batch(host *h, batch_map *map, int attempt) {
    h->map = map;
    h->header = (batch_header *)(void *)map->fixed;
    h->spec = &h->campaign->stage[h->header->stage];
    h->blobs_used = 0;
    h->stopped = h->sets_apart = h->has_blocks = h->has_tables = false;
    h->has_files = tf_stage_has_files(h->spec);
    h->shares_inputs = tf_files_are_shared(h->spec);
    h->reads_blocks = h->header->reads_blocks != 0;
    h->has_timeout = h->spec->timeout > 0;
    for (int a = 0; a < h->spec->arrays; a++)
        h->has_tables = h->has_tables || h->spec->array[a].csv;
    for (int c = 0; c < h->spec->columns; c++)
        h->has_blocks = h->has_blocks || h->spec->column[c].grid;
    h->inputs.count = h->outputs.count = 0;
    h->header->started = tf_now();
    batch_locate(map, h->spec, h->reads_blocks, 0, &h->columns);
    store_params(h, h->header->count);
    batch_prepare(&h->columns, h->header->count, attempt);
    if (!is_stored_whole(h))
        batch_clear_columns(&h->columns, h->spec, 0, h->header->count);
}
