/* The process between a rank and its hosts. */
#ifndef TF_SPAWNER_H
#define TF_SPAWNER_H

#include "taskfarm/plugin.h"

/* What it does until its rank is gone. `socket` is to the rank, `guard` to the guard. */
_Noreturn void spawner_main(int socket, int guard, const tf_function *program);

#endif
