/* Who has left is seen by its lock on the output. What is late stands still, as far as is known: that is all that can
 * be said of it. */
#include "farm/leaving.h"

#include "farm/loss.h"

#define LEAVE_SECONDS 10.0 /* s that the first rank waits for the others to leave */

void leaving_begin(leaving *l, double now) {
    for (int rank = 1; rank < l->transport->ranks; rank++)
        if (!l->peers->peer[rank].is_lost)
            transport_send(l->transport, rank, TAG_PART, NULL, 0);
    l->parting = PARTING_WAITS;
    l->end = now + LEAVE_SECONDS;
}

static void name_late(const leaving *l) {
    for (int rank = peers_find_late(l->peers, 1); rank != NOBODY; rank = peers_find_late(l->peers, rank + 1)) {
        tf_buf text = {0};
        loss_describe_late(l->peers, rank, LEAVE_SECONDS, &text);
        incidents_begin_now(l->incidents, INCIDENT_SILENT, rank, l->peers->peer[rank].host, text.data);
        tf_buf_free(&text);
        peers_mark_lost(l->peers, rank, PEER_SILENT);
    }
}

void leaving_turn(leaving *l, double now) {
    const bool is_late = now >= l->end;
    if (!is_late && peers_find_late(l->peers, 1) != NOBODY)
        return;
    name_late(l);
    l->parting = PARTING_OVER;
}
