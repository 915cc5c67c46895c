/* A host: the process of one slot. It runs the tasks of a batch one after the other, functions in itself and commands
 * as its children, and puts their rows into shared memory.
 *
 * Process: the host, a child of the spawner; it uses neither MPI nor HDF5. User code runs here, so it need survive
 * nothing: it says which row is under way, the rank blames its end on that row, and the slot gets a new host. */
#ifndef TF_HOST_H
#define TF_HOST_H

#include <signal.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/floats.h"
#include "batch/batch.h"
#include "host/capture.h"
#include "host/run.h"
#include "host/surroundings.h"

typedef struct service service;

/* ---- What all hosts of a rank have in common ---- */

/* Where inputs are copied to (staging.c). */
typedef struct staging {
    tf_buf root; /* empty: they are not */
    int folder;  /* the same, open and locked; -1: none */
} staging;

/* The folder below which all scratch folders of a rank are (scratch.c). It is known by what it is, not by its name. */
typedef struct scratch_root {
    tf_buf path;
    int fd;      /* -1: there is none, */
    int failure; /* for this reason; 0: no stage uses {scratch} */
    dev_t device;
    ino_t inode;
} scratch_root;

/* A plugin's file that was passed on in memory. */
typedef struct memory_library {
    int stage, fd;
} memory_library;

/* What the spawner and one host tell each other, in memory of these two. */
typedef struct host_state {
    int32_t leaving; /* spawner, atomic: nothing more is to be begun */
    int32_t busy;    /* host, atomic: it has a batch */
    int32_t group[]; /* host, atomic: per stage: the process group of its command or service; 0: none; -1: it is about
                        to be */
} host_state;

size_t host_state_size(int stages); /* bytes */

typedef struct host_setting {
    const tf_campaign *campaign;
    const tf_function *program; /* what this program brings itself; NULL: nothing */
    scratch_root scratch;
    staging staging;
    memory_library *library;
    int libraries;
} host_setting;

/* ---- The batch under way ---- */

/* What has become of an attempt. The status of its row is made from it once the task has ended. */
typedef struct outcome {
    tf_buf message; /* why it has failed; empty: it has not */
    bool is_late;   /* for it took longer than it may */
} outcome;

/* What the runners of tasks work on: the campaign, one batch, and where its rows go. */
typedef struct host {
    const host_setting *setting;
    const tf_campaign *campaign; /* its */
    host_state *state;           /* NULL: no spawner watches */
    int rank, slot;
    const struct runner **runner; /* per stage */
    struct tf_stage **stage;      /* per stage: the loaded function; NULL before its first batch */
    struct tf_stage *function;    /* of the batch under way, if its stage runs one */
    struct exprs **exprs;         /* per stage: evaluators, likewise */
    service **service;            /* per stage: its process, likewise */

    const tf_stage_spec *limited; /* whose memory limit this process has */
    cpu_set_t cores;              /* that it is pinned to; none: it is not */
    char gpus[GPU_LIST];          /* that it has been told of; "": none, but for */
    char *own_gpus;               /* what the variable said before; NULL: nothing */

    const tf_stage_spec *spec; /* of the batch */
    batch_header *header;
    batch_map *map;
    batch_columns columns;
    void **values;            /* per parameter: a buffer for a batch, as tf_space_fill stores it */
    tf_buf *upstream_text;    /* per parameter: strings of another stage's rows, each ended by a NUL */
    const void **point;       /* per parameter: the value of one row */
    bool has_blocks;          /* some columns are blocks of arrays, */
    bool has_tables;          /* or some arrays columns of tables */
    bool has_files;           /* its tasks have inputs or outputs, */
    bool has_timeout;         /* or a limit of time */
    bool sets_apart;          /* some rows of the batch are not to be run */
    int64_t part, part_count; /* of a batch function: the rows that it is called for */
    int root;                 /* the work folder, open */
    tf_files *files;
    tf_paths inputs, outputs; /* of the task under way, if its stage has any */
    tf_table not_staged;      /* inputs that could not be copied */
    tf_floats floats;         /* how this process computes, but for its functions */
    surroundings before;      /* of the batch under way, if its stage runs a function, */
    bool knows_before;        /* and whether they are those after the last batch too */
    bool has_compared;        /* some task of the function that was loaded last has been looked behind */
    bool spoilt;              /* a function has changed them: nothing more is run */
    int only;                 /* the stage whose setup has changed them, which alone may be run here; -1: any */
    const uint8_t *own;       /* is cleared in children of this process: see own.h */
    bool stopped;             /* the task under way has been left, since the rank said so */
    bool lets_writes_fail;    /* instead of being ended by them, */
    struct sigaction kept[2]; /* which is how functions have it */
    uint64_t texts_used;
    tf_quick_clock clock; /* of the times that are recorded */

    capture out, err; /* a command's output; err takes tf_log too */
    struct stat
        *answer; /* per column: the file that it is read from, as it was before the attempt; NULL: no stage has one */
    outcome outcome; /* of the attempt under way */
} host;

/* What the task under way is at can't be interrupted: the rank ends this host when it takes longer, since `start`
 * (tf_now()), than the stage's timeout. */
void host_watch(host *h, double start);

/* The rank waits for this batch no longer. */
bool host_is_to_stop(const host *h);

/* Adds a text record of the batch's row. */
void host_add_text(host *h, int64_t row, int32_t kind, const void *data, size_t size);

/* Of the records from `from` on takes out the texts of columns whose tasks have failed: they are no results. */
void host_drop_columns(host *h, uint64_t from);

/* The task under way has failed. The first reason counts. */
void host_fail(host *h, const char *format, ...) TF_PRINTF(2, 3);

/* Likewise, since it took longer than it may. */
void host_fail_late(host *h);

/* Placeholders for the row. */
tf_point host_point(host *h, int64_t row);

/* ---- Scratch folders (scratch.c) ---- */

/* Makes $TMPDIR/taskfarm-XXXXXX (or below /tmp) if any stage uses {scratch}. Where that fails each task that needs it
 * will. */
void scratch_open(const tf_campaign *campaign, scratch_root *root);
void scratch_close(scratch_root *root); /* removes what was made */
void scratch_remove_root(int folder);   /* the same by its descriptor alone, which is closed */

/* Makes the folder of one attempt, if the stage uses {scratch}: adds its path to `path`. false after host_fail. */
bool scratch_make(host *h, int64_t index, tf_buf *path);

/* Removes it with all that is in it. An empty path is none. */
void scratch_remove(const host *h, const tf_buf *path);

/* ---- Files that columns are read from (answers.c) ---- */

/* Before an attempt: notes what lies there already. */
void answers_before(host *h, const tf_point *point);

/* After it: is it another file, or has it been written since; or is it one of the task's inputs? */
bool answers_is_new(const host *h, int column, const char *path);

/* ---- Declared files (files.c) ---- */

/* Before an attempt: finds the row's files, waits for its inputs, makes way for its outputs. false after host_fail. */
bool files_before(host *h, int64_t row);

/* After it: are the outputs there? Those of a task that has failed are taken away. */
void files_after(host *h);

/* The same for a task whose host is gone. */
void files_discard(const tf_campaign *campaign, tf_files *files, int stage, int64_t index);

/* Removes those of its outputs that are to be there for a while only. */
void files_remove_temp(const tf_campaign *campaign, tf_files *files, int stage, int64_t index);

/* Opens the task's log: anew, or to go on with it. -1 after host_fail. */
int files_open_log(host *h, const tf_point *point, bool again);

/* ---- Inputs on the node's own disk (staging.c) ---- */

/* Makes ready for copies, if any stage wants them. Without a place for them inputs are read where they are. */
void staging_open(const tf_campaign *campaign, staging *staging);
void staging_close(staging *staging); /* the last one of the node removes the copies */

/* Puts copies in place of those inputs of the task that are to be staged in. false after host_fail, or if the task is
 * to be left. */
bool staging_take(host *h);

/* ---- Limits of memory (memory.c) ---- */

/* This host may have so many bytes of data more than it has now; 0: no limit. */
void memory_limit_host(int64_t more);

/* The next process that is spawned may have so many bytes from its first instruction on, as far as this one can bear
 * the limit meanwhile; 0: no limit, as before. */
void memory_limit_next_child(int64_t most);

/* And can't change that. */
void memory_limit_child(pid_t pid, int64_t most);

/* ---- The process (place.c) ---- */

/* Pins this process, and so all that it starts, to the cores of the batch, and tells it of the batch's GPUs. */
void process_take_place(host *h);

/* Writes that fail are errors, and do not end this process; or they do, as in any new process. */
void process_let_writes_fail(host *h, bool fail);

/* ---- What is worked out for a whole batch (exprs.c) ---- */

/* Rows that are not to be run get their status: those that "where" leaves out, and those whose own rows are not done.
 */
void exprs_set_apart(host *h);

/* Evaluates those columns of a stage of expressions that are single numbers; then the others of one row, which is
 * stored as a whole: false after host_fail. */
void exprs_evaluate(host *h);
bool exprs_set_row(host *h, int64_t row);
void exprs_free(struct exprs *exprs, const tf_stage_spec *spec);

/* ---- Answers (extract.c) ---- */

/* A column's value from a command's output. false after host_fail. */
bool extract_columns(host *h, int64_t row, const char *scratch);

/* All columns from the members of an object. false after host_fail. */
struct cJSON;
bool extract_members(host *h, int64_t row, const struct cJSON *results);

/* ---- Built-in functions ---- */

/* A built-in function by name, NULL if there is none (builtin.c). */
tf_task_fn *builtin_function(const char *name);
tf_setup_fn *builtin_setup(const char *name);
void builtin_teardown(void *state);
const char *builtin_suggest(const char *name); /* the likely meant one, or NULL */

/* ---- The process ---- */

/* What the rank and the host say to each other: "buffer n is yours". */
typedef struct host_message {
    int32_t buffer;
} host_message;

/* A host for a process: the setting must outlive it. */
void host_open(host *h, const host_setting *setting, int rank, int slot);
void host_close(host *h);

/* Makes ready for the batch that the buffer describes: its rows are pending, of the given attempt. */
void host_begin_batch(host *h, batch_map *map, int attempt);

/* Runs it. */
void host_run_batch(host *h, batch_map *map);

/* The main loop of a host process: takes batches from `socket` until it closes, or the spawner wants it to leave. */
void host_main(const host_setting *setting, host_state *state, int rank, int slot, int socket,
               const int buffers[BATCH_BUFFERS]);

#endif
