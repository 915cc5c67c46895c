/* Paths of a task as JSON. */
#ifndef TF_HOST_TASK_PATHS_H
#define TF_HOST_TASK_PATHS_H

#include "manifest/manifest.h"

/* Adds paths: a list, or lists by name if the manifest gives names. `folder`: the work folder if the task runs in
 * another one, which makes them absolute; NULL: it does not. */
void task_add_paths(tf_buf *out, const char *folder, const tf_paths *paths);

#endif
