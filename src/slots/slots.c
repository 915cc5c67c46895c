/* The rank's side of its slots: batches go out, rows come back, and a host that dies takes one task with it. */
#include "slots/descriptors.h"
#include "slots/inner.h"

#include <stdlib.h>
#include <unistd.h>

void tf_slots_wake_by(tf_slots *slots, int fd) {
    slots->polled[slots->count + 1] = (struct pollfd){.fd = fd, .events = POLLIN};
}

tf_slots *tf_slots_new(tf_spawner *spawner, const tf_campaign *campaign, const tf_buf *bundle, int lock, int rank,
                       const tf_machine *mine, int count, int hosts, tf_error *error) {
    tf_slots *slots = tf_alloc(sizeof *slots);
    *slots = (tf_slots){.spawner = spawner, .campaign = campaign, .rank = rank, .count = count};
    slots->slot = tf_alloc_array((size_t)count, sizeof *slots->slot);
    slots->places = places_new(mine, count);
    slots->polled = tf_alloc_array((size_t)count + 2, sizeof *slots->polled);
    slots->polled[count] = (struct pollfd){.fd = tf_spawner_socket(spawner), .events = POLLIN};
    tf_slots_wake_by(slots, -1);
    slots->start = tf_alloc_array((size_t)campaign->stages, sizeof *slots->start);
    slots->blocks = tf_alloc_array((size_t)campaign->stages, sizeof *slots->blocks);
    slots->one_by_one = tf_alloc_array((size_t)campaign->stages, sizeof *slots->one_by_one);
    slots->apart = tf_alloc_array((size_t)campaign->stages, sizeof *slots->apart);
    batch_columns_alloc(&slots->back.columns, campaign);
    for (int slot_id = 0; slot_id < count; slot_id++) {
        slots->slot[slot_id].socket = slots->polled[slot_id].fd = -1;
        for (int b = 0; b < BATCH_BUFFERS; b++)
            slots->slot[slot_id].map[b].fd = -1;
    }
    size_t fixed = batch_fixed_size(campaign);
    tf_err err = descriptors_raise(count, &slots->descriptors, error);
    if (err == TF_OK)
        err = tf_spawner_send_campaign(spawner, bundle, error);
    if (lock >= 0 && err == TF_OK)
        err = tf_spawner_send_lock(spawner, lock, error);
    for (int slot_id = 0; slot_id < count && err == TF_OK; slot_id++) {
        err = slot_make_buffers(&slots->slot[slot_id], slot_id, fixed, error);
        if (err == TF_OK && slot_id < hosts)
            err = slot_start(slots, slot_id, error);
    }
    if (err == TF_OK)
        return slots;
    tf_slots_free(slots);
    return NULL;
}

void tf_slots_free(tf_slots *slots) {
    tf_error ignored;
    if (!slots)
        return;
    tf_spawner_end_run(slots->spawner, &ignored); /* one that is gone has taken its hosts with it */
    for (int slot_id = 0; slot_id < slots->count; slot_id++) {
        if (slots->slot[slot_id].socket >= 0)
            close(slots->slot[slot_id].socket);
        for (int b = 0; b < BATCH_BUFFERS; b++) {
            batch_map_close(&slots->slot[slot_id].map[b]);
            tf_intervals_free(&slots->slot[slot_id].order[b].wanted);
            leave_nothing(&slots->slot[slot_id], b);
        }
    }
    descriptors_lower(slots->descriptors);
    for (int s = 0; s < slots->campaign->stages; s++) {
        tf_intervals_free(&slots->one_by_one[s]);
        tf_intervals_free(&slots->apart[s]);
    }
    starts_free(slots);
    blocks_free(slots);
    sweep_end(slots);
    free(slots->one_by_one);
    free(slots->apart);
    tf_files_free(slots->files);
    rows_back_free(&slots->back);
    places_free(slots->places);
    free(slots->polled);
    free(slots->slot);
    free(slots);
}
