/* An external merge sort: records that fill the memory are sorted and written to a file as one run, and the runs are
 * merged from there. Records that fit never see a disk. */
#include "base/sorter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files.h"

enum { LEAST_WINDOW = 1 << 16 /* bytes of a run that are read at once */ };

/* What stands before a record's key and its bytes, in memory and in the file. */
typedef struct head {
    size_t key, size;
} head;

/* A run on its way through the merge: a window of its bytes, which has at least one whole record. */
typedef struct run {
    off_t next, end; /* bytes of the file that have not been read */
    char *window;
    size_t capacity, length, at; /* at: where the first record begins that is still to come */
} run;

/* The first record of a run that is left. */
typedef struct candidate {
    const char *record;
    int run;
} candidate;

struct tf_sorter {
    size_t memory;
    const char *folder;
    tf_buf records; /* one behind the other */
    size_t *at;     /* where each begins */
    size_t count, capacity;
    int fd; /* -1: nothing has been written */
    off_t written;
    run *runs;
    int run_count;
};

tf_sorter *tf_sorter_new(size_t memory, const char *folder) {
    tf_sorter *s = tf_alloc(sizeof *s);
    *s = (tf_sorter){.memory = memory, .folder = folder, .fd = -1};
    return s;
}

void tf_sorter_free(tf_sorter *s) {
    if (!s)
        return;
    for (int r = 0; r < s->run_count; r++)
        free(s->runs[r].window);
    free(s->runs);
    free(s->at);
    tf_buf_free(&s->records);
    if (s->fd >= 0)
        close(s->fd);
    free(s);
}

/* ---- Records ---- */

static head head_of(const char *record) {
    head h;
    memcpy(&h, record, sizeof h);
    return h;
}

static int compare_keys(const char *a, const char *b) {
    const head x = head_of(a), y = head_of(b);
    const int order = memcmp(a + sizeof x, b + sizeof y, x.key < y.key ? x.key : y.key);
    return order ? order : x.key < y.key ? -1 : x.key > y.key;
}

/* Records in memory lie in the order in which they were added. */
static int compare_records(const void *a, const void *b) {
    const char *x = *(const char *const *)a, *y = *(const char *const *)b;
    const int order = compare_keys(x, y);
    return order ? order : x < y ? -1 : x > y;
}

/* The records in memory, sorted; to be freed. */
static const char **sort_records(const tf_sorter *s) {
    const char **sorted = tf_alloc_array(s->count + 1, sizeof *sorted);
    for (size_t i = 0; i < s->count; i++)
        sorted[i] = s->records.data + s->at[i];
    if (s->count)
        qsort(sorted, s->count, sizeof *sorted, compare_records);
    return sorted;
}

static size_t bytes_of(const char *record) {
    const head h = head_of(record);
    return sizeof h + h.key + h.size;
}

static tf_err give(const char *record, tf_on_record *visit, void *context, tf_error *error) {
    const head h = head_of(record);
    return visit(context, record + sizeof h + h.key, h.size, error);
}

/* ---- Runs ---- */

static tf_err cant_write(const tf_sorter *s, tf_error *error) {
    return tf_error_set_as(error, TF_ERR_RUN, tf_diag_of_write(errno),
                           "can't sort in %s: %s; set TMPDIR to a folder with room for the whole table", s->folder,
                           strerror(errno));
}

static bool open_file(tf_sorter *s) {
    tf_buf name = {0};
    if (s->fd >= 0)
        return true;
    tf_buf_addf(&name, "%s/taskfarm-sort-XXXXXX", s->folder);
    s->fd = mkostemp(name.data, O_CLOEXEC);
    if (s->fd >= 0)
        unlink(name.data);
    tf_buf_free(&name);
    return s->fd >= 0;
}

static bool write_all(tf_sorter *s, const char *bytes, size_t size) {
    for (ssize_t put; size > 0; bytes += put, size -= (size_t)put, s->written += put) {
        put = write(s->fd, bytes, size);
        if (put < 0 && errno != EINTR)
            return false;
        put = put < 0 ? 0 : put;
    }
    return true;
}

static bool write_sorted(tf_sorter *s, const char **sorted) {
    tf_buf out = {0};
    bool good = true;
    for (size_t i = 0; i < s->count && good; i++) {
        tf_buf_add(&out, sorted[i], bytes_of(sorted[i]));
        if (out.length < LEAST_WINDOW && i + 1 < s->count)
            continue;
        good = write_all(s, out.data, out.length);
        tf_buf_clear(&out);
    }
    tf_buf_free(&out);
    return good;
}

/* Writes the records in memory as one run. */
static tf_err spill(tf_sorter *s, tf_error *error) {
    const char **sorted = sort_records(s);
    run r = {.next = s->written};
    const bool good = open_file(s) && write_sorted(s, sorted);
    free(sorted);
    if (!good)
        return cant_write(s, error);
    r.end = s->written;
    s->runs = tf_realloc_array(s->runs, (size_t)s->run_count + 1, sizeof *s->runs);
    s->runs[s->run_count++] = r;
    tf_buf_clear(&s->records);
    s->count = 0;
    return TF_OK;
}

tf_err tf_sorter_add(tf_sorter *s, const tf_buf *key, const tf_buf *record, tf_error *error) {
    const head h = {key->length, record->length};
    const size_t size = sizeof h + h.key + h.size + 2 * sizeof *s->at;
    tf_err err = TF_OK;
    if (s->count > 0 && s->records.length + s->count * 2 * sizeof *s->at + size > s->memory)
        err = spill(s, error);
    if (err != TF_OK)
        return err;
    if (s->count == s->capacity) {
        s->capacity = s->capacity ? 2 * s->capacity : 1024;
        s->at = tf_realloc_array(s->at, s->capacity, sizeof *s->at);
    }
    s->at[s->count++] = s->records.length;
    tf_buf_add(&s->records, &h, sizeof h);
    tf_buf_add(&s->records, key->data, h.key);
    tf_buf_add(&s->records, record->data, h.size);
    return TF_OK;
}

/* ---- The merge ---- */

/* Moves what is left to the beginning of the window, and reads until that has `least` bytes. */
static bool refill(const tf_sorter *s, run *r, size_t least) {
    memmove(r->window, r->window + r->at, r->length - r->at);
    r->length -= r->at;
    r->at = 0;
    if (least > r->capacity) {
        r->window = tf_realloc_array(r->window, least, 1);
        r->capacity = least;
    }
    while (r->length < least && r->next < r->end) {
        const size_t room = r->capacity - r->length;
        const size_t want = (off_t)room < r->end - r->next ? room : (size_t)(r->end - r->next);
        const ssize_t got = pread(s->fd, r->window + r->length, want, r->next);
        if (got <= 0 && !(got < 0 && errno == EINTR))
            return false;
        r->next += got > 0 ? got : 0;
        r->length += got > 0 ? (size_t)got : 0;
    }
    return r->length >= least;
}

/* Makes the run's next record whole in its window. NULL: there is none, or it can't be read. */
static const char *next_record(const tf_sorter *s, run *r, bool *good) {
    if (r->at == r->length && r->next == r->end)
        return NULL;
    if (r->length - r->at < sizeof(head))
        *good = refill(s, r, sizeof(head));
    if (*good && r->length - r->at < bytes_of(r->window + r->at))
        *good = refill(s, r, bytes_of(r->window + r->at));
    return *good ? r->window + r->at : NULL;
}

static bool comes_before(const void *a, const void *b) {
    const candidate *x = a, *y = b;
    const int order = compare_keys(x->record, y->record);
    return order ? order < 0 : x->run < y->run;
}

static tf_err merge(tf_sorter *s, tf_on_record *visit, void *context, tf_error *error) {
    tf_heap first = {.size = sizeof(candidate), .before = comes_before};
    const size_t share = s->memory / (size_t)s->run_count;
    tf_err err = TF_OK;
    bool good = true;
    for (int n = 0; n < s->run_count && good; n++) {
        run *r = &s->runs[n];
        r->capacity = share > LEAST_WINDOW ? share : LEAST_WINDOW;
        r->window = tf_alloc(r->capacity);
        const char *record = next_record(s, r, &good);
        if (record)
            tf_heap_add(&first, &(candidate){record, n});
    }
    while (good && err == TF_OK && first.count > 0) {
        candidate c;
        tf_heap_pop(&first, &c);
        err = give(c.record, visit, context, error);
        s->runs[c.run].at += bytes_of(c.record);
        c.record = next_record(s, &s->runs[c.run], &good);
        if (c.record)
            tf_heap_add(&first, &c);
    }
    tf_heap_free(&first);
    return good ? err : cant_write(s, error);
}

tf_err tf_sorter_each(tf_sorter *s, tf_on_record *visit, void *context, tf_error *error) {
    tf_err err = TF_OK;
    if (s->run_count == 0) {
        const char **sorted = sort_records(s);
        for (size_t i = 0; i < s->count && err == TF_OK; i++)
            err = give(sorted[i], visit, context, error);
        free(sorted);
        return err;
    }
    if (s->count > 0)
        err = spill(s, error);
    tf_buf_free(&s->records);
    return err == TF_OK ? merge(s, visit, context, error) : err;
}
