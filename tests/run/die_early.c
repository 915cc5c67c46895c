/* Preloaded into taskfarm by tests: the rank that DIE_EARLY names dies as soon as MPI has begun. */
#include <mpi.h>
#include <signal.h>
#include <stdlib.h>

int MPI_Init_thread(int *argc, char ***argv, int required, int *provided) {
    const char *victim = getenv("DIE_EARLY");
    const int err = PMPI_Init_thread(argc, argv, required, provided);
    int rank = -1;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (victim && atoi(victim) == rank)
        raise(SIGKILL);
    return err;
}
