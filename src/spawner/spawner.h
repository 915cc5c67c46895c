/* The process that starts the hosts of a rank, and tells how they ended.
 *
 * Process: the spawner, forked before MPI_Init, a child of the guard. Must survive every end of a host. When its rank
 * or its guard is gone it kills what is under way, and ends. When its rank stands still for too long it kills what is
 * under way, and waits. */
#ifndef TF_SPAWNER_H
#define TF_SPAWNER_H

#include "spawner/pulse.h"
#include "taskfarm/plugin.h"

/* What it does until its rank is gone. `socket` is to the rank, `guard` to the guard. */
_Noreturn void spawner_main(int socket, int guard, pulse *shared, const tf_function *program);

#endif
