/* A child process with a socket to it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"

pid_t tf_child_fork(tf_child *child, tf_error *error) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        tf_error_set(error, TF_ERR_RUN, "can't make a socket: %s", strerror(errno));
        return -1;
    }
    fflush(NULL);
    pid_t pid = fork();
    int own = pid == 0 ? 1 : 0;
    *child = (tf_child){.pid = pid, .socket = pair[own]};
    close(pair[!own]);
    if (pid < 0) {
        tf_error_set(error, TF_ERR_RUN, "can't fork: %s", strerror(errno));
        close(pair[own]);
    }
    return pid;
}

int tf_child_wait(pid_t pid) {
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

void tf_child_close(tf_child *child) {
    close(child->socket);
    tf_child_wait(child->pid);
}
