/* A frame: rows of a batch that a Python process is to run, and the memory in which it gets their parameters and counts
 * them. */
#ifndef TF_HOST_FRAME_H
#define TF_HOST_FRAME_H

#include "host/host.h"

enum { FRAME_CONTROL_BYTES = 4096 };

/* The beginning of that memory. */
typedef struct frame_control {
    int64_t ended;   /* Python, atomic: rows 0 .. ended - 1 of the frame have ended, with all that belongs to them */
    double started;  /* Python: tf_now() when the row under way began; 0: none is under way, or there is no timeout */
    int64_t stop;    /* host, atomic: no further row is to be begun */
    int64_t calling; /* Python: a batch function has rows ended .. calling_end - 1 */
    int64_t calling_end;
    int64_t importing; /* Python: 1 + the stage whose module is being imported; 0: none */
    int64_t leaving;   /* host, atomic: the run is about to end */
    int64_t begun;     /* Python: 1 once it has seen the frame; a death before that is no task's */
} frame_control;

typedef struct frame_memory {
    int fd;
    size_t size;            /* bytes of the file, all of them mapped */
    frame_control *control; /* where it is mapped; NULL: not yet */
} frame_memory;

/* Makes the memory, with its control block alone. false with errno. */
bool frame_memory_new(frame_memory *m);
void frame_memory_free(frame_memory *m);

/* Lays out what is to be known of rows first .. first + count - 1 of the batch, and adds the packet that tells of them:
 * {"frame": {...}}. `has_times`: the process is to note when each row began, and how long it took. false with errno. */
bool frame_write(host *h, frame_memory *m, int buffer, int64_t first, int64_t count, bool has_seeds, bool has_times,
                 tf_buf *packet);

#endif
