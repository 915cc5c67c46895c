/* An output is looked at, whether its campaign is over, was killed or goes on.
 *
 * Process: verbs that read, on any machine that sees the file, without MPI. Must survive files that are damaged, that
 * change meanwhile, or that were made to do harm. */
#ifndef TF_STORE_READ_H
#define TF_STORE_READ_H

#include "manifest/manifest.h"
#include "rows/rows.h"
#include "store/run_states.h"

typedef struct tf_reader tf_reader;

/* ---- How far it is ---- */

/* A stage of an output. */
typedef struct tf_survey_stage {
    const char *name;
    bool begun; /* false: nothing is known of its tasks */
    int64_t tasks;
    int64_t count[TF_STATUSES]; /* by status */
    int64_t other_code;         /* rows that were made by other code than that of the last run */
    int64_t unknown_code;       /* rows of which the code is not known */
    const char *changed;        /* what has changed since, for people; "" if nothing has */
    int64_t enough;             /* after so many rows its "until" was true, and the others are not run; 0: it was not */
    const char *until;          /* that "until" */
} tf_survey_stage;

typedef struct tf_survey {
    const char *state; /* name of a tf_run_state, or what else the file has */
    double elapsed;    /* s, of runs that have ended */
    bool lost;         /* its run did not end, and the run's folder is gone */
    const char *runs;  /* JSON, as in the file's attribute */
    int stages;        /* in the order of the manifest, as far as that is known */
    tf_survey_stage *stage;
    tf_arena *arena; /* all of it */
} tf_survey;

/* Can be called by any process, on any machine that sees the file, whether or not a run is at work. `reader`: one that
 * has the output open, so that it need not be read again; or NULL. To be freed in any case. */
tf_err tf_store_survey(const char *path, const tf_reader *reader, tf_survey *survey, tf_error *error);
void tf_survey_free(tf_survey *survey);

/* A run's sign of life, a text beside the output that is there until it ends. 0 or an errno. */
int tf_store_put_heartbeat(const char *output, const char *text);
int tf_store_get_heartbeat(const char *output, tf_buf *text);

/* ---- What is in it ---- */

/* What there is of each task of a stage under one name. */
typedef enum tf_field_kind { TF_FIELD_PARAM, TF_FIELD_RESULT, TF_FIELD_TASK, TF_FIELD_TEXT } tf_field_kind;

typedef struct tf_field {
    const char *name; /* "snr", "duration", "stderr": the only field of the stage with this name */
    const char
        *dataset; /* its name in the output. A record has "task." before it in `name` where a result has that name */
    tf_field_kind kind;
    tf_type type;                   /* "status" is TF_UINT8: a tf_status; what is captured is TF_STRING */
    int rank;                       /* of a row; 0: one element */
    int64_t shape[TF_MAX_RANK + 1]; /* of a reduction bins, too */
    int64_t elements;
    bool stored;         /* the output has its values; else the campaign may know them */
    bool shared;         /* all rows have the same: edges of a reduction's bins */
    const tf_grid *grid; /* each task has a block of an array, which can't be read by rows; else NULL */
} tf_field;

/* Blobs, one behind the other: blob i ends at end[i]. All zeros is ready for use. */
typedef struct tf_blobs {
    tf_buf bytes;
    int64_t *end;
    int64_t capacity;
} tf_blobs;

/* Room for `count` blobs, of which there are none yet. */
void tf_blobs_clear(tf_blobs *blobs, int64_t count);
void tf_blobs_free(tf_blobs *blobs);

static inline const char *tf_blobs_at(const tf_blobs *blobs, int64_t i, size_t *length) {
    int64_t from = i ? blobs->end[i - 1] : 0;
    *length = (size_t)(blobs->end[i] - from);
    return tf_buf_text(&blobs->bytes) + from;
}

/* Opens it to read, whether its campaign is over, was killed or goes on; of the latter it shows what there was then.
 * NULL on failure. */
tf_reader *tf_reader_open(const char *path, tf_error *error);

/* The same of an output that this process has just written: no other process is started. */
tf_reader *tf_reader_open_own(const char *path, tf_error *error);
void tf_reader_close(tf_reader *reader);

/* Writes what an output is now to a file, which is made anew: an output of its own, with no folder beside it. Of a
 * campaign that is not over its state is TF_STATE_SNAPSHOT, and the attribute "snapshot_of" says what it was. The
 * output must not be open in this process. */
tf_err tf_store_snapshot(const char *path, const char *to, tf_error *error);

/* Text of the root: "manifest", "manifest_text", "name", "runs", "created"; "" if there is none. */
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

/* In the order of the manifest: parameters, results, then what is recorded of tasks, and blobs. */
int tf_reader_fields(const tf_reader *reader, int stage);
const tf_field *tf_reader_field(const tf_reader *reader, int stage, int field);

/* Reductions of a stage that is finished. Each is a table, whose number stands for a stage's where fields and their
 * values are read: a row is a group, its keys are parameters, the number of its rows and its statistics are results.
 * Of a group nothing is recorded as of a task. */
int tf_reader_reductions(const tf_reader *reader, int stage);
int tf_reader_reduction(const tf_reader *reader, int stage, int number); /* its table, in the order of the manifest */
int tf_reader_find_reduction(const tf_reader *reader, int stage, const char *name); /* its table; -1: there is none */
const char *tf_reader_reduction_name(const tf_reader *reader, int table); /* "STAGE.REDUCTION"; NULL: it is a stage */
const char *tf_reader_settings(const tf_reader *reader, int table);       /* JSON, as in the manifest */
bool tf_reader_is_finished(const tf_reader *reader, int stage);           /* else it has none yet */

/* What is recorded of tasks, by its name in the output: "status", "message"; -1: it is not. */
int tf_reader_record(const tf_reader *reader, int stage, const char *dataset);

/* Fields of tasks first .. first + count - 1, which must be stored: numbers (count x elements), or blobs. */
tf_err tf_reader_numbers(tf_reader *reader, int stage, int field, int64_t first, int64_t count, void *numbers,
                         tf_error *error);
tf_err tf_reader_blobs(tf_reader *reader, int stage, int field, int64_t first, int64_t count, tf_blobs *blobs,
                       tf_error *error);

/* Elements of an array (tf_field.grid), in C order: count[d] of them from start[d] on, per dimension. */
tf_err tf_reader_elements(tf_reader *reader, int stage, int field, const int64_t *start, const int64_t *count,
                          void *numbers, tf_error *error);

/* Bytes that all blobs of a field may take together; 0 for other fields. */
int64_t tf_reader_blob_bytes(const tf_reader *reader, int stage, int field);

#endif
