/* Where one rank takes long to answer, the answers of the others are old: they are asked anew, until that takes as long
 * again, as it does where messages are slow. */
#include "farm/gathering.h"

#include "farm/protocol.h"

gathering gathering_new(const transport *t, peers *p) {
    return (gathering){.transport = t, .peers = p};
}

static void summon(gathering *g, double now) {
    const summon_message summons = {.number = peers_summon(g->peers)};
    g->is_open = true;
    g->since = now;
    for (int rank = 1; rank < g->transport->ranks; rank++)
        transport_send(g->transport, rank, TAG_SUMMON, &summons, sizeof summons);
}

void gathering_turn(gathering *g, double now) {
    const double quick = 1, took = now - g->since; /* s */
    g->is_complete = false;
    if (!g->is_open || !peers_are_here(g->peers))
        return;
    g->is_open = false;
    g->is_complete = took < quick || (g->before > 0 && took > g->before / 2);
    g->before = g->is_complete ? 0 : took;
    if (!g->is_complete)
        summon(g, now);
}

bool gathering_is_complete(gathering *g, double now) {
    if (g->is_complete || g->transport->ranks == 1)
        return true;
    if (!g->is_open)
        summon(g, now);
    return false;
}
