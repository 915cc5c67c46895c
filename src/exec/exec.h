/* Running tasks: the spawner (forked before MPI_Init), the hosts that it starts, one a slot, and the rank's side of
 * both.
 *
 *     rank ----- slot sockets + shared memory -----.
 *      '-- socket -- spawner -- fork -- host (slot 0): plugin functions, or commands as its children
 *                          '--- fork -- host (slot 1)
 *
 * User code never runs in the rank: a crash, a hang or an exit() costs one attempt of one task. A batch of tasks goes
 * to a host as (stage, first, count); its rows come back in shared memory, column by column, ready for HDF5. Each slot
 * has two such buffers, so that a host runs one batch while the rank writes the other. Knows no MPI. */
#ifndef TF_EXEC_H
#define TF_EXEC_H

#include <sched.h>

#include "manifest/manifest.h"

/* ---- Rows ---- */

/* A task's status, as in the output file. */
typedef enum tf_status {
    TF_STATUS_PENDING = 0,
    TF_STATUS_DONE = 1,
    TF_STATUS_FAILED = 2,
    TF_STATUS_TIMEOUT = 3,
    TF_STATUS_SKIPPED = 4,  /* a task that it depends on is not done */
    TF_STATUS_EXCLUDED = 5, /* by "where": it is no point of the stage */
    TF_STATUSES
} tf_status;

/* Its name, in the output as for people. */
static inline const char *tf_status_name(uint8_t status) {
    static const char *const names[TF_STATUSES] = {"pending", "done", "failed", "timeout", "skipped", "excluded"};
    return status < TF_STATUSES ? names[status] : "unknown";
}

/* The rows of tasks first .. first + count - 1 of one stage: arrays of `count` elements. */
typedef struct tf_rows {
    int stage;
    int attempt; /* of all of them, from 1 */
    int64_t first, count;
    int64_t failed; /* in vain, or in time no more */
    int64_t excluded, skipped;
    int64_t pending;            /* whose task is to be tried again; the others have ended */
    uint32_t changed;           /* what their function changed in its process for later tasks, which were run again */
    double seconds;             /* that a slot spent on them */
    const void *const *params;  /* per parameter: values; strings as NUL-padded cells of max_bytes. NULL: not stored */
    const void *const *columns; /* per column: count x elements, C order; NULL for strings and bytes */
    const uint8_t *status;      /* tf_status */
    const uint8_t *attempts;
    const uint64_t *input_set, *input_hash; /* hashes of the inputs' paths and contents; NULL: not stored */
    /* "record": "full", else NULL */
    const int32_t *exit_code, *signal, *worker, *slot;
    const double *start;          /* s since 1970-01-01 UTC */
    const double *duration, *cpu; /* s */
    const int64_t *max_rss;       /* bytes */
    const void *texts;            /* tf_record after tf_record */
    size_t texts_size;            /* bytes */
} tf_rows;

/* There is nothing left to do for it. */
static inline bool tf_status_is_good(uint8_t status) {
    return status == TF_STATUS_DONE || status == TF_STATUS_EXCLUDED;
}

/* It was run in vain. */
static inline bool tf_status_has_failed(uint8_t status) {
    return status == TF_STATUS_FAILED || status == TF_STATUS_TIMEOUT;
}

/* Where the run of rows that begins at `row` ends: of rows that are pending, or of rows that are not. */
static inline int64_t tf_rows_run(const tf_rows *rows, int64_t row) {
    if (rows->pending == 0)
        return rows->count;
    int64_t end = row;
    while (end < rows->count && (rows->status[end] == TF_STATUS_PENDING) == (rows->status[row] == TF_STATUS_PENDING))
        end++;
    return end;
}

/* ---- Before MPI_Init ---- */

/* Looks for what would keep every task of a stage from running: a missing program, library or function. Forks, so that
 * no library is loaded into this process. Relative to the current folder, which must be the work folder.
 * `program` has the functions that this program brings itself, up to one without a name; NULL: none. */
void tf_exec_preflight(const tf_campaign *campaign, const tf_function *program, tf_diags *diags);

typedef struct tf_spawner tf_spawner;

/* Forks the spawner. To be called before MPI_Init and while this process is small. `program` as above; it must stay
 * where it is. NULL on failure. */
tf_spawner *tf_spawner_fork(const tf_function *program, tf_error *error);

/* What is given to the spawner from now on is for another campaign; the one before, if it is not over, ends. */
void tf_spawner_begin(tf_spawner *spawner);

/* Hosts are to load the stage's library from this memory file, not from its path. To be called before tf_exec_new; the
 * descriptor stays the caller's. */
tf_err tf_spawner_give_library(tf_spawner *spawner, int stage, int fd, tf_error *error);

/* Lets it go on if somebody has stopped it. From any thread. */
void tf_spawner_wake(const tf_spawner *spawner);

/* Ends the spawner and whatever still runs under it; waits for it, but not for ever. */
void tf_spawner_close(tf_spawner *spawner);

/* ---- The machine ---- */

/* What may be used of a machine, or a rank's part of that. */
typedef struct tf_machine {
    int cores;
    cpu_set_t *core; /* per core: its processing units; NULL: any, it is not known which */
    int64_t memory;  /* bytes */
    int gpus;
    char (*gpu)[64];          /* their names, for: */
    const char *gpu_variable; /* the variable that tells a process which GPUs it may use; NULL without any */
} tf_machine;

/* What this process may use: its affinity mask, control groups and the batch system's variables count. There is at
 * least one core. GPUs are looked for only if `gpus`; that takes a while. */
tf_machine tf_machine_find(bool gpus);

/* A copy of some of its cores and GPUs. */
tf_machine tf_machine_part(const tf_machine *machine, int cores_from, int cores_end, int gpus_from, int gpus_end);
void tf_machine_free(tf_machine *machine);

/* ---- The rank's slots ---- */

typedef struct tf_exec tf_exec;

/* Starts a host for each of `slots` slots, which share what is `mine`: tasks are pinned to cores if there is one for
 * each slot and it is known which. `bundle` is the campaign's (tf_recorder), from which the spawner makes its own copy.
 * Campaign and spawner must outlive the result; `mine` is copied. `lock` is the rank's on the output (tf_store_join),
 * which is held until the last of the hosts is gone; it stays the caller's. -1: none. */
tf_exec *tf_exec_new(tf_spawner *spawner, const tf_campaign *campaign, const tf_buf *bundle, int lock, int rank,
                     const tf_machine *mine, int slots, tf_error *error);

/* All that its tasks can have together, and how many of a stage's that is at once. */
tf_resources tf_exec_has(const tf_exec *exec);
int64_t tf_exec_lanes(const tf_exec *exec, int stage);

/* Ends the hosts: those that are idle run their teardown hooks, those that are busy are killed. */
void tf_exec_free(tf_exec *exec);

/* Where what tasks take comes from. */
typedef struct tf_exec_source {
    /* Parameters that rows of other stages give: fills `cells` (as tf_space_cells) for tasks first .. first + count
     * - 1.
     */
    tf_err (*given)(void *context, int stage, int param, int64_t first, int64_t count, void *cells, tf_error *error);
    /* What became of the rows that these tasks take: TF_STATUS_DONE, TF_STATUS_SKIPPED or TF_STATUS_EXCLUDED, which
     * they are then themselves. */
    tf_err (*taken)(void *context, int stage, int64_t first, int64_t count, uint8_t *status, tf_error *error);
    /* A task's block of one of the stage's arrays. NULL, if tasks are not to be run. */
    tf_err (*block)(void *context, int stage, int array, int64_t index, void *elements, tf_error *error);
    void *context;
} tf_exec_source;

void tf_exec_take_from(tf_exec *exec, tf_exec_source source);

/* How many more batches the slot takes: 2 when idle, 0 when one runs and one waits. */
int tf_exec_room(const tf_exec *exec, int slot);

/* A slot for a batch of the stage: an idle one, with all that a task of it needs; or one where it would wait in hand
 * behind another that needs the same. -1: there is none. */
int tf_exec_place(const tf_exec *exec, int stage);
int tf_exec_place_in_hand(const tf_exec *exec, int stage);

/* Slots that run nothing, and that no task of another slot has. */
int tf_exec_idle(const tf_exec *exec);

/* Gives the slot a batch: an attempt at tasks first .. first + n - 1. Returns n, which may be less than count; the slot
 * must be such a place. The host stops early, between two tasks, once the batch has taken a tenth of a second. 0 on
 * failure. */
int64_t tf_exec_submit(tf_exec *exec, int slot, int stage, int attempt, int64_t first, int64_t count, tf_error *error);

/* Rows that have ended (maybe none), valid until the call returns. When their batch is over, the tasks of `left` were
 * not started; while it goes on, because a task takes long, `left` is empty. A status other than TF_OK makes
 * tf_exec_poll return it. */
typedef tf_err tf_exec_on_rows(void *context, int slot, const tf_rows *rows, tf_interval left, tf_error *error);

/* Adds what tf_rows.changed says, in words: "the umask and the locale". */
void tf_exec_name_changes(uint32_t changes, tf_buf *text);

bool tf_exec_is_busy(const tf_exec *exec, int slot);

/* Passes on what has ended, and leaves the rest: the slots are not to be used any more. */
tf_err tf_exec_give_up(tf_exec *exec, tf_exec_on_rows *on_rows, void *context, tf_error *error);

/* Rows of tasks that are not run, to on_rows: with this status and, if it is not "", this message. */
tf_err tf_exec_settle(tf_exec *exec, const tf_campaign *campaign, int stage, int64_t first, int64_t count,
                      tf_status status, const char *message, tf_exec_on_rows *on_rows, void *context, tf_error *error);

/* Removes those outputs of a task that are to be there for a while only. */
void tf_exec_remove_temp(tf_exec *exec, int stage, int64_t index);

/* From now on tf_exec_poll returns, too, when the descriptor is readable. -1: none. */
void tf_exec_wake_by(tf_exec *exec, int fd);

/* Waits up to `timeout` seconds for batches to come back, and passes on each that did. `*events` counts them. */
tf_err tf_exec_poll(tf_exec *exec, double timeout, tf_exec_on_rows *on_rows, void *context, int *events,
                    tf_error *error);

/* ---- In this very process ---- */

/* A task is going to be run: its parameters and files. */
typedef void tf_exec_on_point(void *context, const tf_point *point);

/* Runs tasks here, batch after batch, without spawner or host: for tests and for trying a task. `source` may be NULL
 * where they take nothing, and on_point. Rows as in tf_exec_poll; `left` is always empty. Without on_rows, which may be
 * NULL too, they are not run, only told of. */
tf_err tf_exec_run_here(const tf_campaign *campaign, int stage, int64_t first, int64_t count,
                        const tf_exec_source *source, tf_exec_on_point *on_point, tf_exec_on_rows *on_rows,
                        void *context, tf_error *error);

#endif
