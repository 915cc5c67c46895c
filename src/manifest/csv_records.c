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

/* Behind the quote that closes the one before `from`; NULL: it is beyond `end`, or it can't be told yet. */
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

/* Behind the end of the record that begins at `from`; NULL: it goes on beyond `end`. */
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

/* More of the file behind what is there. */
static void fill(records *in) {
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

/* The next record, with a NUL behind it until the one after it is taken; false at the end, or where the file can't be
 * read. */
bool records_next(records *in, csv_reader *record) {
    if (in->kept_at) {
        in->data[in->kept_at] = in->kept;
        in->kept_at = 0;
    }
    const char *end = find_end(in->data + in->start, in->data + in->length);
    while (!end && !in->ended && in->length - in->start < MOST_RECORD) {
        fill(in);
        end = find_end(in->data + in->start, in->data + in->length);
    }
    if (in->failure || in->start == in->length)
        return false;
    char *from = in->data + in->start, *to = end ? in->data + (end - in->data) : in->data + in->length;
    in->start = (size_t)(to - in->data);
    in->offset += to - from;
    in->kept = *to;
    in->kept_at = in->start;
    *to = '\0';
    *record = (csv_reader){.next = from, .end = to, .line = 1};
    return true;
}
