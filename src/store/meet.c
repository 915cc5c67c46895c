/* What the store's ranks do together beyond what any team does: they show each other rows, and pass on lists and bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "store/change.h"
#include "store/meet.h"

tf_err store_agree(const tf_store *s, tf_err err, tf_error *error) {
    return tf_team_agree(&s->team, err, error);
}

void store_meet(const tf_store *s) {
    tf_team_meet(&s->team);
}

void store_show_rows(const tf_store *s) {
    MPI_File *file = NULL;
    if (s->team.ranks == 1 || H5Fget_vfd_handle(s->file, H5P_DEFAULT, (void **)&file) < 0 || !file)
        return;
    MPI_File_sync(*file);
    store_meet(s);
}

void store_broadcast(const tf_store *s, void *data, size_t size) {
    tf_team_broadcast(&s->team, data, size);
}

int64_t store_sum(const tf_store *s, int64_t value) {
    return tf_team_sum(&s->team, value);
}

int64_t store_max(const tf_store *s, int64_t value) {
    return tf_team_max(&s->team, value);
}

int64_t store_min(const tf_store *s, int64_t value) {
    return tf_team_min(&s->team, value);
}

int64_t store_sum_before(const tf_store *s, int64_t value) {
    return tf_team_sum_before(&s->team, value);
}

void store_exchange_counts(const tf_store *s, const int *send, int *receive) {
    if (s->team.ranks > 1)
        MPI_Alltoall(send, 1, MPI_INT, receive, 1, MPI_INT, s->team.comm);
    else
        *receive = *send;
}

void store_exchange(const tf_store *s, const int64_t *send, const int *sends, const int *send_at, int64_t *receive,
                    const int *receives, const int *receive_at) {
    if (s->team.ranks > 1)
        MPI_Alltoallv(send, sends, send_at, MPI_INT64_T, receive, receives, receive_at, MPI_INT64_T, s->team.comm);
    else if (*sends)
        memcpy(receive, send, (size_t)*sends * sizeof *send);
}

enum { AT_ONCE = 1 << 24 };

static void reduce_all(const tf_store *s, void *values, int64_t count, size_t size, MPI_Datatype type, MPI_Op op) {
    for (int64_t done = 0; s->team.ranks > 1 && done < count; done += AT_ONCE)
        MPI_Allreduce(MPI_IN_PLACE, (char *)values + (size_t)done * size,
                      (int)(count - done < AT_ONCE ? count - done : AT_ONCE), type, op, s->team.comm);
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
    MPI_Send(&size, 1, MPI_UINT64_T, 0, GATHER, s->team.comm);
    const char *bytes = tf_buf_text(mine);
    for (uint64_t part; size > 0; size -= part, bytes += part) {
        part = size < AT_ONCE ? size : AT_ONCE;
        MPI_Send(bytes, (int)part, MPI_BYTE, 0, GATHER, s->team.comm);
    }
}

static void receive_bytes(const tf_store *s, int from, tf_buf *out) {
    uint64_t size;
    tf_buf_clear(out);
    MPI_Recv(&size, 1, MPI_UINT64_T, from, GATHER, s->team.comm, MPI_STATUS_IGNORE);
    tf_buf_reserve(out, size + 1);
    for (uint64_t part; size > 0; size -= part, out->length += part) {
        part = size < AT_ONCE ? size : AT_ONCE;
        MPI_Recv(out->data + out->length, (int)part, MPI_BYTE, from, GATHER, s->team.comm, MPI_STATUS_IGNORE);
    }
}

void store_gather(const tf_store *s, const tf_buf *mine, store_on_part *visit, void *context) {
    if (s->team.rank > 0) {
        send_bytes(s, mine);
        return;
    }
    tf_buf part = {0};
    visit(context, mine);
    for (int from = 1; from < s->team.ranks; from++) {
        receive_bytes(s, from, &part);
        store_show_work(s);
        visit(context, &part);
    }
    tf_buf_free(&part);
}

void store_spread(const tf_store *s, tf_buf *bytes) {
    uint64_t size = bytes->length;
    store_broadcast(s, &size, sizeof size);
    tf_buf_reserve(bytes, size + 1);
    store_broadcast(s, bytes->data, size);
    bytes->length = size;
    bytes->data[size] = '\0';
}
