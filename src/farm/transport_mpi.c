/* Sends wait in a ring of requests until MPI has taken them; messages to this rank itself never see MPI. */
#include "farm/transport_mpi.h"

#include "farm/doorbell.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

typedef struct parcel {
    struct parcel *next;
    int tag;
    size_t size;
    _Alignas(16) char payload[];
} parcel;

struct tf_wire {
    MPI_Comm comm;
    int rank, ranks;
    bell *bell;
    int64_t *sent; /* messages, by rank */
    int64_t received;
    bool dropped;
    MPI_Request *request; /* of sends under way */
    parcel **sending;
    int sends, capacity;
    int tested; /* sends that are looked at when there are so many: twice those that were left the last time */
    parcel *own_first, **own_last; /* from this rank to itself */
    parcel *taken;                 /* the last one that wire_receive gave out */
    void *buffer;
    size_t buffer_size;
};

tf_wire *wire_new(MPI_Comm comm) {
    tf_wire *w = tf_alloc(sizeof *w);
    w->comm = comm;
    MPI_Comm_rank(comm, &w->rank);
    MPI_Comm_size(comm, &w->ranks);
    w->own_last = &w->own_first;
    w->sent = tf_alloc_array((size_t)w->ranks, sizeof *w->sent);
    w->bell = bell_new(comm);
    return w;
}

int wire_rank(const tf_wire *w) {
    return w->rank;
}

int wire_ranks(const tf_wire *w) {
    return w->ranks;
}

enum { FEW = 64 }; /* sends */

/* Forgets the sends that have completed. */
static void settle(tf_wire *w) {
    int kept = 0;
    for (int i = 0; i < w->sends; i++) {
        int done = 0;
        MPI_Test(&w->request[i], &done, MPI_STATUS_IGNORE);
        if (done) {
            free(w->sending[i]);
            continue;
        }
        w->request[kept] = w->request[i];
        w->sending[kept++] = w->sending[i];
    }
    w->sends = kept;
    w->tested = 2 * kept > FEW ? 2 * kept : FEW;
}

void wire_send(tf_wire *w, int to, int tag, const void *payload, size_t size) {
    parcel *p = tf_alloc(sizeof *p + size);
    p->tag = tag;
    p->size = size;
    if (size)
        memcpy(p->payload, payload, size);
    if (to == w->rank) {
        *w->own_last = p;
        w->own_last = &p->next;
        return;
    }
    if (w->sends >= w->tested)
        settle(w);
    if (w->sends == w->capacity) {
        w->capacity = w->capacity ? 2 * w->capacity : FEW;
        w->request = tf_realloc_array(w->request, (size_t)w->capacity, sizeof *w->request);
        w->sending = tf_realloc_array(w->sending, (size_t)w->capacity, sizeof *w->sending);
    }
    w->sending[w->sends] = p;
    w->sent[to]++;
    MPI_Isend(p->payload, (int)size, MPI_BYTE, to, tag, w->comm, &w->request[w->sends++]);
    bell_ring(w->bell, to);
}

int wire_fd(const tf_wire *w) {
    return bell_fd(w->bell);
}

double wire_listen(tf_wire *w) {
    const double alone = 50e-3, heard = 10e-3, unheard = 1e-3;
    if (w->ranks == 1)
        return alone;
    bell_hush(w->bell);
    settle(w);
    return bell_is_enough(w->bell) && w->sends == 0 ? heard : unheard;
}

void wire_pause(tf_wire *w) {
    settle(w);
    poll(NULL, 0, 1);
}

void wire_drop(tf_wire *w) {
    w->sends = 0; /* MPI has their bytes still: they are not freed */
    w->dropped = true;
}

void wire_send_all(tf_wire *w, int tag, const void *payload, size_t size) {
    for (int r = 0; r < w->ranks; r++)
        wire_send(w, r, tag, payload, size);
}

static bool receive_own(tf_wire *w, int *from, int *tag, const void **payload, size_t *size) {
    parcel *p = w->own_first;
    if (!p)
        return false;
    w->own_first = p->next;
    if (!w->own_first)
        w->own_last = &w->own_first;
    w->taken = p;
    *from = w->rank;
    *tag = p->tag;
    *payload = p->payload;
    *size = p->size;
    return true;
}

bool wire_receive(tf_wire *w, int *from, int *tag, const void **payload, size_t *size) {
    free(w->taken);
    w->taken = NULL;
    if (receive_own(w, from, tag, payload, size))
        return true;
    if (w->ranks == 1)
        return false;
    int there = 0, bytes;
    MPI_Message message;
    MPI_Status status;
    /* Where Open MPI finds nothing, it looks at the network then: what has arrived is there the second time. */
    for (int i = 0; i < 2 && !there; i++)
        MPI_Improbe(MPI_ANY_SOURCE, MPI_ANY_TAG, w->comm, &there, &message, &status);
    if (!there)
        return false;
    MPI_Get_count(&status, MPI_BYTE, &bytes);
    if ((size_t)bytes > w->buffer_size) {
        free(w->buffer);
        w->buffer_size = (size_t)bytes < 4096 ? 4096 : (size_t)bytes;
        w->buffer = tf_alloc(w->buffer_size);
    }
    w->received++;
    MPI_Mrecv(w->buffer, bytes, MPI_BYTE, &message, MPI_STATUS_IGNORE);
    *from = status.MPI_SOURCE;
    *tag = status.MPI_TAG;
    *payload = w->buffer;
    *size = (size_t)bytes;
    return true;
}

/* Heartbeats and the like are of no interest any more, but a message that nobody takes might be there still when the
 * communicator's number is another's. */
static void take_the_rest(tf_wire *w) {
    int64_t coming = 0;
    int from, tag;
    const void *payload;
    size_t size;
    MPI_Reduce_scatter_block(w->sent, &coming, 1, MPI_INT64_T, MPI_SUM, w->comm);
    while (w->sends > 0 || w->received < coming) {
        settle(w);
        wire_receive(w, &from, &tag, &payload, &size);
    }
}

void wire_free(tf_wire *w) {
    if (!w)
        return;
    if (!w->dropped)
        take_the_rest(w);
    while (w->own_first) {
        parcel *next = w->own_first->next;
        free(w->own_first);
        w->own_first = next;
    }
    free(w->taken);
    bell_free(w->bell);
    free(w->sent);
    free(w->request);
    free(w->sending);
    free(w->buffer);
    free(w);
}
