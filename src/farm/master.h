/* The master: turns messages into the scheduler's events, and its actions into messages. */
#ifndef TF_FARM_MASTER_H
#define TF_FARM_MASTER_H

#include "farm/farm.h"
#include "farm/leaving.h"
#include "farm/output.h"
#include "farm/protocol.h"
#include "farm/terms.h"
#include "farm/transport.h"

typedef struct master master;

/* What earlier runs finished is not done again. All are the caller's. */
master *master_new(const tf_farm_options *options, const terms *terms, const transport *transport,
                   const tf_clock *clock, const output *output);
void master_free(master *master);

/* The stage's datasets are there. */
void master_laid_out(master *master, int stage);

/* A message of any rank. */
void master_handle(master *master, const parcel *message);

/* Sends what there is to send. true if there was anything. */
bool master_step(master *master);

/* A worker is lost, and all that could be done without it is done: the ranks leave, each alone. */
parting master_parting(const master *master);

/* How a run ends whose master has parted. */
tf_err master_outcome(const master *master);

/* The stages that were stopped, since nobody could run them. Valid until the next turn. */
const tf_farm_stop *master_stopped(const master *master, int *count);

/* With how many tasks the stage had enough, by its "until"; 0: it needs all. */
int64_t master_enough(const master *master, int stage);

/* What has befallen workers, as the history of the output has it: a JSON list. */
void master_incidents(const master *m, tf_buf *out);

/* Once the end is near: what the last words are to say of a worker that is silent, if there is one (loss.h). */
void master_name_quiet(const master *m, tf_buf *out);

/* The nodes of workers that are lost, but for the one that is called `here`: "node2 and 3 others". */
void master_name_away(const master *master, const char *here, tf_buf *out);

/* Counts, and the first few failures. */
void master_result(const master *master, tf_farm_result *result);

#endif
