/* Where ranks meet: the few collective calls that the store makes itself. A store without a communicator belongs to one
 * process alone, which may not have MPI at all. */
#include <stdlib.h>
#include <string.h>

#include "store/file.h"

static bool is_alone(const tf_store *s) {
    return s->comm == MPI_COMM_NULL;
}

tf_err tf_store_agree(MPI_Comm comm, tf_err err, tf_error *error) {
    if (comm == MPI_COMM_NULL)
        return err;
    int rank, ranks, first;
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &ranks);
    int mine = err == TF_OK ? ranks : rank;
    MPI_Allreduce(&mine, &first, 1, MPI_INT, MPI_MIN, comm);
    if (first == ranks)
        return TF_OK;
    MPI_Bcast(error, sizeof *error, MPI_BYTE, first, comm);
    return error->code;
}

void store_broadcast(const tf_store *s, void *data, size_t size) {
    if (!is_alone(s))
        MPI_Bcast(data, (int)size, MPI_BYTE, 0, s->comm);
}

static int64_t reduce(const tf_store *s, int64_t value, MPI_Op op) {
    int64_t result = value;
    if (!is_alone(s))
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
    if (!is_alone(s))
        MPI_Exscan(&value, &before, 1, MPI_INT64_T, MPI_SUM, s->comm);
    return s->rank ? before : 0; /* of the first rank it is undefined */
}

void store_exchange_counts(const tf_store *s, const int *send, int *receive) {
    if (is_alone(s))
        *receive = *send;
    else
        MPI_Alltoall(send, 1, MPI_INT, receive, 1, MPI_INT, s->comm);
}

void store_exchange(const tf_store *s, const int64_t *send, const int *sends, const int *send_at, int64_t *receive,
                    const int *receives, const int *receive_at) {
    if (!is_alone(s))
        MPI_Alltoallv(send, sends, send_at, MPI_INT64_T, receive, receives, receive_at, MPI_INT64_T, s->comm);
    else if (*sends)
        memcpy(receive, send, (size_t)*sends * sizeof *send);
}
