/* Whole files. What is no regular file is closed as soon as that is known. */
#include "base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *tf_read_failure(int failure) {
    switch (failure) {
    case TF_READ_IRREGULAR: return "is not a regular file";
    case TF_READ_TOO_LARGE: return "is larger than 1 GB, the most that is read as a whole";
    case TF_READ_SILENT: return "is a FIFO that nobody writes to";
    case TF_READ_UNTRUSTED: return "is not opened because an output names it; --trust opens it";
    default: return strerror(failure);
    }
}

/* Opens a file without waiting: to open a FIFO would wait for somebody at its other end. 0 or an errno. */
static int open_at_once(const char *path, int *fd, struct stat *info) {
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (*fd < 0)
        return errno == ENXIO ? TF_READ_IRREGULAR : errno; /* a socket, or a device that is not there */
    int failure = fstat(*fd, info) ? errno : S_ISDIR(info->st_mode) ? EISDIR : 0;
    if (failure)
        close(*fd);
    return failure;
}

int tf_open_regular(const char *path, int *fd) {
    struct stat info = {0};
    int failure = open_at_once(path, fd, &info);
    if (!failure && !S_ISREG(info.st_mode)) {
        close(*fd);
        failure = TF_READ_IRREGULAR;
    }
    if (failure)
        *fd = -1;
    return failure;
}

/* Adds up to `most` bytes; `*got` is 0 at the end. Returns 0 or an errno. */
static int read_some(int fd, size_t most, tf_buf *out, size_t *got) {
    ssize_t count;
    tf_buf_reserve(out, out->length + most);
    do
        count = read(fd, out->data + out->length, most);
    while (count < 0 && errno == EINTR);
    *got = count > 0 ? (size_t)count : 0;
    out->length += *got;
    return count < 0 ? errno : 0;
}

enum { READ_CHUNK = 1 << 16 };

static int read_regular(int fd, int64_t size, tf_buf *out) {
    const size_t before = out->length;
    size_t chunk = size > 0 ? (size_t)size + 1 : READ_CHUNK, got = 1; /* files of /proc say that they are empty */
    int failure = size > TF_MOST_READ ? TF_READ_TOO_LARGE : 0;
    while (!failure && got > 0) {
        failure = read_some(fd, chunk, out, &got);
        if (!failure && out->length - before > TF_MOST_READ)
            failure = TF_READ_TOO_LARGE;
        chunk = READ_CHUNK;
    }
    return failure;
}

/* Reads a pipe. A FIFO without a writer is waited for only a moment, a writer for as long as it takes. */
static int read_pipe(int fd, bool is_fifo, tf_buf *out) {
    enum { STEP = 100, PATIENCE = 2000 }; /* ms */
    const size_t before = out->length;
    struct pollfd more = {.fd = fd, .events = POLLIN};
    for (int waited = 0;;) {
        size_t got;
        int failure = read_some(fd, READ_CHUNK, out, &got);
        if (failure == EAGAIN) {
            poll(&more, 1, -1);
            continue;
        }
        if (failure || (got == 0 && (out->length > before || !is_fifo)))
            return failure;
        if (out->length - before > TF_MOST_READ)
            return TF_READ_TOO_LARGE;
        if (got > 0)
            continue;
        if (waited == PATIENCE)
            return TF_READ_SILENT;
        if (poll(&more, 1, STEP) == 0)
            waited += STEP;
        else if (!(more.revents & POLLIN)) /* it has come and gone */
            return 0;
    }
}

/* Closes the file. After a failure removes what was added. */
static int end_reading(int fd, int failure, size_t before, tf_buf *out) {
    if (failure)
        out->length = before;
    if (out->data)
        out->data[out->length] = '\0';
    close(fd);
    return failure;
}

int tf_read_file(const char *path, tf_buf *out) {
    struct stat info = {0};
    int fd, failure = open_at_once(path, &fd, &info);
    const size_t before = out->length;
    if (failure)
        return failure;
    failure = S_ISREG(info.st_mode) ? read_regular(fd, info.st_size, out) : TF_READ_IRREGULAR;
    return end_reading(fd, failure, before, out);
}

int tf_read_input(const char *path, tf_buf *out) {
    struct stat info = {0};
    int fd, failure = open_at_once(path, &fd, &info);
    const size_t before = out->length;
    if (failure)
        return failure;
    if (S_ISREG(info.st_mode))
        failure = read_regular(fd, info.st_size, out);
    else if (S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode) || isatty(fd))
        failure = read_pipe(fd, S_ISFIFO(info.st_mode), out);
    else
        failure = TF_READ_IRREGULAR;
    return end_reading(fd, failure, before, out);
}
