/* The batch systems that scripts are printed for. */
#include "cli/job.h"

#include <stddef.h>

extern const char job_slurm[], job_pbs[], job_lsf[], job_flux[]; /* jobs/NAME.sh */

static const batch_system systems[] = {
    {"slurm", job_slurm, "#SBATCH --nodes=", "#SBATCH --time=", HOURS_MINUTES_SECONDS},
    {"pbs", job_pbs, "#PBS -l select=", "#PBS -l walltime=", HOURS_MINUTES_SECONDS},
    {"lsf", job_lsf, "#BSUB -n ", "#BSUB -W ", HOURS_MINUTES},
    {"flux", job_flux, "#FLUX: --nodes=", "#FLUX: --time-limit=", MINUTES},
    {0},
};

const batch_system *batch_systems(void) {
    return systems;
}
