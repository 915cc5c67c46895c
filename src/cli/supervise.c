/* A task that is tried for a program (try --json) ends when that program is gone, however it ended. What is asked to
 * end can't see to that itself while user code runs in it: so another process does. */
#include "cli/supervise.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"
#include "base/children.h"

/* Whoever a process leaves behind comes to this one, its subreaper. */
static void kill_all(void) {
    while (tf_children_kill(NULL, NULL) > 0)
        waitpid(-1, NULL, 0);
}

/* Its exit status when it has ended; -1: it runs. */
static int status_of(pid_t child) {
    int status = 0;
    pid_t ended;
    while ((ended = waitpid(-1, &status, WNOHANG)) > 0 && ended != child)
        ;
    if (ended != child)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void cli_supervise(void) {
    const pid_t starter = getppid();
    sigset_t heard, before;
    sigemptyset(&heard);
    sigaddset(&heard, SIGCHLD);
    sigaddset(&heard, SIGTERM);
    sigaddset(&heard, SIGINT);
    sigaddset(&heard, SIGHUP);
    sigprocmask(SIG_BLOCK, &heard, &before);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    const pid_t child = fork();
    if (child == 0) {
        setpgid(0, 0); /* a terminal's signals are the other's */
        sigprocmask(SIG_SETMASK, &before, NULL);
    }
    if (child <= 0) {
        if (child < 0)
            sigprocmask(SIG_SETMASK, &before, NULL); /* without one, then */
        return;
    }
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    int status = getppid() == starter ? status_of(child) : 128 + SIGTERM;
    while (status < 0) {
        int number = 0;
        sigwait(&heard, &number);
        status = number == SIGCHLD ? status_of(child) : 128 + number;
    }
    kill_all();
    _exit(status);
}
