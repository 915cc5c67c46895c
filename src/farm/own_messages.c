/* A list, in the order of sending. What was received stays until the next is asked for. */
#include "farm/own_messages.h"

#include <stdlib.h>
#include <string.h>

message_copy *message_copy_new(int tag, const void *payload, size_t size) {
    message_copy *c = tf_alloc(sizeof *c + size);
    c->tag = tag;
    c->size = size;
    if (size)
        memcpy(c->payload, payload, size);
    return c;
}

void own_messages_init(own_messages *own) {
    *own = (own_messages){0};
    own->last = &own->first;
}

void own_messages_add(own_messages *own, message_copy *copy) {
    *own->last = copy;
    own->last = &copy->next;
}

bool own_messages_receive(own_messages *own, int rank, parcel *next) {
    message_copy *c = own->first;
    free(own->received);
    own->received = c;
    if (!c)
        return false;
    own->first = c->next;
    if (!own->first)
        own->last = &own->first;
    *next = (parcel){.from = rank, .tag = c->tag, .size = c->size, .payload = c->payload};
    return true;
}

void own_messages_free(own_messages *own) {
    parcel ignored;
    while (own_messages_receive(own, 0, &ignored))
        ;
}
