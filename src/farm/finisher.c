/* The finisher waits in a pipe's read for the rank that forked it, and is gone when that one is. What it does is what a
 * run does that finds nothing left to run: the output is prepared (which gathers the side files of all ranks, also of
 * the one that died), stages are finished, the file is closed; all by one process. */
#include "farm/finisher.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "farm/stage_end.h"

struct tf_finisher {
    tf_child child;
    const char *output;
};

typedef struct order {
    int32_t outcome; /* tf_err */
    double elapsed;  /* s */
} order;

static tf_err finish_stages(tf_store *s, const tf_campaign *campaign, const tf_store_plan *plan, bool *left,
                            tf_error *error) {
    tf_err err = TF_OK;
    for (int i = 0; i < campaign->stages && err == TF_OK; i++) {
        bool pending = tf_store_pending(plan, i)->total > 0;
        *left = *left || pending;
        if (pending || tf_store_is_finished(plan, i))
            continue;
        err = tf_store_layout(s, i, error);
        if (err == TF_OK)
            err = stage_end(s, campaign, i, 0, error);
    }
    return err;
}

static tf_err wind_up(const tf_campaign *campaign, const order *o, tf_error *error) {
    tf_store_plan *plan = tf_store_look(campaign, TF_STORE_WIND_UP, true, error);
    bool ready = plan && tf_store_prepare(plan, error) == TF_OK;
    tf_store *s = ready ? tf_store_open(campaign, MPI_COMM_NULL, tf_store_plan_start(plan), -1, 0, error) : NULL;
    if (!s) {
        tf_store_plan_free(plan);
        return error->code;
    }
    bool left = o->outcome == TF_ERR_STOPPED;
    tf_err err = finish_stages(s, campaign, plan, &left, error);
    tf_err outcome = left ? TF_ERR_STOPPED : (tf_err)o->outcome;
    const char *state = left ? "stopped" : outcome == TF_ERR_TASKS ? "failed" : "complete";
    if (err == TF_OK)
        err = tf_store_close(s, state, o->elapsed, error);
    else
        tf_store_abandon(s);
    tf_store_plan_free(plan);
    return err == TF_OK ? outcome : err;
}

static void wait_for_order(const tf_campaign *campaign, int socket) {
    order o;
    tf_error told = {0};
    tf_signals_out_of_reach();
    close_range(3, (unsigned)socket - 1, 0); /* the lock, and whatever else is the rank's */
    close_range((unsigned)socket + 1, ~0u, 0);
    if (recv(socket, &o, sizeof o, 0) == (ssize_t)sizeof o) {
        told.code = wind_up(campaign, &o, &told);
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
    *f = (tf_finisher){.child = child, .output = campaign->output};
    return f;
}

tf_err tf_finisher_run(tf_finisher *f, tf_store_plan *plan, tf_err outcome, double elapsed, tf_error *error) {
    order o = {.outcome = (int32_t)outcome, .elapsed = elapsed};
    tf_store_let_go(plan);
    ssize_t got = -1;
    if (send(f->child.socket, &o, sizeof o, MSG_NOSIGNAL) == (ssize_t)sizeof o)
        while ((got = recv(f->child.socket, error, sizeof *error, 0)) < 0 && errno == EINTR)
            ;
    if (got != (ssize_t)sizeof *error)
        return tf_error_set(error, TF_ERR_RUN, "%s: the process that was to finish it is gone", f->output);
    return error->code;
}

void tf_finisher_free(tf_finisher *f) {
    if (!f)
        return;
    tf_child_close(&f->child, INFINITY);
    free(f);
}
