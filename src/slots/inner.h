/* What the files of this folder share: the slots, and what passes between their parts. A file calls those before it:
 *
 * slot.c     one slot's host and buffers
 * submit.c   batches go out: who has room, with what resources
 * collect.c  rows come back from a host that lives
 * blame.c    a host has ended: what that costs
 * poll.c     waiting for all of this; slots.c: its beginning and its end */
#ifndef TF_SLOTS_INNER_H
#define TF_SLOTS_INNER_H

#include <poll.h>

#include "host/host.h"
#include "slots/places.h"
#include "slots/rows_back.h"
#include "slots/slots.h"
#include "spawner/hosts.h"

typedef struct slot {
    int socket;
    batch_map map[BATCH_BUFFERS];
    bool given[BATCH_BUFFERS];           /* the buffer is the host's */
    batch_order order[BATCH_BUFFERS];    /* what is to be done with it */
    const char *nonsense[BATCH_BUFFERS]; /* what in it can't be so, for which its host is killed; NULL: all is well */
    bool apart[BATCH_BUFFERS];           /* its one task has the host to itself */
    batch_part passed[BATCH_BUFFERS];    /* the part passed on last; its seconds are the batch's so far */
    int next;                            /* the buffer to fill next */
    int life;                            /* of its hosts, by number */
    char gpus[GPU_LIST];                 /* that its host has had; "": none */
    bool keeps_gpus;                     /* and may hold on to, in a function or service */
    bool used;                           /* its host has had a batch, */
    bool worn;                           /* and is to have no other */
    int stillborn;                       /* hosts in a row that ended before they ran anything */
    int64_t overdue;                     /* the task whose time ran out, for which the host was killed; -1: none */
} slot;

struct tf_slots {
    tf_spawner *spawner;
    const tf_campaign *campaign;
    int rank, count; /* of slots */
    slot *slot;
    places *places;
    struct pollfd *polled; /* the slots' sockets, then the spawner's, then the caller's */
    rows_back back;
    tf_files *files; /* NULL until somebody asks */
    tf_task_source source;
    double looked;            /* for finished rows of slow batches: tf_now() */
    tf_intervals *one_by_one; /* per stage: a batch function crashed with these rows, so they run alone; */
    tf_intervals *apart;      /* one of these has spoilt its batch or its host, so each runs in a host of its own */
};

/* To be written to. What a rank reads of it, rows_back_claim gives. */
static inline batch_header *header_of(const batch_map *map) {
    return (batch_header *)(void *)map->fixed;
}

/* To whom rows are passed on. */
typedef struct delivery {
    tf_on_rows *on_rows;
    void *context;
    int *events;
    tf_error *error;
} delivery;

/* The rank's own finder of files. */
tf_files *slots_files(tf_slots *slots);

/* ---- slot.c ---- */

tf_err slot_make_buffers(slot *s, int slot_id, size_t size, tf_error *error);
tf_err slot_start(tf_slots *slots, int slot_id, tf_error *error);

/* A new host in place of one that is idle, with buffers of its own. */
tf_err slot_start_anew(tf_slots *slots, int slot_id, tf_error *error);

/* Nothing more is taken from its host, which says what can't be so: its end is waited for. */
tf_err slot_distrust(tf_slots *slots, int slot_id, int b, const char *nonsense, tf_error *error);
bool slot_is_distrusted(const slot *s);

/* The buffer is the rank's again. */
void slot_reclaim_buffer(tf_slots *slots, int slot_id, int b);

/* ---- collect.c ---- */

/* Takes the rows that have ended since the last time. NULL, or what in the buffer can't be so: then it has taken none.
 */
const char *collect_part(tf_slots *slots, int slot_id, int b, const batch_claim *claim, int64_t ended, batch_part *part,
                         tf_rows *rows);

/* To the caller, with the tasks that are left of the batch. */
tf_err collect_pass_on(slot *s, int slot_id, int b, const batch_part *part, const tf_rows *rows, tf_interval left,
                       const delivery *d);
tf_interval collect_rest(const batch_order *order, int64_t row); /* the tasks of an order from a row on */

/* All batches that the host has finished; those rows of a batch under way that have ended; and a look at a batch that
 * may take longer than `slow` seconds. */
tf_err collect_batches(tf_slots *slots, int slot_id, const delivery *d);
tf_err collect_finished(tf_slots *slots, int slot_id, int b, batch_claim *claim, const char **nonsense,
                        const delivery *d);
tf_err collect_from_running(tf_slots *slots, int slot_id, int b, double slow, const delivery *d);

/* ---- blame.c ---- */

/* The slot's host has ended with this wait status: another is started, and what the old one had is settled. */
tf_err blame_ended(tf_slots *slots, int slot_id, int status, const delivery *d);

#endif
