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

/* ---- Which tasks go together ---- */

/* How many of the tasks go with the first one: it alone, if it is one of `alone`, or those before the next of these. */
static int64_t count_together(const tf_intervals *alone, int64_t first, int64_t count) {
    if (tf_intervals_contain(alone, first, first + 1))
        return 1;
    return tf_intervals_same_until(alone, first, first + count) - first;
}

/* Each task is a call of its own, or the kind of run decides that. */
static batch_order order_alone(const tf_slots *slots, int stage, int attempt, tf_interval tasks) {
    const tf_stage_spec *spec = &slots->campaign->stage[stage];
    const tf_intervals *one_by_one = &slots->one_by_one[stage];
    const bool has_batches = tf_stage_batch(spec) > 1;
    const bool reads_blocks = slots->blocks[stage].file != NULL;
    const int64_t capacity = batch_capacity(spec, reads_blocks), first = tasks.first;
    int64_t count = tasks.end - first < capacity ? tasks.end - first : capacity;
    if (!has_batches)
        count = count_together(one_by_one, first, count);
    else if (attempt == 1)
        count = tf_intervals_same_until(one_by_one, first, first + count) - first;
    return (batch_order){.first = first,
                         .count = count_together(&slots->apart[stage], first, count),
                         .one_by_one = has_batches,
                         .reads_blocks = reads_blocks};
}

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Whole batches, with the tasks in them that nobody asks for. */
static batch_order order_batches(const tf_slots *slots, int stage, const tf_intervals *tasks) {
    const tf_stage_spec *spec = &slots->campaign->stage[stage];
    const int64_t batch = tf_stage_batch(spec), asked = tasks->items[0].first, first = asked / batch * batch;
    int64_t end = least(first + batch_capacity(spec, false), tasks->items[tasks->count - 1].end);
    end = tf_intervals_same_until(&slots->one_by_one[stage], asked, end);
    end = tf_intervals_same_until(&slots->apart[stage], asked, end);
    const int64_t last = least((end + batch - 1) / batch * batch, tf_stage_final(spec));
    batch_order order = {.first = first, .count = last - first};
    tf_intervals_add_all(&order.wanted, tasks);
    tf_intervals_remove(&order.wanted, end, INT64_MAX);
    if (order.wanted.total == order.count)
        tf_intervals_free(&order.wanted);
    return order;
}

static batch_order order_of(const tf_slots *slots, int stage, int attempt, const tf_intervals *tasks) {
    const int64_t first = tasks->items[0].first;
    const bool has_batches = tf_stage_batch(&slots->campaign->stage[stage]) > 1;
    const bool is_alone = attempt > 1 || tf_intervals_contain(&slots->one_by_one[stage], first, first + 1) ||
                          tf_intervals_contain(&slots->apart[stage], first, first + 1);
    return has_batches && !is_alone ? order_batches(slots, stage, tasks)
                                    : order_alone(slots, stage, attempt, tasks->items[0]);
}

/* ---- Batches out ---- */

/* Tells the host that the buffer is its own. A host that is gone is noticed through the spawner. */
static void hand_over(slot *s, int b) {
    s->given[b] = s->used = true;
    leave_nothing(s, b);
    s->order[b].given = tf_now();
    s->order[b].given_wall = tf_wall();
    host_message message = {.buffer = b};
    while (send(s->socket, &message, sizeof message, MSG_NOSIGNAL) < 0 && errno == EINTR)
        ;
}

void tf_slots_set_source(tf_slots *slots, tf_task_source source) {
    slots->source = source;
}

/* A slot in which the task may run: a new host, if there is none yet, if the task is to have one of its own, or if the
 * old one is not to be used. */
static tf_err prepare_host(tf_slots *slots, int slot_id, bool apart, tf_error *error) {
    slot *s = &slots->slot[slot_id];
    if (tf_slots_room(slots, slot_id) == 0 || ((s->worn || apart) && tf_slots_is_busy(slots, slot_id)))
        return tf_error_set(error, TF_ERR_RUN, "slot %d has no room", slot_id);
    if (s->socket < 0)
        return slot_start(slots, slot_id, error);
    return s->worn || (apart && s->used) ? slot_start_anew(slots, slot_id, error) : TF_OK;
}

/* What the order has of tasks that are to be run one by one, or apart, is not to be so once more. */
static void strike_off(tf_slots *slots, const batch_order *order, int64_t asked) {
    tf_intervals_remove(&slots->one_by_one[order->stage], asked, asked + (order->one_by_one ? order->count : 1));
    tf_intervals_remove(&slots->apart[order->stage], asked, asked + 1);
}

/* Gives the slot the order in buffer b, which is free. */
static tf_err submit(tf_slots *slots, int slot_id, int b, const batch_order *order, batch_header *head,
                     tf_error *error) {
    slot *s = &slots->slot[slot_id];
    head->first = order->first;
    head->count = order->count;
    head->one_by_one = order->one_by_one;
    head->reads_blocks = order->reads_blocks;
    head->proven = slots->start[order->stage].has_worked;
    *header_of(&s->map[b]) = *head;
    s->passed[b] = (batch_part){0};
    s->noticed[b] = 0;
    tf_intervals_free(&s->order[b].wanted);
    s->order[b] = *order;
    return batch_copy_upstream(&s->map[b], &slots->campaign->stage[order->stage], &slots->back.columns, &slots->source,
                               order->reads_blocks ? slots->blocks[order->stage].file : NULL, order->first,
                               order->count, error);
}

int64_t tf_slots_submit(tf_slots *slots, int slot_id, int stage, int attempt, const tf_intervals *tasks,
                        tf_error *error) {
    slot *s = &slots->slot[slot_id];
    batch_header head = {.stage = stage, .attempt = attempt};
    const int64_t first = tasks->items[0].first;
    const bool apart = tf_intervals_contain(&slots->apart[stage], first, first + 1);
    if (prepare_host(slots, slot_id, apart, error) != TF_OK ||
        claim_place(slots, slot_id, stage, &head, error) != TF_OK)
        return 0;
    const int b = s->given[s->next] ? (s->next + 1) % BATCH_BUFFERS : s->next;
    blocks_find(slots, stage);
    batch_order order = order_of(slots, stage, attempt, tasks);
    order.stage = stage;
    order.attempt = attempt;
    order.rank = slots->rank;
    order.slot = slot_id;
    if (submit(slots, slot_id, b, &order, &head, error) != TF_OK) {
        if (!tf_slots_is_busy(slots, slot_id))
            places_release(slots->places, slot_id);
        return 0;
    }
    strike_off(slots, &order, first);
    s->worn = s->apart[b] = apart;
    hand_over(s, b);
    return order.wanted.total > 0 ? order.wanted.total : order.count;
}
