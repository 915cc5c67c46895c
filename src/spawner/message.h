/* What a rank, its spawner and the spawner's guard say to each other.
 *
 * Process: all three. User code never has these sockets, so what comes by them is believed. */
#ifndef TF_SPAWNER_MESSAGE_H
#define TF_SPAWNER_MESSAGE_H

#include "batch/batch.h"

enum { SPAWNER_FDS = 1 + BATCH_BUFFERS };

typedef enum spawner_kind {
    SPAWNER_CAMPAIGN, /* to the spawner, with a memory file of `size` bytes: the bundle */
    SPAWNER_LOCK,    /* to the spawner, with the rank's lock on the output, which hosts hold with the rank. Passed on to
                        the guard; at the end without a lock */
    SPAWNER_LIBRARY, /* to the spawner, with a memory file: the library of the stage */
    SPAWNER_WARM,    /* to the spawner: Python processes of the stage will be asked for soon */
    SPAWNER_START,   /* to the spawner, with the slot's socket and buffers: start a host */
    SPAWNER_KILL,    /* to the spawner: kill the slot's host */
    SPAWNER_OVER,    /* to the spawner: the run is over; idle hosts leave by themselves, the others are killed */
    SPAWNER_ENDED,   /* to the rank: the slot's host has ended with this wait status */
    SPAWNER_SCRATCH  /* to the guard, with the folder of all scratch folders; at the end without one */
} spawner_kind;

/* A spawner may serve one campaign after another. A message belongs to the campaign that has its epoch; for any other
 * it means nothing. */
typedef struct spawner_message {
    int32_t kind;
    int32_t epoch;
    int32_t rank;
    int32_t slot;
    int32_t stage;
    int32_t life;        /* which of the slot's hosts, by number */
    int32_t status;      /* as waitpid says it */
    int32_t failure;     /* the errno with which the host could not be forked; 0: it was */
    int32_t is_innocent; /* it was ended since the rank stood still: none of its tasks is to blame */
    int32_t reserved;    /* 0 */
    int64_t size;
} spawner_message;

/* Sends a message and descriptors with it, which stay the caller's. */
tf_err spawner_send(int socket, const spawner_message *message, const int *fds, size_t count, tf_error *error);

/* 1 with a message, 0 at the end, -1 if there is none now. Descriptors not sent are -1. `flags` as recvmsg has them. */
int spawner_receive(int socket, spawner_message *message, int fds[SPAWNER_FDS], int flags);

#endif
