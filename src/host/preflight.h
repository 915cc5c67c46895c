/* What a kind of run checks before anything runs, and how it reports. */
#ifndef TF_HOST_PREFLIGHT_H
#define TF_HOST_PREFLIGHT_H

#include "manifest/manifest.h"

struct host;
typedef void preflight_visit(struct host *h, void *context);

/* Calls `visit` with a host for the stage, which is not one of a run: what it starts has ended afterwards. */
void preflight_with_host(const tf_campaign *campaign, int stage, preflight_visit *visit, void *context);

/* Reports what is wrong with a member of the stage's "run", such as "command/0". */
void preflight_diagnose(tf_diags *diags, const tf_stage_spec *stage, const char *member, tf_diag_id id,
                        const char *text);

/* Checks that the program exists that the stage starts, and the folder in which it is started. `member` names the
 * program. */
void preflight_program(const tf_stage_spec *stage, const char *member, tf_diags *diags);

/* Checks that the scripts exist that the stage's program is to run, but for a stage that comes after others: they may
 * write them. */
void preflight_scripts(const tf_stage_spec *stage, tf_diags *diags);

/* Is a script not there, whoever may write it? */
bool preflight_lacks_scripts(const tf_stage_spec *stage);

/* Checks that interpreter and files of a Python function exist. */
void preflight_python(const tf_stage_spec *stage, const tf_function *program, tf_diags *diags);

/* Is a Python function's file not there, whoever may write it? */
bool preflight_lacks_python(const tf_stage_spec *stage);

/* A runner's try_start (python_trial.c). */
void python_try_start(struct host *h, int stage, tf_diags *diags);

/* Checks that the library loads and has the function: in a child, as its constructors may do anything. */
void preflight_function(const tf_stage_spec *stage, const tf_function *program, tf_diags *diags);

#endif
