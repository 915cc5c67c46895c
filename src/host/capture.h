/* Output of any length in bounded memory: its head and its tail. */
#ifndef TF_HOST_CAPTURE_H
#define TF_HOST_CAPTURE_H

#include "base/base.h"

typedef struct capture {
    int64_t limit; /* bytes that are kept */
    int64_t total; /* bytes that were added */
    tf_buf head;   /* the first limit/2 bytes */
    char *tail;    /* a ring of the last limit - limit/2 bytes */
} capture;

void capture_start(capture *c, int64_t limit); /* empty, with this limit */
void capture_add(capture *c, const void *data, size_t size);
void capture_free(capture *c);

/* Adds bytes from .. to - 1 of a file, of which it reads what is kept. */
void capture_add_file(capture *c, int file, int64_t from, int64_t to);

/* Adds the output to `out` in `keep` bytes, at most the limit: if it was longer, its head and its tail, with a
 * line that says how much was left out in between. */
void capture_text(const capture *c, int64_t keep, tf_buf *out);

/* The whole lines of the output. If all of it is kept: true, and it is in `first`. Else `first` has the lines at its
 * beginning, and `last` those at its end. */
bool capture_lines(const capture *c, tf_buf *first, tf_buf *last);

/* Adds the last `size` bytes to `out`, or what there is of them. */
void capture_tail(const capture *c, size_t size, tf_buf *out);

#endif
