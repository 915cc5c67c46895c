/* taskfarm within a program that has a main, and a communicator, of its own: the program makes a manifest, runs its own
 * functions as tasks on the ranks of the communicator, and reads the results back as arrays.
 *
 *     static const tf_function functions[] = {{.name = "add", .call = add}, {.name = NULL}};
 *
 *     tf_runner *runner = tf_runner_start(functions);         before MPI_Init
 *     MPI_Init(&argc, &argv);
 *     tf_manifest *m = tf_manifest_new("sums");               the same on all ranks
 *     tf_delayed sum = tf_call(m, "add", tf_number(1), tf_number(2));
 *     int status = tf_run(runner, m, MPI_COMM_WORLD, NULL);   all ranks together
 *     ... tf_results_open, tf_results_value ...
 *     MPI_Finalize();
 *     tf_runner_end(runner);
 *
 * Tasks run where those of the program taskfarm do: in children of a process that tf_runner_start forks. They see this
 * program's memory as it was then, and what they change is theirs. The first rank of the communicator hands tasks out,
 * unless it is the only one; the others run them. The output is the HDF5 file that taskfarm makes of such a manifest: a
 * program that was killed goes on with it, and the program taskfarm can show, export and report it.
 *
 * Link with taskfarm::taskfarm (CMake) or `pkg-config --cflags --libs taskfarm-embed`. Plain C, usable from C++. */
#ifndef TASKFARM_TASKFARM_H
#define TASKFARM_TASKFARM_H

#include <mpi.h>

#include "plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- What runs tasks ---- */

typedef struct tf_runner tf_runner;

/* Forks what will start tasks. To be called before MPI_Init, on every rank and with the same functions, which end with
 * one without a name and must stay where they are. NULL with errno if that can't be. */
TF_EXPORT tf_runner *tf_runner_start(const tf_function *functions);

/* Ends all that still runs under it. */
TF_EXPORT void tf_runner_end(tf_runner *runner);

/* ---- A manifest made in code ---- */

/* What the manifest of taskfarm is as a file: see docs/manifest.md. What is wrong in it is told by tf_run, all of it at
 * once. Texts are copied. Ranks other than the first of the communicator need not make it. */
typedef struct tf_manifest tf_manifest;

/* Without stages. The output is NAME.h5 in the current folder. */
TF_EXPORT tf_manifest *tf_manifest_new(const char *name);

/* From the text of one. NULL if it is no JSON object. */
TF_EXPORT tf_manifest *tf_manifest_parse(const char *json);
TF_EXPORT void tf_manifest_free(tf_manifest *manifest);

/* The text of it as it stands, calls too. To be freed by the caller. */
TF_EXPORT char *tf_manifest_text(const tf_manifest *manifest);

enum { TF_CAMPAIGN = -1 }; /* no stage, but the manifest itself */

/* Adds a stage that runs one of the program's functions; NULL: what it runs is set with the key "run". Returns its
 * number, from 0. */
TF_EXPORT int tf_manifest_stage(tf_manifest *manifest, const char *name, const char *function);

/* Sets a key of a stage, or of the manifest: anything that a manifest can say, as JSON: ("retries", "2"),
 * ("reduce", "{\"all\": {\"columns\": {\"x\": [\"mean\"]}}}"). A text that is no JSON is told by tf_run. */
TF_EXPORT void tf_manifest_set(tf_manifest *manifest, int stage, const char *key, const char *json);

/* Axes of the stage's space, which multiply; the last one varies fastest. Integers first, first + step, ... up to but
 * without end; `count` values; a column of another stage, whose tasks must be done first. */
TF_EXPORT void tf_manifest_range(tf_manifest *manifest, int stage, const char *name, int64_t first, int64_t end,
                                 int64_t step);
TF_EXPORT void tf_manifest_ints(tf_manifest *manifest, int stage, const char *name, const int64_t *values, int count);
TF_EXPORT void tf_manifest_doubles(tf_manifest *manifest, int stage, const char *name, const double *values, int count);
TF_EXPORT void tf_manifest_strings(tf_manifest *manifest, int stage, const char *name, const char *const *values,
                                   int count);
TF_EXPORT void tf_manifest_rows(tf_manifest *manifest, int stage, const char *name, const char *other,
                                const char *column);

/* A column of results: `rank` dimensions a row, 0 for one element. */
TF_EXPORT void tf_manifest_result(tf_manifest *manifest, int stage, const char *name, tf_type type, int rank,
                                  const int64_t *shape);

/* ---- Delayed calls, which form a graph ---- */

/* A number, or that which a call will give. */
typedef struct tf_delayed {
    int64_t call; /* its number; -1: none */
    double number;
} tf_delayed;

static inline tf_delayed tf_number(double number) {
    tf_delayed value = {-1, number};
    return value;
}

/* A task that calls the program's function (tf_function.call) with up to 64 finite numbers or what other calls give,
 * one argument at least. It runs when these are done, calls that need nothing of each other side by side. */
TF_EXPORT tf_delayed tf_manifest_call(tf_manifest *manifest, const char *function, const tf_delayed *arguments,
                                      int count);

#ifndef __cplusplus
#define tf_call(manifest, function, ...)                                                                               \
    tf_manifest_call(manifest, function, (const tf_delayed[]){__VA_ARGS__},                                            \
                     (int)(sizeof((const tf_delayed[]){__VA_ARGS__}) / sizeof(tf_delayed)))
#endif

/* ---- Running it ---- */

/* What tf_run returns: as the exit status of taskfarm. */
enum {
    TF_RUN_DONE = 0,         /* all tasks are done */
    TF_RUN_TASKS_FAILED = 1, /* some have failed, or a stage was stopped; the others are done */
    TF_RUN_WRONG = 2,        /* the manifest is wrong: nothing was run, no file was touched */
    TF_RUN_BROKEN = 3,       /* the run itself broke; what was done is in the output */
    TF_RUN_STOPPED = 75      /* by a signal or by the time limit: call it again to go on; or since a rank is lost, as
                              * tf_runner_message says: then end the program by MPI_Abort */
};

/* All zeros is what taskfarm does without options. */
typedef struct tf_run_options {
    int slots;           /* tasks that a rank runs at once; 0: its cores if no other rank works on its node, else 1 */
    bool fresh;          /* sets an old output aside instead of going on with it */
    bool unbound;        /* tasks run on any core, even if some need several slots */
    bool shows_progress; /* on stderr */
    bool salvage;        /* where OUTPUT.d of a run that did not end is lost: goes on with the rows that are whole */
    double walltime;     /* s after which it is to be over; 0: never */
    double grace;        /* s that tasks may take once it is to stop; 0: 30 */
    double sync;         /* s between times that results are brought to disk; 0: 30 */
} tf_run_options;

/* Runs what is not done yet of the manifest. Collective over `comm`, which is not used by it after that; MPI must have
 * been initialized. Signals that ask for an end (SIGINT, SIGTERM, SIGUSR1, SIGUSR2) stop the run, and not the program.
 * Returns the same on all ranks. `options` may be NULL. */
TF_EXPORT int tf_run(tf_runner *runner, const tf_manifest *manifest, MPI_Comm comm, const tf_run_options *options);

/* Why tf_run has returned TF_RUN_WRONG (a line for each thing that is wrong) or TF_RUN_BROKEN, and which stages were
 * stopped, a line each, since no rank could run them: the same on all ranks. Valid until it is called again. */
TF_EXPORT const char *tf_runner_message(const tf_runner *runner);

/* What kind of mistake a line of that message is about, from 0: "unknown-key", "output-in-use", ... Ids never change
 * (docs/running.md has all); messages may be written anew. "" where there is no such line. */
TF_EXPORT const char *tf_runner_error_id(const tf_runner *runner, int line);

/* ---- Results as arrays ---- */

/* An output, opened to be read: by any process, whether or not its campaign is over. Functions that return NULL or -1
 * have failed, and tf_results_message says why. Arrays are the caller's, to be freed with free(). */
typedef struct tf_results tf_results;

/* Never NULL: of one that can't be opened all functions fail. */
TF_EXPORT tf_results *tf_results_open(const char *path);
TF_EXPORT void tf_results_close(tf_results *results);
TF_EXPORT const char *tf_results_message(const tf_results *results);
TF_EXPORT const char *tf_results_error_id(const tf_results *results); /* as tf_runner_error_id; "": nothing failed */

/* The number of tasks of a stage. */
TF_EXPORT int64_t tf_results_tasks(tf_results *results, const char *stage);

/* A parameter, a result, or what is recorded of tasks ("status", "duration"; docs/output.md has them): task by task,
 * the elements of an array in C order, `*count` in all (may be NULL). As doubles, whatever the type; as integers, of a
 * type of integers; as texts, whose pointers and characters are one piece of memory. */
TF_EXPORT double *tf_results_doubles(tf_results *results, const char *stage, const char *name, int64_t *count);
TF_EXPORT int64_t *tf_results_ints(tf_results *results, const char *stage, const char *name, int64_t *count);
TF_EXPORT char **tf_results_strings(tf_results *results, const char *stage, const char *name, int64_t *count);

/* What a call has given; NaN if it is not done. */
TF_EXPORT double tf_results_value(tf_results *results, const tf_manifest *manifest, tf_delayed value);

#ifdef __cplusplus
}
#endif
#endif
