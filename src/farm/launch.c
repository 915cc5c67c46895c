/* Whether there is MPI is decided here; whoever comes after knows a team. */
#include "farm/launch.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* mpirun --enable-recovery, of Open MPI 4 (ORTE) and 5 (PRRTE). */
bool launch_recovers(void) {
    static const char *const names[] = {"OMPI_MCA_orte_enable_recovery", "PRTE_MCA_prte_enable_recovery"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = getenv(names[i]);
        if (value && (strcmp(value, "1") == 0 || strcasecmp(value, "true") == 0))
            return true;
    }
    return false;
}

bool launch_agree(const tf_team *team, bool run) {
    tf_team_broadcast(team, &run, sizeof run);
    return run;
}

/* MPI_Init. Open MPI looks for networks also where no launcher has started anything, for half the time that a single
 * task takes. What is set is for MPI_Init alone (tasks may be MPI programs), and nothing that the user has set. Its
 * pointers that files share are not used: the kind that takes a semaphore for them is turned off. Other threads wait
 * for the disk and for signals, and make no call of MPI. */
static tf_err begin_mpi(tf_error *error) {
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

tf_err launch_begin(const tf_farm_options *o, tf_team *team, tf_error *error) {
    MPI_Comm comm = MPI_COMM_WORLD;
    *team = tf_team_alone();
    if (!o->comm && !o->with_mpi)
        return TF_OK;
    if (o->comm)
        MPI_Comm_dup(*o->comm, &comm);
    const tf_err err = o->comm ? TF_OK : begin_mpi(error);
    *team = tf_team_of(comm);
    return err;
}

void launch_end(const tf_farm_options *o, tf_team *team) {
    if (o->comm)
        tf_team_free(team);
    else if (o->with_mpi)
        MPI_Finalize();
}

void tf_farm_call_off(void) {
    const tf_farm_options launched = {.with_mpi = true};
    tf_error ignored;
    tf_team team;
    launch_begin(&launched, &team, &ignored);
    launch_agree(&team, false);
    launch_end(&launched, &team);
}
