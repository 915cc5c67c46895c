/* Waiting for what comes back, and giving up. */
#include "slots/inner.h"

#include <poll.h>

/* Passes on what has ended of slow batches; not too often. */
static tf_err collect_running(tf_slots *slots, const delivery *d) {
    const double interval = 0.05, slow = 0.5, now = tf_now();
    tf_err err = TF_OK;
    if (now - slots->looked < interval)
        return TF_OK;
    slots->looked = now;
    for (int slot_id = 0; slot_id < slots->count; slot_id++)
        for (int b = 0; b < BATCH_BUFFERS && err == TF_OK; b++)
            if (slots->slot[slot_id].given[b] && !slot_is_distrusted(&slots->slot[slot_id]))
                err = collect_from_running(slots, slot_id, b, slow, d);
    return err;
}

static int busy_slots(const tf_slots *slots) {
    int busy = 0;
    for (int slot_id = 0; slot_id < slots->count; slot_id++)
        busy += tf_slots_is_busy(slots, slot_id);
    return busy;
}

/* Takes batches that come back, for as long as `seconds` or until all have. */
static tf_err await_hosts(tf_slots *slots, double seconds, const delivery *d) {
    const double deadline = tf_now() + seconds;
    tf_err err = TF_OK;
    while (err == TF_OK && busy_slots(slots) > 0 && tf_now() < deadline) {
        poll(slots->polled, (nfds_t)slots->count, 10);
        for (int slot_id = 0; slot_id < slots->count && err == TF_OK; slot_id++)
            err = collect_batches(slots, slot_id, d);
    }
    return err;
}

/* Hosts stop between two tasks, and leave a command; a function that takes long has to be killed with its host. Only
 * then is it known what has ended. */
tf_err tf_slots_give_up(tf_slots *slots, tf_on_rows *on_rows, void *context, tf_error *error) {
    const double patience = 0.3; /* s */
    int events = 0;
    spawner_message ended;
    delivery d = {.on_rows = on_rows, .context = context, .events = &events, .error = error};
    for (int slot_id = 0; slot_id < slots->count; slot_id++)
        for (int b = 0; b < BATCH_BUFFERS; b++)
            __atomic_store_n(&header_of(&slots->slot[slot_id].map[b])->stop, 1, __ATOMIC_RELAXED);
    tf_err err = await_hosts(slots, patience, &d);
    int killed = 0;
    tf_error ignored; /* a spawner that is gone takes its hosts with it */
    for (int slot_id = 0; slot_id < slots->count && err == TF_OK; slot_id++)
        killed += tf_slots_is_busy(slots, slot_id) && tf_spawner_kill_host(slots->spawner, slot_id, &ignored) == TF_OK;
    for (double deadline = tf_now() + 10 * patience; killed > 0 && err == TF_OK && tf_now() < deadline;) {
        int got = tf_spawner_next_ended(slots->spawner, &ended);
        killed -= got > 0;
        if (got == 0) /* the spawner is gone, and its hosts with it */
            break;
        if (got < 0)
            poll(&slots->polled[slots->count], 1, 10);
    }
    for (int slot_id = 0; slot_id < slots->count; slot_id++) {
        if (tf_slots_is_busy(slots,
                             slot_id)) /* nobody uses them any more, but whoever asks for idle slots is to find all */
            places_release(slots->places, slot_id);
        for (int b = 0; b < BATCH_BUFFERS && err == TF_OK; b++) {
            if (!slots->slot[slot_id].given[b])
                continue;
            slot *s = &slots->slot[slot_id];
            batch_claim claim;
            const char *nonsense = rows_back_claim(&s->map[b], &s->order[b], &s->passed[b], &claim);
            if (!nonsense && claim.started > 0)
                err = collect_finished(slots, slot_id, b, &claim, &nonsense, &d);
            s->given[b] = false;
        }
    }
    return err;
}

/* Without a spawner that moves no host is started, and none's end is known. */
static tf_err look_at_spawner(const tf_slots *slots, tf_error *error) {
    char duration[32];
    pid_t pid;
    const double seconds = tf_spawner_still(slots->spawner, &pid);
    return seconds == 0 ? TF_OK
                        : tf_error_set_as(error, TF_ERR_STOPPED, TF_DIAG_PROCESS_LOST,
                                          "the process that starts them, its spawner (pid %d), has stood still for %s",
                                          (int)pid, tf_format_duration(seconds, duration));
}

tf_err tf_slots_poll(tf_slots *slots, double timeout, tf_on_rows *on_rows, void *context, int *events,
                     tf_error *error) {
    *events = 0;
    delivery d = {.on_rows = on_rows, .context = context, .events = events, .error = error};
    struct timespec wait = {.tv_sec = (time_t)timeout, .tv_nsec = (long)((timeout - (double)(time_t)timeout) * 1e9)};
    int ready = ppoll(slots->polled, (nfds_t)slots->count + 2, &wait, NULL);
    tf_err looked = collect_running(slots, &d);
    if (looked == TF_OK)
        looked = look_at_spawner(slots, error);
    if (looked != TF_OK || ready <= 0)
        return looked;
    for (int slot_id = 0; slot_id < slots->count; slot_id++) {
        if (!slots->polled[slot_id].revents)
            continue;
        tf_err err = collect_batches(slots, slot_id, &d);
        if (err != TF_OK)
            return err;
    }
    if (!slots->polled[slots->count].revents)
        return TF_OK;
    for (;;) {
        spawner_message ended;
        int got = tf_spawner_next_ended(slots->spawner, &ended);
        if (got == 0)
            return tf_error_set_as(error, TF_ERR_STOPPED, TF_DIAG_PROCESS_LOST,
                                   "the spawner process is gone: was it killed?");
        if (got < 0)
            return TF_OK;
        if (ended.slot < 0 || ended.slot >= slots->count ||
            ended.life != slots->slot[ended.slot].life) /* it had to go */
            continue;
        tf_err err = blame_ended(slots, &ended, &d);
        if (err != TF_OK)
            return err;
    }
}
