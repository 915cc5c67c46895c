/* What a kind of run looks at before anything runs, and how it reports. */
#ifndef TF_HOST_PREFLIGHT_H
#define TF_HOST_PREFLIGHT_H

#include "manifest/manifest.h"

/* `member`: of the stage's "run", as in "command/0". */
void preflight_diagnose(tf_diags *diags, const tf_stage_spec *stage, const char *member, tf_diag_id id,
                        const char *text);

/* Is the program there that the stage's tasks start, or the service that answers them, and the folder it is started in?
 * `member` names the program. */
void preflight_program(const tf_stage_spec *stage, const char *member, tf_diags *diags);

/* Does the library load, and has it the function? In a child, for whatever its constructors may do. */
void preflight_function(const tf_stage_spec *stage, const tf_function *program, tf_diags *diags);

#endif
