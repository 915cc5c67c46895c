/* The farm: MPI, and the loop that joins scheduler, slots and output. Rank 0 is the master; with more than one rank the
 * others are its workers, with one it is both. */
#ifndef TF_FARM_H
#define TF_FARM_H

#include "exec/exec.h"

/* How far a run is. */
typedef struct tf_farm_progress {
    int64_t tasks, done, failed, running;
    int stages, finished; /* stages */
    double elapsed;       /* s since the first task could start */
    int ranks;
    int64_t slots;
} tf_farm_progress;

/* One of the first few tasks that failed. */
typedef struct tf_farm_failure {
    int stage;
    int32_t status; /* tf_status */
    int64_t index;
    char message[200]; /* cut if longer */
} tf_farm_failure;

enum { TF_FARM_FAILURES = 5 };

typedef struct tf_farm_result {
    tf_farm_progress progress; /* at the end */
    int failures;
    tf_farm_failure failure[TF_FARM_FAILURES];
} tf_farm_result;

typedef struct tf_farm_options {
    /* on rank 0 */
    const tf_campaign *campaign;
    const tf_buf *bundle; /* the campaign's, for the other ranks */
    /* Called on rank 0 every now and then (at most 20 times a second) and once at the end. May be NULL. */
    void (*on_progress)(void *context, const tf_farm_progress *progress);
    void *context;
    /* on every rank */
    tf_spawner *spawner; /* forked before; stays the caller's */
    int slots;           /* of this rank; 0: one under mpirun, else a slot for each core that this process may use */
} tf_farm_options;

/* The rank that a launcher gave this process, known before MPI_Init; 0 without a launcher. */
int tf_farm_launch_rank(void);
bool tf_farm_launched(void);

/* Collective over all ranks: MPI_Init, the whole run, MPI_Finalize. The output must have been prepared
 * (tf_store_prepare) on rank 0. Returns TF_OK, TF_ERR_TASKS if tasks failed, TF_ERR_RUN with `error` if the run broke:
 * the same on all ranks. `result` is filled in on rank 0. */
tf_err tf_farm_run(const tf_farm_options *options, tf_farm_result *result, tf_error *error);

#endif
