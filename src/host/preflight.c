/* Before anything runs: does all exist that stages run, and, if that is wanted, does it start? */
#include "host/preflight.h"
#include "base/children.h"
#include "host/run.h"
#include "host/runner.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

void tf_host_preflight(const tf_campaign *campaign, const tf_function *program, tf_diags *diags) {
    for (int s = 0; s < campaign->stages; s++) {
        const tf_stage_spec *stage = &campaign->stage[s];
        const runner *kind = runner_find(&stage->run);
        if (kind->preflight)
            kind->preflight(stage, program, diags);
    }
}

/* ---- Starting ---- */

static bool was_there(const void *context, pid_t pid) {
    return tf_intervals_contain(context, pid, (int64_t)pid + 1);
}

/* Kills all that has come to this process, which is a subreaper, since it had the children `before`. */
static void end_descendants(const tf_intervals *before) {
    while (tf_children_kill(was_there, before) > 0) {
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
        poll(NULL, 0, 1);
    }
}

static void with_host(const tf_campaign *campaign, int stage, preflight_visit *visit, void *context) {
    const host_setting setting = {.campaign = campaign, .scratch = {.fd = -1}};
    host h;
    host_open(&h, &setting, 0, 0);
    h.spec = &campaign->stage[stage];
    visit(&h, context);
    host_close(&h);
}

void preflight_with_host(const tf_campaign *campaign, int stage, preflight_visit *visit, void *context) {
    tf_intervals before = {0};
    sigset_t signals;
    tf_signals_hold(&signals); /* this process first ends what it has started */
    tf_children(&before);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    with_host(campaign, stage, visit, context);
    end_descendants(&before);
    prctl(PR_SET_CHILD_SUBREAPER, 0);
    tf_intervals_free(&before);
    sigprocmask(SIG_SETMASK, &signals, NULL); /* a signal that has waited ends it here */
}

typedef struct trial {
    const runner *kind;
    tf_diags *diags;
} trial;

static void try_start(host *h, void *context) {
    const trial *t = context;
    t->kind->try_start(h, h->spec->number, t->diags);
}

void tf_host_try_start(const tf_campaign *campaign, int stage, tf_diags *diags) {
    const tf_stage_spec *spec = &campaign->stage[stage];
    trial t = {.kind = runner_find(&spec->run), .diags = diags};
    if (t.kind->try_start && !preflight_lacks_scripts(spec) && !preflight_lacks_python(spec))
        preflight_with_host(campaign, stage, try_start, &t);
}
