/* What crosses the boundary between the rank and the processes that run tasks: statuses, rows, and where what tasks
 * take comes from. Plain data, without behaviour.
 *
 * Process: rank and host. Rows that a host has filled in are checked by slots/rows_back.c before anybody reads them. */
#ifndef TF_ROWS_H
#define TF_ROWS_H

#include "base/base.h"
#include "rows/notices.h"

/* A task's status, as in the output file. What each is called and what it means is in the table of statuses.c. */
typedef enum tf_status {
    TF_STATUS_PENDING = 0,
    TF_STATUS_DONE = 1,
    TF_STATUS_FAILED = 2,
    TF_STATUS_TIMEOUT = 3,
    TF_STATUS_SKIPPED = 4,  /* a task that it depends on has not succeeded */
    TF_STATUS_EXCLUDED = 5, /* "where" says that it is no point of the stage */
    TF_STATUS_CANCELLED = 6,
    TF_STATUSES
} tf_status;

typedef struct tf_status_spec {
    const char *name;    /* in the output, in JSON, and for people */
    const char *ended;   /* how a single attempt ended, for people */
    bool is_good;        /* there is nothing left to do for the task */
    tf_status counts_as; /* what the status is to sums, and to tasks that take the row: mostly itself */
} tf_status_spec;

extern const tf_status_spec tf_status_table[TF_STATUSES];

/* For statuses that were read from somewhere, and may be out of range. */
static inline const char *tf_status_name(uint8_t status) {
    return status < TF_STATUSES ? tf_status_table[status].name : "unknown";
}
static inline bool tf_status_is_good(uint8_t status) {
    return status < TF_STATUSES && tf_status_table[status].is_good;
}
static inline bool tf_status_counts_as(uint8_t status, tf_status other) {
    return status < TF_STATUSES && tf_status_table[status].counts_as == other;
}
static inline bool tf_status_has_failed(uint8_t status) { /* or timed out */
    return tf_status_counts_as(status, TF_STATUS_FAILED);
}

/* The rows of tasks first .. first + count - 1 of one stage: arrays of `count` elements. */
typedef struct tf_rows {
    int stage;
    int attempt; /* of all of the rows, from 1 */
    int64_t first, count;
    int64_t failed; /* rows that failed or timed out */
    int64_t excluded, skipped;
    int32_t worker, slot;    /* where the rows come from; stored if times are */
    int64_t pending;         /* rows whose task is to be tried again; the others have ended */
    int64_t calls;           /* calls of several tasks each that have made the rows */
    const tf_notice *notice; /* what was noticed of the stage meanwhile */
    int notices;
    double seconds;             /* time that a slot spent on the rows */
    const void *const *params;  /* per parameter: values; strings as NUL-padded cells of max_bytes. NULL: not stored */
    const void *const *columns; /* per column: count x elements, C order; NULL for strings and bytes */
    const uint8_t *status;      /* tf_status */
    const uint8_t *attempts;
    const uint64_t *input_set;  /* hashes of the inputs' paths; NULL: not stored */
    const uint64_t *input_hash; /* hashes of the inputs' contents; NULL: not stored */

    /* NULL without "record": "full". */
    const double *start;    /* s since 1970-01-01 UTC */
    const double *duration; /* s */

    /* NULL without "record": "full"; the first two if no process answers tasks, the others if tasks are none. */
    const int32_t *exit_code, *signal;
    const double *cpu;      /* s */
    const int64_t *max_rss; /* bytes */

    const void *blobs; /* what has no fixed length, tf_record after tf_record */
    size_t blobs_size; /* bytes */
} tf_rows;

/* The end of the longest run of rows from `row` on that are all pending, or all not pending. */
static inline int64_t tf_rows_run(const tf_rows *rows, int64_t row) {
    if (rows->pending == 0)
        return rows->count;
    int64_t end = row;
    while (end < rows->count && (rows->status[end] == TF_STATUS_PENDING) == (rows->status[row] == TF_STATUS_PENDING))
        end++;
    return end;
}

/* Gets rows that have ended (maybe none), valid until the call returns. `left` has tasks of their batch that were not
 * started; it is empty as long as the batch goes on. tf_slots_poll returns what this returns, if that is not TF_OK. */
typedef tf_err tf_on_rows(void *context, int slot, const tf_rows *rows, tf_interval left, tf_error *error);

/* Where all elements of an array stand in one piece of a file, in C order. Each of them is a value of the type that
 * tasks get, too, without rounding. */
typedef struct tf_array_file {
    uint64_t device, inode; /* of the file: another one may stand under its name by now */
    int64_t offset;         /* of the first element, in bytes */
    char type[8];           /* of the elements there, as numpy names it: ">i2"; NUL-terminated */
} tf_array_file;

/* Where upstream values come from, which tasks take of other stages. */
typedef struct tf_task_source {
    /* Fills `cells` (as tf_space_cells does) with a parameter that is a column of another stage, for tasks first ..
     * first + count - 1. */
    tf_err (*values)(void *context, int stage, int param, int64_t first, int64_t count, void *cells, tf_error *error);
    /* Fills in the upstream status of tasks: TF_STATUS_DONE if all rows that a task takes are done; else
     * TF_STATUS_SKIPPED or TF_STATUS_EXCLUDED, which becomes the task's own. */
    tf_err (*status)(void *context, int stage, int64_t first, int64_t count, uint8_t *status, tf_error *error);
    /* Fills in a task's block of one of the stage's arrays. NULL if no tasks are to be run. */
    tf_err (*block)(void *context, int stage, int array, int64_t index, void *elements, tf_error *error);
    /* Can tasks read their blocks of the array from its file themselves? Then it is told where. NULL: they can't. */
    bool (*array_file)(void *context, int stage, int array, tf_array_file *file);
    void *context;
} tf_task_source;

#endif
