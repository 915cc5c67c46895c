/* The plugin interface: all rows of a batch at once. */
#include "host/plugin_call.h"

#include <string.h>

int64_t tf_batch_first(const tf_batch *batch) {
    return batch->call->host->header->first + batch->call->host->part;
}
int64_t tf_batch_count(const tf_batch *batch) {
    return batch->call->host->part_count;
}
void *tf_batch_state(const tf_batch *batch) {
    return batch->call->stage->state;
}
const tf_stage *tf_batch_stage(const tf_batch *batch) {
    return batch->call->stage;
}

const void *tf_batch_param(const tf_batch *batch, tf_param param) {
    const call *c = batch->call;
    if (param < 0 || param >= tf_space_params(c->stage->spec->space))
        return NULL;
    if (c->stage->as_double[param])
        return c->stage->as_double[param] + c->host->part;
    size_t size = tf_space_value_size(tf_space_param(c->stage->spec->space, param)->type);
    return (const char *)c->host->values[param] + (size_t)c->host->part * size;
}

void *tf_batch_column(const tf_batch *batch, tf_column column) {
    const call *c = batch->call;
    return column < 0 || column >= c->columns ? NULL : cell_of(&c->target[column], c->host->part);
}

/* Is the row in the batch? If not, the function may have mixed up other rows, too: then all rows of the batch fail. */
static bool has_row(const tf_batch *batch, int64_t row) {
    call *c = batch->call;
    if (row >= 0 && row < c->host->part_count) {
        c->row = c->host->part + row;
        return true;
    }
    if (!c->strays)
        c->stray = row;
    c->strays = true;
    return false;
}

/* A failure so far is that of the whole attempt: makes it the row's. */
static void move_failure_to_row(const tf_batch *batch, int64_t row) {
    host *h = batch->call->host;
    if (h->outcome.message.length)
        tf_batch_fail(batch, row, "%s", tf_buf_text(&h->outcome.message));
    tf_buf_clear(&h->outcome.message);
}

void *tf_batch_column_block(const tf_batch *batch, int64_t row, tf_column column, tf_block *block) {
    *block = (tf_block){0};
    if (!has_row(batch, row))
        return NULL;
    void *cell = tf_column_block(&batch->call->row_handle, column, block);
    move_failure_to_row(batch, row);
    return cell;
}

const void *tf_batch_array_block(const tf_batch *batch, int64_t row, tf_array array, tf_block *block) {
    if (!has_row(batch, row))
        return NULL;
    const void *elements = tf_array_block(&batch->call->task, array, block);
    move_failure_to_row(batch, row);
    return elements;
}

void tf_batch_set_bytes(const tf_batch *batch, int64_t row, tf_column column, const void *data, size_t size) {
    if (!has_row(batch, row))
        return;
    tf_set_bytes(&batch->call->row_handle, column, data, size);
    move_failure_to_row(batch, row);
}

void tf_batch_set_string(const tf_batch *batch, int64_t row, tf_column column, const char *value) {
    tf_batch_set_bytes(batch, row, column, value, strlen(value));
}

int tf_batch_fail(const tf_batch *batch, int64_t row, const char *format, ...) {
    host *h = batch->call->host;
    const int64_t own = h->part + row;
    if (!has_row(batch, row) || h->columns.status[own] != TF_STATUS_PENDING)
        return TF_FAILURE; /* the first failure of a row counts */
    tf_buf text = {0};
    va_list args;
    va_start(args, format);
    tf_buf_addv(&text, format, args);
    va_end(args);
    h->columns.status[own] = TF_STATUS_FAILED;
    batch->call->fails = true;
    host_add_blob(h, own, TF_RECORD_MESSAGE, tf_buf_text(&text), text.length);
    tf_buf_free(&text);
    return TF_FAILURE;
}

tf_rng tf_batch_rng(const tf_batch *batch, int64_t row) {
    return tf_rng_start(batch->call->stage->rng_key, tf_batch_first(batch) + row);
}
