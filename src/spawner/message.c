/* Messages between a rank, its spawner and its guard: a struct, and the descriptors that go with it. */
#include "spawner/message.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

tf_err spawner_send(int socket, const spawner_message *message, const int *fds, size_t count, tf_error *error) {
    struct iovec part = {.iov_base = (void *)(uintptr_t)message, .iov_len = sizeof *message};
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(SPAWNER_FDS * sizeof(int))] = {0};
    struct msghdr head = {.msg_iov = &part, .msg_iovlen = 1};
    if (count) {
        head.msg_control = control;
        head.msg_controllen = CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *c = CMSG_FIRSTHDR(&head);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(c), fds, count * sizeof(int));
    }
    while (sendmsg(socket, &head, MSG_NOSIGNAL) < 0) {
        if (errno != EINTR)
            return tf_error_set_as(error, TF_ERR_STOPPED, TF_DIAG_PROCESS_LOST,
                                   "the spawner process does not answer: %s", strerror(errno));
    }
    return TF_OK;
}

int spawner_receive(int socket, spawner_message *message, int fds[SPAWNER_FDS], int flags) {
    struct iovec part = {.iov_base = message, .iov_len = sizeof *message};
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(SPAWNER_FDS * sizeof(int))];
    struct msghdr head = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t got = recvmsg(socket, &head, MSG_CMSG_CLOEXEC | flags);
    for (int i = 0; i < SPAWNER_FDS; i++)
        fds[i] = -1;
    if (got < 0)
        return errno == EINTR || errno == EAGAIN ? -1 : 0;
    if (got != (ssize_t)sizeof *message)
        return 0;
    struct cmsghdr *c = CMSG_FIRSTHDR(&head);
    if (c && c->cmsg_type == SCM_RIGHTS)
        memcpy(fds, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
    return 1;
}
