/* The Python processes of a slot: one for all stages that are alike, and few at once. */
#ifndef TF_HOST_PYTHON_POOL_H
#define TF_HOST_PYTHON_POOL_H

#include "host/python_slot.h"

/* A process that is ready for tasks of the stage of the batch under way: it is started, and has imported the module.
 * NULL if that fails: then the rank has been told, and the task under way has failed or is left. */
python_slot *python_pool_get(host *h);

/* Closes the processes that were started for the stage. */
void python_pool_close(host *h, int stage);

#endif
