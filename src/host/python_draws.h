/* Generators of random numbers that a Python function draws from and that are not its task's own: as its process says
 * it, in words. `check` says them before a run, and the run itself does. */
#ifndef TF_HOST_PYTHON_DRAWS_H
#define TF_HOST_PYTHON_DRAWS_H

#include <cjson/cJSON.h>

/* Gets a member of the stage's "run" that a warning is about, and the warning. */
typedef void python_draws_visit(void *context, const char *member, const char *text);

/* Tells of {"unseeded": name, "lasting": [name, type]}, of which each may be null. */
void python_draws_tell(const cJSON *said, python_draws_visit *visit, void *context);

#endif
