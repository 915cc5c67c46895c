/* Where ranks meet: the few collective calls that the store makes itself. A store without a communicator belongs to one
 * process alone, which may not have MPI at all. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "store/meet.h"

#define PATIENCE 10.0 /* s for which a rank whose call has failed waits for the others */

void store_share(tf_store *s, MPI_Comm comm) {
    s->together = comm != MPI_COMM_NULL;
    s->comm = comm;
    if (!s->together)
        return;
    MPI_Comm_rank(comm, &s->rank);
    MPI_Comm_size(comm, &s->ranks);
}

/* A call that has failed on one rank may keep the others in it: HDF5's ranks wait for each other there, for ever.
 * Nobody but this rank knows, and its reason: it ends them all. Where calls fail on all ranks, or end, the others come.
 */
static void await_others(MPI_Comm comm, MPI_Request request, const tf_error *error) {
    const double deadline = tf_now() + PATIENCE;
    int met = 0;
    while (MPI_Request_get_status(request, &met, MPI_STATUS_IGNORE) == MPI_SUCCESS && !met) {
        if (tf_now() > deadline) {
            tf_say("%s", error->text);
            MPI_Abort(comm, TF_ERR_RUN);
        }
        poll(NULL, 0, 1);
    }
}

tf_err tf_store_agree(MPI_Comm comm, tf_err err, tf_error *error) {
    int rank, ranks, first;
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &ranks);
    int mine = err == TF_OK ? ranks : rank;
    MPI_Request request;
    MPI_Iallreduce(&mine, &first, 1, MPI_INT, MPI_MIN, comm, &request);
    if (err != TF_OK)
        await_others(comm, request, error);
    MPI_Wait(&request, MPI_STATUS_IGNORE);
    if (first == ranks)
        return TF_OK;
    MPI_Bcast(error, sizeof *error, MPI_BYTE, first, comm);
    return error->code;
}

tf_err store_agree(const tf_store *s, tf_err err, tf_error *error) {
    return s->together ? tf_store_agree(s->comm, err, error) : err;
}

void store_meet(const tf_store *s) {
    if (s->together)
        MPI_Barrier(s->comm);
}

void store_show_rows(const tf_store *s) {
    MPI_File *file = NULL;
    if (s->ranks == 1 || H5Fget_vfd_handle(s->file, H5P_DEFAULT, (void **)&file) < 0 || !file)
        return;
    MPI_File_sync(*file);
    store_meet(s);
}

void store_broadcast(const tf_store *s, void *data, size_t size) {
    if (s->together)
        MPI_Bcast(data, (int)size, MPI_BYTE, 0, s->comm);
}

static int64_t reduce(const tf_store *s, int64_t value, MPI_Op op) {
    int64_t result = value;
    if (s->together)
        MPI_Allreduce(&value, &result, 1, MPI_INT64_T, op, s->comm);
    return result;
}

int64_t store_sum(const tf_store *s, int64_t value) {
    return reduce(s, value, MPI_SUM);
}

int64_t store_max(const tf_store *s, int64_t value) {
    return reduce(s, value, MPI_MAX);
}

int64_t store_min(const tf_store *s, int64_t value) {
    return reduce(s, value, MPI_MIN);
}

int64_t store_sum_before(const tf_store *s, int64_t value) {
    int64_t before = 0;
    if (s->together)
        MPI_Exscan(&value, &before, 1, MPI_INT64_T, MPI_SUM, s->comm);
    return s->rank ? before : 0; /* of the first rank it is undefined */
}

void store_exchange_counts(const tf_store *s, const int *send, int *receive) {
    if (s->together)
        MPI_Alltoall(send, 1, MPI_INT, receive, 1, MPI_INT, s->comm);
    else
        *receive = *send;
}

void store_exchange(const tf_store *s, const int64_t *send, const int *sends, const int *send_at, int64_t *receive,
                    const int *receives, const int *receive_at) {
    if (s->together)
        MPI_Alltoallv(send, sends, send_at, MPI_INT64_T, receive, receives, receive_at, MPI_INT64_T, s->comm);
    else if (*sends)
        memcpy(receive, send, (size_t)*sends * sizeof *send);
}

enum { AT_ONCE = 1 << 24 };

static void reduce_all(const tf_store *s, void *values, int64_t count, size_t size, MPI_Datatype type, MPI_Op op) {
    for (int64_t done = 0; s->together && done < count; done += AT_ONCE)
        MPI_Allreduce(MPI_IN_PLACE, (char *)values + (size_t)done * size,
                      (int)(count - done < AT_ONCE ? count - done : AT_ONCE), type, op, s->comm);
}

void store_sum_all(const tf_store *s, int64_t *values, int64_t count) {
    reduce_all(s, values, count, sizeof *values, MPI_INT64_T, MPI_SUM);
}

void store_min_all(const tf_store *s, int64_t *values, int64_t count) {
    reduce_all(s, values, count, sizeof *values, MPI_INT64_T, MPI_MIN);
}

/* MPICH 4.0 compares unsigned numbers of 64 bits as if they were signed, and so does Open MPI 4.1 with some of their
 * names: they are compared as signed ones of the same order. */
static void reduce_unsigned(const tf_store *s, uint64_t *values, int64_t count, MPI_Op op) {
    const uint64_t sign = UINT64_C(1) << 63;
    for (int64_t i = 0; i < count; i++)
        values[i] ^= sign;
    reduce_all(s, values, count, sizeof *values, MPI_INT64_T, op);
    for (int64_t i = 0; i < count; i++)
        values[i] ^= sign;
}

void store_lowest_all(const tf_store *s, uint64_t *values, int64_t count) {
    reduce_unsigned(s, values, count, MPI_MIN);
}

void store_highest_all(const tf_store *s, uint64_t *values, int64_t count) {
    reduce_unsigned(s, values, count, MPI_MAX);
}

enum { GATHER = 1000 }; /* a tag: none of those that the ranks use otherwise */

static void send_bytes(const tf_store *s, const tf_buf *mine) {
    uint64_t size = mine->length;
    MPI_Send(&size, 1, MPI_UINT64_T, 0, GATHER, s->comm);
    const char *bytes = tf_buf_text(mine);
    for (uint64_t part; size > 0; size -= part, bytes += part) {
        part = size < AT_ONCE ? size : AT_ONCE;
        MPI_Send(bytes, (int)part, MPI_BYTE, 0, GATHER, s->comm);
    }
}

static void receive_bytes(const tf_store *s, int from, tf_buf *out) {
    uint64_t size;
    tf_buf_clear(out);
    MPI_Recv(&size, 1, MPI_UINT64_T, from, GATHER, s->comm, MPI_STATUS_IGNORE);
    tf_buf_reserve(out, size + 1);
    for (uint64_t part; size > 0; size -= part, out->length += part) {
        part = size < AT_ONCE ? size : AT_ONCE;
        MPI_Recv(out->data + out->length, (int)part, MPI_BYTE, from, GATHER, s->comm, MPI_STATUS_IGNORE);
    }
}

void store_gather(const tf_store *s, const tf_buf *mine, store_on_part *visit, void *context) {
    if (s->rank > 0) {
        send_bytes(s, mine);
        return;
    }
    tf_buf part = {0};
    visit(context, mine);
    for (int from = 1; from < s->ranks; from++) {
        receive_bytes(s, from, &part);
        visit(context, &part);
    }
    tf_buf_free(&part);
}

void store_spread(const tf_store *s, tf_buf *bytes) {
    uint64_t size = bytes->length;
    store_broadcast(s, &size, sizeof size);
    tf_buf_reserve(bytes, size + 1);
    for (uint64_t done = 0, part; done < size; done += part) {
        part = size - done < AT_ONCE ? size - done : AT_ONCE;
        store_broadcast(s, bytes->data + done, part);
    }
    bytes->length = size;
    bytes->data[size] = '\0';
}
