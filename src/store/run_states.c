/* The states of an output. */
#include "store/run_states.h"

#include <string.h>

static const struct {
    const char *name;
    bool is_over;
} states[TF_STATES] = {
    [TF_STATE_UNKNOWN] = {.name = "unknown"},
    [TF_STATE_RUNNING] = {.name = "running"},
    [TF_STATE_INTERRUPTED] = {.name = "interrupted"},
    [TF_STATE_STOPPED] = {.name = "stopped"},
    [TF_STATE_COMPLETE] = {.name = "complete", .is_over = true},
    [TF_STATE_FAILED] = {.name = "failed", .is_over = true},
    [TF_STATE_SNAPSHOT] = {.name = "snapshot", .is_over = true},
};

const char *tf_run_state_name(tf_run_state state) {
    return states[state].name;
}

tf_run_state tf_run_state_of(const char *name) {
    for (int s = TF_STATE_UNKNOWN + 1; name && s < TF_STATES; s++)
        if (strcmp(states[s].name, name) == 0)
            return (tf_run_state)s;
    return TF_STATE_UNKNOWN;
}

bool tf_run_state_is_over(tf_run_state state) {
    return states[state].is_over;
}

tf_run_state tf_run_state_after(tf_err outcome) {
    return outcome == TF_OK ? TF_STATE_COMPLETE : outcome == TF_ERR_TASKS ? TF_STATE_FAILED : TF_STATE_STOPPED;
}
