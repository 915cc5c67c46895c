/* A host has ended: the task that it was at is blamed, or all that it had runs again. */
#include "slots/inner.h"

#include <string.h>
#include <sys/wait.h>

/* How a host has ended, and for what it was killed. */
typedef struct host_end {
    int status;                          /* as waitpid says it */
    bool distrusted;                     /* it was killed because a buffer held what can't be true */
    bool is_innocent;                    /* it was killed because this rank stood still */
    const char *nonsense[BATCH_BUFFERS]; /* what that was; NULL: the buffer held no such thing */
    int64_t overdue;                     /* the task that had taken too long, for which it was killed; -1: none */
} host_end;

/* Why a host ended, for the message of the task that it was at. */
static void describe_end(const tf_stage_spec *stage, int status, bool overdue, tf_buf *message) {
    char text[64];
    if (overdue) {
        tf_buf_addf(message, "timeout after %s", tf_format_duration(stage->timeout, text));
        return;
    }
    if (WIFSIGNALED(status))
        tf_buf_addf(message, "killed by %s", tf_format_signal(WTERMSIG(status), text));
    else
        tf_buf_addf(message, "the function ended its process with exit status %d", WEXITSTATUS(status));
    batch_add_limit(stage, message);
}

/* Copies the rows that a host had finished before it ended; and adds the row behind them, if that has failed by the
 * host's end: then there is a message, else NULL. */
static const char *copy_last(tf_slots *slots, int slot_id, int b, const batch_claim *claim, const tf_buf *message,
                             tf_status failed, int end, batch_part *part, tf_rows *rows) {
    const batch_order *order = &slots->slot[slot_id].order[b];
    const char *nonsense = collect_part(slots, slot_id, b, claim, claim->ended, part, rows);
    if (nonsense || !message)
        return nonsense;
    if (slots->campaign->stage[order->stage].outputs)
        files_discard(slots->campaign, slots_files(slots), order->stage, order->first + claim->ended);
    rows_back_add_failed(&slots->back, slots->campaign, order, failed, message, end, part, rows);
    return NULL;
}

/* A host left nonsense in the buffer: which of the rows that are not passed on yet did it, or those of a batch before?
 * They are to run one by one; one that was alone has failed. */
static tf_err disown(tf_slots *slots, int slot_id, int b, const char *nonsense, int status, const delivery *d) {
    slot *s = &slots->slot[slot_id];
    const batch_order *order = &s->order[b];
    const batch_part *last = &s->passed[b];
    const batch_claim claim = {.ended = last->end, .blobs_size = last->blobs_end, .seconds = tf_now() - order->given};
    const bool alone = s->apart[b];
    const tf_interval left = collect_rest(order, last->end + (alone ? 1 : 0));
    batch_part part;
    tf_rows rows;
    tf_buf message = {0};
    tf_buf_addf(&message,
                "memory that taskfarm shares with the task's process was written over (%s): does the function write "
                "beyond the end of its arrays?",
                nonsense);
    copy_last(slots, slot_id, b, &claim, alone ? &message : NULL, TF_STATUS_FAILED, status, &part, &rows);
    tf_buf_free(&message);
    tf_intervals_add(&slots->apart[order->stage], left.first, left.end);
    slot_reclaim_buffer(slots, slot_id, b);
    return collect_pass_on(slots, slot_id, b, &part, &rows, left, d);
}

/* A host ended while it had the buffer: the row under way has failed, those after it were not started. A batch function
 * has all rows under way; they are to run one by one, to find out which it is. None was under way if the batch was over
 * (its time is noted then) and the host could not say so, since a function has closed its socket. */
static tf_err blame(tf_slots *slots, int slot_id, int b, const host_end *end, const delivery *d) {
    slot *s = &slots->slot[slot_id];
    const batch_order *order = &s->order[b];
    batch_claim claim;
    batch_part part;
    tf_rows rows;
    const char *nonsense = end->nonsense[b];
    if (!nonsense)
        nonsense = rows_back_claim(&s->map[b], order, &s->passed[b], &claim);
    if (nonsense)
        return disown(slots, slot_id, b, nonsense, end->status, d);
    bool begun = claim.started > 0;
    const bool is_over = claim.seconds > 0 && WIFEXITED(end->status) && WEXITSTATUS(end->status) == 0;
    const bool late = end->overdue >= 0 && end->overdue == order->first + claim.ended;
    tf_buf message = {0};
    describe_end(&slots->campaign->stage[order->stage], end->status, late, &message);
    notices_take(slots, slot_id, b, &claim);
    if (collect_is_together(&claim) && !end->is_innocent) {
        collect_part_ways(slots, slot_id, b, claim.ended, claim.calling_end, tf_buf_text(&message));
        begun = false;
    }
    claim.seconds = begun ? tf_now() - claim.started : 0;
    /* Was it killed for another task, or for none? */
    bool innocent = (end->overdue >= 0 && !late) || end->distrusted || end->is_innocent;
    bool guilty = begun && !innocent && !is_over && claim.ended < order->count;
    nonsense = copy_last(slots, slot_id, b, &claim, guilty ? &message : NULL,
                         late ? TF_STATUS_TIMEOUT : TF_STATUS_FAILED, end->status, &part, &rows);
    tf_buf_free(&message);
    if (nonsense)
        return disown(slots, slot_id, b, nonsense, end->status, d);
    slot_reclaim_buffer(slots, slot_id, b);
    return collect_pass_on(slots, slot_id, b, &part, &rows, collect_rest(order, claim.ended + (guilty ? 1 : 0)), d);
}

/* Has a host that ended begun the batch in the buffer? One that left nonsense there has. */
static bool has_begun(const slot *s, int b) {
    batch_claim claim;
    return s->given[b] &&
           (s->nonsense[b] || rows_back_claim(&s->map[b], &s->order[b], &s->passed[b], &claim) || claim.started > 0);
}

/* One host after the other has ended before its first batch. */
static tf_err give_up(int slot_id, int status, int failure, tf_error *error) {
    char text[64];
    tf_buf why = {0};
    if (failure)
        tf_buf_addf(&why, "can't fork: %s", strerror(failure));
    else if (WIFSIGNALED(status))
        tf_buf_addf(&why, "killed by %s", tf_format_signal(WTERMSIG(status), text));
    else
        tf_buf_addf(&why, "it ends with exit status %d", WEXITSTATUS(status));
    tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_PROCESS_LOST, "the host process of slot %d does not start: %s", slot_id,
                    tf_buf_text(&why));
    tf_buf_free(&why);
    return error->code;
}

tf_err blame_ended(tf_slots *slots, const spawner_message *ended, const delivery *d) {
    enum { MOST_STILLBORN = 3 };
    const int slot_id = ended->slot;
    slot *s = &slots->slot[slot_id];
    tf_err err = collect_batches(slots, slot_id, d);
    host_end end = {.status = ended->status,
                    .distrusted = slot_is_distrusted(s),
                    .is_innocent = ended->is_innocent,
                    .overdue = s->overdue};
    bool had[BATCH_BUFFERS], began = end.distrusted || end.is_innocent;
    for (int b = 0; b < BATCH_BUFFERS; b++) {
        had[b] = s->given[b];
        end.nonsense[b] = s->nonsense[b];
        began = began || has_begun(s, b);
    }
    s->stillborn = began ? 0 : s->stillborn + 1;
    if (s->stillborn >= MOST_STILLBORN)
        return give_up(slot_id, ended->status, ended->failure, d->error);
    if (err == TF_OK) /* first the new host: the callback may want to submit to it */
        err = slot_start(slots, slot_id, d->error);
    s->used = true; /* processes that the old host has started may still have the buffers */
    for (int b = 0; b < BATCH_BUFFERS && err == TF_OK; b++)
        if (had[b])
            err = blame(slots, slot_id, b, &end, d);
    return err;
}
