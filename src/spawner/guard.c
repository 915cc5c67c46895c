/* The guard: the process between rank and spawner. It runs nothing and waits for one thing, the end of the spawner. If
 * the spawner was killed, what its hosts had started is nobody's but the guard's, their nearest subreaper, which kills
 * it: however deep, in whatever group or session. Until then it holds the rank's lock on the output, so that no other
 * run begins beside what is left of this one.
 *
 * If the guard is killed the spawner ends its campaign, as if the rank were gone. It has a name of its own, so that
 * `killall -9 taskfarm` spares it. */
#include "spawner/guard.h"

#include "base/children.h"
#include "host/host.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct held {
    int lock, scratch; /* -1: none */
} held;

static void replace(int *fd, int other) {
    if (*fd >= 0)
        close(*fd);
    *fd = other;
}

/* Holds what the spawner gives it, until the spawner ends. */
static void hold_descriptors(held *h, int spawner) {
    spawner_message m;
    int fds[SPAWNER_FDS], got;
    while ((got = spawner_receive(spawner, &m, fds, 0)) != 0) {
        if (got > 0 && m.kind == SPAWNER_LOCK)
            replace(&h->lock, fds[0]);
        if (got > 0 && m.kind == SPAWNER_SCRATCH)
            replace(&h->scratch, fds[0]);
    }
}

/* Kills all children. Those of a process that dies come to its subreaper, one generation after the other. */
static void end_what_is_left(void) {
    for (pid_t ended; (ended = waitpid(-1, NULL, WNOHANG)) >= 0;) {
        if (ended > 0)
            continue;
        tf_children_kill(NULL, NULL);
        poll(NULL, 0, 1);
    }
}

static void stand_guard(pid_t spawner, int socket) {
    held h = {.lock = -1, .scratch = -1};
    prctl(PR_SET_NAME, "farm-guard");
    close_range(3, (unsigned)socket - 1, 0); /* the rank's socket, and whatever launchers leave open */
    close_range((unsigned)socket + 1, ~0U, 0);
    hold_descriptors(&h, socket);
    tf_child_wait(spawner); /* a process's descriptors are closed before its children are given away */
    end_what_is_left();
    if (h.scratch >= 0)
        scratch_remove_root(h.scratch);
    _exit(0);
}

int guard_fork(int rank) {
    tf_child spawner;
    tf_error error;
    tf_signals_out_of_reach();
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    const pid_t own = getpid(), pid = tf_child_fork(&spawner, &error);
    if (pid < 0) {
        tf_say("the spawner: %s", error.text);
        _exit(TF_ERR_RUN);
    }
    if (pid > 0) {
        close(rank);
        stand_guard(pid, spawner.socket);
    }
    tf_signals_out_of_reach();
    setpgid(0, own); /* a signal that wakes one of them wakes both */
    return spawner.socket;
}

void guard_give(int guard, spawner_kind what, int fd) {
    tf_error ignored; /* it is gone: so will this process be */
    const spawner_message message = {.kind = (int32_t)what};
    spawner_send(guard, &message, &fd, fd >= 0, &ignored);
}
