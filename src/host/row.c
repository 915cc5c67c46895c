/* What a row gets besides its numbers: what its task has said, and why it has failed. */
#include "host/row.h"
#include "host/runner.h"

#include <sys/wait.h>

/* Adds what a task has written as a blob of the row, in `keep` bytes. */
static void add_output(host *h, int64_t row, int32_t kind, const capture *from, int64_t keep) {
    if (keep == 0 || from->total == 0)
        return;
    tf_buf text = {0};
    capture_text(from, keep, &text);
    host_add_blob(h, row, kind, tf_buf_text(&text), text.length);
    tf_buf_free(&text);
}

void row_note_end(const host *h, int64_t row, int status) {
    if (!h->columns.exit_code)
        return;
    h->columns.exit_code[row] = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    h->columns.signal[row] = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

void row_add_texts(host *h, int64_t row, uint64_t blobs_before) {
    const bool failed = h->outcome.message.length > 0;
    if (failed) {
        batch_clear_columns(&h->columns, h->spec, row, 1);
        h->blobs_used = blobs_before; /* string columns of a failed task */
    }
    if (h->runner[h->spec->number]->keeps_stdout)
        add_output(h, row, TF_RECORD_STDOUT, &h->out, h->spec->capture_stdout);
    add_output(h, row, TF_RECORD_STDERR, &h->err, h->spec->capture_stderr);
    if (failed)
        host_add_blob(h, row, TF_RECORD_MESSAGE, tf_buf_text(&h->outcome.message), h->outcome.message.length);
}

void row_explain_skipped(host *h, int64_t row) {
    static const char why[] = "what it takes from another stage is not done";
    if (h->columns.status[row] == TF_STATUS_SKIPPED)
        host_add_blob(h, row, TF_RECORD_MESSAGE, why, sizeof why - 1);
}
