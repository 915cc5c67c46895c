/* What is not changed is not copied. */
#include "farm/reopened.h"

int64_t reopened_find_failed(const tf_rows *rows) {
    int64_t from = rows->count;
    while (from > 0 && tf_status_has_failed(rows->status[from - 1]))
        from--;
    return from;
}

/* The texts of rows that are not pending. */
static void copy_blobs(reopened *r, const tf_rows *rows) {
    const char *bytes = rows->blobs;
    tf_buf_clear(&r->blobs);
    for (size_t at = 0, size; at < rows->blobs_size; at += size) {
        const tf_record *record = (const tf_record *)(const void *)(bytes + at);
        size = tf_record_size((size_t)record->length);
        if (r->status.data[record->index - rows->first] != TF_STATUS_PENDING)
            tf_buf_add(&r->blobs, record, size);
    }
}

tf_rows reopened_rows(reopened *r, const tf_rows *rows, int64_t from) {
    tf_rows open = *rows;
    tf_buf_clear(&r->status);
    tf_buf_add(&r->status, rows->status, (size_t)rows->count);
    for (int64_t row = from; row < rows->count; row++) {
        if (!tf_status_has_failed(rows->status[row]))
            continue;
        r->status.data[row] = TF_STATUS_PENDING;
        open.failed--;
        open.pending++;
    }
    copy_blobs(r, rows);
    open.status = (const uint8_t *)r->status.data;
    open.blobs = r->blobs.data;
    open.blobs_size = r->blobs.length;
    return open;
}

void reopened_free(reopened *r) {
    tf_buf_free(&r->status);
    tf_buf_free(&r->blobs);
}
