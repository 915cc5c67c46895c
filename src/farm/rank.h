/* One rank of a run, as the loop turns it: messages go to master and worker, collective work is done, and the end is
 * noticed. Knows no MPI. */
#ifndef TF_FARM_RANK_H
#define TF_FARM_RANK_H

#include "farm/master.h"
#include "farm/pulses.h"
#include "farm/watchman.h"
#include "farm/worker.h"

typedef struct rank {
    const transport *transport;
    const executor *executor; /* NULL on a rank that runs no tasks */
    const output *output;
    master *master; /* on rank 0 */
    worker *worker; /* on the others, and on rank 0 when it is alone */
    const terms *terms;
    watchman *watchman;     /* told when the end begins; NULL: this rank does not wait for signals */
    pulses *pulses;         /* speak for this rank while all do something together; NULL: nothing does */
    summon_message summons; /* that it has not answered; number 0: there is none */
    bool is_unheard;        /* the worker may do nothing now */
    tf_buf waiting;         /* collective work (collect_message) that comes when rows have been written; to be freed */
    bool ended;
    bool parted;    /* it leaves without the others, of which one is lost */
    tf_err outcome; /* how the run ended, once it has */
    tf_error *error;
} rank;

/* Takes the messages that are there, and lets the master act. true if anything happened. */
bool rank_turn(rank *r);

#endif
