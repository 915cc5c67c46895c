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
#include "host/values.h"

typedef struct service service;

/* ---- What all hosts of a rank have in common ---- */

/* Where inputs are copied to (staging.c). */
typedef struct staging {
    tf_buf root; /* path of the folder; empty: nothing is copied */
    int folder;  /* descriptor of that folder, locked; -1: there is none */
} staging;

/* The folder below which all scratch folders of a rank are (scratch.c). It is identified by device and inode,
 * not by its name. */
typedef struct scratch_root {
    tf_buf path;
    int fd;      /* -1: there is no folder */
    int failure; /* errno of why there is none; 0: no stage uses {scratch} */
    dev_t device;
    ino_t inode;
} scratch_root;

/* A plugin's file that was passed on in memory. */
typedef struct memory_library {
    int stage, fd;
} memory_library;

/* A command, service or Python process of a host, one a stage. */
typedef struct host_child {
    int32_t group;  /* written by the host, atomic: its process group. 0: none; -1: one is about to start */
    int32_t status; /* written by the spawner, atomic: the wait status of one that is its child; -1: it lives */
} host_child;

/* What the spawner and one host tell each other, in memory that these two share. */
typedef struct host_state {
    int32_t leaving;    /* written by the spawner, atomic: the host begins nothing more */
    int32_t busy;       /* written by the host, atomic: it has a batch */
    host_child child[]; /* per stage */
} host_state;

size_t host_state_size(int stages); /* bytes */

typedef struct host_setting {
    const tf_campaign *campaign;
    const tf_function *program; /* functions of the program that embeds the library; NULL: there are none */
    scratch_root scratch;
    staging staging;
    memory_library *library;
    int libraries;
    int *warm; /* per stage: where a Python process is asked for that has imported its module; -1: nowhere */
} host_setting;

/* ---- The batch under way ---- */

/* What has become of an attempt. The status of its row is made from it once the task has ended. */
typedef struct outcome {
    tf_buf message;    /* why the attempt failed; empty: it has not failed */
    bool is_unstarted; /* it failed because this machine could not start it */
    bool is_late;      /* it failed because it took longer than its timeout */
} outcome;

#define BATCH_SECONDS    0.1        /* a batch ends early after that: what is finished is soon safe in the file */
#define BATCH_BLOB_BYTES (8u << 20) /* or after so many bytes of blobs */

enum { EXPRS_KEPT = 128 /* stages whose evaluators a host keeps: some 0.3 MB each */ };

/* What the runners of tasks work on: the campaign, one batch, and where its rows go. */
typedef struct host {
    const host_setting *setting;
    const tf_campaign *campaign; /* the one of the setting */
    host_state *state;           /* NULL: no spawner watches this process */
    int rank, slot;
    const struct runner **runner; /* per stage */
    struct tf_stage **stage;      /* per stage: the loaded function; NULL before its first batch */
    struct exprs **exprs;         /* per stage: evaluators; NULL before its first batch */
    int exprs_stage[EXPRS_KEPT];  /* the stages that have some, in the order in which they got them, as a ring */
    size_t exprs_made;            /* how often a stage got some */
    service **service;            /* per stage: the process that answers its tasks; NULL before its first task */
    int *warm;                  /* per stage: as the setting's, but that it is -1 once its processes are started cold */
    struct python_pool *python; /* the processes that call Python functions; NULL before the first */
    struct tf_stage *function;  /* the function of the batch under way; not set if its stage runs something else */

    const tf_stage_spec *limited; /* the stage whose memory limit this process has; NULL: it has no limit */
    cpu_set_t cores;              /* the cores that this process is pinned to; an empty set: it is not pinned */
    char gpus[GPU_LIST];          /* the GPUs that the GPU variable names now; "": those of `own_gpus` */
    char *own_gpus;               /* what the GPU variable was at first; NULL: it was not set */

    const tf_stage_spec *spec; /* the stage of the batch under way */
    batch_header *header;
    batch_map *map;
    batch_columns columns;
    value_memory memory;      /* of the parameters' values */
    void **values;            /* per parameter: its values in the batch; those of `memory` */
    tf_buf *upstream_text;    /* per parameter: strings of another stage's rows, each ended by a NUL */
    const void **point;       /* per parameter: the value of one row */
    bool has_blocks;          /* some columns are blocks of arrays */
    bool has_tables;          /* some arrays are columns of tables */
    bool has_files;           /* the stage declares inputs or outputs */
    bool shares_inputs;       /* these are inputs alone, the same ones for all of its tasks */
    bool reads_blocks;        /* tasks read their blocks of files themselves (batch_is_read) */
    bool has_timeout;         /* the stage has a timeout */
    bool sets_apart;          /* some rows of the batch are not to be run */
    int64_t part, part_count; /* rows part .. part + part_count - 1 are what a batch function is called for */
    int root;                 /* descriptor of the work folder */
    tf_files *files;
    tf_paths inputs, outputs; /* files of the task under way; none if its stage declares none */
    tf_table not_staged;      /* inputs that could not be copied */

    tf_floats floats;      /* how this process computes outside of functions */
    surroundings before;   /* the surroundings before the batch under way, if its stage runs a function */
    bool knows_before;     /* `before` holds for the next batch, too */
    bool has_compared;     /* surroundings have been compared since a function was loaded last */
    bool is_spoilt;        /* a function has changed the surroundings: this process runs no more batches */
    int only_stage;        /* the stage whose setup changed the surroundings: no other runs here; -1: any may */
    const uint8_t *own;    /* a mark that is cleared in children of this process: see own.h */
    bool is_trial;         /* the task is tried: what it may remove was not looked at */
    bool stopped;          /* the task under way is left unfinished: the rank has said stop, or its service fails */
    bool lets_writes_fail; /* SIGPIPE and SIGXFSZ are ignored; functions have them as `function_signal` says */
    struct sigaction function_signal[2];

    uint64_t blobs_used;  /* bytes of the batch's blobs */
    tf_quick_clock clock; /* for the times that are recorded */
    capture out;          /* stdout of a command */
    capture err;          /* stderr of a command or service, and what functions say by tf_log */
    struct stat *answer;  /* per column: its file as it was before the attempt; NULL: no column had a file so far */
    outcome outcome;      /* of the attempt under way */
} host;

/* From now on the task under way can't be interrupted from here: the rank ends this host once the stage's timeout has
 * passed since `start` (tf_now()). With `start` 0 the watch ends. */
void host_watch(host *h, double start);

/* Has the rank said that it no longer waits for this batch? */
bool host_is_to_stop(const host *h);

/* Adds a record of variable length to the batch's row: output, message, string or bytes. */
void host_add_blob(host *h, int64_t row, int32_t kind, const void *data, size_t size);

/* How many rows of the batch, from its first one on, are one call. */
static inline int64_t host_call(const host *h) {
    return h->header->one_by_one ? 1 : tf_stage_batch(h->spec);
}

/* Drops, of the blobs from byte `from` on, the values of columns whose tasks have failed: they are no results. */
void host_drop_columns(host *h, uint64_t from);

/* Fails the task under way. Of several reasons the first counts. */
void host_fail(host *h, const char *format, ...) TF_PRINTF(2, 3);

/* Tells the rank what people should know of the stage. Of a text of several lines the first one counts. */
void host_notice(const host *h, tf_notice_kind kind, const char *text);

/* The task under way has failed by a system call with this errno, as it was to be started: is this machine to blame? */
void host_blame_machine(host *h, int failure);

/* Fails the task under way because it took longer than its timeout. */
void host_fail_late(host *h);

/* What placeholders stand for in the row. */
tf_point host_point(host *h, int64_t row);

/* ---- Scratch folders (scratch.c) ---- */

/* Makes $TMPDIR/taskfarm-XXXXXX (or below /tmp) if any stage uses {scratch}. If that fails, so does each task that
 * needs it. */
void scratch_open(const tf_campaign *campaign, scratch_root *root);
void scratch_close(scratch_root *root); /* removes the folder */
void scratch_remove_root(int folder);   /* removes the folder by its descriptor alone, which it closes */

/* Makes the folder of one attempt, if the stage uses {scratch}: adds its path to `path`. false after host_fail. */
bool scratch_make(host *h, int64_t index, tf_buf *path);

/* Adds what the paths of such folders begin with: before the task's index. Nothing if there is no root. */
void scratch_add_prefix(const host *h, tf_buf *out);

/* Removes that folder with all that is in it. An empty path: nothing to do. */
void scratch_remove(const host *h, const tf_buf *path);

/* ---- Files that columns are read from (answers.c) ---- */

/* Before an attempt: notes which of these files exist already. */
void answers_before(host *h, const tf_point *point);

/* After the attempt: is the file new or written since, or is it one of the task's inputs? */
bool answers_is_new(const host *h, int column, const char *path);

/* ---- Declared files (files.c) ---- */

/* Before an attempt: finds the row's files, waits for its inputs, removes old outputs. false after host_fail. */
bool files_before(host *h, int64_t row);

/* After the attempt: checks that the outputs exist; those of a task that has failed are removed. */
void files_after(host *h);

/* Removes the outputs of a task whose host is gone. */
void files_discard(const tf_campaign *campaign, tf_files *files, int stage, int64_t index);

/* Removes the task's temporary outputs; folders are only set aside. Are there some? */
bool files_remove_temp(const tf_campaign *campaign, tf_files *files, int stage, int64_t index);

/* Removes temporary folders that were set aside, which may take long. */
void files_remove_aside(const tf_campaign *campaign, tf_files *files, int stage, int64_t index);

/* Opens the task's log: a new one, or with `again` to append to it. -1 after host_fail. */
int files_open_log(host *h, const tf_point *point, bool again);

/* ---- Inputs on the node's own disk (staging.c) ---- */

/* Prepares a folder for copies, if any stage wants them. Without one inputs are read where they are. */
void staging_open(const tf_campaign *campaign, staging *staging);
void staging_close(staging *staging); /* the last one of the node removes the copies */

/* Replaces the paths of those inputs of the task that are to be staged in by their copies. false after host_fail, or if
 * the task is to be left. */
bool staging_replace_inputs(host *h);

/* ---- Limits of memory (memory.c) ---- */

/* Limits this host to `more` bytes of data beyond what it has now; 0: no limit. */
void memory_limit_host(int64_t more);

/* Limits the next process that is spawned to `most` bytes from its first instruction on, if this process, which has the
 * same limit until then, needs less; 0: back to no limit. */
void memory_limit_next_child(int64_t most);

/* Limits a child to `most` bytes, so that it can't raise the limit itself. */
void memory_limit_child(pid_t pid, int64_t most);

/* ---- The process (place.c) ---- */

/* Pins this process, and so all that it starts, to the cores of the batch, and names the batch's GPUs to it. */
void process_adopt_place(host *h);

/* Writes that fail are errors (`fail`), or end this process by a signal, as they do in any new process. */
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

/* A built-in function by name (builtin.c); NULL: there is none. */
tf_task_fn *builtin_function(const char *name);
tf_setup_fn *builtin_setup(const char *name);
void builtin_teardown(void *state);
const char *builtin_suggest(const char *name); /* the one that was probably meant, or NULL */

/* ---- The process ---- */

/* What the rank and the host send each other: "buffer n is yours". */
typedef struct host_message {
    int32_t buffer;
} host_message;

/* Opens a host in this process. The setting must outlive it. */
void host_open(host *h, const host_setting *setting, int rank, int slot);
void host_close(host *h);

/* Prepares the batch that the buffer describes: its rows are pending, of the given attempt. */
void host_begin_batch(host *h, batch_map *map, int attempt);

/* Runs that batch. */
void host_run_batch(host *h, batch_map *map);

/* The main loop of a host process: takes batches from `socket` until it closes, or the spawner wants it to leave. */
void host_main(const host_setting *setting, host_state *state, int rank, int slot, int socket,
               const int buffers[BATCH_BUFFERS]);

#endif
