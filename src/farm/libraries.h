/* Plugins on a shared file system: read once, whatever the number of ranks. */
#ifndef TF_FARM_LIBRARIES_H
#define TF_FARM_LIBRARIES_H

#include "farm/farm.h"

/* Collective. Where the ranks are on several nodes, gives each spawner (NULL: there is none) the libraries whose
 * functions stages run. Hosts read a file that can't be passed on by its path. */
tf_err libraries_pass_on(const tf_team *team, const tf_campaign *campaign, tf_spawner *spawner, tf_error *error);

#endif
