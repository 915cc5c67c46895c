/* A bell is a datagram socket in Linux's abstract namespace, named by a random number of the run's and the rank. */
#include "farm/doorbell.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct doorbell {
    int fd;        /* a socket; -1: nobody can ring here */
    uint64_t run;  /* the run's number, which is in the names of its sockets; 0: it has none */
    uint8_t *near; /* per rank: this rank and that one hear each other. Only rank 0 knows it of all, others of rank 0 */
    bool all_near; /* all ranks that send this one messages are near */
};

/* Where a socket of that namespace can be reached: the machine, and its network as seen from here. */
static uint64_t find_place(void) {
    char host[256] = "";
    struct stat net = {0};
    gethostname(host, sizeof host - 1);
    stat("/proc/self/ns/net", &net);
    return tf_hash(host, strlen(host), net.st_ino);
}

static socklen_t make_name(uint64_t run, int rank, struct sockaddr_un *address) {
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    int length = snprintf(address->sun_path + 1, sizeof address->sun_path - 1, "taskfarm-%016" PRIx64 "-%d", run, rank);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
}

static int open_socket(uint64_t run, int rank) {
    struct sockaddr_un address;
    socklen_t size = make_name(run, rank, &address);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&address, size) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

doorbell *doorbell_new(MPI_Comm comm) {
    doorbell *b = tf_alloc(sizeof *b);
    *b = (doorbell){.fd = -1};
    int rank, ranks;
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &ranks);
    b->near = tf_alloc((size_t)ranks);
    if (ranks == 1)
        return b;
    uint64_t first[2] = {0, find_place()}; /* of rank 0: the run's number, 0 without a bell, and its place */
    if (rank == 0 && getrandom(&first[0], sizeof first[0], 0) == (ssize_t)sizeof first[0]) {
        b->fd = open_socket(first[0], 0);
        first[0] = b->fd >= 0 ? first[0] : 0;
    }
    MPI_Bcast(first, 2, MPI_UINT64_T, 0, comm);
    b->run = first[0];
    if (rank > 0 && b->run && first[1] == find_place())
        b->fd = open_socket(b->run, rank);
    uint8_t near = b->fd >= 0;
    MPI_Gather(&near, 1, MPI_BYTE, b->near, 1, MPI_BYTE, 0, comm);
    if (rank > 0)
        b->near[0] = near;
    b->all_near = near;
    for (int r = 0; rank == 0 && r < ranks; r++)
        b->all_near = b->all_near && b->near[r];
    return b;
}

void doorbell_free(doorbell *b) {
    if (!b)
        return;
    if (b->fd >= 0)
        close(b->fd);
    free(b->near);
    free(b);
}

void doorbell_ring(const doorbell *b, int rank) {
    if (b->fd < 0 || !b->near[rank])
        return;
    struct sockaddr_un address;
    socklen_t size = make_name(b->run, rank, &address);
    /* Where many have rung already it is full, and will be heard; where nobody is any more nothing is to be done. */
    ssize_t sent = sendto(b->fd, "", 1, MSG_NOSIGNAL, (struct sockaddr *)&address, size);
    (void)sent;
}

void doorbell_silence(const doorbell *b) {
    char heard;
    while (b->fd >= 0 && recv(b->fd, &heard, sizeof heard, 0) > 0)
        ;
}

int doorbell_fd(const doorbell *b) {
    return b->fd;
}

bool doorbell_suffices(const doorbell *b) {
    return b->all_near;
}
