/* Output of any length in bounded memory: its head and its tail. */
#ifndef TF_HOST_CAPTURE_H
#define TF_HOST_CAPTURE_H

#include "base/base.h"

typedef struct capture {
    int64_t limit; /* bytes kept */
    int64_t total; /* bytes seen */
    tf_buf head;   /* the first limit/2, or all as long as it fits */
    char *tail;    /* a ring of the last limit - limit/2 bytes */
} capture;

void capture_start(capture *c, int64_t limit); /* empties it */
void capture_add(capture *c, const void *data, size_t size);
void capture_free(capture *c);

/* Adds the output to `out` in `keep` bytes, no more than the limit: if it was longer, its head and its tail, with a
 * line that says how much was left out in between. */
void capture_text(const capture *c, int64_t keep, tf_buf *out);

/* The lines of the output that are whole: true if all of it is kept, and then in `first`; else those that begin it, and
 * those that end it. */
bool capture_lines(const capture *c, tf_buf *first, tf_buf *last);

/* Adds the last `size` bytes to `out`, or what there is of them. */
void capture_tail(const capture *c, size_t size, tf_buf *out);

#endif
