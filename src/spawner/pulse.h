/* Signs of life between a rank and its spawner, in memory that both see.
 *
 * Process: rank and spawner. User code never has this memory. */
#ifndef TF_SPAWNER_PULSE_H
#define TF_SPAWNER_PULSE_H

#include <sys/types.h>

#include "base/base.h"
#include "base/stillness.h"

/* All of it is atomic. */
typedef struct pulse {
    unsigned rank, spawner; /* beats of each: they count on as long as it lives, and is not stopped */
    int ended;              /* the rank's process is being ended: what runs under it is to end, too */
    double patience;        /* s for which the rank may be still; 0: it may be for ever */
    pid_t pid;              /* the spawner's; 0: it has not begun */
} pulse;

/* NULL without memory. It is the same in processes that are forked from now on. */
pulse *pulse_new(void);
void pulse_free(pulse *p);

void pulse_beat(unsigned *beats);

/* s between two beats, and between two looks. */
double pulse_interval(double patience);

/* To be called once an interval. Returns for how many seconds the other side has not beaten. */
double pulse_feel(tf_stillness *s, const unsigned *beats, double interval);

#endif
