/* One slot: its host, its two buffers, and whether what the host says is believed. */
#include "slots/inner.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

tf_err slot_start(tf_slots *slots, int slot_id, tf_error *error) {
    slot *s = &slots->slot[slot_id];
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_SYSTEM_LIMIT, "can't make a socket: %s", strerror(errno));
    if (s->socket >= 0)
        close(s->socket);
    s->socket = pair[0];
    s->next = 0;
    s->overdue = -1;
    for (int b = 0; b < BATCH_BUFFERS; b++)
        s->nonsense[b] = NULL;
    s->life++;
    s->gpus[0] = '\0';
    s->keeps_gpus = s->used = s->worn = false;
    slots->polled[slot_id] = (struct pollfd){.fd = s->socket, .events = POLLIN};
    int fds[SPAWNER_FDS] = {pair[1]};
    for (int b = 0; b < BATCH_BUFFERS; b++)
        fds[1 + b] = s->map[b].fd;
    tf_err err = tf_spawner_start_host(slots->spawner, slots->rank, slot_id, s->life, fds, error);
    close(pair[1]);
    return err;
}

tf_err slot_make_buffers(slot *s, int slot_id, size_t size, tf_error *error) {
    for (int b = 0; b < BATCH_BUFFERS; b++)
        if (!batch_map_new(&s->map[b], size))
            return tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_SYSTEM_LIMIT, "no shared memory for slot %d: %s", slot_id,
                                   strerror(errno));
    return TF_OK;
}

/* A new host in place of one that is idle. That one lives on for its teardown, and so may what it has started: it keeps
 * its buffers to itself. */
tf_err slot_start_anew(tf_slots *slots, int slot_id, tf_error *error) {
    slot *s = &slots->slot[slot_id];
    const size_t size = s->map[0].fixed_size;
    for (int b = 0; b < BATCH_BUFFERS; b++)
        batch_map_close(&s->map[b]);
    tf_err err = slot_make_buffers(s, slot_id, size, error);
    return err == TF_OK ? slot_start(slots, slot_id, error) : err;
}

int tf_slots_room(const tf_slots *slots, int slot_id) {
    int room = 0;
    for (int b = 0; b < BATCH_BUFFERS; b++)
        room += !slots->slot[slot_id].given[b];
    return room;
}

bool tf_slots_is_busy(const tf_slots *slots, int slot_id) {
    return tf_slots_room(slots, slot_id) < BATCH_BUFFERS;
}

tf_err slot_distrust(tf_slots *slots, int slot_id, int b, const char *nonsense, tf_error *error) {
    slots->slot[slot_id].nonsense[b] = nonsense;
    slots->polled[slot_id].fd = -1;
    return tf_spawner_kill_host(slots->spawner, slot_id, error);
}

bool slot_is_distrusted(const slot *s) {
    bool is = false;
    for (int b = 0; b < BATCH_BUFFERS; b++)
        is = is || s->nonsense[b];
    return is;
}

void slot_reclaim_buffer(tf_slots *slots, int slot_id, int b) {
    slots->slot[slot_id].given[b] = false;
    if (!tf_slots_is_busy(slots, slot_id))
        places_release(slots->places, slot_id);
}
