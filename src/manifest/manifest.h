/* JSON text -> a validated, immutable campaign. Every mistake in a manifest is found here, all at once, before MPI does
 * any work and before any file is touched. Knows neither MPI nor HDF5.
 *
 * Process: all of them. The first rank reads the manifest and all that it names; other ranks, spawners and hosts make
 * the same campaign from the bytes that it sends. Must survive any text that a user may write. */
#ifndef TF_MANIFEST_H
#define TF_MANIFEST_H

#include "manifest/files.h"
#include "manifest/python.h"
#include "manifest/reduction.h"
#include "manifest/source.h"
#include "manifest/space.h"
#include "manifest/template.h"

/* ---- Columns ---- */

#define TF_PROGRAM "program" /* the library of functions that a program brings itself */

enum { TF_MAX_RETRIES = 254, TF_MAX_SLOTS = 4096 };

typedef struct tf_column_spec {
    const char *name;
    tf_type type;
    int rank; /* 0: one element a row */
    int64_t shape[TF_MAX_RANK];
    int64_t elements; /* the product of shape; 1 for rank 0 */

    /* A column that is an array: a row is a block of it, and `shape` is that of the largest block. NULL: it is none. */
    const tf_grid *grid;

    bool optional;           /* an answer may lack it: the row has NaN then, or an empty string */
    const char *from;        /* name of the source of a command's column: "json"; not used by other kinds of run */
    const char *regex;       /* of source "regex" */
    int field;               /* of source "field": the field's number, from 1 */
    const tf_template *file; /* of source "file": its path */
} tf_column_spec;

/* Bytes of a column in one row; 0 for strings and bytes. */
size_t tf_column_bytes(const tf_column_spec *column);

/* ---- Runs ---- */

typedef struct tf_run_kind tf_run_kind; /* a row of the table in run_kinds.c */

typedef struct tf_env_spec {
    const char *name;
    const tf_template *value;
} tf_env_spec;

typedef struct tf_run_spec {
    const tf_run_kind *kind; /* NULL only while a manifest with errors is read */
    const char *key;         /* the member of "run" that says the kind: "command" */
    const char *what;        /* the kind in words: "shell command" */
    const char *json;        /* the whole run as JSON text, for the output file */

    /* Of what is started as a process; of a Python function `argv` is its interpreter alone */
    bool is_shell; /* there is one template, for /bin/sh */
    int argc;
    const tf_template **argv;
    int envc;
    const tf_env_spec *env;
    const tf_template *cwd;        /* NULL: the work folder */
    const tf_template *stdin_text; /* NULL: nothing */
    int64_t max_tasks;             /* tasks that one process of a service answers; 0: any number */

    /* Of functions */
    const char *library; /* "builtin", TF_PROGRAM or a path; NULL: it is no function */
    const char *symbol;
    const char *args; /* a JSON object as text */

    const tf_python_spec *python; /* NULL: it is no Python function */

    /* Of expressions: one per column. Names are the parameters, then the columns before it. NULL: it has none. */
    const tf_expr *const *expr;
} tf_run_spec;

/* Is it a function of a library that is a file? */
static inline bool tf_run_has_library(const tf_run_spec *run) {
    return run->library && strcmp(run->library, "builtin") != 0 && strcmp(run->library, TF_PROGRAM) != 0;
}

/* Is each task a process? Then its processor time and memory are known. */
bool tf_run_is_command(const tf_run_spec *run);

/* Is each task a process, or answered by one? Then it has an exit code and a signal. */
bool tf_run_has_process(const tf_run_spec *run);

/* How many tasks one call gets as arrays; 0: a task is a call, which gets values. */
static inline int64_t tf_run_batch(const tf_run_spec *run) {
    return run->python && run->python->batch ? run->python->batch->tasks : 0;
}

/* Are tasks long enough, or few enough, that by default their times are recorded? */
bool tf_run_records_times(const tf_run_spec *run);

/* ---- Stages ---- */

/* The paths that an axis found when it was loaded, in a list of such axes. */
typedef struct tf_found {
    const struct tf_found *before; /* the axis before it; NULL: there is none */
    int64_t count;
    const char *const *path;
} tf_found;

/* What the tasks' random streams are keyed by, beside the stage's name (streams.c). */
typedef struct tf_streams {
    uint64_t seed;
    int64_t round; /* how often rows have moved to other indices: 0: never */
} tf_streams;

struct tf_stage_spec {
    const char *name;
    char *pointer; /* JSON pointer of the stage, for later diagnostics */
    int number;    /* position in the manifest */
    const tf_space *space;
    const tf_found *found; /* what its axes have found; NULL: they search for nothing */
    int wheres;
    const tf_expr *const *where; /* each must be true of a point's parameters, else its task is excluded */
    tf_run_spec run;
    tf_streams *streams; /* until the run is planned these may become another round */
    int columns;
    const tf_column_spec *column;
    int arrays, afters;
    const tf_array_spec *array;
    const int *after; /* numbers of the stages that it comes after */
    int reductions;
    const tf_reduce_spec *reduction;
    tf_until_spec until;
    int inputs, outputs;
    tf_file_spec *input, *output;
    int codes;
    const char *const *code;                /* files that count as code of the run, besides those that are found */
    const tf_file_spec *log;                /* a file that gets the output of a command; NULL: none */
    int64_t capture_stdout, capture_stderr; /* bytes kept per attempt */
    double timeout;                         /* s per attempt; 0: none */
    int retries;                            /* further attempts at a task that has failed */
    double retry_delay;                     /* s before the first retry; it doubles with each */
    tf_resources need;                      /* of each task. Its memory also limits the task's data; 0: no limit */
    int64_t stop_after;                     /* so many failed tasks stop the campaign; 0: none do */
    bool speculative;  /* a task that takes longer than it would elsewhere is started a second time */
    bool record_full;  /* "record": "full" */
    bool store_params; /* parameters are stored in the output */
    bool untyped;      /* its columns are not known yet: a task that is tried is to tell them */
};

/* How many tasks a stage has so far, and in the end. They are the same if the space is fixed when the manifest is read.
 * Whoever needs a length asks for the one that is meant: no other folder takes it from the space. */
static inline int64_t tf_stage_so_far(const tf_stage_spec *stage) {
    return tf_space_size(stage->space);
}
static inline int64_t tf_stage_final(const tf_stage_spec *stage) {
    return tf_space_size(stage->space);
}

/* How many tasks one call runs, of a stage that has so many: the first of them is a multiple of their number. */
static inline int64_t tf_stage_batch(const tf_stage_spec *stage) {
    const int64_t tasks = tf_stage_final(stage), batch = tf_run_batch(&stage->run);
    const int64_t most = batch < tasks ? batch : tasks;
    return most > 1 ? most : 1;
}

/* Of a stage whose batches are "auto": they are as those by which rows were made that are there already, as their
 * fingerprint says it. To be called before anything is planned by them. */
void tf_stage_keep_batch(const tf_stage_spec *stage, const char *fingerprint);

/* Lets the tasks draw from the streams of a round; `seed` is the campaign's. Tasks that draw from different rounds draw
 * nothing in common. To be called before any task runs. */
void tf_stage_set_round(const tf_stage_spec *stage, uint64_t seed, int64_t round);

/* The round of the rows that were made last, as the stage's fingerprint says it. */
#define TF_PART_ROUND "streams"
int64_t tf_fingerprint_round(const char *fingerprint);

/* Adds what a task runs, for people: a command line as for a shell, LIBRARY:FUNCTION(ARGS), or expressions. Without a
 * point: what all tasks run, with placeholders. */
void tf_run_text(const tf_stage_spec *stage, const tf_point *point, tf_buf *out);

/* Adds the same as lines for a shell that leave nothing out: its folder, its environment, what it reads. */
void tf_run_script(const tf_stage_spec *stage, const tf_point *point, tf_buf *out);

/* Do its tasks take parameters or blocks of arrays from other stages' rows? */
static inline bool tf_stage_takes_rows(const tf_stage_spec *stage) {
    for (int a = 0; a < stage->arrays; a++)
        if (stage->array[a].stage >= 0)
            return true;
    return tf_space_sources(stage->space) > 0;
}

/* Do its tasks take them from the rows of this other stage? */
bool tf_stage_takes_from(const tf_stage_spec *stage, int other);

/* ---- The campaign ---- */

/* A hint to MPI-IO about the output. */
typedef struct tf_hint {
    const char *name, *value;
} tf_hint;

struct tf_campaign {
    const char *name;
    const char *output;  /* path, relative to the work folder or absolute */
    const char *workdir; /* absolute */
    uint64_t seed;
    const char *text;    /* the manifest as strict JSON: comments are blanks */
    const char *written; /* the same as it was read */
    int record_envs;
    const char *const *record_env; /* environment variables whose values are recorded */
    int hints;
    const tf_hint *hint;
    int stripes;         /* stripes that a hint asks for; -1: as many as possible; 0: no hint does */
    int64_t stripe_size; /* bytes of a stripe that a hint asks for; 0: no hint does */
    int reads;
    const char *const *read; /* files that were read as the campaign was loaded, the manifest first */
    tf_links links;          /* links on the way to files that tasks write */
    bool keep_incomplete;    /* outputs of attempts that failed are set aside, not removed */
    double latency;          /* s until a file of another machine is seen here, at most */
    int stages;
    const tf_stage_spec *stage;
    tf_table stage_number; /* by name; empty where there is only one stage */
    tf_arena *arena;
};

/* Is the path the campaign's output, or in the folder beside it? It is relative to the work folder, or absolute. */
static inline bool tf_campaign_is_output(const tf_campaign *campaign, const char *path) {
    const size_t length = strlen(campaign->output);
    return strncmp(path, campaign->output, length) == 0 &&
           (path[length] == '\0' || strncmp(path + length, ".d/", 3) == 0);
}

enum { TF_MOST_FILE_TASKS = 100000000 }; /* of stages with files: each takes some hundred bytes on rank 0 */

/* Does the stage declare files? Then its tasks wait, and are waited for, one by one. */
static inline bool tf_stage_has_files(const tf_stage_spec *stage) {
    return stage->inputs > 0 || stage->outputs > 0;
}

static inline bool tf_stage_hashes_inputs(const tf_stage_spec *stage) {
    for (int i = 0; i < stage->inputs; i++)
        if (stage->input[i].by_hash)
            return true;
    return false;
}

/* What the command line says about a manifest. Strings are borrowed for the call. */
typedef struct tf_load_options {
    const char *path;    /* the manifest, relative to the current folder (which is the work folder) or absolute */
    const char *display; /* its name in messages */
    bool is_piped;       /* it has no name that the campaign could have */
    const char *workdir; /* absolute */
    const char *output;  /* NULL: as the manifest says */
    const char *seed;    /* NULL: as the manifest says */
    const char *retries; /* NULL: as the manifest says */
    bool keep_incomplete;
    double latency; /* s */
    int sets;
    const char *const *set; /* "NAME=VALUE" */
} tf_load_options;

/* Reads and checks a manifest. NULL if anything is wrong: `diags` has all of it. */
tf_campaign *tf_campaign_load(const tf_load_options *options, tf_source *source, tf_diags *diags);
void tf_campaign_free(tf_campaign *campaign);

/* The number of the stage whose name is the first `length` bytes of `name`; -1 if there is none. */
int tf_campaign_stage(const tf_campaign *campaign, const char *name, size_t length);

/* Adds the name of the only stage of a manifest that has its "run" at the top: the campaign's, as far as a stage's name
 * allows. */
void tf_single_stage_name(const char *campaign, tf_buf *out);

/* ---- Earlier runs ---- */

/* What is known of a stage from earlier runs; all borrowed. Arrays are per task; NULL: not known. */
typedef struct tf_past {
    const tf_intervals *done;       /* tasks that are done */
    const tf_intervals *failed;     /* tasks that failed, and are not done since */
    const tf_intervals *idle;       /* those of the done tasks that were never run: they were left out */
    const char *changed;            /* what of its run has changed since, for people; NULL: nothing */
    bool other_points;              /* its space had other points then */
    bool dropped;                   /* some rows of then are not kept */
    bool interrupted;               /* a run that may have worked on it was killed */
    int64_t begun;                  /* so many first tasks may have been begun by a run that was killed */
    double begun_from;              /* s since 1970-01-01: that run's start; 0: not known */
    bool other_outputs;             /* its outputs had other names then, or there was no such stage */
    const tf_intervals *other_code; /* tasks that are done, by code that has changed since */
    const char *code_changed;       /* which code has changed, for people */
    int64_t enough;             /* its "until" was true of this many first tasks, as far as they are done; 0: of none */
    const uint64_t *input_set;  /* hashes of the inputs' paths */
    const uint64_t *input_hash; /* hashes of the inputs' contents */
    const double *started, *ended; /* s since 1970-01-01 */
} tf_past;

/* ---- Fingerprints ---- */

/* Adds a JSON list of the files that all tasks of a stage share, with hashes of their contents: {"path", "common":
 * name, "contents", "size", "time", "inode"}, all of them strings. `known`: an earlier list, or one of tf_code_files;
 * files that it has as they are now are not read. */
void tf_common_files(const tf_stage_spec *stage, const char *known, tf_buf *out);

/* Adds a JSON object of strings, one for each thing that the manifest says and the stage's results depend on: "run",
 * "kind", "common" (contents of files that all tasks share), "where", "arrays", "results", "parameters", "points_of"
 * (stages), "files" (the names of its files, and where outputs are made), "seed", "space" (tf_space_hash) and what else
 * decides how its part of the output is laid out: "reduce", "record", "store_params". `common`: from tf_common_files;
 * NULL: nothing is shared. */
void tf_fingerprint(const tf_campaign *campaign, int stage, const char *common, tf_buf *out);

/* The parts of a fingerprint that say what points the stage has: "where", "parameters", "seed" and "space". No file is
 * opened. The caller deletes the object. */
struct cJSON *tf_fingerprint_points(const tf_campaign *campaign, int stage);

/* ---- Bundles ---- */

/* A campaign as bytes: the options and all that was read. Rank 0 reads each file once and records it; everyone else
 * makes the same campaign from the bundle, whatever happens to the files meanwhile. */
typedef struct tf_recorder {
    tf_source source; /* pass &recorder.source to tf_campaign_load */
    tf_source *below; /* what it records */
    tf_buf bytes;
} tf_recorder;

/* Starts recording; `below` must outlive the recorder. recorder->bytes is the bundle once the campaign is loaded. */
void tf_recorder_start(tf_recorder *recorder, const tf_load_options *options, tf_source *below);

/* Adds what was found once the campaign was loaded, behind all that was read: the links, and then, once the run is
 * planned, the sizes of its batches and the rounds of its random streams. */
void tf_recorder_add_links(tf_recorder *recorder, const tf_links *links);
void tf_recorder_add_settled(tf_recorder *recorder, const tf_campaign *campaign);
void tf_recorder_free(tf_recorder *recorder);

/* Makes the campaign of a bundle. NULL: the bytes are no bundle. */
tf_campaign *tf_campaign_unbundle(const void *bytes, size_t size);

/* The work folder that a bundle names; NULL: the bytes are no bundle. */
const char *tf_bundle_workdir(const void *bytes, size_t size);

/* ---- Schema ---- */

/* The JSON Schema of a manifest, as text. */
void tf_schema_write(tf_buf *out);

#endif
