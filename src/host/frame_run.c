/* Running a frame (see frame_run.h). */
#include "host/frame_run.h"
#include "host/packet.h"
#include "host/python_files.h"
#include "host/row.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#define LOOK     0.05 /* s between two looks at a frame that goes on */
#define PATIENCE 0.15 /* s for the row under way to end once the rank has said stop */

/* Why a process is ended, or has ended. */
typedef enum end_reason {
    END_ITSELF,
    END_LATE,    /* the row under way has taken longer than its timeout */
    END_LEFT,    /* the rank has said stop */
    END_UNSENT,  /* the frame could not be sent */
    END_NONSENSE /* it has said what can't be true */
} end_reason;

/* ---- What the process says of the frame ---- */

static int64_t load(const int64_t *counter) {
    return __atomic_load_n(counter, __ATOMIC_ACQUIRE);
}

static double load_started(const frame_control *c) {
    double started;
    __atomic_load(&c->started, &started, __ATOMIC_ACQUIRE);
    return started;
}

/* Settles the rows that have ended. NULL, or what can't be true. */
static const char *settle(frame_run *f) {
    const int64_t ended = load(&f->s->frame.control->ended);
    if (ended < f->settled - f->first || ended > f->end - f->first)
        return "its count of finished tasks";
    return frame_settle(f, f->first + ended);
}

/* The number of the row under way that has taken too long; -1: none has. */
static int64_t find_late(const frame_run *f) {
    const frame_control *c = f->s->frame.control;
    const double timeout = f->h->spec->timeout, started = timeout > 0 ? load_started(c) : 0;
    const int64_t row = load(&c->ended);
    if (!(started > 0) || tf_now() - started <= timeout || load_started(c) != started)
        return -1;
    return f->first + row;
}

/* How long nothing need be looked at. */
static double time_to_wait(const frame_run *f) {
    const double timeout = f->h->spec->timeout, started = timeout > 0 ? load_started(f->s->frame.control) : 0;
    const double left = started > 0 ? started + timeout - tf_now() : LOOK;
    return left >= LOOK ? LOOK : left > 0.001 ? left : 0.001;
}

/* Does it say that the frame is over? {"frame": rows, "seeds": bool}, with "vain": "why" if a call of several rows came
 * to nothing, and "unread": true if the blocks of the next row can't be read. */
static bool read_end(frame_run *f) {
    python_slot *s = f->s;
    cJSON *said = cJSON_ParseWithLength(tf_buf_text(&s->packet), s->packet.length);
    const bool over = cJSON_IsNumber(cJSON_GetObjectItemCaseSensitive(said, "frame"));
    const char *vain = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(said, "vain"));
    if (vain)
        host_notice(f->h, TF_NOTICE_BATCHES, vain);
    s->wants_seeds = s->wants_seeds || cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(said, "seeds"));
    f->is_unread = f->h->reads_blocks && cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(said, "unread"));
    cJSON_Delete(said);
    return over;
}

/* Is one call running several rows, from the one behind those that have ended? */
static bool is_together(const frame_run *f) {
    const frame_control *c = f->s->frame.control;
    const int64_t end = f->first + load(&c->calling_end);
    return host_call(f->h) > 1 && load(&c->calling) == 1 && end > f->settled + 1 && end <= f->end;
}

/* A call of several rows came to nothing: the rank has each of them run by a call of its own. */
static void part_ways(frame_run *f) {
    f->is_in_vain = true;
    __atomic_store_n(&f->h->header->calling_end, f->first + load(&f->s->frame.control->calling_end), __ATOMIC_RELEASE);
}

/* A frame is over when a row has ended, none was to begin or could be, or a call came to nothing. */
static bool has_moved(const frame_run *f) {
    return f->settled > f->first || f->is_unread || f->s->frame.control->stop || is_together(f);
}

/* ---- Beginning ---- */

static void empty(int file) {
    if (frame_file_size(file) > 0 && ftruncate(file, 0) != 0)
        errno = 0; /* what is in it is behind what is read */
}

/* The number of the batch's buffer to the process, which gets it if it has not got it yet. -1 with errno. */
static int give_buffer(const host *h, python_slot *s) {
    int b = 0;
    while (b < BATCH_BUFFERS && s->buffer[b] && s->buffer[b] != h->map->fixed)
        b++;
    if (b == BATCH_BUFFERS || s->buffer[b])
        return b % BATCH_BUFFERS;
    tf_buf packet = {0};
    tf_buf_addf(&packet, "{\"buffer\": %d, \"size\": %zu}", b, h->map->fixed_size);
    const bool sent = packet_send(s->socket, &packet, &h->map->fd, 1);
    tf_buf_free(&packet);
    if (!sent)
        return -1;
    s->buffer[b] = h->map->fixed;
    return b;
}

/* Sends the frame. false with errno. */
static bool begin(frame_run *f) {
    host *h = f->h;
    python_slot *s = f->s;
    tf_buf packet = {0};
    empty(s->out);
    empty(s->err);
    empty(s->texts);
    tf_buf_clear(&s->chunk);
    *s->frame.control = (frame_control){0};
    python_slot_pin(h, s);
    const int buffer = give_buffer(h, s);
    const bool has_times = h->spec->record_full && !f->is_alone;
    const bool sent =
        buffer >= 0 &&
        frame_write(h, &s->frame, buffer, f->first, f->end - f->first, s->wants_seeds, has_times, &packet) &&
        packet_send(s->socket, &packet, NULL, 0);
    tf_buf_free(&packet);
    return sent;
}

/* ---- Ending ---- */

/* The row's start, if the process has noted it; and its duration until now. */
static void note_times(const frame_run *f, int64_t row) {
    const batch_columns *c = &f->h->columns;
    const double now = tf_wall(), earliest = now - (tf_now() - f->h->header->started) - 1;
    if (!f->h->spec->record_full)
        return;
    if (!(c->start[row] >= earliest && c->start[row] <= now))
        c->start[row] = now;
    c->duration[row] = now - c->start[row];
}

static void say_end(host *h, end_reason why, int status, const char *nonsense) {
    char text[64];
    if (why == END_LATE) {
        host_fail_late(h);
        return;
    }
    if (why == END_UNSENT)
        host_fail(h, "can't give the task to its Python process: %s", nonsense);
    else if (why == END_NONSENSE)
        host_fail(h, "what the task's process has left in shared memory can't be true (%s): was it written over?",
                  nonsense);
    else if (WIFSIGNALED(status))
        host_fail(h, "the task was killed by %s", tf_format_signal(WTERMSIG(status), text));
    else
        host_fail(h, "the task ended its process: exit status %d", WEXITSTATUS(status));
    batch_add_limit(h->spec, &h->outcome.message);
}

/* Says why rows that were called together are to be called one by one. */
static void tell_vain(host *h, end_reason why, int status, const char *nonsense) {
    if (host_call(h) == 1)
        return;
    say_end(h, why, status, nonsense);
    host_notice(h, TF_NOTICE_BATCHES, tf_buf_text(&h->outcome.message));
    row_begin(h);
}

/* Fails the row at which the process has ended. */
static void blame(frame_run *f, end_reason why, int status, const char *nonsense) {
    host *h = f->h;
    const int64_t row = f->settled;
    tf_buf scratch = {0};
    scratch_add_prefix(h, &scratch);
    if (scratch.length)
        tf_buf_addf(&scratch, "%" PRId64, h->header->first + row);
    scratch_remove(h, &scratch);
    tf_buf_free(&scratch);
    if (!f->is_alone) {
        row_begin(h);
        capture_start(&h->out, h->spec->capture_stdout);
    }
    frame_add_last_output(f);
    say_end(h, why, status, nonsense);
    row_note_end(h, row, status);
    f->settled++;
    if (f->is_alone)
        return;
    note_times(f, row);
    row_set_status(h, row);
    row_add_texts(h, row, h->blobs_used);
    row_begin(h);
    capture_start(&h->out, h->spec->capture_stdout);
    h->header->blobs_size = h->blobs_used;
    __atomic_store_n(&h->header->ended, f->settled, __ATOMIC_RELEASE);
}

/* The process has ended, or is ended for the reason. `late`: the row whose time was over. One that had not seen the
 * frame, or has ended when all was done, has no row under way. */
static void end_process(frame_run *f, end_reason why, int64_t late, const char *nonsense) {
    const bool is_seen = !f->s->is_used || load(&f->s->frame.control->begun);
    const int status = python_slot_kill(f->s);
    const char *found = why == END_NONSENSE ? nonsense : settle(f);
    if (found) {
        why = END_NONSENSE;
        nonsense = found;
    }
    f->is_spoilt = why == END_NONSENSE && f->end - f->first > 1;
    const bool had_ended = f->is_deaf && f->settled > f->first; /* it could not say that it had come to the end */
    const bool innocent =
        why == END_LEFT || !is_seen || f->is_spoilt || had_ended || (why == END_LATE && late != f->settled);
    if (why == END_LEFT)
        f->h->stopped = true;
    const bool in_vain = f->settled < f->end && !innocent && is_together(f);
    if (in_vain || f->is_spoilt)
        tell_vain(f->h, why, status, nonsense);
    if (in_vain)
        part_ways(f);
    else if (f->settled < f->end && !innocent)
        blame(f, why, status, nonsense);
    python_slot_free(f->s);
}

/* ---- Going on ---- */

/* The task has closed the socket of its process, as one that makes a daemon of itself does. The process goes on all the
 * same: it is watched by its counter, until all of its rows have ended. Is it over? */
static bool is_deaf_and_done(frame_run *f, python_reply what) {
    enum { PAUSE = 5 }; /* ms */
    f->is_deaf = f->is_deaf || what == PYTHON_LOST;
    if (what == PYTHON_LOST && f->settled < f->end)
        poll(NULL, 0, PAUSE);
    return what == PYTHON_LOST && f->settled == f->end;
}

/* Is the frame to end before all of its rows have? */
static bool is_to_end(const frame_run *f) {
    const host *h = f->h;
    return host_is_to_stop(h) ||
           (!f->is_alone && (tf_now() > h->header->started + BATCH_SECONDS || h->blobs_used > BATCH_BLOB_BYTES));
}

/* Tells the process to begin no further row. Returns until when the row under way may go on. */
static double tell_to_end(frame_run *f, double deadline) {
    frame_control *c = f->s->frame.control;
    if (is_to_end(f))
        __atomic_store_n(&c->stop, 1, __ATOMIC_RELEASE);
    if (!host_is_to_stop(f->h) || deadline < INFINITY)
        return deadline;
    __atomic_store_n(&c->leaving, 1, __ATOMIC_RELEASE);
    return tf_now() + PATIENCE;
}

void frame_run_rows(frame_run *f) {
    double deadline = INFINITY;
    if (!begin(f)) {
        const char *failure = strerror(errno);
        const bool ended = errno == EPIPE && python_slot_wait(f->h, f->s, 1) == PYTHON_ENDED;
        end_process(f, ended ? END_ITSELF : END_UNSENT, -1, failure);
        return;
    }
    for (;;) {
        const python_reply what = python_slot_wait(f->h, f->s, time_to_wait(f));
        const int64_t out = frame_file_size(f->s->out), err = frame_file_size(f->s->err);
        const int64_t late = find_late(f);
        const char *nonsense = settle(f);
        if (!nonsense && what == PYTHON_SAID && !(read_end(f) && has_moved(f)))
            nonsense = "its answer";
        if (nonsense) {
            end_process(f, END_NONSENSE, -1, nonsense);
            return;
        }
        if (what == PYTHON_SAID)
            break;
        frame_drop_output(f, out, err);
        deadline = tell_to_end(f, deadline);
        const bool over = what == PYTHON_ENDED || is_deaf_and_done(f, what);
        if (over || late >= 0 || tf_now() > deadline) {
            end_process(f, over ? END_ITSELF : late >= 0 ? END_LATE : END_LEFT, late, NULL);
            return;
        }
    }
    f->s->is_used = true;
    if (is_together(f))
        part_ways(f);
    if (f->is_unread && f->settled < f->end)
        python_files_refuse(f->h);
}
