/* Datagrams (UDP) between ranks, beside MPI: no thread but one may call MPI, and that one may be stuck there. */
#ifndef TF_FARM_DATAGRAMS_H
#define TF_FARM_DATAGRAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An address of IPv6, or one of IPv4 in the form that IPv6 has for these, and a port. */
typedef struct datagram_address {
    uint8_t ip[16];
    uint16_t port;
} datagram_address;

/* A socket, with a port of its own. */
typedef struct datagrams {
    int fd;        /* -1: there can be none */
    bool has_ipv6; /* else it knows IPv4 alone */
    uint16_t port;
} datagrams;

datagrams datagrams_open(void);
void datagrams_close(datagrams *d);

/* Where others can reach it: all addresses that this machine has, those of its own loopback last. Returns how many
 * there are, which are no more than `most`. */
int datagrams_find_addresses(const datagrams *d, datagram_address *address, int most);

/* Neither waits. What can't be sent, or is received in pieces, is lost. */
void datagrams_send(const datagrams *d, const datagram_address *to, const void *bytes, size_t size);

/* The next one that has come. false: there is none. One of another size has `*size` 0. */
bool datagrams_receive(const datagrams *d, datagram_address *from, void *bytes, size_t *size);

#endif
