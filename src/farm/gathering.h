/* Before ranks do something together each says that it is there: MPI would wait for one that is lost. */
#ifndef TF_FARM_GATHERING_H
#define TF_FARM_GATHERING_H

#include "farm/peers.h"
#include "farm/transport.h"

typedef struct gathering {
    const transport *transport;
    peers *peers;
    bool is_open;     /* all have been summoned, and not all have answered */
    bool is_complete; /* all have, in this turn */
    double since;     /* when they were summoned */
    double before;    /* s that the gathering before took, if that was too long; 0: it was not */
} gathering;

/* Both are the caller's. */
gathering gathering_new(const transport *transport, peers *peers);

/* To be called once a turn, when messages have been received. */
void gathering_turn(gathering *g, double now);

/* Are all here? That holds until the end of the turn. If not, they are summoned, unless they are already. */
bool gathering_is_complete(gathering *g, double now);

#endif
