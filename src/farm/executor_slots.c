/* Slots as an executor. */
#include "farm/executor.h"

static tf_resources has(const void *slots) {
    return tf_slots_has(slots);
}

static int64_t capacity(const void *slots, int stage) {
    return tf_slots_capacity(slots, stage);
}

static int place(const void *slots, int stage) {
    return tf_slots_place(slots, stage);
}

static int place_in_hand(const void *slots, int stage) {
    return tf_slots_place_in_hand(slots, stage);
}

static int idle(const void *slots) {
    return tf_slots_idle(slots);
}

static const char *refusal(const void *slots, int stage) {
    return tf_slots_refusal(slots, stage);
}

static bool is_sick(const void *slots, int stage) {
    return tf_slots_is_sick(slots, stage);
}

static int64_t submit(void *slots, int slot, int stage, int attempt, const tf_intervals *tasks, tf_error *error) {
    return tf_slots_submit(slots, slot, stage, attempt, tasks, error);
}

static tf_err poll_slots(void *slots, double timeout, tf_on_rows *on_rows, void *context, int *events,
                         tf_error *error) {
    return tf_slots_poll(slots, timeout, on_rows, context, events, error);
}

static tf_slots_found find(const void *slots, int stage, int64_t task) {
    return tf_slots_find(slots, stage, task);
}

static void leave(void *slots, int slot, int stage, int64_t task) {
    tf_slots_leave(slots, slot, stage, task);
}

static tf_err give_up(void *slots, tf_on_rows *on_rows, void *context, tf_error *error) {
    return tf_slots_give_up(slots, on_rows, context, error);
}

static tf_err settle(void *slots, const tf_campaign *campaign, int stage, int64_t first, int64_t count,
                     tf_status status, const char *message, tf_on_rows *on_rows, void *context, tf_error *error) {
    return tf_slots_settle(slots, campaign, stage, first, count, status, message, on_rows, context, error);
}

static void remove_temp(void *slots, int stage, int64_t index) {
    tf_slots_remove_temp(slots, stage, index);
}

executor executor_slots(tf_slots *slots) {
    return (executor){.has = has,
                      .capacity = capacity,
                      .place = place,
                      .place_in_hand = place_in_hand,
                      .idle = idle,
                      .refusal = refusal,
                      .is_sick = is_sick,
                      .submit = submit,
                      .poll = poll_slots,
                      .find = find,
                      .leave = leave,
                      .give_up = give_up,
                      .settle = settle,
                      .remove_temp = remove_temp,
                      .context = slots};
}
