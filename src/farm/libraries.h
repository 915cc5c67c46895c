/* Plugins on a shared file system: read once, whatever the number of ranks. */
#ifndef TF_FARM_LIBRARIES_H
#define TF_FARM_LIBRARIES_H

#include <mpi.h>

#include "farm/farm.h"

/* Collective. Where the ranks are on several nodes, gives each spawner (NULL: there is none) the files of the libraries
 * that stages run functions of. A file that can't be passed on is left to the hosts, which read it by its path. */
tf_err libraries_pass_on(MPI_Comm comm, const tf_campaign *campaign, tf_spawner *spawner, tf_error *error);

#endif
