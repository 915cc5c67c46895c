/* A host's process: takes batches until the rank or the spawner wants no more. */
#include "host/host.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Marks the host as busy. false: it is to leave. Either the spawner sees that the host is busy, or the host sees that
 * it is to leave. */
static bool begin_work(host_state *state) {
    __atomic_store_n(&state->busy, 1, __ATOMIC_SEQ_CST);
    return !__atomic_load_n(&state->leaving, __ATOMIC_SEQ_CST);
}

static void end_work(host_state *state) {
    __atomic_store_n(&state->busy, 0, __ATOMIC_SEQ_CST);
}

void host_main(const host_setting *setting, host_state *state, int rank, int slot, int socket,
               const int buffers[BATCH_BUFFERS]) {
    host h;
    batch_map map[BATCH_BUFFERS];
    host_open(&h, setting, rank, slot);
    h.state = state;
    size_t fixed = batch_fixed_size(setting->campaign);
    for (int b = 0; b < BATCH_BUFFERS; b++) {
        if (!batch_map_open(&map[b], buffers[b], fixed)) {
            tf_say("a host can't map its memory: %s", strerror(errno));
            _exit(TF_ERR_RUN);
        }
    }
    for (;;) {
        host_message message;
        ssize_t got = recv(socket, &message, sizeof message, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got != (ssize_t)sizeof message)
            break; /* the rank has closed its end, or is gone */
        const bool goes_on = begin_work(state);
        if (goes_on)
            host_run_batch(&h, &map[message.buffer]);
        end_work(state);
        if (!goes_on)
            break;
        while (send(socket, &message, sizeof message, MSG_NOSIGNAL) < 0 && errno == EINTR)
            ;
    }
    process_let_writes_fail(&h, false);
    host_close(&h);
    fflush(NULL);
    _exit(0);
}
