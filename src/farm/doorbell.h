/* Bells between rank 0 and the others, where they are on one machine: MPI has no way to wait for a message that leaves
 * the processor to others, so who sends one rings, and who waits can sleep. A bell is a hint: ranks that hear none, on
 * another machine or where sockets are not allowed, look for messages now and then. */
#ifndef TF_FARM_DOORBELL_H
#define TF_FARM_DOORBELL_H

#include <mpi.h>

#include "base/base.h"

typedef struct doorbell doorbell;

/* All ranks together. Never NULL. */
doorbell *doorbell_new(MPI_Comm comm);
void doorbell_free(doorbell *bell);

/* Rings at that rank, if it can be heard there. */
void doorbell_ring(const doorbell *bell, int rank);

/* Forgets what has rung. To be called before looking for messages: one that comes later rings again. */
void doorbell_silence(const doorbell *bell);

/* Readable when it has rung; -1 without a bell. */
int doorbell_fd(const doorbell *bell);

/* Does everyone ring who sends this rank messages? */
bool doorbell_suffices(const doorbell *bell);

#endif
