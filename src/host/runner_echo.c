/* Gives back the parameters of a task as its columns, in their order. */
#include "host/runner.h"

#include <string.h>

static void run_row(host *h, int64_t row) {
    for (int c = 0; c < h->spec->columns; c++) {
        const size_t size = tf_column_bytes(&h->spec->column[c]);
        if (size) {
            const size_t at = (size_t)row * size;
            memcpy((char *)h->columns.columns[c] + at, (const char *)h->values[c] + at, size);
        } else {
            const char *text = ((const char **)h->values[c])[row];
            host_add_blob(h, row, TF_RECORD_COLUMN + c, text, strlen(text));
        }
    }
}

const runner runner_echo = {.key = "echo", .run_row = run_row};
