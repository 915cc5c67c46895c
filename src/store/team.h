/* Ranks that do something together: those of a communicator, or one process alone, which may have no MPI at all. */
#ifndef TF_STORE_TEAM_H
#define TF_STORE_TEAM_H

#include <mpi.h>

#include "base/base.h"

/* A value, to be copied as one. A team of one makes no call of MPI. */
typedef struct tf_team {
    MPI_Comm comm;   /* MPI_COMM_NULL: this process alone, without MPI */
    int rank, ranks; /* this rank's number, and the number of all; no ranks: this process is in no such team */
} tf_team;

/* This process. */
tf_team tf_team_alone(void);

/* The ranks of a communicator, which stays the caller's. MPI_COMM_NULL: this process is none of them. */
tf_team tf_team_of(MPI_Comm comm);

/* ---- Collective: all ranks of the team call it, in the same order ---- */

/* The same error on all ranks: that of the lowest that has one. */
tf_err tf_team_agree(const tf_team *team, tf_err err, tf_error *error);

void tf_team_meet(const tf_team *team); /* waits for all ranks */

void tf_team_broadcast(const tf_team *team, void *data, size_t size); /* from rank 0 */
int64_t tf_team_sum(const tf_team *team, int64_t value);
int64_t tf_team_max(const tf_team *team, int64_t value);
int64_t tf_team_min(const tf_team *team, int64_t value);
int64_t tf_team_sum_before(const tf_team *team, int64_t value); /* of lower ranks */

/* Replaces each of `count` numbers by its largest value. */
void tf_team_max_all(const tf_team *team, int64_t *values, int64_t count);

/* The ranks that share this one's memory; those that give the same number, which is not negative (a negative one: this
 * rank joins none). In the order of the team, to be freed. */
tf_team tf_team_of_node(const tf_team *team);
tf_team tf_team_split(const tf_team *team, int number);

/* Frees the communicator. */
void tf_team_free(tf_team *team);

#endif
