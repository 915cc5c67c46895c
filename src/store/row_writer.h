/* Collects adjacent rows of `width` bytes each into large writes. */
#ifndef TF_STORE_ROW_WRITER_H
#define TF_STORE_ROW_WRITER_H

#include "store/table.h"

enum { ROW_WRITER_BYTES = 16 << 20 /* at most, in one write */ };

typedef struct row_writer {
    const table *to;
    size_t width;
    int64_t first;
    tf_buf rows;
    bool failed;
} row_writer;

/* Starts row `row`; its bytes are added to `rows` then. */
void row_writer_seek(row_writer *writer, int64_t row);

/* Writes what is left. false: some write failed. */
bool row_writer_end(row_writer *writer);

#endif
