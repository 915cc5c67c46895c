/* The beginning and the end of the run's team. */
#ifndef TF_FARM_LAUNCH_H
#define TF_FARM_LAUNCH_H

#include "farm/farm.h"

/* Collective. Whom the run is of, by the options: the program's ranks, those that were launched (MPI begins), or this
 * process alone, without MPI. */
tf_err launch_begin(const tf_farm_options *options, tf_team *team, tf_error *error);

/* Collective. MPI ends, if it began with the run. */
void launch_end(const tf_farm_options *options, tf_team *team);

/* Has the launcher been told to let the others live when a rank has gone? */
bool launch_recovers(void);

/* Collective. Do all ranks go on from here? Rank 0 decides by `run`. */
bool launch_agree(const tf_team *team, bool run);

#endif
