/* Silence is counted in seconds in which this process has listened: one that was stopped, as all of a job may be, has
 * missed nothing that it could have heard (contact.h). */
#include "farm/silences.h"

#include <stdlib.h>

#include "base/base.h"
#include "farm/contact.h"
#include "farm/terms.h"

silences silences_new(int ranks, double patience, double now) {
    silences s = {.ranks = ranks, .patience = patience, .looked = now};
    s.heard = tf_alloc_array((size_t)ranks, sizeof *s.heard);
    for (int rank = 0; rank < ranks; rank++)
        s.heard[rank] = -1;
    return s;
}

void silences_free(silences *s) {
    free(s->heard);
    s->heard = NULL;
}

void silences_listen(silences *s, double now) {
    s->listened += contact_count_silence(s->looked, now);
    s->looked = now;
}

void silences_hear(silences *s, int rank) {
    s->heard[rank] = s->listened;
}

void silences_begin(silences *s) {
    s->since = s->listened;
}

double silences_of(const silences *s, int rank) {
    const double heard = s->heard[rank];
    return heard < 0 ? 0 : s->listened - (heard > s->since ? heard : s->since);
}

bool silences_has_lost(const silences *s, int rank) {
    return silences_of(s, rank) > s->patience + MARGIN;
}

bool silences_is_losing(const silences *s, int rank) {
    return silences_of(s, rank) > s->patience;
}
