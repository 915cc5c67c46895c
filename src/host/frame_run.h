/* Running a frame: a Python process has rows of the batch, and the rows that it is done with are settled as it goes on.
 * If it dies, that is blamed on the row under way. */
#ifndef TF_HOST_FRAME_RUN_H
#define TF_HOST_FRAME_RUN_H

#include "host/python_slot.h"

typedef struct frame_run {
    host *h;
    python_slot *s;
    int64_t first, end; /* rows first .. end - 1 of the batch */
    int64_t settled;    /* rows before this one have ended and are settled */
    bool is_spoilt;     /* one of the rows has left nonsense: they are to run one by one, to find out which it is */
    bool is_in_vain;    /* one call has run several rows, and came to nothing: so are they */
    bool is_deaf;       /* the process has closed its socket */
    bool is_unread;     /* the process could not read a block of the row behind those that have ended */

    /* The one row of the frame is settled by who called: here it only fails, and has its texts added. */
    bool is_alone;

    /* How far the process's files are used, in bytes. */
    int64_t texts_used, out_used, err_used;
    int64_t out_dropped, err_dropped; /* what is kept of a very long output begins and ends around this */
    int64_t chunk_at;                 /* where in the texts s->chunk begins */
} frame_run;

/* Runs the frame. Rows from `settled` on are left: the process was told to stop, or has ended; then it is freed. */
void frame_run_rows(frame_run *f);

/* Settles the rows before `row`: their statuses, texts and captured output. NULL, or what in the texts can't be true
 * (frame_settle.c). */
const char *frame_settle(frame_run *f, int64_t row);

/* Adds what was written to stdout and stderr since the last row that is settled to the captures of the row under way.
 */
void frame_add_last_output(frame_run *f);

/* Frees the memory of output that is too long to be kept. Only what is written before the call counts as that of the
 * row under way: `out` and `err` are the sizes at a time before rows were settled last. */
void frame_drop_output(frame_run *f, int64_t out, int64_t err);

/* Bytes of a file. */
int64_t frame_file_size(int fd);

#endif
