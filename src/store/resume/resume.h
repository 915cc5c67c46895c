/* What an earlier run has left, and what of it a run goes on with.
 *
 * Process: the first rank before MPI_Init, and verbs that plan. Must survive whatever an earlier run, a crash of the
 * machine or somebody else has left under the output's name; nothing is touched before all of it is understood. */
#ifndef TF_STORE_RESUME_H
#define TF_STORE_RESUME_H

#include "manifest/code.h"
#include "store/store.h"

/* What a run finds of earlier runs, and what it keeps. */
typedef struct tf_store_plan tf_store_plan;

typedef enum tf_store_mode {
    TF_STORE_GO_ON,       /* goes on with what is there, if anything is; failed tasks are tried again */
    TF_STORE_FRESH,       /* what is there is set aside */
    TF_STORE_SALVAGE,     /* as TF_STORE_GO_ON, also if all is lost but the file itself */
    TF_STORE_WIND_UP,     /* nothing is to be run any more: failed tasks stay as they are */
    TF_STORE_LOOK,        /* as TF_STORE_GO_ON, but nothing is changed, nor may be */
    TF_STORE_LOOK_FRESH,  /* as TF_STORE_FRESH, but nothing is changed */
    TF_STORE_LOOK_SALVAGE /* as TF_STORE_SALVAGE, but nothing is changed */
} tf_store_mode;

/* To be called on one rank, relative to the work folder. Makes sure that the output can be written and that no other
 * run has it, and looks what there is of an earlier run of the same campaign. TF_STORE_FRESH: an old output, with its
 * side files, is renamed to OUTPUT.1 or the next free number. TF_STORE_SALVAGE: where a run did not end and its journal
 * is gone, rows whose status says done are taken as they are, if they need no blob that is lost as well; a new file is
 * made of them, and the old one is set aside likewise. Rows of an earlier run can be kept where tasks are done;
 * where the space has grown they are to be moved to their new places. What they depend on must be the same, unless the
 * stage has files or `allows_change`, or none of them is done; batches whose size is "auto" become those of the old
 * output (tf_stage_keep_batch). NULL with the reason if the output is of something else,
 * or damaged: then nothing was touched. The campaign must outlive the plan. `asker`: as for
 * tf_code_files. */
tf_store_plan *tf_store_plan_new(const tf_campaign *campaign, tf_store_mode mode, bool allows_change,
                                 const tf_code_asker *asker, tf_error *error);

/* Tells what earlier runs have left of a stage. All of it stays the plan's. */
void tf_store_past(const tf_store_plan *plan, int stage, tf_past *past);

/* These tasks, which are done, are to be run again: their rows are not kept. */
tf_err tf_store_redo(tf_store_plan *plan, int stage, const tf_intervals *tasks, tf_error *error);

/* Tasks that count as done though they have not been run. */
typedef struct tf_left_out {
    int64_t total;
    int64_t cancelled; /* how many of them were cancelled; "where" leaves the others out */
} tf_left_out;

/* What earlier runs have left out. Known after tf_store_redo. */
tf_left_out tf_store_left_out(const tf_store_plan *plan, int stage);

/* Adds it for people, as what follows numbers of tasks: ", 7 are left out by where, 2 are cancelled". */
void tf_store_tell_left_out(const tf_left_out *left_out, tf_buf *out);

/* Adds, for people, what has changed of the code since the kept rows were made; nothing if nothing has. Known after
 * tf_store_redo. `remedy`: what makes them anew; NULL: that is not said. */
void tf_store_tell_code(const tf_store_plan *plan, const char *remedy, tf_buf *out);

/* Adds, for people, which stages are made anew because they have changed and none of their rows is done; nothing if
 * none is. */
void tf_store_tell_undone(const tf_store_plan *plan, tf_buf *out);

/* Adds, for people, what is lost of an earlier run's folder; nothing if nothing is. */
void tf_store_tell_lost(const tf_store_plan *plan, tf_buf *out);

/* How many tasks of a stage, which are done by their status, run again because of such a loss. */
int64_t tf_store_lost(const tf_store_plan *plan, int stage);

/* The code of a stage as it is now (see tf_code_files). Stays the plan's. */
const char *tf_store_code(const tf_store_plan *plan, int stage);

/* What is to be recorded of the run besides ranks, hosts and versions: a JSON object, which is copied. */
void tf_store_tell(tf_store_plan *plan, const char *about);

/* Makes the output ready for a run: a new file, or that of the earlier one, with the rows that are kept. */
tf_err tf_store_prepare(tf_store_plan *plan, tf_error *error);

/* Gives up the locks on the output: another process is to take them. */
void tf_store_let_go(tf_store_plan *plan);

/* What the run starts from, once it is prepared. Stays the plan's. NULL where there is no plan (NULL). */
tf_store_start *tf_store_plan_start(tf_store_plan *plan);

/* Lets go of the output, if nobody has done so yet. */
void tf_store_plan_free(tf_store_plan *plan);

/* The stage's tasks that are left to do. */
const tf_intervals *tf_store_pending(const tf_store_plan *plan, int stage);

/* Is nothing left to run or to write? Then the stage is not laid out. */
bool tf_store_is_finished(const tf_store_plan *plan, int stage);

/* What the user should know of it; "" for nothing. */
const char *tf_store_note(const tf_store_plan *plan);

#endif
