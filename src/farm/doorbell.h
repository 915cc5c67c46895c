/* Bells between rank 0 and the others, where they are on one machine: MPI has no way to wait for a message that leaves
 * the processor to others, so who sends one rings, and who waits can sleep. A bell is a hint: ranks that hear none, on
 * another machine or where sockets are not allowed, look for messages now and then. */
#ifndef TF_FARM_BELL_H
#define TF_FARM_BELL_H

#include <mpi.h>

#include "base/base.h"

typedef struct bell bell;

/* All ranks together. Never NULL. */
bell *bell_new(MPI_Comm comm);
void bell_free(bell *bell);

/* Rings at that rank, if it can be heard there. */
void bell_ring(const bell *bell, int rank);

/* Forgets what has rung. To be called before looking for messages: one that comes later rings again. */
void bell_hush(const bell *bell);

/* Readable when it has rung; -1 without a bell. */
int bell_fd(const bell *bell);

/* Does everyone ring who sends this rank messages? */
bool bell_is_enough(const bell *bell);

#endif
