/* The spawner, as a rank has it: the process that is forked before MPI_Init, and starts the hosts.
 *
 * Process: the rank. Must survive the end of the spawner, which ends the run with an error. */
#ifndef TF_SPAWNER_CLIENT_H
#define TF_SPAWNER_CLIENT_H

#include "base/base.h"

typedef struct tf_spawner tf_spawner;

/* Forks the spawner. To be called before MPI_Init and while this process is small. `program` has the functions that
 * this program brings itself, up to one without a name (NULL: none); it must stay where it is. NULL on failure. */
tf_spawner *tf_spawner_fork(const tf_function *program, tf_error *error);

/* What is given to the spawner from now on is for another campaign; the one before, if it is not over, ends. */
void tf_spawner_begin(tf_spawner *spawner);

/* Hosts are to load the stage's library from this memory file, not from its path. To be called before tf_slots_new; the
 * descriptor stays the caller's. */
tf_err tf_spawner_give_library(tf_spawner *spawner, int stage, int fd, tf_error *error);

/* Has the module of a Python stage imported by the process that those of its slots are to be forked from, before any of
 * them is asked for. Gives the spawner the campaign, as a bundle, if it has not got it. */
tf_err tf_spawner_warm(tf_spawner *spawner, const tf_buf *bundle, int stage, tf_error *error);

/* From here on this process says at least every tf_spawner_beats seconds that it lives. If it does not for `patience`
 * seconds in which the spawner was not stopped, hosts and what they run are killed: others may have their tasks by
 * then. 0: it says nothing any more. */
void tf_spawner_watch(const tf_spawner *spawner, double patience);
double tf_spawner_beats(const tf_spawner *spawner);

/* From here on the spawner is expected to live, and to say so within `patience` seconds in which this process looks. 0:
 * it is not. */
void tf_spawner_expect(tf_spawner *spawner, double patience);

/* It lives. From any thread. */
void tf_spawner_beat(const tf_spawner *spawner);

/* It does not, whatever keeps its end: all that runs under the spawner is to end. From any thread. */
void tf_spawner_part(const tf_spawner *spawner);

/* Lets it go on if somebody has stopped it. From any thread. */
void tf_spawner_wake(const tf_spawner *spawner);

/* Ends the spawner and whatever still runs under it; waits for it, but not for ever. */
void tf_spawner_close(tf_spawner *spawner);

#endif
