/* Which ranks have not been heard for too long: the judgement alone, without threads or messages. */
#ifndef TF_FARM_SILENCES_H
#define TF_FARM_SILENCES_H

#include <stdbool.h>

typedef struct silences {
    int ranks;
    double patience; /* s for which a rank may be silent */
    double listened; /* s for which this process has listened: the clock by which silence is counted */
    double looked;   /* when it last did */
    double since;    /* since then all must be heard: `listened` */
    double *heard;   /* per rank: when it was heard last, likewise; negative: it never was */
} silences;

/* Of ranks 0 .. ranks - 1. Frees: silences_free. `now`: by any clock that is the same in all calls, s. */
silences silences_new(int ranks, double patience, double now);
void silences_free(silences *s);

/* To be called all the time, as long as messages are received. */
void silences_listen(silences *s, double now);

/* The rank has been heard. */
void silences_hear(silences *s, int rank);

/* From now on it counts who is silent: nobody has been for longer than since now. */
void silences_begin(silences *s);

/* s for which the rank has not been heard since it counts; of a rank that was never heard 0: nobody knows whether it
 * can be heard at all. */
double silences_of(const silences *s, int rank);

/* Has the rank been silent for so long that it is lost, and all who wait for it with it? */
bool silences_has_lost(const silences *s, int rank);

/* Will that be so soon? Where one rank is lost, others that are silent for about as long are lost with it. */
bool silences_is_losing(const silences *s, int rank);

#endif
