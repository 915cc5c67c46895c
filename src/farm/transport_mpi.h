/* Messages that never block: sends are buffered, receives are polled, and a rank may send to itself. */
#ifndef TF_FARM_WIRE_H
#define TF_FARM_WIRE_H

#include <mpi.h>

#include "base/base.h"

typedef struct tf_wire tf_wire;

tf_wire *wire_new(MPI_Comm comm);
void wire_free(tf_wire *wire); /* collective, unless dropped: what was sent, also to this rank, is taken */
int wire_rank(const tf_wire *wire);
int wire_ranks(const tf_wire *wire);

/* The payload is copied. */
void wire_send(tf_wire *wire, int to, int tag, const void *payload, size_t size);
void wire_send_all(tf_wire *wire, int tag, const void *payload, size_t size); /* every rank, this one too */

/* A moment in which what was sent may leave. */
void wire_pause(tf_wire *wire);

/* Forgets what has not left, and may never: for a rank that leaves without MPI_Finalize. */
void wire_drop(tf_wire *wire);

/* To be called before a round of wire_receive. Returns for how long a rank that had no message in that round may wait,
 * s; it should wake when wire_fd is readable. */
double wire_listen(tf_wire *wire);
int wire_fd(const tf_wire *wire); /* -1: nothing tells of messages */

/* The next message, if one is there. The payload is the wire's, until the next call. */
bool wire_receive(tf_wire *wire, int *from, int *tag, const void **payload, size_t *size);

#endif
