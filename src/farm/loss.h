/* What people are told of a rank that is lost. */
#ifndef TF_FARM_LOSS_H
#define TF_FARM_LOSS_H

#include "farm/peers.h"
#include "farm/terms.h"
#include "sched/sched.h"

/* What a worker says that ends since it does not hear rank 0: its rank, and the patience. */
#define LOSS_OF_MASTER                                                                                                 \
    "rank %d has not heard rank 0 for %g s, and ends; what is in the output is safe, and the same command line goes "  \
    "on"

/* ", and rank 3 on node2 has not been heard for 16s": of a rank that is not lost yet. */
void loss_describe_quiet(const peers *p, int rank, tf_buf *out);

/* Which rank it was, on which host, what it was at, and what becomes of the run: a sentence without its full stop. To
 * be called while the scheduler still counts on the rank. */
void loss_describe(const peers *p, const tf_campaign *campaign, const tf_sched *sched, const terms *terms, int rank,
                   peer_state why, tf_buf *out);

/* The same, of one that has not ended in `seconds` s since the ranks part. */
void loss_describe_late(const peers *p, int rank, double seconds, tf_buf *out);

#endif
