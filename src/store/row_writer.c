/* Rows into large writes (see row_writer.h). */
#include "store/row_writer.h"

static void flush(row_writer *w) {
    if (w->rows.length && !w->failed)
        w->failed = store_write_rows(w->to, w->first, (int64_t)(w->rows.length / w->width), w->rows.data) < 0;
    tf_buf_clear(&w->rows);
}

void row_writer_seek(row_writer *w, int64_t row) {
    bool adjacent = w->first + (int64_t)(w->rows.length / w->width) == row;
    if (!adjacent || w->rows.length >= ROW_WRITER_BYTES)
        flush(w);
    if (w->rows.length == 0)
        w->first = row;
}

bool row_writer_end(row_writer *w) {
    flush(w);
    tf_buf_free(&w->rows);
    return !w->failed;
}
