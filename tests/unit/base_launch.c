/* base/launch.c: what a launcher says of a process in its environment. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

typedef struct launch_case {
    const char *what;
    const char *set[4]; /* variables */
    bool launched;
    int rank, ranks;
} launch_case;

static const launch_case cases[] = {
    {"nobody", {0}, false, 0, 0},
    {"Open MPI", {"OMPI_COMM_WORLD_SIZE=16", "OMPI_COMM_WORLD_RANK=12"}, true, 12, 16},
    {"Open MPI, of one rank", {"OMPI_COMM_WORLD_SIZE=1", "OMPI_COMM_WORLD_RANK=0", "PMIX_RANK=0"}, true, 0, 1},
    {"a setting for Open MPI", {"OMPI_MCA_pml=ob1"}, false, 0, 0},
    {"PMIx", {"PMIX_RANK=12"}, true, 12, 0},
    {"PMI", {"PMI_RANK=12", "PMI_SIZE=16"}, true, 12, 16},
    {"PMI by its descriptor alone", {"PMI_FD=7"}, true, 0, 0},
    {"srun", {"SLURM_PROCID=12", "SLURM_STEP_ID=0", "SLURM_STEP_NUM_TASKS=16"}, true, 12, 16},
    {"srun and PMIx", {"SLURM_PROCID=0", "SLURM_STEP_ID=3", "SLURM_STEP_NUM_TASKS=1", "PMIX_RANK=0"}, true, 0, 1},
    {"srun of one task", {"SLURM_PROCID=0", "SLURM_STEP_ID=0", "SLURM_STEP_NUM_TASKS=1"}, false, 0, 0},
    {"a batch script", {"SLURM_PROCID=0", "SLURM_NTASKS=16"}, false, 0, 0},
    {"a batch script's step", {"SLURM_PROCID=0", "SLURM_STEP_ID=4294967291", "SLURM_STEP_NUM_TASKS=2"}, false, 0, 0},
    {"salloc's shell", {"SLURM_PROCID=0", "SLURM_STEP_ID=4294967290", "SLURM_STEP_NUM_TASKS=2"}, false, 0, 0},
    {"numbers that are none", {"OMPI_COMM_WORLD_SIZE=", "OMPI_COMM_WORLD_RANK=x"}, true, 0, 0},
};

Test(launch, is_known_before_mpi_starts) {
    for (const launch_case *c = cases; c < cases + sizeof cases / sizeof *cases; c++) {
        clearenv();
        for (int i = 0; i < 4 && c->set[i]; i++)
            putenv((char *)(uintptr_t)c->set[i]);
        cr_expect_eq(tf_launched(), c->launched, "%s", c->what);
        cr_expect_eq(tf_launch_rank(), c->rank, "%s", c->what);
        cr_expect_eq(tf_launch_ranks(), c->ranks, "%s", c->what);
    }
}
