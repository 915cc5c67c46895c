/* A batch in memory that rank and host share: one memfd a buffer, laid out by the stage's columns; both compute the
 * same layout.
 *
 * Process: rank and host. The host runs user code, which may write anything into a buffer at any time: a rank reads
 * from it only through slots/rows_back.c, which copies and checks. */
#ifndef TF_BATCH_H
#define TF_BATCH_H

#include <sched.h>

#include "manifest/manifest.h"
#include "rows/rows.h"

enum { GPU_LIST = 1024 };

enum { BATCH_WHY = 1000 };

/* What has become of the service that answers the batch's tasks: bits. */
enum {
    BATCH_SERVICE_READS = 1,   /* it has read a task */
    BATCH_SERVICE_FAILS = 2,   /* it has ended, or was ended, before it had read any */
    BATCH_SERVICE_REFUSES = 4, /* it says itself that it can't run the stage: another start would be in vain, too */
    BATCH_UNSTARTED = 8 /* with BATCH_SERVICE_FAILS: this machine lacks what it takes to start it, or a command */
};

enum { BATCH_BUFFERS = 2 }; /* of a slot: while one is run, the other is written or waits */

/* The start of a buffer. While the buffer is the rank's, it writes what is to be done; the members that say "host" are
 * written by the host. */
typedef struct batch_header {
    int32_t stage;
    int32_t attempt;       /* from 1 */
    int32_t one_by_one;    /* rank: each task is a call of its own, though one call could run several */
    int32_t reads_blocks;  /* rank: tasks read their blocks of files, which are not in the buffer (batch_is_read) */
    int32_t stop;          /* rank, atomic: the host begins nothing more and leaves a command under way */
    int32_t unread;        /* host: the blocks of the row behind those that have ended could not be read */
    cpu_set_t cores;       /* cores for the batch's tasks; an empty set: any */
    char gpus[GPU_LIST];   /* GPUs for the batch's tasks; "": the tasks ask for none */
    char gpu_variable[32]; /* the environment variable that names them */
    int64_t first, count;
    int64_t ended;       /* host, atomic: rows 0 .. ended - 1 are complete; a crash is blamed on the next */
    int64_t calling_end; /* host: if greater than `ended`, one call runs rows ended .. calling_end - 1 */
    double started;      /* host: tf_now() at the start of the batch */
    double row_started;  /* host: tf_now() at the start of the task or batch function under way; 0: none is watched */
    double seconds;      /* host: time that the batch took */
    uint64_t blobs_size; /* host: bytes of the batch's blobs */
    int64_t sound;       /* host, atomic: a function had left its process as it was when row sound - 1 had ended */
    uint32_t changed; /* host: bits of what a function has changed in its process; rows from `sound` on are run again */
    int32_t refused;  /* host: it has run nothing, since an earlier batch has changed its process */
    int32_t proven;   /* rank: a service that does not start fails its task, since it has started before */
    uint32_t service; /* host: bits of BATCH_SERVICE_* */
    char why[BATCH_WHY]; /* host: why it has not started: a line, and lines behind it; NUL-terminated */
    uint32_t noticed;    /* host, atomic: bits 1 << tf_notice_kind: what it has noticed of the stage */
    uint32_t reserved;   /* 0 */
    char notice[TF_NOTICES][TF_NOTICE_TEXT]; /* host: the texts of that; NUL-terminated */
} batch_header;

/* Has the rank said that nothing more of the batch is to be begun? */
static inline bool batch_is_to_stop(const batch_header *head) {
    return __atomic_load_n(&head->stop, __ATOMIC_RELAXED) != 0;
}

/* One side's mapping of a buffer: a fixed part, with columns for the largest stage, and behind it the blobs, which
 * grow: records of variable length, tf_record after tf_record. */
typedef struct batch_map {
    int fd;
    char *fixed;
    size_t fixed_size;   /* bytes */
    char *blobs;         /* mapped on its own, and may move */
    size_t blobs_mapped; /* bytes */
} batch_map;

/* Pointers into a buffer for one stage. NULL: the stage has no such column. */
typedef struct batch_columns {
    void **params;            /* per parameter: cells, as stored */
    void **columns;           /* per column: cells; NULL for strings and bytes */
    void **arrays;            /* per array: blocks, written by the rank; or one block, of the task under way */
    tf_array_file *files;     /* per array: where tasks read their blocks, if they do; written by the rank */
    uint8_t *upstream_status; /* status of the rows that the tasks take of other stages, written by the rank */
    uint8_t *status, *attempts;
    uint64_t *input_set, *input_hash;
    int32_t *exit_code, *signal;
    double *start, *duration, *cpu;
    int64_t *max_rss;
} batch_columns;

/* Is this an array of a file whose blocks tasks may read themselves? The processes of Python functions can, each on its
 * own core, where the array stands in one piece of the file; then a batch has many rows, however large the blocks are.
 */
static inline bool batch_is_read(const tf_stage_spec *stage, int array) {
    return stage->run.python && !stage->run.python->batch && stage->array[array].file >= 0;
}

/* Rows of the stage that fit a buffer. Of a stage whose tasks are run in batches: a multiple of that many, or all of
 * the stage's. `reads_blocks`: as the batch's header has it. */
int64_t batch_capacity(const tf_stage_spec *stage, bool reads_blocks);

/* Rows that fit a buffer at most, whoever reads blocks. */
int64_t batch_most_rows(const tf_stage_spec *stage);

/* Bytes of the fixed part of a buffer, enough for every stage; a multiple of the page size. */
size_t batch_fixed_size(const tf_campaign *campaign);

/* Makes a buffer, or maps one that the other side has made. false with errno on failure. */
bool batch_map_new(batch_map *map, size_t fixed_size);
bool batch_map_open(batch_map *map, int fd, size_t fixed_size);
void batch_map_close(batch_map *map);

/* Maps at least `size` bytes of blobs; with `grow` enlarges the file, too. false with errno on failure. */
bool batch_map_blobs(batch_map *map, size_t size, bool grow);

/* Points `columns` at a row. Its members `params`, `columns` and `arrays` must have room for the stage's. */
void batch_locate(const batch_map *map, const tf_stage_spec *stage, bool reads_blocks, int64_t row,
                  batch_columns *columns);
void batch_columns_alloc(batch_columns *columns, const tf_campaign *campaign);
void batch_columns_free(batch_columns *columns);

/* Fills in what the batch's tasks first .. first + count - 1 take of other stages, and blocks of arrays (upstream.c).
 * `files`: per array, where tasks read their blocks; NULL: they don't. `columns` is pointed at the batch. */
tf_err batch_copy_upstream(const batch_map *map, const tf_stage_spec *stage, batch_columns *columns,
                           const tf_task_source *from, const tf_array_file *files, int64_t first, int64_t count,
                           tf_error *error);

/* Sets the first `count` rows of a batch to what they are before their tasks start: pending, without times or exit
 * status. Results are what they were (batch_clear_columns). `columns` are located at row 0. */
void batch_prepare(const batch_columns *columns, int64_t count, int attempt);

/* Notes that the row's task starts at `start`, by tf_wall(). */
static inline void batch_start_row(const batch_columns *columns, int64_t row, double start) {
    if (columns->start)
        columns->start[row] = start;
}

/* Sets the results of rows to what absent values are: NaN or 0. */
void batch_clear_columns(const batch_columns *columns, const tf_stage_spec *stage, int64_t row, int64_t count);

/* Spreads blocks of arrays out. A task writes a block element behind element; it is stored as the corner of a whole
 * chunk, which is something else for blocks that are cut off. */
void batch_spread_blocks(const batch_columns *columns, const tf_stage_spec *stage, int64_t row, int64_t index);

/* Part of a batch, as the rank passes it on. */
typedef struct batch_part {
    int64_t row, end;          /* rows row .. end - 1 */
    uint64_t blobs, blobs_end; /* their blobs, in bytes from the first one on */
    double seconds;            /* that were spent on them */
} batch_part;

/* Points `rows` at the columns of a part. `columns` must be located at part->row. */
void batch_point_rows(const tf_stage_spec *stage, const batch_columns *columns, const batch_part *part, tf_rows *rows);

/* Counts the rows by status. Returns how many are done. */
int64_t batch_count_rows(tf_rows *rows);

/* Points `rows` at all of a part of a batch that this very process has run; its blobs must be mapped. A rank that gets
 * rows from a host uses rows_back.h. */
void batch_rows(const batch_map *map, const tf_stage_spec *stage, const batch_columns *columns, const batch_part *part,
                tf_rows *rows);

/* Adds " (its memory is limited to 2 GB)" to the message of a task that crashed, if its stage has a limit. */
void batch_add_limit(const tf_stage_spec *stage, tf_buf *message);

#endif
