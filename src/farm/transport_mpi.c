/* Sends wait in a ring of requests until MPI has taken them; messages to this rank itself never see MPI. */
#include <mpi.h>
#include <stdlib.h>
#include <string.h>

#include "farm/doorbell.h"
#include "farm/own_messages.h"
#include "farm/transports.h"

enum { FEW = 64 }; /* sends */

typedef struct transport_mpi {
    transport face;
    MPI_Comm comm;
    doorbell *bell;
    int64_t *sent;          /* messages to each rank */
    int64_t received;       /* messages from other ranks */
    bool dropped;           /* sends that were under way have been forgotten */
    MPI_Request *request;   /* one for each send under way */
    message_copy **sending; /* the copies that these send */
    int sends, capacity;
    int tested;       /* as many sends under way are tested: twice those that were left the last time */
    own_messages own; /* from this rank to itself */
    void *buffer;     /* holds the last message received from another rank */
    size_t buffer_size;
} transport_mpi;

/* ---- Out ---- */

/* Forgets the sends that have completed. */
static void test_sends(transport_mpi *t) {
    int kept = 0;
    for (int i = 0; i < t->sends; i++) {
        int done = 0;
        MPI_Test(&t->request[i], &done, MPI_STATUS_IGNORE);
        if (done) {
            free(t->sending[i]);
            continue;
        }
        t->request[kept] = t->request[i];
        t->sending[kept++] = t->sending[i];
    }
    t->sends = kept;
    t->tested = 2 * kept > FEW ? 2 * kept : FEW;
}

static void send_copy(void *context, int to, int tag, const void *payload, size_t size) {
    transport_mpi *t = context;
    message_copy *copy = message_copy_new(tag, payload, size);
    if (to == t->face.rank) {
        own_messages_add(&t->own, copy);
        return;
    }
    if (t->sends >= t->tested)
        test_sends(t);
    if (t->sends == t->capacity) {
        t->capacity = t->capacity ? 2 * t->capacity : FEW;
        t->request = tf_realloc_array(t->request, (size_t)t->capacity, sizeof *t->request);
        t->sending = tf_realloc_array(t->sending, (size_t)t->capacity, sizeof *t->sending);
    }
    t->sending[t->sends] = copy;
    t->sent[to]++;
    MPI_Isend(copy->payload, (int)size, MPI_BYTE, to, tag, t->comm, &t->request[t->sends++]);
    doorbell_ring(t->bell, to);
}

static void drop(void *context) {
    transport_mpi *t = context;
    t->sends = 0; /* MPI has their bytes still: they are not freed */
    t->dropped = true;
}

/* ---- In ---- */

static double listen_for(void *context) {
    transport_mpi *t = context;
    const double heard = 10e-3, unheard = 1e-3;
    doorbell_silence(t->bell);
    test_sends(t);
    return doorbell_suffices(t->bell) && t->sends == 0 ? heard : unheard;
}

static bool receive(void *context, parcel *next) {
    transport_mpi *t = context;
    if (own_messages_receive(&t->own, t->face.rank, next))
        return true;
    int there = 0, bytes;
    MPI_Message message;
    MPI_Status status;
    /* Where Open MPI finds nothing, it looks at the network then: what has arrived is there the second time. */
    for (int i = 0; i < 2 && !there; i++)
        MPI_Improbe(MPI_ANY_SOURCE, MPI_ANY_TAG, t->comm, &there, &message, &status);
    if (!there)
        return false;
    MPI_Get_count(&status, MPI_BYTE, &bytes);
    if ((size_t)bytes > t->buffer_size) {
        free(t->buffer);
        t->buffer_size = (size_t)bytes < 4096 ? 4096 : (size_t)bytes;
        t->buffer = tf_alloc(t->buffer_size);
    }
    t->received++;
    MPI_Mrecv(t->buffer, bytes, MPI_BYTE, &message, MPI_STATUS_IGNORE);
    *next = (parcel){.from = status.MPI_SOURCE, .tag = status.MPI_TAG, .size = (size_t)bytes, .payload = t->buffer};
    return true;
}

/* ---- The beginning and the end ---- */

/* Heartbeats and the like are of no interest any more, but a message that nobody takes might be there still when the
 * communicator's number is another's. */
static void receive_the_rest(transport_mpi *t) {
    int64_t coming = 0;
    parcel ignored;
    MPI_Reduce_scatter_block(t->sent, &coming, 1, MPI_INT64_T, MPI_SUM, t->comm);
    while (t->sends > 0 || t->received < coming) {
        test_sends(t);
        receive(t, &ignored);
    }
}

static void close_mpi(void *context) {
    transport_mpi *t = context;
    if (!t->dropped)
        receive_the_rest(t);
    own_messages_free(&t->own);
    doorbell_free(t->bell);
    free(t->sent);
    free(t->request);
    free(t->sending);
    free(t->buffer);
    free(t);
}

const transport *transport_mpi_open(MPI_Comm comm) {
    transport_mpi *t = tf_alloc(sizeof *t);
    *t = (transport_mpi){.comm = comm,
                         .face = {.send = send_copy,
                                  .listen = listen_for,
                                  .receive = receive,
                                  .drop = drop,
                                  .close = close_mpi,
                                  .context = t}};
    MPI_Comm_rank(comm, &t->face.rank);
    MPI_Comm_size(comm, &t->face.ranks);
    own_messages_init(&t->own);
    t->sent = tf_alloc_array((size_t)t->face.ranks, sizeof *t->sent);
    t->bell = doorbell_new(comm);
    t->face.doorbell = doorbell_fd(t->bell);
    return &t->face;
}
