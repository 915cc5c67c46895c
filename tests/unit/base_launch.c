/* base/launch.c: what a launcher says of a process in its environment. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/base.h"

Test(launch, is_known_before_mpi_starts) {
    static const char *const names[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
    cr_expect(!tf_launched());
    cr_expect_eq(tf_launch_rank(), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        setenv(names[i], "12", 1);
        cr_expect(tf_launched());
        cr_expect_eq(tf_launch_rank(), 12);
        unsetenv(names[i]);
    }
}
