/* Who ends what the spawner has begun, should the spawner itself be killed.
 *
 * Process: the guard, between rank and spawner; it runs nothing. Must survive the end of the spawner and of the rank.
 */
#ifndef TF_SPAWNER_GUARD_H
#define TF_SPAWNER_GUARD_H

#include "spawner/message.h"

/* Forks: returns in the process that is to be the spawner, with a socket to the one that it left above it, the guard,
 * which never returns. The socket is at its end when the guard is gone. `rank` is the rank's socket: the spawner's
 * alone. */
int guard_fork(int rank);

/* Gives the guard a descriptor to hold in place of the one before; -1: none. SPAWNER_LOCK is held until nothing runs
 * any more, the folder of SPAWNER_SCRATCH is removed then. The descriptor stays the caller's. */
void guard_give(int guard, spawner_kind what, int fd);

#endif
