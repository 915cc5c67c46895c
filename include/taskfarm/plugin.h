/* The plugin interface: C functions that taskfarm runs as tasks.
 *
 * A plugin is a shared library. {"function": "./libboot.so:resample"} runs its function `resample` for every
 * task of the stage. Beside `resample` the library may export, all optional:
 *
 *     int  resample_setup(tf_stage *stage, void **state);      once per process, before its first task
 *     int  resample_batch(const tf_batch *batch);              many tasks at once, instead of `resample`
 *     void resample_teardown(void *state);                     once per process, after its last task
 *
 * and must contain TF_PLUGIN; once, at file scope: the version symbol that is checked when it is loaded.
 *
 * Plugins run in child processes of their own, one task at a time per process: they need not be thread-safe,
 * may keep state between tasks in *state, and cost only their own task when they crash. A child that a function forks
 * must end itself with _exit(): one that comes back from the function is ended. Everything that these
 * functions hand out belongs to taskfarm and is valid until the plugin function returns, unless said otherwise.
 * The interface is plain C: C++ and Fortran (iso_c_binding) use it as it stands.
 */
#ifndef TASKFARM_PLUGIN_H
#define TASKFARM_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define TF_EXPORT            __attribute__((visibility("default")))
#define TF_PRINTF(text, arg) __attribute__((format(printf, text, arg)))
#else
#define TF_EXPORT
#define TF_PRINTF(text, arg)
#endif

#ifdef __cplusplus
#define TF_EXTERN extern "C"
extern "C" {
#else
#define TF_EXTERN extern
#endif

/* The version of this interface. It changes only when plugins must be compiled anew. */
#define TF_PLUGIN_ABI 1u
#define TF_PLUGIN                                                                                                      \
    TF_EXTERN TF_EXPORT const unsigned int tf_plugin_abi;                                                              \
    const unsigned int tf_plugin_abi = TF_PLUGIN_ABI

/* What a plugin function returns. Any other value fails the task too. */
enum { TF_SUCCESS = 0, TF_FAILURE = 1 };

/* Types of parameters and columns. Parameters are TF_BOOL, TF_INT64, TF_FLOAT64 or TF_STRING. */
typedef enum tf_type {
    TF_ANY = -1, /* for the bind functions: whatever the manifest says */
    TF_BOOL,     /* one byte, 0 or 1 */
    TF_INT8,
    TF_INT16,
    TF_INT32,
    TF_INT64,
    TF_UINT8,
    TF_UINT16,
    TF_UINT32,
    TF_UINT64,
    TF_FLOAT32,
    TF_FLOAT64,
    TF_STRING, /* UTF-8, any length */
    TF_BYTES   /* any length */
} tf_type;

enum { TF_MAX_RANK = 8 }; /* dimensions */

/* A task's part of an array, dimension by dimension; its elements are in C order. Behind `rank` all is 0. */
typedef struct tf_block {
    int rank;
    int64_t start[TF_MAX_RANK];  /* where the block begins in the whole array, */
    int64_t count[TF_MAX_RANK];  /* and how long it is */
    int64_t before[TF_MAX_RANK]; /* elements of its halo in front of it */
    int64_t shape[TF_MAX_RANK];  /* of the elements that are there: block and halo */
} tf_block;

typedef struct tf_stage tf_stage;
typedef struct tf_task tf_task;
typedef struct tf_row tf_row;
typedef struct tf_batch tf_batch;

/* Handles: bound by name once in setup, used for every task. TF_UNBOUND where binding failed. */
typedef int tf_param;
typedef int tf_column;
typedef int tf_array;
#define TF_UNBOUND (-1)

typedef int tf_task_fn(const tf_task *task, tf_row *row);
typedef int tf_setup_fn(tf_stage *stage, void **state);
typedef int tf_batch_fn(const tf_batch *batch);
typedef void tf_teardown_fn(void *state);

/* A function of numbers: what it returns is its task's result. For programs with a main of their own. */
typedef double tf_call_fn(const double *arguments, int count);

/* A function of a program with a main of its own (taskfarm.h), by the name that its manifests have for it:
 * {"function": "program:NAME"}. The hooks are what they are in a plugin; those that it does not have are NULL. */
typedef struct tf_function {
    const char *name;
    tf_call_fn *call; /* instead of all others: its arguments are the parameters, numbers all, in their order */
    tf_task_fn *task;
    tf_batch_fn *batch;
    tf_setup_fn *setup;
    tf_teardown_fn *teardown;
} tf_function;

/* ---- The stage: in setup, and from a task ---- */

/* The stage's name in the manifest. Valid as long as the process. */
TF_EXPORT const char *tf_stage_name(const tf_stage *stage);

/* The number of tasks of the stage. */
TF_EXPORT int64_t tf_stage_tasks(const tf_stage *stage);

/* The handle of parameter `name`. `type` is what you will read it as: TF_FLOAT64 takes integers too, TF_INT64
 * takes booleans too. TF_UNBOUND if there is no such parameter or its type is another: the stage's tasks then
 * fail with a message that says so, whatever setup returns. */
TF_EXPORT tf_param tf_bind_param(tf_stage *stage, const char *name, tf_type type);

/* The handle of results column `name`. `type` must be the manifest's, or TF_ANY. TF_UNBOUND as above. */
TF_EXPORT tf_column tf_bind_column(tf_stage *stage, const char *name, tf_type type);

/* The handle of one of the stage's "arrays". `type` must be the manifest's, or TF_ANY. TF_UNBOUND as above. */
TF_EXPORT tf_array tf_bind_array(tf_stage *stage, const char *name, tf_type type);

/* Bytes of an element of an array: of texts, which are cells that are filled up with NULs, the longest there is. */
TF_EXPORT size_t tf_array_cell(const tf_stage *stage, tf_array array);

/* The number of elements of a column in one row: the product of its "shape", 1 without one. A column that is a block of
 * an array ("array") may have fewer in rows at its ends: see tf_column_block. */
TF_EXPORT int64_t tf_column_size(const tf_stage *stage, tf_column column);

/* Constants from the run's "args". Strings are valid as long as the process; `otherwise` is returned where the
 * argument is absent. An argument of another type fails the stage's tasks with a message. */
TF_EXPORT int64_t tf_arg_int(tf_stage *stage, const char *name, int64_t otherwise);
TF_EXPORT double tf_arg_double(tf_stage *stage, const char *name, double otherwise);
TF_EXPORT const char *tf_arg_string(tf_stage *stage, const char *name, const char *otherwise);

/* All of "args" as JSON text ("{}" if absent), for arguments of other shapes. Valid as long as the process. */
TF_EXPORT const char *tf_args_json(const tf_stage *stage);

/* Says why setup fails. Returns TF_FAILURE, so that `return tf_stage_fail(stage, "no catalogue");` reads well. */
TF_EXPORT int tf_stage_fail(tf_stage *stage, const char *format, ...) TF_PRINTF(2, 3);

/* ---- One task ---- */

/* The task's index in its stage, from 0. */
TF_EXPORT int64_t tf_task_index(const tf_task *task);

/* Which attempt this is, from 1. */
TF_EXPORT int tf_task_attempt(const tf_task *task);

/* The task's stage: for the functions above that take a const tf_stage. */
TF_EXPORT const tf_stage *tf_task_stage(const tf_task *task);

/* What setup stored in *state; NULL without setup. */
TF_EXPORT void *tf_task_state(const tf_task *task);

/* Parameters by handle. A handle of TF_UNBOUND or of another type fails the task and gives 0, NaN or "". */
TF_EXPORT bool tf_param_bool(const tf_task *task, tf_param param);
TF_EXPORT int64_t tf_param_int(const tf_task *task, tf_param param);
TF_EXPORT double tf_param_double(const tf_task *task, tf_param param);
TF_EXPORT const char *tf_param_string(const tf_task *task, tf_param param);

/* Parameters by name: convenient, and slower by a look-up. */
TF_EXPORT bool tf_get_bool(const tf_task *task, const char *name);
TF_EXPORT int64_t tf_get_int(const tf_task *task, const char *name);
TF_EXPORT double tf_get_double(const tf_task *task, const char *name);
TF_EXPORT const char *tf_get_string(const tf_task *task, const char *name);

/* Columns of one element, by handle. Values are converted to the column's type; one that does not fit fails the
 * task. Strings and bytes are copied. A column that is not set fails the task, unless the manifest has it as
 * "optional": then it is NaN, or an empty text. */
TF_EXPORT void tf_set_bool(tf_row *row, tf_column column, bool value);
TF_EXPORT void tf_set_int(tf_row *row, tf_column column, int64_t value);
TF_EXPORT void tf_set_uint(tf_row *row, tf_column column, uint64_t value);
TF_EXPORT void tf_set_double(tf_row *row, tf_column column, double value);
TF_EXPORT void tf_set_string(tf_row *row, tf_column column, const char *value);
TF_EXPORT void tf_set_bytes(tf_row *row, tf_column column, const void *data, size_t size);

/* The same by name. */
TF_EXPORT void tf_put_bool(tf_row *row, const char *name, bool value);
TF_EXPORT void tf_put_int(tf_row *row, const char *name, int64_t value);
TF_EXPORT void tf_put_uint(tf_row *row, const char *name, uint64_t value);
TF_EXPORT void tf_put_double(tf_row *row, const char *name, double value);
TF_EXPORT void tf_put_string(tf_row *row, const char *name, const char *value);
TF_EXPORT void tf_put_bytes(tf_row *row, const char *name, const void *data, size_t size);

/* The elements of an array column in this row, in C order and of the column's own type, to be filled in place;
 * counts as set. NULL (and the task fails) for strings, bytes and TF_UNBOUND. */
TF_EXPORT void *tf_column_data(tf_row *row, tf_column column);

/* The same where the column is a block of an array: `block` says which, and how many elements it has. */
TF_EXPORT void *tf_column_block(tf_row *row, tf_column column, tf_block *block);

/* The task's block of one of the stage's "arrays", with its halo: elements of the array's type in C order; `block`
 * (NULL if it is of no interest) gets its place. NULL (and the task fails) for TF_UNBOUND. */
TF_EXPORT const void *tf_array_block(const tf_task *task, tf_array array, tf_block *block);

/* Both by name: convenient, and slower by a look-up. */
TF_EXPORT const void *tf_get_block(const tf_task *task, const char *name, tf_block *block);
TF_EXPORT void *tf_put_block(tf_row *row, const char *name, tf_block *block);

/* The files that the stage declares as "inputs" and "outputs": how many the task has, and the path of the i-th,
 * relative to the current folder or absolute; NULL if there is none. With a name those of that name, with NULL all, in
 * the order of the manifest. Inputs are there when the task starts; outputs are not, but their folders are. */
TF_EXPORT int64_t tf_input_count(const tf_task *task, const char *name);
TF_EXPORT const char *tf_input(const tf_task *task, const char *name, int64_t i);
TF_EXPORT int64_t tf_output_count(const tf_task *task, const char *name);
TF_EXPORT const char *tf_output(const tf_task *task, const char *name, int64_t i);

/* Fails the task with a message. Returns TF_FAILURE, so that `return tf_fail(task, ...)` reads well. */
TF_EXPORT int tf_fail(const tf_task *task, const char *format, ...) TF_PRINTF(2, 3);

/* Adds to the task's stderr, as kept in the output file within the stage's "capture" limit. */
TF_EXPORT void tf_log(const tf_task *task, const char *format, ...) TF_PRINTF(2, 3);

/* ---- Many tasks at once ---- */

/* The batch holds tasks first .. first + count - 1. */
TF_EXPORT int64_t tf_batch_first(const tf_batch *batch);
TF_EXPORT int64_t tf_batch_count(const tf_batch *batch);
TF_EXPORT void *tf_batch_state(const tf_batch *batch);
TF_EXPORT const tf_stage *tf_batch_stage(const tf_batch *batch);

/* A parameter's values, `count` of them: uint8_t, int64_t, double or const char * by the parameter's type
 * (TF_FLOAT64 bound to an integer parameter gives double). NULL for TF_UNBOUND. */
TF_EXPORT const void *tf_batch_param(const tf_batch *batch, tf_param param);

/* A column's rows: count x size elements of the column's type, C order, to be filled in place. Float columns come
 * as NaN, the others as 0. A row whose floats are left as they came fails its task, unless the manifest has the
 * column as "optional" (a NaN that is put there counts as set); of several elements, if all are left. Integers and
 * texts that are left are 0 and empty: that is not noticed. NULL for strings, bytes and TF_UNBOUND. */
TF_EXPORT void *tf_batch_column(const tf_batch *batch, tf_column column);

/* tf_column_block and tf_array_block for one task of the batch; `row` counts from 0. */
TF_EXPORT void *tf_batch_column_block(const tf_batch *batch, int64_t row, tf_column column, tf_block *block);
TF_EXPORT const void *tf_batch_array_block(const tf_batch *batch, int64_t row, tf_array array, tf_block *block);

/* String and bytes columns; `row` counts from 0 in the batch. The data is copied. Here and elsewhere, to name a row
 * that the batch does not have fails all of its tasks. */
TF_EXPORT void tf_batch_set_string(const tf_batch *batch, int64_t row, tf_column column, const char *value);
TF_EXPORT void tf_batch_set_bytes(const tf_batch *batch, int64_t row, tf_column column, const void *data, size_t size);

/* Fails one task of the batch. Returns TF_FAILURE; a batch function that returns anything but TF_SUCCESS fails all
 * the tasks of the batch. */
TF_EXPORT int tf_batch_fail(const tf_batch *batch, int64_t row, const char *format, ...) TF_PRINTF(3, 4);

/* ---- Random numbers ---- */

/* A stream of Philox4x32-10 (Salmon et al. 2011, SC'11, "Parallel random numbers: as easy as 1, 2, 3"; the code
 * is Random123's). A task's stream depends on the campaign's seed, the stage's name and the task's index alone, so
 * that results do not depend on ranks, slots, order, retries or resumption. Plain data: copy it as you like. */
typedef struct tf_rng {
    uint32_t key[2];
    uint32_t counter[4]; /* words 0 and 1: the block; 2 and 3: the task's index */
    uint32_t block[4];
    uint32_t used;       /* words of `block` given out */
    uint32_t has_normal; /* tf_rng_normal makes two at a time */
    double normal;
} tf_rng;

/* The task's stream, at its start when the attempt starts; advanced by use. */
TF_EXPORT tf_rng *tf_task_rng(const tf_task *task);

/* A further stream of the task, independent of the others for every `number` (0 is tf_task_rng's). */
TF_EXPORT tf_rng tf_task_stream(const tf_task *task, uint32_t number);

/* The stream of one task of a batch: the same that tf_task_rng would give it. */
TF_EXPORT tf_rng tf_batch_rng(const tf_batch *batch, int64_t row);

/* The task's own 64-bit seed, for other generators: what {seed} is in templates. */
TF_EXPORT uint64_t tf_task_seed(const tf_task *task);

/* The stream of any 64-bit seed: key = (low word, high word), counter from 0. With tf_task_seed it is one that a
 * command in another language can make too, from its {seed}. */
TF_EXPORT tf_rng tf_rng_seeded(uint64_t seed);

/* Uniform integers of 32 and 64 bits; the 64 take two of 32, the low one first. */
TF_EXPORT uint32_t tf_rng_u32(tf_rng *rng);
TF_EXPORT uint64_t tf_rng_u64(tf_rng *rng);

/* Uniform in [0, 1), a multiple of 2^-53. */
TF_EXPORT double tf_rng_double(tf_rng *rng);

/* Standard normal (Box & Muller 1958, Ann. Math. Stat. 29, 610). */
TF_EXPORT double tf_rng_normal(tf_rng *rng);

/* Uniform integer in [0, n) without bias (Lemire 2019, ACM TOMACS 29, 3). n must be positive. */
TF_EXPORT uint64_t tf_rng_below(tf_rng *rng, uint64_t n);

/* Shuffles `count` elements of `size` bytes in place (Durstenfeld 1964, CACM 7, 420). */
TF_EXPORT void tf_rng_shuffle(tf_rng *rng, void *elements, size_t count, size_t size);

/* A bootstrap resample: `count` indices, each uniform in [0, count), into `indices`. */
TF_EXPORT void tf_rng_bootstrap(tf_rng *rng, uint32_t *indices, uint32_t count);

#ifdef __cplusplus
}
#endif
#endif
