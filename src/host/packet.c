/* Packets (see packet.h): a message of a SOCK_SEQPACKET socket each. */
#include "host/packet.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LONGEST_TEXT = 256 << 20 }; /* bytes; more is nonsense */

bool packet_pair(int pair[2]) {
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0;
}

void packet_add_key(tf_buf *out, const char *key) {
    tf_buf_addf(out, ", \"%s\": ", key);
}

void packet_add_number(tf_buf *out, const char *key, int64_t value) {
    packet_add_key(out, key);
    tf_buf_addf(out, "%" PRId64, value);
}

void packet_add_flag(tf_buf *out, const char *key, bool value) {
    packet_add_key(out, key);
    tf_buf_adds(out, value ? "true" : "false");
}

void packet_add_text(tf_buf *out, const char *key, const char *text) {
    packet_add_key(out, key);
    if (text)
        tf_buf_add_json(out, text, strlen(text));
    else
        tf_buf_adds(out, "null");
}

/* Room for the descriptors of one packet. */
typedef union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(PACKET_FDS * sizeof(int))];
} control;

static bool send_short(int socket, const tf_buf *text, const int *fds, int count) {
    control room = {0};
    struct iovec part = {.iov_base = text->data, .iov_len = text->length};
    struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
    if (count > 0) {
        m.msg_control = room.bytes;
        m.msg_controllen = CMSG_SPACE((size_t)count * sizeof *fds);
        struct cmsghdr *head = CMSG_FIRSTHDR(&m);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN((size_t)count * sizeof *fds);
        memcpy(CMSG_DATA(head), fds, (size_t)count * sizeof *fds);
    }
    ssize_t put;
    while ((put = sendmsg(socket, &m, MSG_NOSIGNAL)) < 0 && errno == EINTR)
        ;
    return put == (ssize_t)text->length;
}

bool packet_send(int socket, const tf_buf *text, const int *fds, int count) {
    if (text->length <= PACKET_BYTES)
        return send_short(socket, text, fds, count);
    tf_buf notice = {0};
    int all[PACKET_FDS] = {tf_memory_file("taskfarm-packet", text)};
    for (int i = 0; i < count && i + 1 < PACKET_FDS; i++)
        all[i + 1] = fds[i];
    tf_buf_addf(&notice, "{\"long\": %zu}", text->length);
    const bool sent = all[0] >= 0 && send_short(socket, &notice, all, 1 + count);
    const int failure = errno;
    if (all[0] >= 0)
        close(all[0]);
    tf_buf_free(&notice);
    errno = failure;
    return sent;
}

/* The descriptor that came with a message; -1: none. Of several all but the first are closed. */
static int first_descriptor(struct msghdr *m) {
    int first = -1, fd;
    for (struct cmsghdr *head = CMSG_FIRSTHDR(m); head; head = CMSG_NXTHDR(m, head)) {
        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t at = 0; at + sizeof fd <= head->cmsg_len - CMSG_LEN(0); at += sizeof fd) {
            memcpy(&fd, CMSG_DATA(head) + at, sizeof fd);
            if (first < 0)
                first = fd;
            else
                close(fd);
        }
    }
    return first;
}

/* Replaces a notice by the text that it tells of. */
static bool read_long(int file, tf_buf *text) {
    struct stat info;
    int64_t bytes = 0;
    if (sscanf(tf_buf_text(text), "{\"long\":%" SCNd64 "}", &bytes) != 1 || bytes <= 0 || bytes > LONGEST_TEXT ||
        fstat(file, &info) != 0 || info.st_size < bytes)
        return false;
    tf_buf_clear(text);
    tf_buf_reserve(text, (size_t)bytes + 1);
    for (ssize_t got; text->length < (size_t)bytes; text->length += (size_t)got)
        if ((got = pread(file, text->data + text->length, (size_t)bytes - text->length, (off_t)text->length)) <= 0)
            return false;
    text->data[text->length] = '\0';
    return true;
}

packet_state packet_receive(int socket, tf_buf *text) {
    control room;
    tf_buf_clear(text);
    tf_buf_reserve(text, PACKET_BYTES + 1);
    struct iovec part = {.iov_base = text->data, .iov_len = PACKET_BYTES};
    struct msghdr m = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = room.bytes, .msg_controllen = sizeof room.bytes};
    ssize_t got;
    while ((got = recvmsg(socket, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR)
        ;
    if (got < 0)
        return errno == EAGAIN ? PACKET_NONE : PACKET_END;
    const int file = first_descriptor(&m);
    text->length = (size_t)got;
    text->data[got] = '\0';
    bool whole = got > 0 && !(m.msg_flags & MSG_TRUNC);
    if (file >= 0) {
        whole = whole && read_long(file, text);
        close(file);
    }
    return whole ? PACKET_GOT : PACKET_END;
}

bool packet_is_unread(int socket) {
    int bytes = 0;
    return ioctl(socket, SIOCOUTQ, &bytes) == 0 && bytes > 0;
}
