/* The children of this process. */
#ifndef TF_BASE_CHILDREN_H
#define TF_BASE_CHILDREN_H

#include "base/base.h"

/* Adds the ids of this process's children. */
void tf_children(tf_intervals *pids);

/* Kills every child of this process but those that `spares` says, with the group that it leads. Their own children are
 * this process's then, if it is a subreaper. `spares` may be NULL. Returns how many were killed; until they are waited
 * for they count as children. */
int64_t tf_children_kill(bool (*spares)(const void *context, pid_t pid), const void *context);

#endif
