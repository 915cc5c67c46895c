/* The master: turns messages into the scheduler's events, and its actions into messages. */
#ifndef TF_FARM_MASTER_H
#define TF_FARM_MASTER_H

#include "farm/farm.h"
#include "farm/protocol.h"
#include "farm/transport_mpi.h"

typedef struct master master;

/* What the plan says is done need not be done again. */
master *master_new(const tf_farm_options *options, tf_wire *wire, tf_store *store);
void master_free(master *master);

/* The stage's datasets are there. */
void master_laid_out(master *master, int stage);

/* A message of any worker. */
void master_take(master *master, int from, int tag, const void *payload, size_t size);

/* Sends what there is to send. true if there was anything. */
bool master_step(master *master);

/* A worker has died, and all that could be done without it is done: how the run ends. false while that is not so. */
bool master_has_parted(const master *master, tf_err *outcome);

/* Counts, and the first few failures. */
void master_result(const master *master, tf_farm_result *result);

#endif
