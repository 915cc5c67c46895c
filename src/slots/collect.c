/* Rows come back: of batches that are over, and of one that takes long. */
#include "host/runner.h"
#include "slots/inner.h"

#include <errno.h>
#include <sys/socket.h>

const char *collect_part(tf_slots *slots, int slot_id, int b, const batch_claim *claim, int64_t ended, batch_part *part,
                         tf_rows *rows) {
    slot *s = &slots->slot[slot_id];
    const batch_part *last = &s->passed[b];
    *part = (batch_part){.row = last->end, .end = ended, .blobs = last->blobs_end, .blobs_end = claim->blobs_size};
    part->seconds = claim->seconds > last->seconds ? claim->seconds - last->seconds : 0;
    return rows_back_copy(&slots->back, &s->map[b], slots->campaign, &s->order[b], part, rows);
}

/* Tasks that are left of those that run one by one stay such. */
tf_err collect_pass_on(tf_slots *slots, int slot_id, int b, const batch_part *part, const tf_rows *rows,
                       tf_interval left, const delivery *d) {
    slot *s = &slots->slot[slot_id];
    const batch_order *order = &s->order[b];
    const int64_t call = tf_stage_batch(&slots->campaign->stage[order->stage]);
    double before = s->passed[b].seconds;
    tf_rows told = *rows;
    s->passed[b] = *part;
    s->passed[b].seconds += before;
    (*d->events)++;
    if (order->one_by_one)
        tf_intervals_add(&slots->one_by_one[order->stage], left.first, left.end);
    else if (call > 1)
        told.calls = notices_count_calls(rows->first, rows->first + rows->count, call);
    told.notice = slots->notice;
    told.notices = slots->notices;
    const tf_err err = wanted_pass_on(slots, slot_id, order, &told, left, d);
    slots->notices = 0;
    return err;
}

void collect_part_ways(tf_slots *slots, int slot_id, int b, int64_t row, int64_t end, const char *why) {
    const batch_order *order = &slots->slot[slot_id].order[b];
    tf_intervals_add(&slots->one_by_one[order->stage], order->first + row, order->first + end);
    notices_take_vain(slots, slot_id, b, row, end, why);
}

/* Does one call run several rows, from the one behind those that have ended? A call of one row is blamed on that. */
bool collect_is_together(const batch_claim *claim) {
    return claim->calling_end > claim->ended + 1;
}

tf_interval collect_rest(const batch_order *order, int64_t row) {
    return (tf_interval){order->first + row, order->first + order->count};
}

/* One of these rows has changed the process of all, so none of them counts: each is run again in a process of its own.
 */
static void set_apart(tf_slots *slots, int slot_id, int b, batch_claim *claim) {
    const batch_order *order = &slots->slot[slot_id].order[b];
    const batch_part *passed = &slots->slot[slot_id].passed[b];
    tf_intervals_add(&slots->apart[order->stage], order->first + passed->end, order->first + claim->ended);
    claim->ended = passed->end;
    claim->blobs_size = passed->blobs_end;
}

/* A host is done with a buffer: what is left of its rows is passed on, and it is ours again. */
static tf_err deliver(tf_slots *slots, int slot_id, int b, const delivery *d) {
    slot *s = &slots->slot[slot_id];
    batch_claim claim;
    batch_part part;
    tf_rows rows;
    const char *nonsense = rows_back_claim(&s->map[b], &s->order[b], &s->passed[b], &claim);
    if (!nonsense && claim.changed && !s->apart[b])
        set_apart(slots, slot_id, b, &claim);
    if (!nonsense)
        nonsense = collect_part(slots, slot_id, b, &claim, claim.ended, &part, &rows);
    if (nonsense)
        return slot_distrust(slots, slot_id, b, nonsense, d->error);
    if (collect_is_together(&claim))
        collect_part_ways(slots, slot_id, b, claim.ended, claim.calling_end, NULL);
    notices_take(slots, slot_id, b, &claim);
    starts_count(slots, s->order[b].stage, &claim, &s->map[b]);
    if (claim.unread)
        blocks_take_over(slots, s->order[b].stage);
    slot_reclaim_buffer(slots, slot_id, b);
    s->worn = s->worn || claim.changed || claim.refused;
    return collect_pass_on(slots, slot_id, b, &part, &rows, collect_rest(&s->order[b], claim.ended), d);
}

tf_err collect_finished(tf_slots *slots, int slot_id, int b, batch_claim *claim, const char **nonsense,
                        const delivery *d) {
    batch_part part;
    tf_rows rows;
    const slot *s = &slots->slot[slot_id];
    const bool is_inside = runner_find(&slots->campaign->stage[s->order[b].stage].run)->is_inside;
    const int64_t ended = is_inside ? claim->sound : claim->ended;
    claim->seconds = tf_now() - claim->started;
    if (ended <= s->passed[b].end)
        return TF_OK;
    *nonsense = collect_part(slots, slot_id, b, claim, ended, &part, &rows);
    return *nonsense ? TF_OK : collect_pass_on(slots, slot_id, b, &part, &rows, (tf_interval){0, 0}, d);
}

/* Kills the host whose task has taken longer than it may; the row is blamed when the host's end is known. A batch
 * function may take as long as its tasks one by one. */
static tf_err end_overdue(tf_slots *slots, int slot_id, int b, const batch_claim *claim, tf_error *error) {
    slot *s = &slots->slot[slot_id];
    const batch_order *order = &s->order[b];
    const tf_stage_spec *stage = &slots->campaign->stage[order->stage];
    double most =
        stage->timeout * (claim->calling_end > claim->ended ? (double)(claim->calling_end - claim->ended) : 1);
    if (stage->timeout <= 0 || s->overdue >= 0 || claim->row_started <= 0 || tf_now() - claim->row_started <= most)
        return TF_OK;
    s->overdue = order->first + claim->ended;
    return tf_spawner_kill_host(slots->spawner, slot_id, error);
}

/* What is noticed is told before the first row is there, which may take hours. */
static tf_err tell_at_once(tf_slots *slots, int slot_id, int b, const batch_claim *claim, const delivery *d) {
    const slot *s = &slots->slot[slot_id];
    const batch_order *order = &s->order[b];
    notices_take(slots, slot_id, b, claim);
    if (slots->notices == 0)
        return TF_OK;
    const tf_rows none = {.stage = order->stage, .attempt = order->attempt, .first = order->first + s->passed[b].end};
    const batch_part part = {.row = s->passed[b].end,
                             .end = s->passed[b].end,
                             .blobs = s->passed[b].blobs_end,
                             .blobs_end = s->passed[b].blobs_end};
    return collect_pass_on(slots, slot_id, b, &part, &none, (tf_interval){0, 0}, d);
}

/* A batch that has taken longer than `slow` seconds must not keep its finished rows from the file. */
tf_err collect_from_running(tf_slots *slots, int slot_id, int b, double slow, const delivery *d) {
    slot *s = &slots->slot[slot_id];
    batch_claim claim;
    const char *nonsense = rows_back_claim(&s->map[b], &s->order[b], &s->passed[b], &claim);
    tf_err err = nonsense ? TF_OK : end_overdue(slots, slot_id, b, &claim, d->error);
    if (!nonsense && err == TF_OK && s->leaving[b].tasks.total > 0)
        err = leave_running(slots, slot_id, b, &claim, d->error);
    if (!nonsense && err == TF_OK)
        err = tell_at_once(slots, slot_id, b, &claim, d);
    if (!nonsense && err == TF_OK && claim.ended > 0 && tf_now() - claim.started >= slow)
        err = collect_finished(slots, slot_id, b, &claim, &nonsense, d);
    return nonsense ? slot_distrust(slots, slot_id, b, nonsense, d->error) : err;
}

/* Batches that the host had finished before it ended count as finished. */
tf_err collect_batches(tf_slots *slots, int slot_id, const delivery *d) {
    slot *s = &slots->slot[slot_id];
    while (!slot_is_distrusted(s)) {
        host_message message;
        ssize_t got = recv(s->socket, &message, sizeof message, MSG_DONTWAIT);
        if (got < 0 && errno == EINTR)
            continue;
        if (got != (ssize_t)sizeof message) {
            if (got == 0) /* ended: the spawner says how */
                slots->polled[slot_id].fd = -1;
            return TF_OK;
        }
        const int b = message.buffer;
        if (b < 0 || b >= BATCH_BUFFERS || !s->given[b])
            return slot_distrust(slots, slot_id, 0, "the number of its buffer", d->error);
        s->next = (b + 1) % BATCH_BUFFERS;
        tf_err err = deliver(slots, slot_id, b, d);
        if (err != TF_OK)
            return err;
    }
    return TF_OK;
}
