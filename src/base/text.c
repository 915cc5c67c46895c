/* Growing buffers, and text to and from numbers. */
#include "base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* ---- Buffers ---- */

static void reserve(tf_buf *buf, size_t more) {
    size_t need = buf->length + more + 1;
    if (need <= buf->capacity)
        return;
    size_t capacity = buf->capacity ? buf->capacity * 2 : 64;
    if (capacity < need)
        capacity = need;
    buf->data = tf_realloc_array(buf->data, capacity, 1);
    buf->capacity = capacity;
}

void tf_buf_reserve(tf_buf *buf, size_t size) {
    if (size > buf->length)
        reserve(buf, size - buf->length);
}

void tf_buf_add(tf_buf *buf, const void *data, size_t size) {
    reserve(buf, size);
    if (size)
        memcpy(buf->data + buf->length, data, size);
    buf->length += size;
    buf->data[buf->length] = '\0';
}

void tf_buf_adds(tf_buf *buf, const char *text) {
    tf_buf_add(buf, text, strlen(text));
}

void tf_buf_addc(tf_buf *buf, char c) {
    tf_buf_add(buf, &c, 1);
}

void tf_buf_addv(tf_buf *buf, const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    if (length > 0) {
        reserve(buf, (size_t)length);
        vsnprintf(buf->data + buf->length, (size_t)length + 1, format, again);
        buf->length += (size_t)length;
    }
    va_end(again);
}

void tf_buf_addf(tf_buf *buf, const char *format, ...) {
    va_list args;
    va_start(args, format);
    tf_buf_addv(buf, format, args);
    va_end(args);
}

void tf_buf_clear(tf_buf *buf) {
    buf->length = 0;
    if (buf->data)
        buf->data[0] = '\0';
}

void tf_buf_free(tf_buf *buf) {
    free(buf->data);
    *buf = (tf_buf){0};
}

const char *tf_buf_text(const tf_buf *buf) {
    return buf->data ? buf->data : "";
}

void tf_buf_add_quoted(tf_buf *out, const char *text) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=+,@%";
    if (*text && text[strspn(text, plain)] == '\0') {
        tf_buf_adds(out, text);
        return;
    }
    tf_buf_addc(out, '\'');
    for (; *text; text++) {
        if (*text == '\'')
            tf_buf_adds(out, "'\\''");
        else
            tf_buf_addc(out, *text);
    }
    tf_buf_addc(out, '\'');
}

void tf_buf_add_copyable(tf_buf *out, const char *word, bool one_line) {
    if (tf_is_visible(word, one_line)) {
        tf_buf_add_quoted(out, word);
        return;
    }
    tf_buf_adds(out, "$'");
    for (; *word; word++) {
        const unsigned char c = (unsigned char)*word;
        if (c == '\'' || c == '\\')
            tf_buf_addf(out, "\\%c", c);
        else if (c < 0x20 || c >= 0x7f)
            tf_buf_addf(out, "\\%03o", c);
        else
            tf_buf_addc(out, *word);
    }
    tf_buf_addc(out, '\'');
}

void tf_buf_add_double(tf_buf *buf, double value) {
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    tf_buf_adds(buf, text);
}

/* ---- Suggestions ---- */

static size_t edit_distance(const char *a, const char *b) {
    enum { LONGEST = 63 };
    size_t n = strlen(a), m = strlen(b);
    if (n > LONGEST || m > LONGEST)
        return SIZE_MAX;
    size_t row[LONGEST + 1];
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t change = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            size_t shorter = row[j] < row[j - 1] ? row[j] : row[j - 1];
            row[j] = change < shorter + 1 ? change : shorter + 1;
        }
    }
    return row[m];
}

const char *tf_suggest(const char *name, const char *const *candidates, size_t count) {
    const char *best = NULL;
    size_t nearest = strlen(name) / 3 + 2; /* one more than what counts as a slip */
    for (size_t i = 0; i < count; i++) {
        size_t distance = edit_distance(name, candidates[i]);
        if (distance < nearest && distance < strlen(candidates[i])) {
            nearest = distance;
            best = candidates[i];
        }
    }
    return best;
}

/* ---- Numbers ---- */

bool tf_parse_size(const char *text, int64_t *bytes) {
    static const char units[] = "KMGTP";
    char *end;
    double value = strtod(text, &end);
    if (end == text || !isfinite(value) || value < 0)
        return false;
    while (*end == ' ')
        end++;
    const char *unit = *end ? strchr(units, *end) : NULL;
    if (unit) {
        value *= pow(1024, (double)(unit - units + 1));
        end++;
        if (*end == 'i')
            end++;
    }
    if (*end == 'B')
        end++;
    if (*end || value > 9e18)
        return false;
    *bytes = (int64_t)value;
    return true;
}

bool tf_parse_duration(const char *text, double *seconds) {
    static const struct {
        char unit;
        double seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    char *end;
    double value = strtod(text, &end);
    if (end == text || !isfinite(value) || value <= 0 || strchr(" \t\n\v\f\r", *text))
        return false;
    for (size_t i = 0; *end && i < sizeof units / sizeof *units; i++) {
        if (*end == units[i].unit && end[1] == '\0') {
            *seconds = value * units[i].seconds;
            return true;
        }
    }
    *seconds = value;
    return *end == '\0';
}

const char *tf_format_duration(double seconds, char out[32]) {
    if (!(seconds < 1e9))
        return strcpy(out, "?");
    int64_t s = (int64_t)(seconds + 0.5);
    if (seconds < 9.95)
        snprintf(out, 32, "%.1fs", seconds > 0 ? seconds : 0.0);
    else if (s < 60)
        snprintf(out, 32, "%" PRId64 "s", s);
    else if (s < 3600)
        snprintf(out, 32, "%" PRId64 "m%02" PRId64 "s", s / 60, s % 60);
    else if (s < 86400)
        snprintf(out, 32, "%" PRId64 "h%02" PRId64 "m", s / 3600, s / 60 % 60);
    else
        snprintf(out, 32, "%" PRId64 "d%02" PRId64 "h", s / 86400, s / 3600 % 24);
    return out;
}

const char *tf_format_count(int64_t count, char out[32]) {
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRId64, count);
    char *to = out;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0 && digits[i - 1] != '-')
            *to++ = ' ';
        *to++ = digits[i];
    }
    *to = '\0';
    return out;
}

const char *tf_format_size(int64_t bytes, char out[32]) {
    static const char *const units[] = {"bytes", "KB", "MB", "GB", "TB"};
    double value = (double)bytes;
    size_t unit = 0;
    for (; value >= 1024 && unit + 1 < sizeof units / sizeof *units; unit++)
        value /= 1024;
    snprintf(out, 32, "%.4g %s", value, units[unit]);
    return out;
}

const char *tf_format_signal(int signal, char out[64]) {
    const char *name = sigdescr_np(signal);
    snprintf(out, 64, "signal %d (%s)", signal, name ? name : "unknown");
    return out;
}

int64_t tf_utf8_invalid(const char *text, size_t length) {
    const unsigned char *bytes = (const unsigned char *)text;
    for (size_t i = 0; i < length;) {
        unsigned char lead = bytes[i];
        size_t more = lead < 0x80 ? 0 : lead < 0xC2 ? 9 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : lead < 0xF5 ? 3 : 9;
        if (more > 3 || more >= length - i + (more == 0))
            return (int64_t)i;
        for (size_t k = 1; k <= more; k++)
            if ((bytes[i + k] & 0xC0) != 0x80)
                return (int64_t)i;
        if (more > 1) { /* overlong forms, surrogates, beyond U+10FFFF */
            unsigned char second = bytes[i + 1];
            if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) || (lead == 0xF0 && second < 0x90) ||
                (lead == 0xF4 && second > 0x8F))
                return (int64_t)i;
        }
        i += more + 1;
    }
    return -1;
}

/* ---- Files ---- */

const char *tf_read_failure(int failure) {
    switch (failure) {
    case TF_READ_IRREGULAR: return "is not a regular file";
    case TF_READ_TOO_LARGE: return "is larger than 1 GB, the most that is read as a whole";
    case TF_READ_SILENT: return "is a FIFO that nobody writes to";
    case TF_READ_UNTRUSTED: return "is not opened because an output names it; --trust opens it";
    default: return strerror(failure);
    }
}

/* Without waiting: to open a FIFO would wait for somebody at its other end. */
static int open_at_once(const char *path, int *fd, struct stat *info) {
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (*fd < 0)
        return errno;
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
    reserve(out, most);
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

/* A writer that is there is waited for as long as it takes, one that is not for a moment only. */
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

/* What was added before a failure is taken away again. */
static int end_reading(int fd, int failure, size_t before, tf_buf *out) {
    if (failure)
        out->length = before;
    if (out->data)
        out->data[out->length] = '\0';
    close(fd);
    return failure;
}

int tf_follow_links(const char *path, tf_buf *out) {
    enum { MOST = 40 }; /* as the system's own limit */
    const size_t start = out->length;
    char target[PATH_MAX];
    tf_buf_adds(out, path);
    for (int links = 0; links < MOST; links++) {
        const ssize_t length = readlink(tf_buf_text(out) + start, target, sizeof target - 1);
        if (length < 0) /* no link (EINVAL), or nothing there, which is for others to say */
            return 0;
        target[length] = '\0';
        size_t keep = *target == '/' ? start : out->length;
        while (keep > start && out->data[keep - 1] != '/')
            keep--;
        out->length = keep;
        tf_buf_adds(out, target);
    }
    return ELOOP;
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

const char *tf_temporary_folder(void) {
    const char *folder = getenv("TMPDIR");
    return folder && *folder ? folder : "/tmp";
}

int64_t tf_free_bytes(const char *path) {
    struct statvfs disk;
    if (statvfs(path, &disk) != 0 || disk.f_blocks == 0)
        return INT64_MAX;
    return (int64_t)((uint64_t)(geteuid() == 0 ? disk.f_bfree : disk.f_bavail) * disk.f_frsize);
}

int tf_memory_file(const char *name, const tf_buf *bytes) {
    int fd = memfd_create(name, MFD_CLOEXEC);
    for (size_t done = 0; fd >= 0 && done < bytes->length;) {
        ssize_t put = pwrite(fd, bytes->data + done, bytes->length - done, (off_t)done);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0) {
            int failure = put < 0 ? errno : ENOSPC;
            close(fd);
            errno = failure;
            return -1;
        }
        done += (size_t)put;
    }
    return fd;
}
