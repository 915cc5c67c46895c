/* The end of ranks of which one is lost: each leaves alone, and rank 0 waits for the others, but not for ever. */
#ifndef TF_FARM_LEAVING_H
#define TF_FARM_LEAVING_H

#include "farm/incidents.h"
#include "farm/peers.h"
#include "farm/transport.h"

typedef enum parting {
    PARTING_NOT,
    PARTING_WAITS, /* for the others to leave; their messages are of no interest any more */
    PARTING_OVER
} parting;

typedef struct leaving {
    const transport *transport;
    peers *peers;
    incidents *incidents;
    parting parting;
    double end; /* when those that have not left are not waited for any longer */
} leaving;

/* Tells everyone who lives, also those whose HELLO has not come yet. */
void leaving_begin(leaving *l, double now);

/* To be called once a turn, as long as it waits. Who is late by then is named. */
void leaving_turn(leaving *l, double now);

#endif
