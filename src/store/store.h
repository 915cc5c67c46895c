/* The output: one HDF5 file, written by all ranks through MPI-IO, and side files for text while a run goes on.
 *
 * Collective calls are for metadata alone (create, flush, close), are made by all ranks of the communicator in the same
 * order, and return the same error everywhere. Rows are raw data, written independently into datasets that were laid
 * out and flushed before. All calls are for the thread that called MPI_Init. */
#ifndef TF_STORE_H
#define TF_STORE_H

#include <mpi.h>

#include "manifest/manifest.h"
#include "rows/rows.h"

typedef struct tf_store tf_store;

/* What a run starts from: made ready by tf_store_prepare, on the first rank. */
typedef struct tf_store_start tf_store_start;

/* Starts HDF5, which is to print nothing. To be called before MPI_Init by a program of taskfarm's own: HDF5 leaves
 * MPI_Finalize alone then. */
void tf_store_init(void);

/* Makes HDF5 leave exit() alone, so that a run that broke can end without collective calls: ends of files are ours. For
 * a program of taskfarm's own alone, before anything else of HDF5. */
void tf_store_own_exit(void);

/* A program that embeds taskfarm may have a handler of HDF5's errors: it is put aside, and put back. */
typedef struct tf_store_guest {
    bool is_old;            /* of the interface of HDF5 1.6 */
    void (*function)(void); /* of the type that goes with it */
    void *data;
} tf_store_guest;

void tf_store_enter(tf_store_guest *guest);
void tf_store_leave(const tf_store_guest *guest);

/* Collective: the same error on all ranks, that of the lowest that has one. */
tf_err tf_store_agree(MPI_Comm comm, tf_err err, tf_error *error);

/* ---- Before MPI_Init ---- */

/* Looks whether files that stages read arrays from, and which are there already, have what the manifest says. */
void tf_store_check_arrays(const tf_campaign *campaign, tf_diags *diags);

/* What a run starts from. */
typedef struct tf_store_plan tf_store_plan;

typedef enum tf_store_mode {
    TF_STORE_GO_ON,       /* with what is there, if anything is; failed tasks are to be tried again */
    TF_STORE_FRESH,       /* what is there is set aside */
    TF_STORE_SALVAGE,     /* as TF_STORE_GO_ON, also if all is lost but the file itself */
    TF_STORE_WIND_UP,     /* nothing is to be run any more: failed tasks stay as they are */
    TF_STORE_LOOK,        /* as TF_STORE_GO_ON, but nothing is changed, nor may be */
    TF_STORE_LOOK_FRESH,  /* as TF_STORE_FRESH, likewise */
    TF_STORE_LOOK_SALVAGE /* as TF_STORE_SALVAGE, likewise */
} tf_store_mode;

/* To be called on one rank, relative to the work folder. Makes sure that the output can be written and that no other
 * run has it, and looks what there is of an earlier run of the same campaign. TF_STORE_FRESH: an old output, with its
 * side files, is renamed to OUTPUT.1 or the next free number. TF_STORE_SALVAGE: where a run did not end and its journal
 * is gone, rows whose status says done are taken as they are, if they need no text that is lost as well; a new file is
 * made of them, and the old one is set aside likewise. Rows of an earlier run can be kept where tasks are done;
 * where the space has grown they are to be moved to their new places. What they depend on must be the same, unless the
 * stage has files or `allows_change`. NULL with the reason if the output is of something else, or damaged: then nothing
 * was touched. The campaign must outlive the plan. */
tf_store_plan *tf_store_look(const tf_campaign *campaign, tf_store_mode mode, bool allows_change, tf_error *error);

/* What there is of a stage; all of it the plan's. */
void tf_store_past(const tf_store_plan *plan, int stage, tf_past *past);

/* These tasks, which are done, are to be run again: their rows are not kept. */
tf_err tf_store_redo(tf_store_plan *plan, int stage, const tf_intervals *tasks, tf_error *error);

/* After that: how many of those that are done are left out by "where". */
int64_t tf_store_excluded(const tf_store_plan *plan, int stage);

/* After that: adds what has changed of the code since rows were made that are kept, for people; nothing if nothing has.
 */
void tf_store_tell_code(const tf_store_plan *plan, tf_buf *out);

/* Adds what is lost of what an earlier run had beside the file, for people; nothing if none is. And how many tasks of a
 * stage, which are done by their status, are to be run again for that. */
void tf_store_tell_lost(const tf_store_plan *plan, tf_buf *out);
int64_t tf_store_lost(const tf_store_plan *plan, int stage);

/* What is to be recorded of the run besides ranks, hosts and versions: a JSON object, which is copied. */
void tf_store_tell(tf_store_plan *plan, const char *about);

/* Makes the output ready for a run: a new file, or that of the earlier one, with the rows that are kept. */
tf_err tf_store_prepare(tf_store_plan *plan, tf_error *error);

/* Gives the locks on the output up: another process is to take them. */
void tf_store_let_go(tf_store_plan *plan);

/* What the run starts from then; the plan's. NULL: there is no plan here. */
tf_store_start *tf_store_plan_start(tf_store_plan *plan);

/* Lets go of the output, if nobody has done so yet. */
void tf_store_plan_free(tf_store_plan *plan);

/* The stage's tasks that are left to do. */
const tf_intervals *tf_store_pending(const tf_store_plan *plan, int stage);

/* Nothing is left to do, nor to write: the stage is not to be laid out. */
bool tf_store_is_finished(const tf_store_plan *plan, int stage);

/* What the user should know of it; "" for nothing. */
const char *tf_store_note(const tf_store_plan *plan);

/* ---- The file ---- */

/* This rank's part of the run's lock on the output: a descriptor that holds it until its last copy is closed; -1 where
 * it can't be had. The first rank, whose start has it and keeps it, must come before the others. */
int tf_store_join(const tf_campaign *campaign, const tf_store_start *start, int rank);

/* Collective. Opens the prepared file; `slots` is the number of all ranks together. `start` is NULL on all ranks but
 * the first, where it stays the caller's; on these the store takes `lock`, which tf_store_join gave. NULL on failure.
 * The campaign must outlive the store. */
tf_store *tf_store_open(const tf_campaign *campaign, MPI_Comm comm, tf_store_start *start, int lock, int64_t slots,
                        tf_error *error);

/* Collective. Creates the stage's datasets and flushes them to disk, or opens those of an earlier run: rows may be
 * written on return. */
tf_err tf_store_layout(tf_store *store, int stage, tf_error *error);

/* Independent. What rows of finished stages give to tasks first .. first + count - 1 of a stage that is laid out: a
 * tf_task_source's, with the store as its context. */
tf_err tf_store_given(void *store, int stage, int param, int64_t first, int64_t count, void *cells, tf_error *error);

/* Independent. What became of the rows that those tasks take: TF_STATUS_DONE, if all are done; TF_STATUS_EXCLUDED, if
 * the others are left out there; else TF_STATUS_SKIPPED. */
tf_err tf_store_taken(void *store, int stage, int64_t first, int64_t count, uint8_t *status, tf_error *error);

/* Independent. A task's block, with its halo, of one of the stage's arrays. */
tf_err tf_store_block(void *store, int stage, int array, int64_t index, void *elements, tf_error *error);

/* Independent. Writes rows where they belong: data, then texts into this rank's side file, then status. Those whose
 * status is pending are left out. */
tf_err tf_store_write(tf_store *store, const tf_rows *rows, tf_error *error);

/* Independent. Has what was written brought to disk in the background, if that was last done `interval` seconds ago:
 * what a machine's crash can take is bounded so. To be called often; costs nothing in between. */
tf_err tf_store_sync(tf_store *store, double interval, tf_error *error);

/* A stage ends by these, in this order, with its reductions (reduce.h) between the first two. All are collective. */

/* Moves its texts from the side files into the file. */
tf_err tf_store_texts(tf_store *store, int stage, tf_error *error);

/* Notes that it is finished. `enough`: its "until" was true of so many tasks, and the others are not run; 0: it was
 * not. */
tf_err tf_store_finish(tf_store *store, int stage, int64_t enough, tf_error *error);

/* Closes its datasets, whether it is finished or has failed. */
void tf_store_close_stage(tf_store *store, int stage);

/* Independent, on the first rank. The status of tasks (tf_status) of a stage that is laid out, from the file. */
tf_err tf_store_status(tf_store *store, int stage, int64_t first, int64_t count, uint8_t *status, tf_error *error);

/* Does this rank hold a lock by which others can see that it lives? */
bool tf_store_is_locked(const tf_store *store);

/* On the first rank: has a rank that held a lock ended? */
bool tf_store_has_ended(const tf_store *store, int rank);

/* Collective. Sets the attributes "state" and "elapsed" (s, with those of earlier runs), closes the file and frees the
 * store. In state "stopped" the side files stay, for the next run; else all stages must be finished, and they go. */
tf_err tf_store_close(tf_store *store, const char *state, double elapsed, tf_error *error);

/* Independent. Closes what belongs to this rank alone, frees the memory and leaves the file as it is: for a run that
 * broke, or that ends without a rank that died, where closing the file would be collective. */
void tf_store_abandon(tf_store *store);

/* ---- For one task alone ---- */

/* For this process, without MPI: a store from which tf_store_given, tf_store_taken and tf_store_block read what tasks
 * of the stage take. Of the output only what the stage needs must be there, if it needs anything. NULL on failure. */
tf_store *tf_store_open_taken(const tf_campaign *campaign, int stage, tf_error *error);
void tf_store_close_taken(tf_store *store, int stage);

/* ---- Looking at an output ---- */

typedef struct tf_reader tf_reader;

/* A stage of an output. */
typedef struct tf_survey_stage {
    const char *name;
    bool begun; /* else nothing is known of its tasks */
    int64_t tasks;
    int64_t count[TF_STATUSES]; /* by status */
    int64_t other_code;         /* rows that were made by other code than that of the last run, */
    int64_t unknown_code;       /* and rows of which it is not known */
    const char *changed;        /* what has changed since, for people; "" if nothing has */
} tf_survey_stage;

typedef struct tf_survey {
    const char *state; /* "running", "interrupted", "stopped", "complete" or "failed" */
    double elapsed;    /* s, of runs that have ended */
    bool lost;         /* its run did not end, and what that had beside the file is gone */
    const char *runs;  /* JSON, as in the file's attribute */
    int stages;        /* in the order of the manifest, as far as that is known */
    tf_survey_stage *stage;
    tf_arena *arena; /* all of it */
} tf_survey;

/* By any process, on any machine that sees the file, whether or not a run is at work. `reader`: the same output, which
 * need not be read again then; or NULL. To be freed in any case. */
tf_err tf_store_survey(const char *path, const tf_reader *reader, tf_survey *survey, tf_error *error);
void tf_survey_free(tf_survey *survey);

/* A run's sign of life, a text beside the output that is there until it ends. 0 or an errno. */
int tf_store_put_heartbeat(const char *output, const char *text);
int tf_store_get_heartbeat(const char *output, tf_buf *text);

/* ---- Reading an output ---- */

/* What there is of each task of a stage under one name. */
typedef enum tf_field_kind { TF_FIELD_PARAM, TF_FIELD_RESULT, TF_FIELD_TASK, TF_FIELD_TEXT } tf_field_kind;

typedef struct tf_field {
    const char *name;    /* "snr", "duration", "stderr": no other field of the stage has it */
    const char *dataset; /* its name in the output: that of a record is "task." less, where a result has it, too */
    tf_field_kind kind;
    tf_type type; /* "status" is TF_UINT8: a tf_status; what is captured is TF_STRING */
    int rank;     /* of a row; 0: one element */
    int64_t shape[TF_MAX_RANK];
    int64_t elements;
    bool stored;    /* else the output does not have it: the campaign that made it may know */
    bool is_blocks; /* an array, of which each task has a block: not to be read by rows */
} tf_field;

/* Texts, one behind the other: text i ends at end[i]. All zeros is ready for use. */
typedef struct tf_texts {
    tf_buf bytes;
    int64_t *end;
    int64_t capacity;
} tf_texts;

/* Room for `count` texts, of which there are none yet. */
void tf_texts_clear(tf_texts *texts, int64_t count);
void tf_texts_free(tf_texts *texts);

static inline const char *tf_texts_at(const tf_texts *texts, int64_t i, size_t *length) {
    int64_t from = i ? texts->end[i - 1] : 0;
    *length = (size_t)(texts->end[i] - from);
    return tf_buf_text(&texts->bytes) + from;
}

/* Opens it to read, whether its campaign is over, was killed or goes on; of the latter it shows what there was then.
 * NULL on failure. */
tf_reader *tf_reader_open(const char *path, tf_error *error);
void tf_reader_close(tf_reader *reader);

/* Text of the root: "manifest", "name", "runs", "created"; "" if there is none. */
const char *tf_reader_text(const tf_reader *reader, const char *attribute);
uint64_t tf_reader_seed(const tf_reader *reader);

/* Stages that have begun, in the order of the manifest. */
int tf_reader_stages(const tf_reader *reader);
const char *tf_reader_stage(const tf_reader *reader, int stage);
int tf_reader_find(const tf_reader *reader, const char *stage); /* -1: it has not begun */
int64_t tf_reader_tasks(const tf_reader *reader, int stage);
const char *tf_reader_fingerprint(const tf_reader *reader, int stage); /* see tf_fingerprint */
const char *tf_reader_run(const tf_reader *reader, int stage);         /* JSON, as in the manifest */
const char *tf_reader_code(const tf_reader *reader, int stage);        /* see tf_code_files; "[]" if it is not known */

/* In the order of the manifest: parameters, results, then what is recorded of tasks, and texts. */
int tf_reader_fields(const tf_reader *reader, int stage);
const tf_field *tf_reader_field(const tf_reader *reader, int stage, int field);

/* What is recorded of tasks, by its name in the output: "status", "message"; -1: it is not. */
int tf_reader_record(const tf_reader *reader, int stage, const char *dataset);

/* Fields of tasks first .. first + count - 1, which must be stored: numbers (count x elements), or texts. */
tf_err tf_reader_numbers(tf_reader *reader, int stage, int field, int64_t first, int64_t count, void *numbers,
                         tf_error *error);
tf_err tf_reader_texts(tf_reader *reader, int stage, int field, int64_t first, int64_t count, tf_texts *texts,
                       tf_error *error);

/* Bytes that all texts of a field may take together; 0 for other fields. */
int64_t tf_reader_text_bytes(const tf_reader *reader, int stage, int field);

#endif
