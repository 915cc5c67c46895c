/* A row from its task's start to its end. What is short stands here: a function that does nothing takes two
 * nanoseconds. */
#ifndef TF_HOST_ROW_H
#define TF_HOST_ROW_H

#include "host/host.h"

/* Is the row not to be run? */
static inline bool row_is_set_apart(const host *h, int64_t row) {
    return h->columns.status[row] == TF_STATUS_EXCLUDED || h->columns.status[row] == TF_STATUS_SKIPPED;
}

/* A new attempt: nothing has failed, nothing was said. */
static inline void row_begin(host *h) {
    if (h->outcome.message.length) {
        tf_buf_clear(&h->outcome.message);
        h->outcome.is_late = h->outcome.is_unstarted = false;
    }
    if (h->err.total)
        capture_start(&h->err, h->spec->capture_stderr);
}

static inline void row_start(host *h, int64_t row, double start) {
    batch_start_row(&h->columns, row, start);
    row_begin(h);
}

/* Makes the row's status of the attempt's outcome. A batch function that was called for this row alone has set the
 * status itself if it failed the row. */
static inline void row_set_status(host *h, int64_t row) {
    uint8_t *status = &h->columns.status[row];
    if (h->outcome.message.length)
        *status = h->outcome.is_late ? TF_STATUS_TIMEOUT : TF_STATUS_FAILED;
    else if (*status == TF_STATUS_PENDING)
        *status = TF_STATUS_DONE;
}

/* Notes how the process that had the row's task has ended: by itself, or by our hand. */
void row_note_end(const host *h, int64_t row, int status);

/* Adds what the task has said, and its message if it has failed: then its columns are dropped, whose blobs begin at
 * `blobs_before`. */
void row_add_texts(host *h, int64_t row, uint64_t blobs_before);

/* Says why a row that is set apart was not run, if that is not the manifest's own wish. */
void row_explain_skipped(host *h, int64_t row);

#endif
