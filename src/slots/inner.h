/* What the files of this folder share: the slots, and what passes between their parts. A file calls those before it:
 *
 * slot.c     one slot's host and buffers
 * submit.c   batches go out: who has room, with what resources
 * notices.c  what people should know of a stage
 * starts.c   services that do not start
 * blocks.c   who reads blocks of arrays: the rank, or tasks
 * wanted.c   of the rows that come back those that were asked for
 * collect.c  rows come back from a host that lives
 * leave.c    a task is left, and the others of its batch are not
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

/* Tasks that are to be left, since another rank has their rows. */
typedef struct tasks_to_leave {
    tf_intervals tasks;
    double told; /* tf_now() when the host was told that it is at one of them; 0: it was not */
} tasks_to_leave;

typedef struct slot {
    int socket;
    batch_map map[BATCH_BUFFERS];
    bool given[BATCH_BUFFERS];             /* the host has the buffer */
    batch_order order[BATCH_BUFFERS];      /* what is to be done with it */
    const char *nonsense[BATCH_BUFFERS];   /* what in it can't be true, for which the host is killed; NULL: nothing */
    tasks_to_leave leaving[BATCH_BUFFERS]; /* tasks of the buffer that are to be left */
    bool apart[BATCH_BUFFERS];             /* its one task has the host to itself */
    uint32_t noticed[BATCH_BUFFERS];       /* kinds of notices that have been taken from it: bits */
    batch_part passed[BATCH_BUFFERS];      /* the part passed on last; its seconds are the batch's so far */
    int next;                              /* the buffer to fill next */
    int life;                              /* number of the host that it has now */
    char gpus[GPU_LIST];                   /* the GPUs that its host was given last; "": none */
    bool keeps_gpus;                       /* a function or service in its host may hold on to these */
    bool used;                             /* its host has had a batch */
    bool worn;                             /* its host is to have no further batch */
    int stillborn;                         /* hosts in a row that ended before they ran anything */
    int64_t overdue;                       /* the task whose time ran out, for which the host was killed; -1: none */
} slot;

/* How a stage's services have started. */
typedef struct start_record {
    int in_vain;     /* starts in a row that came to nothing */
    bool has_worked; /* one has read a task */
    bool is_sick;    /* the last start came to nothing since this machine lacks what it takes */
    char *refusal;   /* why the stage can't be run here; NULL: it can */
} start_record;

/* Where a stage's tasks read their blocks of arrays. */
typedef struct block_files {
    tf_array_file *file; /* per array; NULL: the rank reads */
    bool is_known;       /* that was found out */
} block_files;

struct tf_slots {
    tf_spawner *spawner;
    const tf_campaign *campaign;
    int rank, count; /* of slots */
    slot *slot;
    places *places;
    struct pollfd *polled; /* the sockets of the slots and of the spawner, and the caller's descriptor */
    rows_back back;
    tf_files *files;     /* NULL until somebody asks */
    struct sweep *sweep; /* NULL until folders are to be removed */
    tf_task_source source;
    double looked;                /* tf_now() when slow batches were last searched for rows that have ended */
    start_record *start;          /* per stage */
    tf_notice notice[TF_NOTICES]; /* what is to be told with the next rows */
    int notices;
    block_files *blocks;      /* per stage */
    tf_intervals *one_by_one; /* per stage: tasks whose batch was run in vain; each is a call of its own */
    tf_intervals *apart;      /* per stage: tasks of which one has spoilt its host; each runs in a host of its own */
    uint64_t descriptors;     /* the soft limit that this process had before; 0: it has it still */
};

/* For writing alone: what a rank reads of the header comes from rows_back_claim. */
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

/* ---- sweep.c ---- */

/* Removes the task's temporary folders, which are set aside, in the background. false: the caller is to do it. */
bool sweep_folders(tf_slots *slots, int stage, int64_t index);
void sweep_end(tf_slots *slots); /* waits until all are gone */

/* ---- slot.c ---- */

tf_err slot_make_buffers(slot *s, int slot_id, size_t size, tf_error *error);
tf_err slot_start(tf_slots *slots, int slot_id, tf_error *error);

/* A new host in place of one that is idle, with buffers of its own. */
tf_err slot_start_anew(tf_slots *slots, int slot_id, tf_error *error);

/* The buffer holds what can't be true: nothing more is accepted from the slot's host, and its end is waited for. */
tf_err slot_distrust(tf_slots *slots, int slot_id, int b, const char *nonsense, tf_error *error);
bool slot_is_distrusted(const slot *s);

/* The buffer is the rank's again. */
void slot_reclaim_buffer(tf_slots *slots, int slot_id, int b);

/* ---- notices.c ---- */

/* Takes what the buffer's host has noticed of its stage, and was not taken before. */
void notices_take(tf_slots *slots, int slot_id, int b, const batch_claim *claim);

/* The calls of the buffer's rows row .. end - 1 have come to nothing. `why`: NULL if the host says it. */
void notices_take_vain(tf_slots *slots, int slot_id, int b, int64_t row, int64_t end, const char *why);

/* How many calls run these tasks, if each runs `call` of them. */
int64_t notices_count_calls(int64_t first, int64_t end, int64_t call);

/* ---- starts.c ---- */

/* Counts what a host says of the stage's service when it is done with a batch. */
void starts_count(tf_slots *slots, int stage, const batch_claim *claim, const batch_map *map);
void starts_free(tf_slots *slots);

/* ---- blocks.c ---- */

/* Finds out, once, who reads the stage's blocks of files. The stage must be laid out. */
void blocks_find(tf_slots *slots, int stage);

/* Tasks could not read them: from now on the rank does. */
void blocks_take_over(tf_slots *slots, int stage);
void blocks_free(tf_slots *slots);

/* ---- wanted.c ---- */

/* Passes on those rows that the order asks for, and those tasks of `left`. */
tf_err wanted_pass_on(const tf_slots *slots, int slot_id, const batch_order *order, const tf_rows *rows,
                      tf_interval left, const delivery *d);

/* ---- collect.c ---- */

/* Copies the rows that have ended since the last time. NULL, or what in the buffer can't be true: then no row counts.
 */
const char *collect_part(tf_slots *slots, int slot_id, int b, const batch_claim *claim, int64_t ended, batch_part *part,
                         tf_rows *rows);

/* Passes rows on to the caller, with the tasks that are left of the batch. */
tf_err collect_pass_on(tf_slots *slots, int slot_id, int b, const batch_part *part, const tf_rows *rows,
                       tf_interval left, const delivery *d);

/* Does one call run several rows, from the one behind those that have ended? */
bool collect_is_together(const batch_claim *claim);

/* One call was to run these rows, and came to nothing: each is to be a call of its own, by which it is found out which
 * of them did that. `why`: NULL if the host says it. */
void collect_part_ways(tf_slots *slots, int slot_id, int b, int64_t row, int64_t end, const char *why);
tf_interval collect_rest(const batch_order *order, int64_t row); /* the tasks of an order from a row on */

/* Passes on all batches that the host has finished. */
tf_err collect_batches(tf_slots *slots, int slot_id, const delivery *d);

/* Passes on those rows of a batch under way that have ended. What of them can't be true is told by `nonsense`. */
tf_err collect_finished(tf_slots *slots, int slot_id, int b, batch_claim *claim, const char **nonsense,
                        const delivery *d);

/* Does so for a batch that has taken longer than `slow` seconds, and ends a task that has taken longer than it may. */
tf_err collect_from_running(tf_slots *slots, int slot_id, int b, double slow, const delivery *d);

/* ---- leave.c ---- */

/* Ends the task that the buffer's host is at, if it is to be left. */
tf_err leave_running(tf_slots *slots, int slot_id, int b, const batch_claim *claim, tf_error *error);

/* The buffer has other tasks now, or none. */
void leave_nothing(slot *s, int b);

/* ---- blame.c ---- */

/* A host has ended, or could not be forked: another is started, and what the old one had is settled. */
tf_err blame_ended(tf_slots *slots, const spawner_message *ended, const delivery *d);

#endif
