/* The rank's side of running tasks: its slots, each with a host process that the spawner (forked before MPI_Init) has
 * started.
 *
 *     rank ----- slot sockets + shared memory -----.
 *      '-- socket -- spawner -- fork -- host (slot 0): plugin functions, or commands as its children
 *                          '--- fork -- host (slot 1)
 *
 * Process: the rank, which must survive whatever a host does: any end, any silence, any bytes in shared memory. A
 * crash, a hang or an exit() costs one attempt of one task. Knows no MPI.
 *
 * A batch of tasks goes to a host as (stage, first, count), and is cut where one call of a function that gets many
 * tasks ends; its rows come back in shared memory, column by column, ready for HDF5. Each slot has two such buffers, so
 * that a host runs one batch while the rank writes the other. */
#ifndef TF_SLOTS_H
#define TF_SLOTS_H

#include "manifest/manifest.h"
#include "rows/rows.h"
#include "slots/machine.h"
#include "spawner/client.h"

typedef struct tf_slots tf_slots;

/* Before MPI_Init: may this process have as many descriptors as so many slots take? */
tf_err tf_slots_check_descriptors(int slots, tf_error *error);

/* Slots that share what is `mine`: tasks are pinned to cores if there is one for each slot and it is known which. The
 * first `hosts` of them have their host started at once, the others with their first batch. `bundle` is the campaign's
 * (tf_recorder), from which the spawner makes its own copy. Campaign and spawner must outlive the result; `mine` is
 * copied. `lock` is the rank's on the output (tf_store_join), which is held until the last of the hosts is gone; it
 * stays the caller's. -1: none. */
tf_slots *tf_slots_new(tf_spawner *spawner, const tf_campaign *campaign, const tf_buf *bundle, int lock, int rank,
                       const tf_machine *mine, int slots, int hosts, tf_error *error);

/* What all slots have together, and how many tasks of a stage can run on that at once. */
tf_resources tf_slots_has(const tf_slots *slots);
int64_t tf_slots_capacity(const tf_slots *slots, int stage);

/* Ends the hosts: those that are idle run their teardown hooks, those that are busy are killed. */
void tf_slots_free(tf_slots *slots);

/* Says where upstream values come from. Until then there are none. */
void tf_slots_set_source(tf_slots *slots, tf_task_source source);

/* How many more batches the slot can hold: 2 when it is idle, 0 when one runs and one waits. */
int tf_slots_room(const tf_slots *slots, int slot);

/* A slot for a batch of the stage: an idle one, with all that a task of it needs; or one where it would wait in hand
 * behind another that needs the same. -1: there is none. */
int tf_slots_place(const tf_slots *slots, int stage);
int tf_slots_place_in_hand(const tf_slots *slots, int stage);

/* Why tasks of the stage can't be run here, and are not to be submitted any more: a line, and lines behind it. NULL:
 * they can, as far as is known. Changes only before on_rows gets rows, or what is left, of the stage. */
const char *tf_slots_refusal(const tf_slots *slots, int stage);

/* Is that so since this machine lacks what it takes to start anything: processes, memory, room on a disk? */
bool tf_slots_is_sick(const tf_slots *slots, int stage);

/* How many slots run nothing, and belong to no task of another slot. */
int tf_slots_idle(const tf_slots *slots);

/* Gives the slot an attempt at the first n of these tasks, of which there must be some. Returns n; 0 on failure. The
 * slot must be such a place. Tasks behind a gap are run with those before it only where one call runs both. The host
 * stops early, between two calls, once it has taken a tenth of a second. */
int64_t tf_slots_submit(tf_slots *slots, int slot, int stage, int attempt, const tf_intervals *tasks, tf_error *error);

bool tf_slots_is_busy(const tf_slots *slots, int slot);

/* Where a task is that was submitted. */
typedef struct tf_slots_found {
    int slot; /* -1: it is in none, or its row was passed on */
    int attempt;
    double seconds; /* for which it has been there */
} tf_slots_found;
tf_slots_found tf_slots_find(const tf_slots *slots, int stage, int64_t task);

/* The task is to be left, which is in that slot: its processes are ended, and it is passed on, as a row of whatever
 * kind or as one that is left of its batch, all the same. Other tasks of the batch go on. */
void tf_slots_leave(tf_slots *slots, int slot, int stage, int64_t task);

/* Passes on what has ended, and leaves the rest: the slots are not to be used any more. */
tf_err tf_slots_give_up(tf_slots *slots, tf_on_rows *on_rows, void *context, tf_error *error);

/* Rows of tasks that are not run, to on_rows: with this status and, if it is not "", this message. */
tf_err tf_slots_settle(tf_slots *slots, const tf_campaign *campaign, int stage, int64_t first, int64_t count,
                       tf_status status, const char *message, tf_on_rows *on_rows, void *context, tf_error *error);

/* Removes a task's temporary outputs. */
void tf_slots_remove_temp(tf_slots *slots, int stage, int64_t index);

/* From now on tf_slots_poll returns, too, when the descriptor is readable. -1: none. */
void tf_slots_wake_by(tf_slots *slots, int fd);

/* Waits up to `timeout` seconds for batches to come back, and passes on each that did. `*events` counts them.
 * TF_ERR_STOPPED with TF_DIAG_PROCESS_LOST: what starts hosts is gone, or stands still. Then nothing more can be run,
 * and tf_slots_give_up is to follow. */
tf_err tf_slots_poll(tf_slots *slots, double timeout, tf_on_rows *on_rows, void *context, int *events, tf_error *error);

#endif
