/* One socket for both families of addresses, where the system has both. */
#include "farm/datagrams.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff}; /* begins an address of IPv4 in the form of IPv6 */

typedef union any_address {
    struct sockaddr head;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} any_address;

/* ---- The socket ---- */

static int open_socket(int family) {
    const int no = 0;
    const int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    any_address own = {.head.sa_family = (sa_family_t)family}; /* any address, any port */
    if (fd < 0)
        return -1;
    if ((family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no) != 0) ||
        bind(fd, &own.head, family == AF_INET6 ? sizeof own.v6 : sizeof own.v4) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

datagrams datagrams_open(void) {
    datagrams d = {.fd = open_socket(AF_INET6), .has_ipv6 = true};
    any_address own = {0};
    socklen_t size = sizeof own;
    if (d.fd < 0)
        d = (datagrams){.fd = open_socket(AF_INET)};
    if (d.fd >= 0 && getsockname(d.fd, &own.head, &size) == 0)
        d.port = d.has_ipv6 ? own.v6.sin6_port : own.v4.sin_port;
    return d;
}

void datagrams_close(datagrams *d) {
    if (d->fd >= 0)
        close(d->fd);
    d->fd = -1;
}

/* ---- Addresses ---- */

static datagram_address read_address(const any_address *from) {
    datagram_address a = {.port = from->v6.sin6_port};
    if (from->head.sa_family == AF_INET6) {
        memcpy(a.ip, &from->v6.sin6_addr, sizeof a.ip);
        return a;
    }
    a.port = from->v4.sin_port;
    memcpy(a.ip, mapped, sizeof mapped);
    memcpy(a.ip + sizeof mapped, &from->v4.sin_addr, sizeof from->v4.sin_addr);
    return a;
}

/* Returns its size; 0: the socket can't reach it. */
static socklen_t write_address(const datagrams *d, const datagram_address *a, any_address *to) {
    *to = (any_address){0};
    if (d->has_ipv6) {
        to->v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = a->port};
        memcpy(&to->v6.sin6_addr, a->ip, sizeof a->ip);
        return sizeof to->v6;
    }
    to->v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = a->port};
    memcpy(&to->v4.sin_addr, a->ip + sizeof mapped, sizeof to->v4.sin_addr);
    return memcmp(a->ip, mapped, sizeof mapped) == 0 ? sizeof to->v4 : 0;
}

/* Those of IPv6 that hold on one cable alone are left out: they would need the name of the interface there. */
static bool is_reachable(const datagrams *d, const struct ifaddrs *entry) {
    const any_address *a = (const any_address *)(const void *)entry->ifa_addr;
    if (!a || !(entry->ifa_flags & IFF_UP))
        return false;
    if (a->head.sa_family == AF_INET6)
        return d->has_ipv6 && !IN6_IS_ADDR_LINKLOCAL(&a->v6.sin6_addr);
    return a->head.sa_family == AF_INET;
}

int datagrams_find_addresses(const datagrams *d, datagram_address *address, int most) {
    struct ifaddrs *list;
    int count = 0;
    if (d->fd < 0 || getifaddrs(&list) != 0)
        return 0;
    for (int own = 0; own <= 1; own++)
        for (const struct ifaddrs *entry = list; entry && count < most; entry = entry->ifa_next) {
            const bool is_own = entry->ifa_flags & IFF_LOOPBACK;
            if (is_own != (own == 1) || !is_reachable(d, entry))
                continue;
            address[count] = read_address((const any_address *)(const void *)entry->ifa_addr);
            address[count++].port = d->port;
        }
    freeifaddrs(list);
    return count;
}

/* ---- Sending and receiving ---- */

void datagrams_send(const datagrams *d, const datagram_address *to, const void *bytes, size_t size) {
    any_address address;
    const socklen_t length = write_address(d, to, &address);
    if (length > 0 && sendto(d->fd, bytes, size, MSG_NOSIGNAL, &address.head, length) < 0)
        return; /* a network that is away for a while is what others are to notice */
}

bool datagrams_receive(const datagrams *d, datagram_address *from, void *bytes, size_t *size) {
    any_address address = {0};
    socklen_t length = sizeof address;
    const ssize_t got = recvfrom(d->fd, bytes, *size, MSG_TRUNC, &address.head, &length);
    if (got < 0)
        return false;
    *from = read_address(&address);
    if ((size_t)got != *size)
        *size = 0;
    return true;
}
