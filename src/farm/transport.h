/* Messages between ranks. Master, worker and dependencies know no other way to reach a rank: behind it is MPI in a run
 * of several ranks, a loop in memory in a run of one (transports.h), and a simulated network in tests.
 *
 * A send never blocks, and a receive never waits. A rank may send to itself. Messages between two ranks arrive in the
 * order in which they were sent; those of different ranks in any order. */
#ifndef TF_FARM_TRANSPORT_H
#define TF_FARM_TRANSPORT_H

#include "base/base.h"

enum { NOBODY = -1 }; /* in place of a rank's number */

typedef struct parcel {
    int from;            /* the sender's rank */
    int tag;             /* what the payload is: message_tag */
    size_t size;         /* bytes of the payload */
    const void *payload; /* the transport's, until the next receive */
} parcel;

typedef struct transport {
    int rank, ranks; /* this rank's number, and the number of all */
    int doorbell;    /* a descriptor that is readable when a message may have come; -1: nothing tells of messages */

    /* The payload is copied. What is sent to a rank that has died is lost. */
    void (*send)(void *context, int to, int tag, const void *payload, size_t size);

    /* To be called before a round of receives. Returns for how long a rank that found nothing in that round may sleep,
     * in seconds, unless its doorbell wakes it. */
    double (*listen)(void *context);

    /* The next message. false if none is there. */
    bool (*receive)(void *context, parcel *next);

    /* Forgets what has not left, and may never: for a rank that leaves without the others. */
    void (*drop)(void *context);

    /* Collective, unless dropped: takes what was sent, also to this rank, and frees the transport. */
    void (*close)(void *context);

    void *context;
} transport;

static inline void transport_send(const transport *t, int to, int tag, const void *payload, size_t size) {
    t->send(t->context, to, tag, payload, size);
}

/* To every rank, this one too. */
static inline void transport_send_all(const transport *t, int tag, const void *payload, size_t size) {
    for (int to = 0; to < t->ranks; to++)
        t->send(t->context, to, tag, payload, size);
}

#endif
