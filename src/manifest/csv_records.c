/* The records of a file, read a piece at a time. */
#include "manifest/csv_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool records_open(records *in, const char *path, int64_t offset) {
    enum { AT_ONCE = 1 << 20 };
    *in = (records){.capacity = AT_ONCE, .offset = offset};
    in->failure = tf_open_regular(path, &in->fd);
    if (!in->failure && lseek(in->fd, (off_t)offset, SEEK_SET) < 0)
        in->failure = errno;
    in->data = tf_alloc(in->capacity + 1);
    return in->failure == 0;
}

void records_close(records *in) {
    if (in->fd >= 0)
        close(in->fd);
    free(in->data);
}

/* The byte behind the quote that closes a field whose text begins at `from`; NULL: the quote is beyond `end`, or may be
 * the first half of a doubled one there. */
static const char *find_quote(const char *from, const char *end) {
    while ((from = memchr(from, '"', (size_t)(end - from)))) {
        if (from + 1 == end)
            return NULL;
        if (from[1] != '"')
            return from + 1;
        from += 2;
    }
    return NULL;
}

/* The byte behind the record that begins at `from`; NULL: the record goes on beyond `end`. */
static const char *find_end(const char *from, const char *end) {
    while (from < end) {
        if (*from == '"')
            from = find_quote(from + 1, end);
        while (from && from < end && *from != ',' && *from != '\n')
            from++;
        if (!from || from == end)
            return NULL;
        if (*from++ == '\n')
            return from;
    }
    return NULL;
}

/* Drops what has been read, and reads more of the file behind what is left. */
static void read_more(records *in) {
    memmove(in->data, in->data + in->start, in->length - in->start);
    in->length -= in->start;
    in->start = 0;
    if (in->length == in->capacity) {
        in->capacity *= 2;
        in->data = tf_realloc_array(in->data, in->capacity + 1, 1);
    }
    ssize_t got;
    do
        got = read(in->fd, in->data + in->length, in->capacity - in->length);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        in->failure = errno;
    in->ended = got <= 0;
    in->length += got > 0 ? (size_t)got : 0;
}

bool records_next(records *in, csv_reader *record) {
    if (in->saved_at) {
        in->data[in->saved_at] = in->saved;
        in->saved_at = 0;
    }
    const char *end = find_end(in->data + in->start, in->data + in->length);
    while (!end && !in->ended && in->length - in->start < MOST_RECORD) {
        read_more(in);
        end = find_end(in->data + in->start, in->data + in->length);
    }
    if (in->failure || in->start == in->length)
        return false;
    char *from = in->data + in->start, *to = end ? in->data + (end - in->data) : in->data + in->length;
    in->start = (size_t)(to - in->data);
    in->offset += to - from;
    in->saved = *to;
    in->saved_at = in->start;
    *to = '\0';
    *record = (csv_reader){.next = from, .end = to, .line = 1};
    return true;
}
