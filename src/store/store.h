/* The output: one HDF5 file, written by all ranks through MPI-IO or by a single one without it, and side files for
 * blobs while a run goes on.
 *
 * Process: the ranks, in the thread that called MPI_Init, if there is MPI. Must survive kill -9 of any of them at any
 * instant: what was done before is found again (docs/design.md says why). What store_alone has of it, one process does
 * by itself, without MPI: verbs, and the finisher.
 *
 * Collective calls are for metadata alone (create, flush, close), are made by all ranks of the team in the same order,
 * and return the same error everywhere. Rows are raw data, written independently into datasets that were laid out and
 * flushed before. */
#ifndef TF_STORE_H
#define TF_STORE_H

#include "manifest/manifest.h"
#include "rows/rows.h"
#include "store/run_states.h"
#include "store/team.h"

typedef struct tf_store tf_store;

/* What a run starts from: made ready by tf_store_prepare (resume.h), on the first rank. */
typedef struct tf_store_start tf_store_start;

/* Starts HDF5, which is to print nothing. To be called before MPI_Init by a program of taskfarm's own: HDF5 leaves
 * MPI_Finalize alone then. */
void tf_store_init(void);

/* Makes HDF5 leave exit() alone, so that a run that broke can end without collective calls: ends of files are ours. For
 * a program of taskfarm's own alone, before anything else of HDF5. */
void tf_store_own_exit(void);

/* A program that embeds taskfarm may have a handler of HDF5's errors: tf_store_enter puts it aside, tf_store_leave
 * back. */
typedef struct tf_store_guest {
    bool is_old;            /* of the interface of HDF5 1.6 */
    void (*function)(void); /* of the type that goes with it */
    void *data;
} tf_store_guest;

void tf_store_enter(tf_store_guest *guest);
void tf_store_leave(const tf_store_guest *guest);

/* ---- Before MPI_Init ---- */

/* Checks that files that stages read arrays from have what the manifest says, as far as they are there already. */
void tf_store_check_arrays(const tf_campaign *campaign, tf_diags *diags);

/* ---- The file ---- */

/* This rank's part of the run's lock on the output: a descriptor that holds it until its last copy is closed; -1 where
 * it can't be had. The first rank, whose start has it and keeps it, must come before the others. */
int tf_store_join(const tf_campaign *campaign, const tf_store_start *start, int rank);

/* Who is told that something moves, while ranks work on the file together: this rank reads or writes, or the file
 * changes. */
typedef struct tf_store_life {
    void (*moves)(void *context); /* from another thread */
    void *context;
} tf_store_life;

/* Collective. The team opens the prepared file; `slots` is the number of all ranks together, `patience` the
 * time (s) for which storage may fail, and is tried again. `start` is NULL on all ranks but the first, where it stays
 * the caller's; on these the store takes `lock`, which tf_store_join gave. `life` (NULL: nobody is told) and the
 * campaign must outlive the store. NULL on failure. */
tf_store *tf_store_open(const tf_campaign *campaign, const tf_team *team, tf_store_start *start, int lock,
                        int64_t slots, double patience, const tf_store_life *life, tf_error *error);

/* Collective. Creates the stage's datasets and flushes them to disk, or opens those of an earlier run: rows may be
 * written on return. */
tf_err tf_store_layout(tf_store *store, int stage, tf_error *error);

/* Independent. Upstream values of tasks first .. first + count - 1 of a stage that is laid out: a tf_task_source's,
 * with the store as its context. */
tf_err tf_store_upstream_values(void *store, int stage, int param, int64_t first, int64_t count, void *cells,
                                tf_error *error);

/* Independent. The upstream status of tasks: TF_STATUS_DONE, if all rows that they take are done; TF_STATUS_EXCLUDED,
 * if the others are left out there; else TF_STATUS_SKIPPED. */
tf_err tf_store_upstream_status(void *store, int stage, int64_t first, int64_t count, uint8_t *status, tf_error *error);

/* Independent. A task's block, with its halo, of one of the stage's arrays. */
tf_err tf_store_block(void *store, int stage, int array, int64_t index, void *elements, tf_error *error);

/* Independent. Does an array of the stage stand in one piece of a file that all tasks share, so that anybody can read
 * its blocks, and fast? Then tells where: a tf_task_source's. */
bool tf_store_array_file(void *store, int stage, int array, tf_array_file *file);

/* Independent. Writes rows where they belong: data, then blobs into this rank's side file, then status. Those whose
 * status is pending are left out. */
tf_err tf_store_write(tf_store *store, const tf_rows *rows, tf_error *error);

/* Independent. Has what was written brought to disk in the background, if that was last done `interval` seconds ago or
 * more: so a crash of the machine takes no more than that. To be called often; costs nothing in between. */
tf_err tf_store_sync(tf_store *store, double interval, tf_error *error);

/* A stage ends by these, in this order, with its reductions (reduce.h) between the first two. All are collective. */

/* Moves its blobs from the side files into the file. */
tf_err tf_store_blobs(tf_store *store, int stage, tf_error *error);

/* Notes that it is finished. `enough`: its "until" was true of so many tasks, and the others are not run; 0: it was
 * not. */
tf_err tf_store_finish(tf_store *store, int stage, int64_t enough, tf_error *error);

/* Collective. What is laid out and finished from now on is brought to disk together, by tf_store_release, at the price
 * of one change. Until then no rows may be written of a stage that has been laid out meanwhile. */
void tf_store_hold(tf_store *store);
tf_err tf_store_release(tf_store *store, tf_error *error);

/* Closes its datasets, whether it is finished or has failed. */
void tf_store_close_stage(tf_store *store, int stage);

/* Independent, on the first rank. The status of tasks (tf_status) of a stage that is laid out, from the file. */
tf_err tf_store_status(tf_store *store, int stage, int64_t first, int64_t count, uint8_t *status, tf_error *error);

/* Independent, on the first rank. Adds to what is known of the run that the stage was stopped, and why. It is in the
 * file once that is closed. */
void tf_store_note_stop(tf_store *store, int stage, const char *why);

/* Independent, on the first rank. Adds to what is known of the run what has befallen a worker, a JSON object; or says
 * anew what had that number, from 0. Whoever reads the output while the run goes on sees it at once, and it outlives a
 * run that is killed: as far as the journal can be written. */
void tf_store_note_incident(tf_store *store, int number, const char *incident);
/* From any thread, when the run is to end at once while its ranks are in the middle of something: the last of what has
 * befallen its workers. */
void tf_store_note_last_incident(const char *output, const char *incident);
/* The same, of what was noticed of stages: in place of what was noted of that before. */
void tf_store_note_notices(tf_store *store, const tf_noticed *noticed, int count);

/* Does this rank hold a lock by which others can see that it lives? */
bool tf_store_is_locked(const tf_store *store);

/* On the first rank: has a rank that held a lock ended? */
bool tf_store_has_ended(const tf_store *store, int rank);

/* Collective. Sets the attributes "state" and "elapsed" (s, with those of earlier runs), closes the file and frees the
 * store. In state TF_STATE_STOPPED the side files stay, for the next run; else all stages must be finished, and they
 * go.
 */
tf_err tf_store_close(tf_store *store, tf_run_state state, double elapsed, tf_error *error);

/* Independent. Closes what belongs to this rank alone, frees the memory and leaves the file as it is: for a run that
 * broke, or that ends without a rank that died, where closing the file would be collective. */
void tf_store_abandon(tf_store *store);

/* ---- For one task alone ---- */

/* For this process, without MPI: a store from which tf_store_upstream_values, tf_store_upstream_status and
 * tf_store_block read what tasks of the stage take. Of the output only what the stage needs must be there, if it needs
 * anything. NULL on failure. */
tf_store *tf_store_open_upstream(const tf_campaign *campaign, int stage, tf_error *error);
void tf_store_close_upstream(tf_store *store, int stage);

#endif
