/* A rank that dies leaves its lock on the output behind, free: that is asked for when it was silent for a while. */
#include "farm/peers.h"

#include <stdlib.h>
#include <string.h>

#include "farm/transport.h"

#define SILENCE_WITHOUT_LOCK 60.0 /* s after which a rank is given up */

peers peers_new(const output *o, int ranks) {
    return (peers){.output = o, .ranks = ranks, .peer = tf_alloc_array((size_t)ranks, sizeof(peer))};
}

void peers_free(peers *p) {
    free(p->peer);
}

void peers_greet(peers *p, int rank, const hello_message *hello) {
    peer *who = &p->peer[rank];
    who->is_up = true;
    who->is_locked = hello->locked != 0;
    who->slots = hello->slots;
    memcpy(who->host, hello->host, sizeof who->host);
}

static bool has_ended(const peers *p, int rank) {
    return p->output->has_ended(p->output->context, rank);
}

bool peers_has_died(const peers *p, int rank, double silence, double now) {
    const peer *who = &p->peer[rank];
    if (!who->is_up || who->is_dead || now - who->heard < silence)
        return false;
    return who->is_locked ? has_ended(p, rank) : now - who->heard > SILENCE_WITHOUT_LOCK;
}

void peers_mark_dead(peers *p, int rank) {
    p->peer[rank].is_dead = true;
    p->dead++;
}

bool peers_are_known(const peers *p) {
    for (int rank = p->ranks > 1; rank < p->ranks; rank++)
        if (!p->peer[rank].is_up && !p->peer[rank].is_dead)
            return false;
    return true;
}

static crowd count_on(const peers *p, const char *host) {
    crowd c = {.host = host};
    for (int rank = 0; rank < p->ranks; rank++) {
        const bool is_here = p->peer[rank].is_up && strcmp(p->peer[rank].host, host) == 0;
        c.ranks += is_here;
        c.slots += is_here ? p->peer[rank].slots : 0;
    }
    return c;
}

/* Ranks of a node mostly follow each other, so that few nodes are counted twice. */
crowd peers_find_crowd(const peers *p) {
    crowd most = {.host = ""};
    const char *last = NULL;
    for (int rank = 0; rank < p->ranks; rank++) {
        const char *host = p->peer[rank].host;
        if (!p->peer[rank].is_up || (last && strcmp(host, last) == 0))
            continue;
        const crowd c = count_on(p, host);
        most = c.ranks > most.ranks ? c : most;
        last = host;
    }
    return most;
}

int peers_count_living(const peers *p) {
    int count = 0;
    for (int rank = 1; rank < p->ranks; rank++)
        count += p->peer[rank].is_up && !p->peer[rank].is_dead;
    return count;
}

int peers_find_living(const peers *p, int rank) {
    if (!p->peer[rank].is_dead)
        return rank;
    for (int other = 1; other < p->ranks; other++)
        if (!p->peer[other].is_dead)
            return other;
    return NOBODY;
}

bool peers_have_left(const peers *p) {
    for (int rank = 1; rank < p->ranks; rank++)
        if (p->peer[rank].is_up && p->peer[rank].is_locked && !has_ended(p, rank))
            return false;
    return true;
}
