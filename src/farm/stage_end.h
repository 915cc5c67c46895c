/* How a stage ends. */
#ifndef TF_FARM_STAGE_END_H
#define TF_FARM_STAGE_END_H

#include "store/store.h"

/* Collective. Moves the stage's blobs from the side files into the file, works out its reductions, notes that it is
 * finished, and closes its datasets. `enough`: its "until" was true of so many tasks, and the others are not run; 0: it
 * was not. */
tf_err stage_end(tf_store *store, const tf_campaign *campaign, int stage, int64_t enough, tf_error *error);

#endif
