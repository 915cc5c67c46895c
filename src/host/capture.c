/* Output of any length in bounded memory. */
#include "host/capture.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int64_t head_limit(const capture *c) {
    return c->limit / 2;
}

static int64_t ring_size(const capture *c) {
    return c->limit - head_limit(c);
}

void capture_start(capture *c, int64_t limit) {
    if (limit != c->limit) {
        free(c->tail);
        c->tail = NULL;
    }
    c->limit = limit;
    c->total = 0;
    tf_buf_clear(&c->head);
}

void capture_free(capture *c) {
    tf_buf_free(&c->head);
    free(c->tail);
    *c = (capture){0};
}

void capture_add(capture *c, const void *data, size_t size) {
    const char *from = data;
    int64_t room = head_limit(c) - (int64_t)c->head.length;
    if (room > 0) {
        size_t part = size < (size_t)room ? size : (size_t)room;
        tf_buf_add(&c->head, from, part);
        c->total += (int64_t)part;
        from += part;
        size -= part;
    }
    int64_t ring = ring_size(c);
    if (size == 0 || ring == 0) {
        c->total += (int64_t)size;
        return;
    }
    if (!c->tail)
        c->tail = tf_alloc((size_t)ring);
    if (size > (size_t)ring) {
        c->total += (int64_t)size - ring;
        from += size - (size_t)ring;
        size = (size_t)ring;
    }
    int64_t at = (c->total - head_limit(c)) % ring;
    size_t part = size < (size_t)(ring - at) ? size : (size_t)(ring - at);
    memcpy(c->tail + at, from, part);
    memcpy(c->tail, from + part, size - part);
    c->total += (int64_t)size;
}

void capture_add_file(capture *c, int file, int64_t from, int64_t to) {
    char part[65536];
    while (from < to) {
        const int64_t room = head_limit(c) - (int64_t)c->head.length;
        const int64_t skipped = room > 0 ? 0 : to - from - ring_size(c);
        if (skipped > 0) {
            c->total += skipped;
            from += skipped;
            continue;
        }
        int64_t size = to - from < (int64_t)sizeof part ? to - from : (int64_t)sizeof part;
        size = room > 0 && size > room ? room : size;
        const ssize_t got = size ? pread(file, part, (size_t)size, (off_t)from) : 0;
        if (got <= 0)
            return;
        capture_add(c, part, (size_t)got);
        from += got;
    }
}

void capture_tail(const capture *c, size_t size, tf_buf *out) {
    int64_t in_ring = c->total - (int64_t)c->head.length;
    int64_t ring = ring_size(c);
    bool overrun = in_ring > ring;
    if (!overrun) {
        size_t all = c->head.length + (size_t)in_ring;
        size_t skip = size < all ? all - size : 0;
        if (skip < c->head.length)
            tf_buf_add(out, tf_buf_text(&c->head) + skip, c->head.length - skip);
        size_t from = skip > c->head.length ? skip - c->head.length : 0;
        if (in_ring > 0)
            tf_buf_add(out, c->tail + from, (size_t)in_ring - from);
        return;
    }
    int64_t wanted = (int64_t)size < ring ? (int64_t)size : ring;
    if (wanted == 0)
        return;
    int64_t at = (in_ring - wanted) % ring;
    int64_t part = wanted < ring - at ? wanted : ring - at;
    tf_buf_add(out, c->tail + at, (size_t)part);
    tf_buf_add(out, c->tail, (size_t)(wanted - part));
}

void capture_text(const capture *c, int64_t keep, tf_buf *out) {
    if (keep == 0)
        return;
    if (c->total <= keep) {
        capture_tail(c, (size_t)c->total, out);
        return;
    }
    int64_t head = keep / 2;
    tf_buf_add(out, tf_buf_text(&c->head), (size_t)head);
    tf_buf_addf(out, "\n[... %" PRId64 " bytes left out ...]\n", c->total - keep);
    capture_tail(c, (size_t)(keep - head), out);
}

bool capture_lines(const capture *c, tf_buf *first, tf_buf *last) {
    if (c->total <= c->limit) {
        capture_tail(c, (size_t)c->total, first);
        return true;
    }
    const char *head = tf_buf_text(&c->head);
    const char *end = c->head.length ? memrchr(head, '\n', c->head.length) : NULL;
    if (end)
        tf_buf_add(first, head, (size_t)(end - head) + 1);
    tf_buf tail = {0};
    capture_tail(c, (size_t)ring_size(c), &tail);
    const char *begin = tail.length ? memchr(tail.data, '\n', tail.length) : NULL;
    if (begin)
        tf_buf_add(last, begin + 1, tail.length - (size_t)(begin + 1 - tail.data));
    tf_buf_free(&tail);
    return false;
}
