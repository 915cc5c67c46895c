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

enum { BATCH_BUFFERS = 2 }; /* of a slot: while one is run the other is written or waits */

/* At the start of the buffer. The rank writes what is to be done while the buffer is its own, the host the rest. */
typedef struct batch_header {
    int32_t stage;
    int32_t attempt;       /* from 1 */
    int32_t calling_batch; /* host: a batch function has all the rows at once */
    int32_t stop;          /* rank, atomic: nothing more is to be begun, and a command under way is to be left */
    cpu_set_t cores;       /* that its tasks run on; none: any */
    char gpus[GPU_LIST];   /* that its tasks may use, "" if they asked for none, */
    char gpu_variable[32]; /* and the variable that says so */
    int64_t first, count;
    int64_t ended;       /* host, atomic: rows 0 .. ended - 1 are complete; a crash is blamed on the next */
    double started;      /* host: tf_now() at the start of the batch */
    double row_started;  /* host: of the task under way, or of the batch function; 0 before, and without a timeout */
    double seconds;      /* host: time spent */
    uint64_t texts_size; /* host: bytes of text records */
    int64_t sound;       /* host, atomic, of a function: rows 0 .. sound - 1 are of a process as it was at first */
    uint32_t changed; /* host: what of its surroundings a function has changed; its other rows are not to be trusted */
    int32_t refused;  /* host: it runs no more, for what an earlier batch has changed */
} batch_header;

/* Is the host to begin nothing more of it? */
static inline bool batch_is_to_stop(const batch_header *head) {
    return __atomic_load_n(&head->stop, __ATOMIC_RELAXED) != 0;
}

/* One side's mapping of a buffer: columns for the largest stage, and behind them the text records, which grow. */
typedef struct batch_map {
    int fd;
    char *fixed;
    size_t fixed_size;
    char *texts;
    size_t texts_mapped;
} batch_map;

/* Pointers into a buffer for one stage; NULL where the stage has no such column, or it is the same for all rows. */
typedef struct batch_columns {
    void **params; /* cells, as stored */
    void **columns;
    void **arrays;            /* blocks of the stage's arrays: rank */
    uint8_t *upstream_status; /* of the rows of other stages that the tasks take: rank */
    uint8_t *status, *attempts;
    uint64_t *input_set, *input_hash;
    int32_t *exit_code, *signal;
    double *start, *duration, *cpu;
    int64_t *max_rss;
} batch_columns;

/* Rows of the stage that fit a buffer. */
int64_t batch_capacity(const tf_stage_spec *stage);

/* Bytes of the fixed part of a buffer, enough for every stage; a multiple of the page size. */
size_t batch_fixed_size(const tf_campaign *campaign);

/* Makes or takes over a buffer. false with errno on failure. */
bool batch_map_new(batch_map *map, size_t fixed_size);
bool batch_map_open(batch_map *map, int fd, size_t fixed_size);
void batch_map_close(batch_map *map);

/* Has at least `size` bytes of text mapped; `grow` enlarges the file too. false with errno on failure. */
bool batch_map_texts(batch_map *map, size_t size, bool grow);

/* Points `columns` at a row. Its members `params`, `columns` and `arrays` must have room for the stage's. */
void batch_locate(const batch_map *map, const tf_stage_spec *stage, int64_t row, batch_columns *columns);
void batch_columns_alloc(batch_columns *columns, const tf_campaign *campaign);
void batch_columns_free(batch_columns *columns);

/* Fills in what tasks first .. first + count - 1, the batch's, take (give.c). `columns` is used on the way. */
tf_err batch_give(const batch_map *map, const tf_stage_spec *stage, batch_columns *columns, const tf_task_source *from,
                  int64_t first, int64_t count, tf_error *error);

/* What the first `count` rows of a batch hold before their tasks start: they are pending, results are absent, and their
 * record is that of a task of which nothing is known. `columns` are located at row 0. */
void batch_prepare(const batch_columns *columns, const tf_stage_spec *stage, int64_t count, int attempt);

/* The row's task runs from `start`, by tf_wall(). */
static inline void batch_start_row(const batch_columns *columns, int64_t row, double start) {
    if (columns->start)
        columns->start[row] = start;
}

/* Results of rows that hold nothing yet, or no longer: NaN or 0. */
void batch_clear_columns(const batch_columns *columns, const tf_stage_spec *stage, int64_t row, int64_t count);

/* Blocks of arrays are written by tasks element behind element, and stored as the corner of a whole chunk: from the one
 * to the other, where they differ. */
void batch_spread_blocks(const batch_columns *columns, const tf_stage_spec *stage, int64_t row, int64_t index);

/* Part of a batch, as the rank passes it on. */
typedef struct batch_part {
    int64_t row, end;          /* rows */
    uint64_t texts, texts_end; /* bytes of text records */
    double seconds;            /* spent on them */
} batch_part;

/* What the columns have of a part, and of what stage it is. `columns` must be located at part->row. */
void batch_point_rows(const tf_stage_spec *stage, const batch_columns *columns, const batch_part *part, tf_rows *rows);

/* Counts the rows by status. Returns how many are done. */
int64_t batch_count_rows(tf_rows *rows);

/* All of a part, of a batch that this very process has run; the texts must be mapped. A rank that takes rows from a
 * host has rows_back.h. */
void batch_rows(const batch_map *map, const tf_stage_spec *stage, const batch_columns *columns, const batch_part *part,
                tf_rows *rows);

/* Adds " (its memory is limited to 2 GB)" to the message of a task that crashed, if its stage has a limit. */
void batch_add_limit(const tf_stage_spec *stage, tf_buf *message);

#endif
