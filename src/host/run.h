/* What other folders ask of the code that runs tasks: whether they would run, and what comes of them.
 *
 * Process: the first rank before MPI_Init, and verbs. What would load user code into it forks first, but for `try`,
 * which runs a task in its own process on purpose. */
#ifndef TF_HOST_RUN_H
#define TF_HOST_RUN_H

#include "manifest/manifest.h"
#include "rows/rows.h"

/* Looks for what would keep every task of a stage from running: a missing program, script, library or function. Forks,
 * so that no library is loaded into this process. Relative to the current folder, which must be the work folder.
 * `program` has the functions that this program brings itself, up to one without a name; NULL: none. */
void tf_host_preflight(const tf_campaign *campaign, const tf_function *program, tf_diags *diags);

/* Starts what tasks of a stage would run, as services and functions with a setup, and ends it and all that it has
 * started: does it start, and does
 * it take the stage's parameters? That may take a while. A stage whose scripts other stages are yet to write is not
 * started. */
void tf_host_try_start(const tf_campaign *campaign, int stage, tf_diags *diags);

/* Asks the interpreter of a stage what files modules are made of (see tf_code_asker). */
bool tf_host_ask_code(const tf_campaign *campaign, int stage, const char *modules, tf_buf *answer);

/* Have processes of both stages, which call Python functions, the same interpreter, environment and folder? */
bool tf_host_has_same_python(const tf_stage_spec *a, const tf_stage_spec *b);

/* Gets the parameters and files of a task before it runs. */
typedef void tf_host_on_point(void *context, const tf_point *point);

/* Runs tasks in this process, batch after batch, without spawner or host: for tests and for trying a task. `source` may
 * be NULL if the tasks take no rows of other stages. It is their `attempt`, from 1. on_point (may be NULL) gets each
 * task before it runs; on_rows gets the rows as from tf_slots_poll, and `left` is always empty. */
tf_err tf_host_run_here(const tf_campaign *campaign, int stage, int64_t first, int64_t count, int attempt,
                        const tf_task_source *source, tf_host_on_point *on_point, tf_on_rows *on_rows, void *context,
                        tf_error *error);

/* Tells of tasks what they would get, batch after batch, and runs nothing. `source` as above. */
tf_err tf_host_tell_points(const tf_campaign *campaign, int stage, const tf_intervals *tasks,
                           const tf_task_source *source, tf_host_on_point *on_point, void *context, tf_error *error);

/* Adds the JSON object that a service gets for a task, which has all that a task of any kind is given. A parameter
 * whose value is not known stays named: "{x}". */
void tf_host_task_json(const tf_stage_spec *stage, const tf_point *point, int attempt, tf_buf *out);

/* Adds a parameter's value, or a number, as JSON has it: NaN as null, an infinity as a number that is too large. */
void tf_host_value_json(tf_type type, const void *value, tf_buf *out);

/* Adds in words what the bits of tf_rows.changed say: "the umask and the locale". */
void tf_host_name_changes(uint32_t changes, tf_buf *text);

#endif
