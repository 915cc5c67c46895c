/* What ranks do together (team.h). The calls of MPI behind it are made where there is somebody to wait for. */
#include "store/team.h"

#include <poll.h>

#define PATIENCE 5.0 /* s for which a rank whose call has failed waits for the others */

tf_team tf_team_alone(void) {
    return (tf_team){.comm = MPI_COMM_NULL, .ranks = 1};
}

tf_team tf_team_of(MPI_Comm comm) {
    tf_team t = {.comm = comm};
    if (comm != MPI_COMM_NULL) {
        MPI_Comm_rank(comm, &t.rank);
        MPI_Comm_size(comm, &t.ranks);
    }
    return t;
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
            MPI_Abort(comm, (int)error->code);
        }
        poll(NULL, 0, 1);
    }
}

tf_err tf_team_agree(const tf_team *t, tf_err err, tf_error *error) {
    if (t->ranks == 1)
        return err;
    int mine = err == TF_OK ? t->ranks : t->rank, first;
    MPI_Request request;
    MPI_Iallreduce(&mine, &first, 1, MPI_INT, MPI_MIN, t->comm, &request);
    if (err != TF_OK)
        await_others(t->comm, request, error);
    MPI_Wait(&request, MPI_STATUS_IGNORE);
    if (first == t->ranks)
        return TF_OK;
    MPI_Bcast(error, sizeof *error, MPI_BYTE, first, t->comm);
    return error->code;
}

void tf_team_meet(const tf_team *t) {
    if (t->ranks > 1)
        MPI_Barrier(t->comm);
}

void tf_team_broadcast(const tf_team *t, void *data, size_t size) {
    const size_t most = 1u << 30;
    if (t->ranks == 1)
        return;
    for (size_t done = 0; done < size; done += most)
        MPI_Bcast((char *)data + done, (int)(size - done < most ? size - done : most), MPI_BYTE, 0, t->comm);
}

static int64_t reduce(const tf_team *t, int64_t value, MPI_Op op) {
    int64_t result = value;
    if (t->ranks > 1)
        MPI_Allreduce(&value, &result, 1, MPI_INT64_T, op, t->comm);
    return result;
}

int64_t tf_team_sum(const tf_team *t, int64_t value) {
    return reduce(t, value, MPI_SUM);
}

int64_t tf_team_max(const tf_team *t, int64_t value) {
    return reduce(t, value, MPI_MAX);
}

int64_t tf_team_min(const tf_team *t, int64_t value) {
    return reduce(t, value, MPI_MIN);
}

int64_t tf_team_sum_before(const tf_team *t, int64_t value) {
    int64_t before = 0;
    if (t->ranks > 1)
        MPI_Exscan(&value, &before, 1, MPI_INT64_T, MPI_SUM, t->comm);
    return t->rank ? before : 0; /* of the first rank it is undefined */
}

void tf_team_max_all(const tf_team *t, int64_t *values, int64_t count) {
    if (t->ranks > 1)
        MPI_Allreduce(MPI_IN_PLACE, values, (int)count, MPI_INT64_T, MPI_MAX, t->comm);
}

/* ---- Teams of a team ---- */

tf_team tf_team_of_node(const tf_team *t) {
    MPI_Comm node;
    if (t->ranks == 1)
        return tf_team_alone();
    MPI_Comm_split_type(t->comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
    return tf_team_of(node);
}

tf_team tf_team_split(const tf_team *t, int number) {
    MPI_Comm part;
    if (t->ranks == 1 && number < 0)
        return tf_team_of(MPI_COMM_NULL);
    if (t->ranks == 1)
        return tf_team_alone();
    MPI_Comm_split(t->comm, number < 0 ? MPI_UNDEFINED : number, 0, &part);
    return tf_team_of(part);
}

void tf_team_free(tf_team *t) {
    if (t->comm != MPI_COMM_NULL)
        MPI_Comm_free(&t->comm);
    *t = (tf_team){.comm = MPI_COMM_NULL};
}
