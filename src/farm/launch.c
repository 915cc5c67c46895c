/* MPI_Init, and what ranks agree on right behind it. */
#include "farm/launch.h"

#include <stdlib.h>

bool launch_agree(MPI_Comm comm, bool run) {
    int32_t runs = run;
    MPI_Bcast(&runs, 1, MPI_INT32_T, 0, comm);
    return runs;
}

/* Open MPI looks for networks also where no launcher has started anything, for half the time that a single task takes.
 * What is set is for MPI_Init alone (tasks may be MPI programs), and nothing that the user has set. Its pointers that
 * files share are not used: the kind that takes a semaphore for them is turned off. Other threads wait for the disk and
 * for signals, and make no call of MPI. */
tf_err launch_begin_mpi(tf_error *error) {
    static const char *const setting[][2] = {
        {"OMPI_MCA_sharedfp", "^sm"}, {"OMPI_MCA_pml", "ob1"}, {"OMPI_MCA_btl", "self"}};
    enum { ALWAYS = 1, SETTINGS = sizeof setting / sizeof *setting };
    const int settings = tf_launched() ? ALWAYS : SETTINGS;
    bool ours[SETTINGS] = {0};
    int level;
    for (int i = 0; i < settings; i++) {
        ours[i] = !getenv(setting[i][0]);
        setenv(setting[i][0], setting[i][1], false);
    }
    MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level);
    for (int i = 0; i < settings; i++)
        if (ours[i])
            unsetenv(setting[i][0]);
    return level >= MPI_THREAD_FUNNELED ? TF_OK
                                        : tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_MPI,
                                                          "this MPI supports no threads "
                                                          "(MPI_THREAD_FUNNELED): use one that was built with them");
}

void tf_farm_call_off(void) {
    tf_error ignored;
    if (!tf_launched())
        return;
    launch_begin_mpi(&ignored);
    launch_agree(MPI_COMM_WORLD, false);
    MPI_Finalize();
}
