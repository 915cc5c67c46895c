/* A child process with a socket to it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"

/* Moves a socket away from descriptors 0 to 2: if a program has closed its standard error, what is printed there must
 * not go to the other side. */
static int move_off_standard(int fd) {
    if (fd > 2)
        return fd;
    const int higher = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    close(fd);
    return higher;
}

pid_t tf_child_fork(tf_child *child, tf_error *error) {
    enum { PARENT, CHILD };
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_SYSTEM_LIMIT, "can't make a socket: %s", strerror(errno));
        return -1;
    }
    for (int i = 0; i < 2; i++)
        pair[i] = move_off_standard(pair[i]);
    fflush(NULL);
    pid_t pid = fork();
    const int own = pid == 0 ? CHILD : PARENT, other = pid == 0 ? PARENT : CHILD;
    *child = (tf_child){.pid = pid, .socket = pair[own]};
    close(pair[other]);
    if (pid == 0) {
        tf_open_standard();
        tf_signals_default();
    }
    if (pid < 0) {
        tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_SYSTEM_LIMIT, "can't fork: %s", strerror(errno));
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

bool tf_child_ends_within(const tf_child *child, double patience) {
    const double deadline = tf_now() + patience;
    int status;
    pid_t ended;
    while ((ended = waitpid(child->pid, &status, WNOHANG)) == 0 && tf_now() < deadline)
        poll(NULL, 0, 1);
    return ended != 0;
}

bool tf_child_close(tf_child *child, double patience) {
    close(child->socket);
    return tf_child_ends_within(child, patience);
}
