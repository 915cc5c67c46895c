/* A process that calls Python functions: one of a slot's, for all stages that want the same interpreter, environment,
 * folder, limits, module, preloaded modules and init. It is told by packets (packet.h) what to do; what is much, the
 * parameters and what tasks say, travels in files in memory that both have mapped or open. Results it writes into the
 * batch's buffer itself.
 *
 * It may die or lie at any time: what it says is checked before it is used. */
#ifndef TF_HOST_PYTHON_SLOT_H
#define TF_HOST_PYTHON_SLOT_H

#include "host/frame.h"
#include "host/process.h"

typedef struct python_slot {
    process p;                         /* its pid is 0: it does not run */
    int socket;                        /* our end; -1: it does not run */
    const tf_stage_spec *of;           /* the stage that it was started for: others that are alike use it, too */
    int stage;                         /* the number of the stage that it knows; -1: of none */
    int files;                         /* the number of the stage whose arrays' files it has; -1: of none */
    bool wants_seeds;                  /* it wants the seeds of that stage's tasks */
    bool is_used;                      /* it has run a frame */
    uint64_t turn;                     /* when it was used last, in turns of the host */
    cpu_set_t cores;                   /* those that it is pinned to; an empty set: it is not pinned */
    tf_buf packet;                     /* what came last */
    frame_memory frame;                /* parameters and counters */
    int out, err, texts;               /* files in memory: what tasks write to stdout and stderr, and other texts */
    tf_buf chunk;                      /* texts that were read */
    const char *buffer[BATCH_BUFFERS]; /* the buffers that it has been given, by where they are mapped here */
} python_slot;

#define PYTHON_SLOT_NONE                                                                                               \
    {                                                                                                                  \
        .p = PROCESS_NONE, .socket = -1, .stage = -1, .files = -1, .out = -1, .err = -1, .texts = -1, .frame = {       \
            .fd = -1                                                                                                   \
        }                                                                                                              \
    }

typedef enum python_reply {
    PYTHON_SAID,  /* there is a packet */
    PYTHON_QUIET, /* there is none in time */
    PYTHON_ENDED, /* the process has ended */
    PYTHON_LOST   /* it has closed its socket, or speaks nonsense */
} python_reply;

/* Seconds that an interpreter may take to start, and a module to be imported. */
double python_patience(void);

/* The same where no more than `most` seconds are worth it. */
double python_patience_within(double most);

/* Starts it for the stage of the batch under way, and exchanges greetings. false after host_fail. */
bool python_slot_start(host *h, python_slot *s);

/* Waits for a packet for so many seconds. What it says on its standard error before the greeting goes to h->err. */
python_reply python_slot_wait(host *h, python_slot *s, double seconds);

bool python_slot_has_ended(const python_slot *s);

/* Kills it and all that it has started. Returns its wait status. Its files stay as they are. */
int python_slot_kill(python_slot *s);

/* Lets it end by itself, or kills it if it does not. */
void python_slot_close(python_slot *s);

/* Closes the files of one that has ended, and frees its memory. */
void python_slot_free(python_slot *s);

/* Pins all its threads to the cores that this process is pinned to now. */
void python_slot_pin(const host *h, python_slot *s);

#endif
