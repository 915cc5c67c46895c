/* The warm parent: an interpreter that imports for all slots of a rank, and forks their processes
 * (src/python/taskfarm/_slot/warm.py).
 *
 * Process: a child of the spawner, which becomes it. */
#ifndef TF_HOST_PYTHON_PARENT_H
#define TF_HOST_PYTHON_PARENT_H

#include "host/host.h"

/* Becomes the warm parent of a stage, which hears requests on `socket`. */
_Noreturn void python_parent_run(const host_setting *setting, const tf_stage_spec *stage, int socket);

/* Can processes of both stages be forked from one parent? It imports the modules of both. */
bool python_parent_is_common(const tf_stage_spec *a, const tf_stage_spec *b);

#endif
