/* The event loop of a rank. */
#ifndef TF_FARM_LOOP_H
#define TF_FARM_LOOP_H

#include "farm/rank.h"

/* Turns until the rank's run has ended. Tells signals to the master, and progress to who asked for it. */
void loop_run(rank *r, const tf_farm_options *options);

#endif
