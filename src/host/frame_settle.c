/* Rows of a frame that have ended: their results are where they belong already, what is left are statuses, and texts.
 * Rows without texts, most of them, are settled all at once. */
#include "host/column_reader.h"
#include "host/frame_run.h"
#include "host/row.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Texts ---- */

/* What stands before each text. */
typedef struct text_head {
    int64_t row; /* of the frame */
    int32_t kind;
    int32_t zero;
    int64_t size; /* bytes of the text */
} text_head;

/* The kinds of texts; from 0 on they are values of columns. */
enum { TEXT_MESSAGE = -1, TEXT_TRACEBACK = -2, TEXT_OUT = -3, TEXT_ERR = -4 };

int64_t frame_file_size(int fd) {
    struct stat info;
    return fstat(fd, &info) == 0 ? (int64_t)info.st_size : 0;
}

/* Makes bytes of the texts readable; NULL: they are not there. */
static const char *read_texts(frame_run *f, int64_t at, int64_t bytes, int64_t size) {
    enum { AT_ONCE = 1 << 20 };
    tf_buf *chunk = &f->s->chunk;
    if (bytes > size - at)
        return NULL;
    if (at < f->chunk_at || at + bytes > f->chunk_at + (int64_t)chunk->length) {
        const int64_t left = size - at, most = bytes > AT_ONCE ? bytes : AT_ONCE;
        tf_buf_clear(chunk);
        tf_buf_reserve(chunk, (size_t)(left < most ? left : most) + 1);
        const ssize_t got = pread(f->s->texts, chunk->data, (size_t)(left < most ? left : most), (off_t)at);
        chunk->length = got > 0 ? (size_t)got : 0;
        f->chunk_at = at;
    }
    return at + bytes <= f->chunk_at + (int64_t)chunk->length ? chunk->data + (at - f->chunk_at) : NULL;
}

/* What of a file was written by the row. */
static bool add_range(const char *text, int64_t bytes, int file, capture *to, int64_t *used) {
    int64_t range[2];
    if (bytes != (int64_t)sizeof range)
        return false;
    memcpy(range, text, sizeof range);
    if (range[0] < 0 || range[1] < range[0] || range[1] > frame_file_size(file))
        return false;
    capture_add_file(to, file, range[0], range[1]);
    *used = range[1];
    return true;
}

/* A text of the row. false: it can't be one. */
static bool add_text(frame_run *f, int64_t row, const text_head *head, const char *text) {
    enum { LONGEST_MESSAGE = 1 << 20 };
    host *h = f->h;
    const int length = (int)(head->size < LONGEST_MESSAGE ? head->size : LONGEST_MESSAGE);
    switch (head->kind) {
    case TEXT_MESSAGE: host_fail(h, "%.*s", length, text); return true;
    case TEXT_TRACEBACK: capture_add(&h->err, text, (size_t)head->size); return true;
    case TEXT_OUT: return add_range(text, head->size, f->s->out, &h->out, &f->out_used);
    case TEXT_ERR: return add_range(text, head->size, f->s->err, &h->err, &f->err_used);
    default:
        if (head->kind < 0 || head->kind >= h->spec->columns || tf_column_bytes(&h->spec->column[head->kind]))
            return false;
        const cell c = cell_of(h, row, head->kind);
        cell_store_text(&c, text, (size_t)head->size, "the value");
        return true;
    }
}

static void begin_texts(host *h) {
    row_begin(h);
    if (h->out.total)
        capture_start(&h->out, h->spec->capture_stdout);
}

static void end_texts(host *h, int64_t row, uint64_t blobs_before) {
    row_set_status(h, row);
    row_add_texts(h, row, blobs_before);
    begin_texts(h);
}

/* Adds the texts of the rows before `row`. */
static const char *add_texts(frame_run *f, int64_t row) {
    const int64_t size = frame_file_size(f->s->texts);
    int64_t of = -1; /* the row whose texts are being added */
    uint64_t blobs_before = 0;
    for (;;) {
        text_head head;
        const char *at = read_texts(f, f->texts_used, sizeof head, size);
        if (!at)
            break;
        memcpy(&head, at, sizeof head);
        const bool is_ours = head.row >= 0 && head.row < f->end - f->first;
        const int64_t to = is_ours ? f->first + head.row : -1;
        if (is_ours && to >= row) /* it has not ended */
            break;
        const char *text = head.size < 0 || head.size > size
                               ? NULL
                               : read_texts(f, f->texts_used + (int64_t)sizeof head, head.size, size);
        if (!text || to < f->settled || to < of)
            return "a text";
        if (to != of && !f->is_alone) {
            if (of >= 0)
                end_texts(f->h, of, blobs_before);
            begin_texts(f->h);
            blobs_before = f->h->blobs_used;
        }
        of = to;
        if (!add_text(f, to, &head, text))
            return "a text";
        f->texts_used += (int64_t)sizeof head + head.size;
    }
    if (of >= 0 && !f->is_alone)
        end_texts(f->h, of, blobs_before);
    return NULL;
}

/* ---- Rows ---- */

static void set_statuses(host *h, int64_t row, int64_t end) {
    if (!h->sets_apart) {
        memset(h->columns.status + row, TF_STATUS_DONE, (size_t)(end - row));
        return;
    }
    for (; row < end; row++) {
        if (row_is_set_apart(h, row))
            row_explain_skipped(h, row);
        else
            h->columns.status[row] = TF_STATUS_DONE;
    }
}

/* Nothing is known of the rows any more. */
static void forget(host *h, int64_t row, int64_t end, uint64_t blobs_before) {
    h->blobs_used = blobs_before;
    for (; row < end; row++)
        if (!row_is_set_apart(h, row))
            h->columns.status[row] = TF_STATUS_PENDING;
}

const char *frame_settle(frame_run *f, int64_t row) {
    host *h = f->h;
    const uint64_t blobs_before = h->blobs_used;
    if (row == f->settled)
        return NULL;
    if (!f->is_alone)
        set_statuses(h, f->settled, row);
    const char *nonsense = add_texts(f, row);
    if (nonsense) {
        forget(h, f->settled, row, blobs_before);
        return nonsense;
    }
    for (int64_t r = f->settled; r < row && h->has_blocks && !f->is_alone; r++)
        batch_spread_blocks(&h->columns, h->spec, r, h->header->first + r);
    f->settled = row;
    if (f->is_alone)
        return NULL;
    h->header->blobs_size = h->blobs_used;
    __atomic_store_n(&h->header->ended, row, __ATOMIC_RELEASE);
    return NULL;
}

/* ---- Output ---- */

/* A process that is killed by a signal has written its stack to stderr, the innermost call first. From the first call
 * that is one of ours on it says nothing to the user: where does that begin in the bytes from .. to - 1 of the file? At
 * `to` if there is no stack. */
static int64_t find_our_calls(int file, int64_t from, int64_t to) {
    enum { SEARCHED = 1 << 16 };
    static const char mark[] = "Fatal Python error: ";
    static const char *const ours[] = {"  File \"<taskfarm loop>\"", "/taskfarm/_slot/"};
    const int64_t at = to - from > SEARCHED ? to - SEARCHED : from;
    tf_buf text = {0};
    int64_t begin = to;
    tf_buf_reserve(&text, (size_t)(to - at) + 1);
    const ssize_t got = pread(file, text.data, (size_t)(to - at), (off_t)at);
    const char *end = text.data + (got > 0 ? got : 0);
    const char *stack = memmem(text.data, (size_t)(end - text.data), mark, sizeof mark - 1);
    for (int i = 0; i < 2 && stack; i++) {
        const char *call = memmem(stack, (size_t)(end - stack), ours[i], strlen(ours[i]));
        const char *line = call ? memrchr(stack, '\n', (size_t)(call - stack)) : NULL;
        if (line && at + (line + 1 - text.data) < begin)
            begin = at + (line + 1 - text.data);
    }
    tf_buf_free(&text);
    return begin;
}

void frame_add_last_output(frame_run *f) {
    const int64_t err = frame_file_size(f->s->err);
    capture_add_file(&f->h->out, f->s->out, f->out_used, frame_file_size(f->s->out));
    capture_add_file(&f->h->err, f->s->err, f->err_used, find_our_calls(f->s->err, f->err_used, err));
}

/* Frees what is behind the first and before the last `kept` bytes of what the row has written so far. */
static void drop(int file, int64_t kept, int64_t used, int64_t size, int64_t *dropped) {
    enum { PATIENCE = 32 << 20 }; /* bytes */
    const int64_t from = *dropped > used + kept ? *dropped : used + kept, to = size - kept;
    if (to - from < PATIENCE)
        return;
    fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)from, (off_t)(to - from));
    *dropped = to;
}

void frame_drop_output(frame_run *f, int64_t out, int64_t err) {
    drop(f->s->out, f->h->spec->capture_stdout, f->out_used, out, &f->out_dropped);
    drop(f->s->err, f->h->spec->capture_stderr, f->err_used, err, &f->err_dropped);
}
