/* Packets to and from a Python process: a JSON text each, and the descriptors of files that the two share. */
#ifndef TF_HOST_PACKET_H
#define TF_HOST_PACKET_H

#include "base/base.h"

enum { PACKET_FDS = 6, PACKET_BYTES = 60000 };

/* A pair of sockets for packets: both close at exec. false with errno. */
bool packet_pair(int pair[2]);

/* Adds a member of the object that is being written, which is not its first. Of the last: the key alone. */
void packet_add_number(tf_buf *out, const char *key, int64_t value);
void packet_add_flag(tf_buf *out, const char *key, bool value);
void packet_add_text(tf_buf *out, const char *key, const char *text); /* NULL: null */
void packet_add_key(tf_buf *out, const char *key);

/* Sends a text, and `count` descriptors with it. One of more than PACKET_BYTES goes as {"long": bytes} with a file that
 * has it, before the others. false with errno: EPIPE if nobody is there to read it. */
bool packet_send(int socket, const tf_buf *text, const int *fds, int count);

typedef enum packet_state { PACKET_GOT, PACKET_NONE, PACKET_END } packet_state;

/* Receives what is there, without waiting for it: replaces `text`. The other side sends no descriptors but those of
 * long texts. PACKET_END: the other side has closed its end, or sent what is no packet. */
packet_state packet_receive(int socket, tf_buf *text);

/* Has the other side not read all that was sent? */
bool packet_is_unread(int socket);

#endif
