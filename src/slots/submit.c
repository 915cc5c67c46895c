/* Batches go out: to a slot that has room, with what its tasks need. */
#include "slots/inner.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* ---- Places ---- */

static const tf_resources *need_of(const tf_slots *slots, int stage) {
    return &slots->campaign->stage[stage].need;
}

tf_resources tf_slots_has(const tf_slots *slots) {
    return places_all(slots->places);
}

int64_t tf_slots_capacity(const tf_slots *slots, int stage) {
    tf_resources all = places_all(slots->places);
    return tf_resources_fit(&all, need_of(slots, stage));
}

int tf_slots_idle(const tf_slots *slots) {
    return places_idle(slots->places);
}

int tf_slots_place(const tf_slots *slots, int stage) {
    return places_find(slots->places, need_of(slots, stage));
}

int tf_slots_place_in_hand(const tf_slots *slots, int stage) {
    for (int slot_id = 0; slot_id < slots->count && slots->apart[stage].total == 0; slot_id++) {
        if (tf_slots_room(slots, slot_id) != 1 || slots->slot[slot_id].worn)
            continue;
        const batch_order *busy = &slots->slot[slot_id].order[slots->slot[slot_id].given[1]];
        if (tf_resources_equal(need_of(slots, busy->stage), need_of(slots, stage)))
            return slot_id;
    }
    return -1;
}

/* A process that holds on to GPUs which are another's now has to go. */
static tf_err change_gpus(tf_slots *slots, int slot_id, const char *gpus, const tf_stage_spec *stage, tf_error *error) {
    slot *s = &slots->slot[slot_id];
    bool other = strcmp(s->gpus, gpus) != 0;
    tf_err err = other && s->keeps_gpus ? slot_start_anew(slots, slot_id, error) : TF_OK;
    if (other)
        snprintf(s->gpus, sizeof s->gpus, "%s", gpus);
    s->keeps_gpus = s->keeps_gpus || !tf_run_is_command(&stage->run);
    return err;
}

/* The slot takes what a task of the stage needs, if it is idle, and tells its host. */
static tf_err claim_place(tf_slots *slots, int slot_id, int stage, batch_header *head, tf_error *error) {
    const tf_stage_spec *spec = &slots->campaign->stage[stage];
    if (!tf_slots_is_busy(slots, slot_id))
        places_claim(slots->places, slot_id, &spec->need);
    head->cores = places_cores(slots->places, slot_id);
    snprintf(head->gpu_variable, sizeof head->gpu_variable, "%s", places_gpu_variable(slots->places));
    if (spec->need.gpus == 0)
        return TF_OK;
    tf_buf gpus = {0};
    places_add_gpus(slots->places, slot_id, &gpus);
    tf_err err = TF_OK;
    if (gpus.length >= sizeof head->gpus)
        err = tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_TOO_LARGE, "the names of a task's GPUs are too long: %s",
                              gpus.data);
    snprintf(head->gpus, sizeof head->gpus, "%s", tf_buf_text(&gpus));
    tf_buf_free(&gpus);
    return err == TF_OK ? change_gpus(slots, slot_id, head->gpus, spec, error) : err;
}

/* ---- Batches out ---- */

/* Tells the host that the buffer is its own. A host that is gone is noticed through the spawner. */
static void hand_over(slot *s, int b) {
    s->given[b] = s->used = true;
    s->order[b].given = tf_now();
    s->order[b].given_wall = tf_wall();
    host_message message = {.buffer = b};
    while (send(s->socket, &message, sizeof message, MSG_NOSIGNAL) < 0 && errno == EINTR)
        ;
}

void tf_slots_set_source(tf_slots *slots, tf_task_source source) {
    slots->source = source;
}

/* How many of the tasks go with the first one: it alone, if it is one of `alone`, or those before the next of these. */
static int64_t count_together(const tf_intervals *alone, int64_t first, int64_t count) {
    if (tf_intervals_contain(alone, first, first + 1))
        return 1;
    for (size_t i = 0; i < alone->count; i++)
        if (alone->items[i].first > first && alone->items[i].first < first + count)
            count = alone->items[i].first - first;
    return count;
}

/* A slot in which the task may run: a new host, if it is to have one of its own, or the old one is not to be used. */
static tf_err prepare_host(tf_slots *slots, int slot_id, bool apart, tf_error *error) {
    slot *s = &slots->slot[slot_id];
    if (tf_slots_room(slots, slot_id) == 0 || ((s->worn || apart) && tf_slots_is_busy(slots, slot_id)))
        return tf_error_set(error, TF_ERR_RUN, "slot %d has no room", slot_id);
    return s->worn || (apart && s->used) ? slot_start_anew(slots, slot_id, error) : TF_OK;
}

int64_t tf_slots_submit(tf_slots *slots, int slot_id, int stage, int attempt, int64_t first, int64_t count,
                        tf_error *error) {
    slot *s = &slots->slot[slot_id];
    batch_header head = {.stage = stage, .attempt = attempt, .first = first};
    const bool apart = tf_intervals_contain(&slots->apart[stage], first, first + 1);
    if (prepare_host(slots, slot_id, apart, error) != TF_OK ||
        claim_place(slots, slot_id, stage, &head, error) != TF_OK)
        return 0;
    int b = s->given[s->next] ? (s->next + 1) % BATCH_BUFFERS : s->next;
    int64_t capacity = batch_capacity(&slots->campaign->stage[stage]);
    count = count_together(&slots->one_by_one[stage], first, count < capacity ? count : capacity);
    count = count_together(&slots->apart[stage], first, count);
    tf_intervals_remove(&slots->one_by_one[stage], first, first + 1);
    tf_intervals_remove(&slots->apart[stage], first, first + 1);
    head.count = count;
    head.proven = slots->start[stage].has_worked;
    *header_of(&s->map[b]) = head;
    s->passed[b] = (batch_part){0};
    s->order[b] = (batch_order){
        .stage = stage, .attempt = attempt, .rank = slots->rank, .slot = slot_id, .first = first, .count = count};
    if (batch_copy_upstream(&s->map[b], &slots->campaign->stage[stage], &slots->back.columns, &slots->source, first,
                            count, error) != TF_OK)
        return 0;
    s->worn = s->apart[b] = apart;
    hand_over(s, b);
    return count;
}
