/* What a run starts from: what an earlier one has left, and what of it can be kept. Worked out by one process before
 * MPI starts. */
#ifndef TF_STORE_PLAN_H
#define TF_STORE_PLAN_H

#include "store/resume/resume.h"
#include "store/state.h"

/* The output as an earlier run left it. */
typedef struct old_output {
    const char *path;
    int fd; /* to read rows from; -1: there is no output */
    contents contents;
    bool dirty;       /* its metadata is not to be trusted */
    bool lost;        /* its run did not end and the run's folder is gone: the file alone vouches for rows */
    char created[32]; /* attribute; "" if it could not be read */
} old_output;

/* What old_open may do: tidy up what a killed run has left half done; take an output without its journal; trust what
 * this very process has written, so that no other need look first whether HDF5 can read it. */
enum { OLD_TIDIES = 1, OLD_SALVAGES = 2, OLD_TRUSTS = 4 };

/* TF_OK with fd -1 if there is nothing to go on with. What is there and is no output of taskfarm's, or a damaged one,
 * is an error. */
tf_err old_open(const char *path, int may, old_output *old, tf_error *error);
void old_close(old_output *old);

/* A look at an output that a run may change, replace or finish meanwhile. A look that failed, or that may have seen
 * parts of two states, is repeated: it stands between old_look_begin and old_look_again, which is true, after a moment,
 * if there is to be another. All zeros is ready for use. */
typedef struct old_look {
    bool held; /* a run is at work */
    dev_t device;
    ino_t inode;
    int tries;
} old_look;
void old_look_begin(old_look *look, const char *path);
bool old_look_again(old_look *look, const char *path, bool good);

/* May it be set aside? It is an output of taskfarm's, or what is left of one. */
tf_err old_is_ours(const char *path, tf_error *error);

/* "FILE: is damaged: what is wrong". Returns TF_ERR_RUN. */
tf_err old_damaged(const char *path, const h5_fault *fault, tf_error *error);
tf_err old_missing(const char *path, tf_error *error); /* nothing is there, or nothing is in it */

/* Opens the file for old_read alone, where the contents are known. An error if they can't be those of the file. */
tf_err old_open_rows(old_output *old, tf_error *error);

/* Reads rows of a dataset, of which each has so many bytes: an error if it has not. */
tf_err old_read(const old_output *old, const contents_table *table, size_t row_bytes, int64_t first, int64_t count,
                void *out, tf_error *error);

/* The first row, from `first` on, that may hold anything: what was never written is a hole of the file, which reads as
 * zeros, slowly. `first` itself where the file system does not tell. */
int64_t old_skip_hole(const old_output *old, const contents_table *table, int64_t first);

/* Visits the side files of the run that left the output. */
typedef tf_err old_on_side(void *context, int fd, const char *path, tf_error *error);
tf_err old_each_side(const old_output *old, old_on_side *visit, void *context, tf_error *error);

/* One stage of the campaign. */
typedef struct plan_stage {
    const contents_stage *old;        /* NULL: no run has begun it */
    tf_intervals kept;                /* tasks, by their old index, that have ended and whose rows are good */
    bool mixed;                       /* not all of the kept tasks are done */
    tf_type *was;                     /* per column: the type that it has in the old output; NULL: the same as now */
    int64_t *place;                   /* new index of each kept task, by its old one; NULL: they are the same */
    tf_intervals done;                /* tasks of which a row is kept */
    tf_intervals pending;             /* tasks that are left to do */
    tf_intervals failed;              /* pending tasks that failed last time */
    tf_intervals idle;                /* done tasks that were never run: they are left out */
    tf_intervals other_code;          /* done tasks whose rows are of other code than now */
    tf_buf code_changed;              /* names of the code that has changed, for people */
    tf_buf common;                    /* from tf_common_files */
    tf_buf changed;                   /* what has changed of all that rows depend on, for people; empty: nothing */
    tf_left_out left_out;             /* of the done tasks */
    bool undone;                      /* none of its rows is done, nor any that was made of them */
    bool unusable;                    /* none of the old rows can be kept, as by their form */
    bool other_points;                /* the space had other points */
    bool other_outputs;               /* its outputs had other names */
    bool dropped;                     /* some rows that were done are not kept */
    int64_t unvouched;                /* number of tasks that are done by their status alone: no side file vouches */
    bool trusted;                     /* the rows of these are kept all the same */
    uint64_t *input_set, *input_hash; /* of tasks that are done, by task; NULL: not recorded */
    double *started, *ended;          /* of these tasks: seconds since 1970-01-01; NULL: not recorded */
    bool moves;                       /* its rows do not fit where they are */
    bool finished;                    /* nothing is left to do */
} plan_stage;

struct tf_store_plan {
    const tf_campaign *campaign;
    tf_code_asker asker; /* who asks interpreters for the code of Python functions */
    bool keeps_failed;   /* rows of failed tasks are kept, too */
    bool allows_change;  /* rows of any stage may be dropped because what they depend on has changed */
    bool interrupted;    /* a run was killed before its end */
    double killed_from;  /* s since 1970-01-01: when the first such run began; 0: nobody knows */
    bool salvages;       /* the output may be taken without its journal */
    bool lost;           /* the output is taken without its journal */
    bool prepared;       /* the output is ready for a run */
    old_output old;
    tf_store_start start; /* of the run */
    plan_stage *stage;
    tf_buf note;
};

const char *plan_fingerprint(const tf_store_plan *plan, int stage);

/* Compares the campaign with the old output, and finds the rows to keep. */
tf_err plan_make(tf_store_plan *plan, const old_output *old, tf_error *error);

/* Finds the kept rows of tasks that were left out, and adds to `cancelled` how many of them were cancelled. */
tf_err plan_find_excluded(const tf_store_plan *plan, const old_output *old, int stage, tf_intervals *excluded,
                          int64_t *cancelled, tf_error *error);

/* Compares a stage that is in the old output with its fingerprint when it was run: what has changed goes into the
 * stage's plan. */
void plan_compare(const tf_store_plan *plan, int stage);

/* Columns whose types have become wider: rows are kept, with the same numbers in the new types (wider.c). */

/* Are the results as they were, but for wider types? Then these go into the stage's plan. */
bool plan_find_wider(const tf_store_plan *plan, int stage, const char *then, const char *now);

/* Looks for a number of the kept rows that its column's new type has not. If there is one the stage has changed, and
 * its rows are unusable. */
tf_err plan_check_wider(const old_output *old, plan_stage *stage, const tf_stage_spec *spec, tf_error *error);

/* Bytes that a part of a row takes in the old output. */
size_t plan_old_bytes(const plan_stage *stage, const tf_stage_spec *spec, const row_part *part);

/* Makes `count` rows of the old output, from `first` on, rows of the new one. They are a column's, or of none (-1):
 * then they stay as they are. */
tf_err plan_widen(const old_output *old, const plan_stage *stage, const tf_stage_spec *spec, int column, int64_t first,
                  int64_t count, char **rows, tf_error *error);

/* Adds, for people, which columns have: "; "y" of stage "s" is float64 now, and was int64". */
void plan_tell_wider(const tf_store_plan *plan, tf_buf *out);

/* Has a row that is kept another index now? */
bool plan_has_moved(const plan_stage *stage);

/* The error that the stage's rows are of something else. */
tf_err plan_refuse_change(const tf_store_plan *plan, const char *path, int stage, tf_error *error);

/* Finds the stages that nothing is lost of. */
tf_err plan_find_undone(const tf_store_plan *plan, const old_output *old, tf_error *error);

/* Which tasks of a stage that is made anew, with the same points, have failed. */
tf_err plan_find_failed(const old_output *old, plan_stage *ps, tf_error *error);

/* Finds, per stage of the campaign, rows that a side file vouches for (good), and rows that are not whole by what it
 * says (torn). */
tf_err plan_read_vouched(const tf_store_plan *plan, const old_output *old, tf_intervals *good, tf_intervals *torn,
                         tf_error *error);

/* Keeps the rows of `good` whose status is done; with `failed` also those that have failed. */
tf_err plan_keep_done(const old_output *old, plan_stage *stage, const tf_intervals *good, bool failed, tf_error *error);

/* Finds rows that are done by their status alone: side files are lost, or a crash of the machine was faster than the
 * disk. They are made again. Who salvages takes them, since the status is written last; not those of which a record
 * says that they are something else, nor those whose results have blobs, which are lost as well. */
tf_err plan_find_unvouched(const tf_store_plan *plan, const old_output *old, int stage, const tf_intervals *good,
                           const tf_intervals *torn, tf_error *error);

/* May rows of the stage be dropped because of a change? Always, if it has files: make does so, too. */
bool plan_may_drop(const tf_store_plan *plan, int stage);

/* Finds where the kept rows of a stage belong whose space has changed. Rows of points that the space no longer has are
 * dropped, or are an error. */
tf_err plan_find_places(const tf_store_plan *plan, const old_output *old, int number, tf_error *error);

/* The error that a row of the old output, which is done, has a point that the space no longer has. */
tf_err plan_refuse_lost_point(const tf_store_plan *plan, const old_output *old, int number, int64_t row,
                              tf_error *error);

/* Brings the output into the state that the plan's run starts from: the rows that are kept where they belong, the blobs
 * of stages that are not finished in the run's first side file, a journal that says so, and nothing else. */
tf_err plan_carry_out(tf_store_plan *plan, const old_output *old, tf_error *error);

/* Walks the records of the old run's side files. `number` is the record's stage in the campaign, -1 if it has none. A
 * file ends for us where a record is not whole. */
typedef tf_err on_record(void *context, const tf_record *record, int number, int64_t at, int64_t synced,
                         tf_error *error);
tf_err plan_each_record(const tf_store_plan *plan, const old_output *old, on_record *visit, void *context,
                        tf_error *error);

#endif
