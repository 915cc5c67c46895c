/* Time to write is counted by the clock, since others count on its end; time to give up by how long it has listened,
 * since a process that was stopped, as all of a job may be, finds its answers when it goes on. */
#include "farm/contact.h"

#include <math.h>

#include "farm/terms.h"

/* With thousands of workers each asks less often. */
double contact_interval(double patience, int ranks) {
    const double shortest = 1, by_ranks = 1e-3 * ranks, longest = patience / 5;
    const double interval = by_ranks > shortest ? by_ranks : shortest;
    return interval < longest ? interval : longest;
}

contact contact_begin(double patience, int ranks, double now) {
    if (ranks == 1)
        patience = INFINITY;
    return (contact){.patience = patience,
                     .interval = contact_interval(patience, ranks),
                     .asked = now,
                     .until = now + patience,
                     .looked = now,
                     .is_new = true};
}

bool contact_asks(contact *c, double now) {
    if (now - c->asked < c->interval)
        return false;
    c->asked = now;
    return true;
}

void contact_hear(contact *c, double asked, double allowed) {
    const double until = asked + c->patience;
    c->until = until > c->until ? until : c->until;
    c->unheard = 0;
    c->allowed = allowed;
    c->is_new = false;
}

void contact_meet(contact *c) {
    c->unheard = 0;
    c->is_new = false;
}

double contact_count_silence(double looked, double now) {
    const double most = 1;
    return now - looked < most ? now - looked : most;
}

void contact_look(contact *c, double now) {
    c->unheard += contact_count_silence(c->looked, now);
    c->looked = now;
}

bool contact_may_write(const contact *c, double now) {
    return now < c->until;
}

/* The master begins to answer when it has laid out its plans, which takes a while for millions of tasks. */
bool contact_is_lost(const contact *c) {
    return c->unheard > (c->is_new ? TOGETHER : 1) * c->patience + c->allowed;
}
