/* What other folders ask of the code that runs tasks: would they run, and what comes of them.
 *
 * Process: the first rank before MPI_Init, and verbs. What would load user code into it forks first, but for `try`,
 * which runs a task in its own process on purpose. */
#ifndef TF_HOST_RUN_H
#define TF_HOST_RUN_H

#include "manifest/manifest.h"
#include "rows/rows.h"

/* Looks for what would keep every task of a stage from running: a missing program, library or function. Forks, so that
 * no library is loaded into this process. Relative to the current folder, which must be the work folder.
 * `program` has the functions that this program brings itself, up to one without a name; NULL: none. */
void tf_host_preflight(const tf_campaign *campaign, const tf_function *program, tf_diags *diags);

/* A task is going to be run: its parameters and files. */
typedef void tf_host_on_point(void *context, const tf_point *point);

/* Runs tasks here, batch after batch, without spawner or host: for tests and for trying a task. `source` may be NULL
 * where they take nothing, and on_point. Rows as in tf_slots_poll; `left` is always empty. Without on_rows, which may
 * be NULL too, they are not run, only told of. */
tf_err tf_host_run_here(const tf_campaign *campaign, int stage, int64_t first, int64_t count,
                        const tf_task_source *source, tf_host_on_point *on_point, tf_on_rows *on_rows, void *context,
                        tf_error *error);

/* Adds what tf_rows.changed says, in words: "the umask and the locale". */
void tf_host_name_changes(uint32_t changes, tf_buf *text);

#endif
