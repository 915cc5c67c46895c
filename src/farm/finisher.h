/* A run in which a rank has died is finished by one process alone. */
#ifndef TF_FARM_FINISHER_H
#define TF_FARM_FINISHER_H

#include "store/resume/resume.h"

/* A child of the first rank, forked before MPI_Init, that can finish the file alone, through HDF5's serial driver, when
 * the ranks can't do it together any more. */
typedef struct tf_finisher tf_finisher;
tf_finisher *tf_finisher_fork(const tf_campaign *campaign, tf_error *error);

/* When all ranks have parted: finishes stages that have ended, and closes the file in the state that comes after
 * `outcome`. `enough`: for each stage, with how many tasks it has enough; 0: it needs all. Returns that, or
 * TF_ERR_STOPPED if something turns out to be left to do. */
tf_err tf_finisher_run(tf_finisher *finisher, tf_store_plan *plan, tf_err outcome, double elapsed,
                       const int64_t *enough, tf_error *error);

void tf_finisher_free(tf_finisher *finisher);

#endif
