/* The process that starts the hosts of a rank, and tells how they ended.
 *
 * Process: the spawner, forked before MPI_Init, a child of the guard. Must survive every end of a host. When its rank
 * or its guard is gone it kills what is under way, and ends. */
#ifndef TF_SPAWNER_H
#define TF_SPAWNER_H

#include "taskfarm/plugin.h"

/* What it does until its rank is gone. `socket` is to the rank, `guard` to the guard. */
_Noreturn void spawner_main(int socket, int guard, const tf_function *program);

#endif
