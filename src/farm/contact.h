/* Whether a worker is in touch with the master: where nothing is heard, no write of the worker's counts any more.
 *
 * The worker asks every now and then, and each question is answered. It may write rows until `patience` seconds have
 * passed since it asked what was last answered: by its own clock, from a moment that comes before the answer. The
 * master gives a worker up some seconds after that, so that two never write a row. (The idea is that of leases: Gray
 * and Cheriton, 1989.) */
#ifndef TF_FARM_CONTACT_H
#define TF_FARM_CONTACT_H

#include <stdbool.h>

typedef struct contact {
    double patience; /* s */
    double interval; /* s between two questions */
    double asked;    /* when the last one was asked */
    double until;    /* when it may no longer write */
    double looked;   /* when contact_look was last called */
    double unheard;  /* s for which it has listened since an answer came */
    double allowed;  /* s for which the master has said that it may be silent, beyond the patience */
    bool is_new;     /* nothing has come yet */
} contact;

/* How often a worker asks, s. */
double contact_interval(double patience, int ranks);

/* `now`: by any clock that is the same in all calls, s. One rank alone is the master itself, and always in touch. */
contact contact_begin(double patience, int ranks, double now);

/* Is it time to ask? Then the question has been asked at `now`, which is what contact_hear wants to know. */
bool contact_asks(contact *c, double now);

/* What was asked at that time has been answered, by a master that may be silent now for `allowed` seconds more. */
void contact_hear(contact *c, double asked, double allowed);

/* Something else has come from the master: it is at work, and answers from now on. */
void contact_meet(contact *c);

/* To be called all the time, as long as it listens. */
void contact_look(contact *c, double now);

bool contact_may_write(const contact *c, double now);

/* Has it listened for so long without an answer that the master is to be given up? */
bool contact_is_lost(const contact *c);

/* How much a silence has grown, s, between two looks: a process that was stopped, or did not listen, has missed nothing
 * that it could have heard. */
double contact_count_silence(double looked, double now);

#endif
