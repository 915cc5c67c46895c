/* A rank that dies leaves its lock on the output behind, free: that is asked for when it was silent for a while. One
 * that is silent for longer than the patience has ended what it did by itself (contact.h): it is given up, whatever its
 * lock says. */
#include "farm/peers.h"

#include <stdlib.h>
#include <string.h>

#include "farm/contact.h"
#include "farm/terms.h"
#include "farm/transport.h"

peers peers_new(const output *o, int ranks, double patience, double now) {
    return (peers){.output = o,
                   .ranks = ranks,
                   .patience = patience,
                   .looked = now,
                   .peer = tf_alloc_array((size_t)ranks, sizeof(peer))};
}

void peers_free(peers *p) {
    free(p->peer);
}

static bool has_ended(const peers *p, int rank) {
    return p->output->has_ended(p->output->context, rank);
}

/* A file system may keep locks to the node that has them (mounted with nolock or localflock): rank 0 sees none, of the
 * living either. */
void peers_greet(peers *p, int rank, const hello_message *hello) {
    peer *who = &p->peer[rank];
    who->is_up = true;
    who->is_locked = hello->locked && !has_ended(p, rank);
    who->slots = hello->slots;
    memcpy(who->host, hello->host, sizeof who->host);
}

bool peers_note_storage(peers *p, int rank, bool fails) {
    bool others = false;
    for (int other = 0; other < p->ranks; other++)
        others = others || (other != rank && p->peer[other].waits && !p->peer[other].is_lost);
    p->peer[rank].waits = fails;
    return !others;
}

void peers_listen(peers *p, double now) {
    p->listened += contact_count_silence(p->looked, now);
    p->looked = now;
}

void peers_hear(peers *p, int rank) {
    p->peer[rank].heard = p->listened;
}

void peers_allow(peers *p, int rank, double silence) {
    p->peer[rank].allowed = silence;
}

double peers_silence(const peers *p, int rank) {
    return p->listened - p->peer[rank].heard;
}

int peers_find_quietest(const peers *p) {
    int quietest = NOBODY;
    for (int rank = 1; rank < p->ranks; rank++)
        if (p->peer[rank].is_up && !p->peer[rank].is_lost &&
            (quietest == NOBODY || p->peer[rank].heard < p->peer[quietest].heard))
            quietest = rank;
    return quietest;
}

peer_state peers_judge(const peers *p, int rank, double silence) {
    const peer *who = &p->peer[rank];
    const double silent = peers_silence(p, rank);
    if (who->is_lost)
        return PEER_LIVES;
    if (silent > p->patience + MARGIN + who->allowed)
        return PEER_SILENT;
    if (!who->is_up || !who->is_locked || silent < silence || !has_ended(p, rank))
        return PEER_LIVES;
    return silent < p->patience ? PEER_DIED : PEER_SILENT; /* the latter has ended by itself, since it heard nothing */
}

void peers_mark_lost(peers *p, int rank, peer_state why) {
    p->peer[rank].is_lost = true;
    p->peer[rank].is_silent = why == PEER_SILENT;
    p->lost++;
}

int64_t peers_summon(peers *p) {
    return ++p->summons;
}

void peers_answer(peers *p, int rank, int64_t number) {
    p->peer[rank].here = number;
}

bool peers_are_here(const peers *p) {
    for (int rank = 1; rank < p->ranks; rank++)
        if (!p->peer[rank].is_lost && p->peer[rank].here < p->summons)
            return false;
    return true;
}

bool peers_are_known(const peers *p) {
    for (int rank = p->ranks > 1; rank < p->ranks; rank++)
        if (!p->peer[rank].is_up && !p->peer[rank].is_lost)
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
        count += p->peer[rank].is_up && !p->peer[rank].is_lost;
    return count;
}

int peers_find_living(const peers *p, int rank) {
    if (!p->peer[rank].is_lost)
        return rank;
    for (int other = 1; other < p->ranks; other++)
        if (!p->peer[other].is_lost)
            return other;
    return NOBODY;
}

/* Is this the node's first worker that is lost? */
static bool is_first_lost(const peers *p, int rank) {
    for (int before = 1; before < rank; before++)
        if (p->peer[before].is_lost && strcmp(p->peer[before].host, p->peer[rank].host) == 0)
            return false;
    return p->peer[rank].is_lost;
}

void peers_name_away(const peers *p, const char *here, tf_buf *out) {
    int nodes = 0;
    for (int rank = 1; rank < p->ranks; rank++) {
        const char *host = p->peer[rank].host;
        if (!*host || strcmp(host, here) == 0 || !is_first_lost(p, rank))
            continue;
        if (nodes++ == 0)
            tf_buf_adds(out, host);
    }
    if (nodes > 1)
        tf_buf_addf(out, " and %d other%s", nodes - 1, nodes == 2 ? "" : "s");
}

int peers_find_late(const peers *p, int rank) {
    for (; rank < p->ranks; rank++)
        if (p->peer[rank].is_up && p->peer[rank].is_locked && !p->peer[rank].is_lost && !has_ended(p, rank))
            return rank;
    return NOBODY;
}
