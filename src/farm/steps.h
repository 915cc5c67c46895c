/* What all ranks are to do together next, and have not been told yet. Several steps are told at once: they are brought
 * to disk at the price of one change of the file. */
#ifndef TF_FARM_STEPS_H
#define TF_FARM_STEPS_H

#include "farm/transport.h"
#include "farm/until.h"

typedef struct steps {
    int count;
    tf_action *step; /* layouts and ends of stages, in the order in which they are done */
} steps;

/* Frees: steps_free. */
steps steps_new(void);
void steps_free(steps *s);

/* Is the action a step? */
bool steps_is_one(const tf_action *action);

/* Is there one of the stage already? The next one must come after it: there are rows to be written in between. */
bool steps_have(const steps *s, int stage);

/* There must be room. */
bool steps_are_full(const steps *s);
void steps_add(steps *s, const tf_action *action);

/* Tells all ranks, and with how many tasks each stage has enough. */
void steps_send(const steps *s, const transport *t, const untils *u);

#endif
