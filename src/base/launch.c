/* What a launcher (mpirun, srun) tells a process in its environment, known before MPI_Init. */
#include <stdlib.h>

#include "base/base.h"

static const char *find_rank(void) {
    static const char *const names[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (getenv(names[i]))
            return getenv(names[i]);
    return NULL;
}

bool tf_launched(void) {
    return find_rank() != NULL;
}

int tf_launch_rank(void) {
    int64_t number;
    const char *text = find_rank();
    return text && tf_parse_int(text, &number) ? (int)number : 0;
}
