/* The finisher waits in a pipe's read for the rank that forked it, and is gone when that one is. What it does is what a
 * run does that finds nothing left to run: the output is prepared (which gathers the side files of all ranks, also of
 * the one that died), stages are finished, the file is closed; all by one process. */
#include "farm/finisher.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/storage.h"
#include "farm/stage_end.h"

struct tf_finisher {
    tf_child child;
    const tf_campaign *campaign;
};

/* Followed by a number for each stage: with how many tasks it has enough; 0: it needs all. */
typedef struct order {
    int32_t outcome; /* tf_err */
    double elapsed;  /* s */
    int64_t enough[];
} order;

static size_t order_size(const tf_campaign *campaign) {
    return sizeof(order) + (size_t)campaign->stages * sizeof(int64_t);
}

/* Is something of the stage left to do? */
static bool has_pending(const tf_store_plan *plan, const order *o, int stage) {
    const tf_intervals *pending = tf_store_pending(plan, stage);
    return pending->total > 0 && (o->enough[stage] == 0 || pending->items[0].first < o->enough[stage]);
}

static bool is_whole(const tf_campaign *campaign, const tf_store_plan *plan, const order *o) {
    for (int stage = 0; stage < campaign->stages; stage++)
        if (has_pending(plan, o, stage))
            return false;
    return true;
}

/* Finishes each stage of which all tasks have ended, and that is not finished yet. */
static tf_err finish_stages(tf_store *store, const tf_campaign *campaign, const tf_store_plan *plan, const order *o,
                            tf_error *error) {
    for (int stage = 0; stage < campaign->stages; stage++) {
        if (has_pending(plan, o, stage) || tf_store_is_finished(plan, stage))
            continue;
        tf_err err = tf_store_layout(store, stage, error);
        if (err == TF_OK)
            err = stage_end(store, campaign, stage, o->enough[stage], error);
        if (err != TF_OK)
            return err;
    }
    return TF_OK;
}

static tf_err wind_up(const tf_campaign *campaign, const order *o, tf_error *error) {
    tf_store_plan *plan = tf_store_plan_new(campaign, TF_STORE_WIND_UP, true, NULL, error);
    const bool is_ready = plan && tf_store_prepare(plan, error) == TF_OK;
    const tf_team alone = tf_team_alone();
    tf_store *store =
        is_ready ? tf_store_open(campaign, &alone, tf_store_plan_start(plan), -1, 0, TF_USUAL_PATIENCE, NULL, error)
                 : NULL;
    if (!store) {
        tf_store_plan_free(plan);
        return error->code;
    }
    const bool stops = o->outcome == TF_ERR_STOPPED || !is_whole(campaign, plan, o);
    const tf_err outcome = stops ? TF_ERR_STOPPED : (tf_err)o->outcome;
    tf_err err = finish_stages(store, campaign, plan, o, error);
    if (err == TF_OK)
        err = tf_store_close(store, tf_run_state_after(outcome), o->elapsed, error);
    else
        tf_store_abandon(store);
    tf_store_plan_free(plan);
    return err == TF_OK ? outcome : err;
}

static void wait_for_order(const tf_campaign *campaign, int socket) {
    const size_t size = order_size(campaign);
    order *o = tf_alloc(size);
    tf_error told = {0};
    tf_signals_out_of_reach();
    close_range(3, (unsigned)socket - 1, 0); /* the lock, and whatever else is the rank's */
    close_range((unsigned)socket + 1, ~0u, 0);
    if (recv(socket, o, size, 0) == (ssize_t)size) {
        told.code = wind_up(campaign, o, &told);
        send(socket, &told, sizeof told, MSG_NOSIGNAL);
    }
    _exit(0);
}

tf_finisher *tf_finisher_fork(const tf_campaign *campaign, tf_error *error) {
    tf_child child;
    pid_t pid = tf_child_fork(&child, error);
    if (pid == 0)
        wait_for_order(campaign, child.socket);
    if (pid < 0)
        return NULL;
    tf_finisher *f = tf_alloc(sizeof *f);
    *f = (tf_finisher){.child = child, .campaign = campaign};
    return f;
}

tf_err tf_finisher_run(tf_finisher *f, tf_store_plan *plan, tf_err outcome, double elapsed, const int64_t *enough,
                       tf_error *error) {
    const size_t size = order_size(f->campaign);
    order *o = tf_alloc(size);
    *o = (order){.outcome = (int32_t)outcome, .elapsed = elapsed};
    memcpy(o->enough, enough, size - sizeof *o);
    tf_store_let_go(plan);
    ssize_t got = -1;
    if (send(f->child.socket, o, size, MSG_NOSIGNAL) == (ssize_t)size)
        while ((got = recv(f->child.socket, error, sizeof *error, 0)) < 0 && errno == EINTR)
            ;
    free(o);
    if (got != (ssize_t)sizeof *error)
        return tf_error_set_as(
            error, TF_ERR_RUN, TF_DIAG_PROCESS_LOST,
            "%s: a rank died, and the process that finishes the output is gone: run the same command again",
            f->campaign->output);
    return error->code;
}

void tf_finisher_free(tf_finisher *f) {
    if (!f)
        return;
    const double patience = 5; /* s */
    if (!tf_child_close(&f->child, patience))
        kill(f->child.pid, SIGKILL); /* it has nothing to do any more, and stands still */
    free(f);
}
