/* Messages of a rank to itself: they wait in memory, and reach no network. */
#ifndef TF_FARM_OWN_MESSAGES_H
#define TF_FARM_OWN_MESSAGES_H

#include "farm/transport.h"

/* A copy of a message, on its way. */
typedef struct message_copy {
    struct message_copy *next;
    int tag;
    size_t size;
    _Alignas(16) char payload[];
} message_copy;

/* Never NULL; to be freed by free(). */
message_copy *message_copy_new(int tag, const void *payload, size_t size);

typedef struct own_messages {
    message_copy *first, **last;
    message_copy *received; /* the last one that was received */
} own_messages;

void own_messages_init(own_messages *own);
void own_messages_free(own_messages *own); /* those that nobody has received, too */

/* Takes the copy. */
void own_messages_add(own_messages *own, message_copy *copy);

/* The next one, as from that rank. false: there is none. */
bool own_messages_receive(own_messages *own, int rank, parcel *next);

#endif
