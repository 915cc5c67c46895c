/* How many threads the libraries of a task's processes start: as many as it has slots, where nobody has said otherwise.
 * Left to themselves they take all cores, each in each slot. And no picture opens a window. */
#include "host/threads.h"

#include <stdlib.h>
#include <string.h>

static const char *const counts[] = {"OMP_NUM_THREADS",     "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS",
                                     "NUMEXPR_MAX_THREADS", "POLARS_MAX_THREADS",   "RAYON_NUM_THREADS"};

/* By the user: in the environment, or in "env". */
static bool is_set(const tf_run_spec *run, const char *name) {
    for (int e = 0; e < run->envc; e++)
        if (strcmp(run->env[e].name, name) == 0)
            return true;
    return getenv(name) != NULL;
}

int threads_add_variables(const tf_stage_spec *stage, tf_buf *words) {
    int added = 0;
    for (size_t n = 0; n < sizeof counts / sizeof *counts; n++)
        if (!is_set(&stage->run, counts[n])) {
            tf_buf_addf(words, "%s=%d%c", counts[n], (int)tf_resources_slots(&stage->need), 0);
            added++;
        }
    if (!is_set(&stage->run, "MPLBACKEND")) {
        tf_buf_addf(words, "MPLBACKEND=Agg%c", 0);
        added++;
    }
    return added;
}
