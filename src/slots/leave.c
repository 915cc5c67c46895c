/* A task is left: another rank has its row. A host that is at a command or a service ends that, and gives its batch
 * back, as at the end of a run; one that does not, or that runs a function, is killed, as if the task's time had run
 * out. The host may have other tasks before it: then it is left when its turn comes. */
#include "host/runner.h"
#include "slots/inner.h"

#define PATIENCE 0.5 /* s in which a host that was told gives its batch back */

/* The buffer of the slot that has the task; -1: none has. Rows that were passed on are there no more. */
static int find_buffer(const slot *s, int stage, int64_t task) {
    for (int b = 0; b < BATCH_BUFFERS; b++) {
        const batch_order *order = &s->order[b];
        if (s->given[b] && order->stage == stage && task >= order->first + s->passed[b].end &&
            task < order->first + order->count)
            return b;
    }
    return -1;
}

tf_slots_found tf_slots_find(const tf_slots *slots, int stage, int64_t task) {
    for (int slot_id = 0; slot_id < slots->count; slot_id++) {
        const slot *s = &slots->slot[slot_id];
        const int b = find_buffer(s, stage, task);
        if (b >= 0)
            return (tf_slots_found){
                .slot = slot_id, .attempt = s->order[b].attempt, .seconds = tf_now() - s->order[b].given};
    }
    return (tf_slots_found){.slot = -1};
}

void tf_slots_leave(tf_slots *slots, int slot_id, int stage, int64_t task) {
    slot *s = &slots->slot[slot_id];
    const int b = find_buffer(s, stage, task);
    if (b >= 0)
        tf_intervals_add(&s->leaving[b].tasks, task, task + 1);
    slots->looked = 0; /* the next poll looks at it */
}

void leave_nothing(slot *s, int b) {
    tf_intervals_free(&s->leaving[b].tasks);
    s->leaving[b] = (tasks_to_leave){0};
}

/* A task that is to be left, and that the host is at, one of several that one call runs or alone; -1: there is none. */
static int64_t find_under_way(const tasks_to_leave *l, const batch_order *order, const batch_claim *claim) {
    const int64_t first = order->first + claim->ended;
    const int64_t end = claim->calling_end > claim->ended ? order->first + claim->calling_end : first + 1;
    for (size_t n = 0; claim->started > 0 && n < l->tasks.count; n++) {
        const tf_interval tasks = l->tasks.items[n];
        if (tasks.first < end && tasks.end > first)
            return tasks.first > first ? tasks.first : first;
    }
    return -1;
}

tf_err leave_running(tf_slots *slots, int slot_id, int b, const batch_claim *claim, tf_error *error) {
    slot *s = &slots->slot[slot_id];
    tasks_to_leave *l = &s->leaving[b];
    const int64_t task = find_under_way(l, &s->order[b], claim);
    if (task < 0)
        return TF_OK;
    if (l->told == 0) {
        l->told = tf_now();
        __atomic_store_n(&header_of(&s->map[b])->stop, 1, __ATOMIC_RELAXED);
    }
    const bool is_inside = runner_find(&slots->campaign->stage[s->order[b].stage].run)->is_inside;
    if (s->overdue >= 0 || (!is_inside && tf_now() - l->told <= PATIENCE))
        return TF_OK;
    s->overdue = task;
    return tf_spawner_kill_host(slots->spawner, slot_id, error);
}
