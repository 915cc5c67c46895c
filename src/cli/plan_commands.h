/* What tasks would get that are to be run, as far as that is known before a run. */
#ifndef TF_CLI_PLAN_COMMANDS_H
#define TF_CLI_PLAN_COMMANDS_H

#include "campaign/campaign.h"
#include "host/run.h"

/* Tells of each task of the stage that is to be run, but for those that "where" leaves out. A parameter that another
 * stage's row gives is known if that row is there to stay (tf_point.params). Takes the same memory for any number of
 * tasks. */
tf_err plan_commands_tell(const tf_loaded *loaded, int stage, tf_host_on_point *on_point, void *context,
                          tf_error *error);

#endif
