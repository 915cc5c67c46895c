/* How far an output has come: its attribute "state", and what the last element of "runs" says. */
#ifndef TF_STORE_RUN_STATES_H
#define TF_STORE_RUN_STATES_H

#include "base/base.h"

typedef enum tf_run_state {
    TF_STATE_UNKNOWN,     /* none of those below */
    TF_STATE_RUNNING,     /* a run is at work, or was killed */
    TF_STATE_INTERRUPTED, /* the last run was killed: what is said of an output, never written to it */
    TF_STATE_STOPPED,     /* the last run left tasks for the next */
    TF_STATE_COMPLETE,    /* all tasks are done */
    TF_STATE_FAILED,      /* all tasks have ended, some without success */
    TF_STATE_SNAPSHOT,    /* a copy of an output whose campaign was not over: all that belongs to it is in the file */
    TF_STATES
} tf_run_state;

const char *tf_run_state_name(tf_run_state state);

/* TF_STATE_UNKNOWN: no state has this name (or NULL). */
tf_run_state tf_run_state_of(const char *name);

/* Have all tasks ended that are to end in this file? */
bool tf_run_state_is_over(tf_run_state state);

/* The state that a run leaves which ends with TF_OK, TF_ERR_TASKS or TF_ERR_STOPPED. */
tf_run_state tf_run_state_after(tf_err outcome);

#endif
