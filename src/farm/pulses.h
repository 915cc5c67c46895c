/* Pulses: while ranks do something together none of their own threads can answer, since MPI and HDF5 wait for all. A
 * thread of each rank speaks for it then, by datagrams and not by MPI: so a rank that is lost is found by the patience,
 * however long the others may take for what they do.
 *
 * Each worker's thread asks rank 0's every now and then, as long as the ranks themselves have not talked for a while,
 * and each question is answered. Who is not heard for the patience while ranks do something together is lost; but only
 * who was heard before: where networks let no datagrams through nobody is. */
#ifndef TF_FARM_PULSES_H
#define TF_FARM_PULSES_H

#include <stdbool.h>

#include "farm/datagrams.h"
#include "farm/seal.h"

typedef struct pulses pulses;

/* A rank that is not heard. */
typedef struct lost_rank {
    int rank;
    char host[64];  /* "": of rank 0 */
    double silence; /* s */
} lost_rank;

/* What is done where a rank is lost. Called from the pulses' thread, while the rank's own may be anywhere. */
typedef struct pulses_ends {
    void (*tell)(void *context, const char *what, const lost_rank *lost, int count); /* to people; what ranks are at */
    /* On rank 0, now and then: whether all have been heard lately, and which of them stands in a call on files ("rank 1
     * on node2 is in fsync of r.h5"; "": none does). */
    void (*see)(void *context, bool all, const char *blocked);
    void (*leave)(void *context); /* ends the process */
    void *context;
} pulses_ends;

/* What rank 0 tells the others before they begin: where it can be reached, and the key by which pulses are sealed. */
typedef struct pulses_invitation {
    double patience; /* s for which a rank may be silent */
    seal_key key;
    int32_t addresses; /* how many it has; 0: there are no pulses */
    datagram_address address[32];
} pulses_invitation;

/* `patience` counts on rank 0; `ends` is the caller's. The invitation is made on rank 0, and to be copied to the others
 * before any of them starts. */
pulses *pulses_new(int rank, int ranks, double patience, const pulses_ends *ends);
pulses_invitation *pulses_invite(pulses *p);
void pulses_start(pulses *p);

/* No call below has an effect on NULL, nor where there can be no pulses. */
void pulses_end(pulses *p);

/* The ranks are doing something together from now on; `what` it is (a literal, a noun). NULL: not any more. */
void pulses_together(pulses *p, const char *what);

/* On a worker: rank 0 has answered it, by a message. */
void pulses_meet(pulses *p);

#endif
