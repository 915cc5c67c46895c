/* The worker's tasks wait in a queue of intervals until a slot has room. A batch takes what the stage's estimate says
 * will take a short while, but no more than a fair share of the queue, so that all slots stay busy to the end. A second
 * batch waits behind a running one only where tasks are so short that handing over would cost; behind a long task it
 * would be stuck.
 *
 * While storage fails nothing more is begun: what comes back is kept, and written again in the turns that follow. So
 * the rank goes on answering. What has not been written is not reported either. */
#include "farm/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/storage.h"
#include "farm/contact.h"
#include "farm/kept_rows.h"
#include "farm/reopened.h"
#include "farm/reports.h"
#include "farm/shared_tasks.h"
#include "farm/task_queue.h"
#include "farm/unwritten.h"
#include "sched/sched.h"

#define BATCH_SECONDS    0.05
#define OVERTAKE_SECONDS 1.0 /* s for which others overtake a piece of the queue that finds no room */

enum { MASTER = 0 };

struct worker {
    const tf_campaign *campaign;
    const transport *transport;
    const tf_clock *clock;
    const executor *executor;
    const output *output;
    int64_t slots;
    bool is_mixed;         /* stages differ in what their tasks need */
    double sync;           /* s between times that results are brought to disk; 0: they are not */
    tf_estimate *estimate; /* per stage */
    task_queue queue;
    double blocked_since; /* when the next piece first found no room; 0: it was not tried */
    int64_t held;         /* tasks that were granted and have not ended */
    kept_rows *kept;      /* rows of tasks that have failed, and that the master decides on */
    reports reports;      /* what has not been reported yet */
    shared_tasks *shared; /* tasks that another may have, too */
    contact contact;
    double spoke;                 /* when something was last sent to the master, but for questions */
    int idle_told;                /* idle slots that the master knows of */
    bool *is_refused;             /* per stage: it can't be run here, and the master knows why */
    uint32_t (*told)[TF_NOTICES]; /* per stage: parts of notices that the master has been told of */
    drain_how draining;           /* 0: it takes grants */
    bool has_drained;             /* DRAINED was sent */
    drained_message unable;       /* why nothing can be run any more; "": as far as is known it can */
    bool is_broken;               /* BROKEN was sent, or is to be: the worker does nothing else */
    reopened reopened;            /* rows of which some are to be tried again */
    unwritten unwritten;          /* rows that could not be written */
    tf_patience patience;         /* with storage */
};

static double now(const worker *w) {
    return tf_clock_now(w->clock);
}

/* ---- The beginning and the end ---- */

static void say_hello(const worker *w, const tf_resources *has) {
    hello_message hello = {.slots = (int32_t)has->slots,
                           .memory = has->memory,
                           .gpus = (int32_t)has->gpus,
                           .locked = w->output->is_locked(w->output->context)};
    gethostname(hello.host, sizeof hello.host - 1);
    transport_send(w->transport, MASTER, TAG_HELLO, &hello, sizeof hello);
}

worker *worker_new(const tf_campaign *campaign, const transport *t, const tf_clock *clock, const executor *e,
                   const output *o, const terms *agreed, double sync) {
    worker *w = tf_alloc(sizeof *w);
    const tf_resources has = e->has(e->context);
    *w = (worker){.campaign = campaign,
                  .transport = t,
                  .clock = clock,
                  .executor = e,
                  .output = o,
                  .slots = has.slots,
                  .sync = sync,
                  .patience = {.limit = agreed->patience},
                  .reports = {.campaign = campaign}};
    w->kept = kept_rows_new(campaign);
    w->shared = shared_tasks_new(campaign, t, e);
    w->estimate = tf_alloc_array((size_t)campaign->stages, sizeof *w->estimate);
    w->is_refused = tf_alloc_array((size_t)campaign->stages, sizeof *w->is_refused);
    w->told = tf_alloc_array((size_t)campaign->stages, sizeof *w->told);
    for (int s = 1; s < campaign->stages; s++)
        w->is_mixed = w->is_mixed || !tf_resources_equal(&campaign->stage[s].need, &campaign->stage[0].need);
    say_hello(w, &has);
    w->spoke = now(w);
    w->contact = contact_begin(agreed->patience, t->ranks, w->spoke);
    return w;
}

void worker_free(worker *w) {
    if (!w)
        return;
    free(w->estimate);
    free(w->is_refused);
    free(w->told);
    task_queue_free(&w->queue);
    kept_rows_free(w->kept);
    shared_tasks_free(w->shared);
    reports_free(&w->reports);
    reopened_free(&w->reopened);
    unwritten_free(&w->unwritten);
    free(w);
}

/* ---- Stages that can't be run here ---- */

/* Tasks that were not begun are for another worker. */
static void give_back(worker *w, int stage, int attempt, tf_interval tasks) {
    unable_message m = {.stage = stage, .attempt = attempt, .first = tasks.first, .count = tasks.end - tasks.first};
    if (!w->is_refused[stage]) {
        snprintf(m.why, sizeof m.why, "%s", w->executor->refusal(w->executor->context, stage));
        m.is_sick = w->executor->is_sick(w->executor->context, stage);
    }
    w->is_refused[stage] = true;
    w->held -= m.count;
    shared_tasks_forget(w->shared, stage, tasks);
    transport_send(w->transport, MASTER, TAG_UNABLE, &m, sizeof m);
}

/* It turns out that the stage can't be run here: what waits of it is given back. */
static void refuse(worker *w, int stage) {
    give_back(w, stage, 1, (tf_interval){0, 0});
    for (size_t place = w->queue.count; place-- > 0;) {
        const piece p = w->queue.piece[place];
        if (p.stage != stage)
            continue;
        task_queue_drop(&w->queue, place);
        give_back(w, stage, p.attempt, p.tasks);
    }
}

/* ---- What comes into the queue ---- */

static void add_grant(worker *w, const grant_message *grant) {
    if (w->is_refused[grant->stage]) { /* it was on its way when the master did not know */
        w->held += grant->count;
        w->idle_told = 0;
        give_back(w, grant->stage, grant->attempt, (tf_interval){grant->first, grant->first + grant->count});
        return;
    }
    const tf_interval tasks = {grant->first, grant->first + grant->count};
    task_queue_add(&w->queue, (piece){.stage = grant->stage, .attempt = grant->attempt, .tasks = tasks});
    w->held += grant->count;
    w->idle_told = 0;
}

void worker_grant(worker *w, const grant_message *grants, size_t count) {
    contact_meet(&w->contact);
    for (size_t n = 0; n < count; n++)
        add_grant(w, &grants[n]);
}

void worker_drain(worker *w, drain_how how) {
    w->draining = how > w->draining ? how : w->draining;
    task_queue_clear(&w->queue);
}

/* Tasks that a host did not get to come next. */
static void requeue(worker *w, int stage, int attempt, tf_interval tasks) {
    if (tasks.first >= tasks.end || w->draining)
        return;
    if (w->is_refused[stage]) {
        give_back(w, stage, attempt, tasks);
        return;
    }
    task_queue_add_next(&w->queue, (piece){.stage = stage, .attempt = attempt, .tasks = tasks});
}

/* ---- Batches ---- */

static int64_t capacity_of(const worker *w, int stage) {
    return w->executor->capacity(w->executor->context, stage);
}

/* Tasks of the stage that one call runs. */
static int64_t call_of(const worker *w, int stage) {
    return tf_stage_batch(&w->campaign->stage[stage]);
}

/* So many tasks of the stage are a batch. */
static int64_t count_batch(const worker *w, int stage) {
    const int64_t by_time = tf_estimate_count(&w->estimate[stage], BATCH_SECONDS);
    const int64_t capacity = capacity_of(w, stage), share = (w->queue.tasks + capacity - 1) / capacity;
    return by_time < share ? by_time : share;
}

/* Where the first `count` of the tasks end. */
static int64_t end_of(const tf_intervals *tasks, int64_t count) {
    size_t n = 0;
    while (count > tasks->items[n].end - tasks->items[n].first) {
        count -= tasks->items[n].end - tasks->items[n].first;
        n++;
    }
    return tasks->items[n].first + count;
}

/* Gives the slot a batch of the piece at `place` in the queue. */
static tf_err submit_batch(worker *w, size_t place, int slot, tf_error *error) {
    const piece p = w->queue.piece[place];
    tf_intervals tasks = task_queue_gather(&w->queue, place, count_batch(w, p.stage), call_of(w, p.stage));
    const int64_t taken = w->executor->submit(w->executor->context, slot, p.stage, p.attempt, &tasks, error);
    if (taken > 0)
        task_queue_take(&w->queue, place, end_of(&tasks, taken));
    tf_intervals_free(&tasks);
    return taken == 0 ? error->code : TF_OK;
}

/* Submits batches of the piece at `place` while slots have room and it is there. */
static tf_err submit_piece(worker *w, size_t place, tf_error *error) {
    const int stage = w->queue.piece[place].stage;
    const size_t before = w->queue.count;
    while (w->queue.count == before) {
        const int slot = w->executor->place(w->executor->context, stage);
        if (slot < 0)
            break;
        const tf_err err = submit_batch(w, place, slot, error);
        if (err != TF_OK)
            return err;
    }
    return TF_OK;
}

/* May pieces go before the next one, for which there is no room? For a while, or it might never get it. */
static bool may_overtake(worker *w) {
    if (w->blocked_since == 0)
        w->blocked_since = now(w);
    return w->is_mixed && now(w) - w->blocked_since < OVERTAKE_SECONDS;
}

/* For idle slots, in the order of the queue. */
static tf_err feed_idle(worker *w, tf_error *error) {
    for (size_t place = w->queue.count; place-- > 0;) {
        const size_t before = w->queue.count;
        const bool is_next = place + 1 == before;
        const tf_err err = submit_piece(w, place, error);
        if (err != TF_OK)
            return err;
        const bool is_gone = w->queue.count < before;
        place -= is_gone ? before - w->queue.count - 1 : 0; /* pieces behind it that went along with it */
        if (is_gone && is_next)
            w->blocked_since = 0;
        else if (!is_gone && is_next && !may_overtake(w))
            break;
    }
    return TF_OK;
}

/* A batch in hand for slots that run short tasks. */
static tf_err feed_in_hand(worker *w, tf_error *error) {
    while (w->queue.count > 0) {
        const int stage = w->queue.piece[w->queue.count - 1].stage;
        const int64_t call = call_of(w, stage);
        const bool is_short = tf_estimate_count(&w->estimate[stage], BATCH_SECONDS) >= 2 * call;
        if (!is_short || w->queue.tasks < call * capacity_of(w, stage))
            break;
        const int slot = w->executor->place_in_hand(w->executor->context, stage);
        const tf_err err = slot >= 0 ? submit_batch(w, w->queue.count - 1, slot, error) : TF_OK;
        if (slot < 0 || err != TF_OK)
            return err;
    }
    return TF_OK;
}

static tf_err feed_slots(worker *w, tf_error *error) {
    const tf_err err = feed_idle(w, error);
    return err == TF_OK ? feed_in_hand(w, error) : err;
}

/* ---- Rows ---- */

/* Is it for the master to say whether tasks have failed, or this worker? */
static bool is_judged(const worker *w) {
    enum { MASTER_AND_WORKER = 2 };
    return w->transport->ranks > MASTER_AND_WORKER && (!w->draining || w->draining == DRAIN_SICK);
}

/* What is news, or counted. */
static void send_notices(worker *w, const tf_rows *rows) {
    for (const tf_notice *n = rows->notice; n < rows->notice + rows->notices; n++) {
        uint32_t *told = &w->told[n->stage][n->kind];
        const bool is_news = n->parts & ~*told;
        *told |= n->parts;
        if (is_news || tf_notice_table[n->kind].is_counted)
            transport_send(w->transport, MASTER, TAG_NOTICE, n, sizeof *n);
    }
}

/* Was it the last attempt of the rows' tasks? */
static bool is_last(const worker *w, const tf_rows *rows) {
    return rows->attempt > w->campaign->stage[rows->stage].retries;
}

static pending_rows pending_of(const worker *w, const tf_rows *rows) {
    return is_last(w, rows) ? PENDING_KEPT : PENDING_RETRY;
}

/* Rows that have come back are in the file: notes what the master is to be told of them. */
static void note_written(worker *w, const tf_rows *rows, tf_interval left) {
    if (!w->draining && !w->is_refused[rows->stage] && w->executor->refusal(w->executor->context, rows->stage))
        refuse(w, rows->stage);
    requeue(w, rows->stage, rows->attempt, left);
    if (rows->count == 0)
        return;
    tf_estimate_add(&w->estimate[rows->stage], rows->count, rows->seconds);
    if (rows->failed > 0)
        reports_send_failures(rows, w->transport, MASTER);
    reports_add(&w->reports, rows, pending_of(w, rows));
    w->held -= rows->count;
}

static void tell_of_storage(const worker *w, bool fails, const tf_buf *text) {
    storage_message message = {.fails = fails};
    snprintf(message.text, sizeof message.text, "%s", tf_buf_text(text));
    transport_send(w->transport, MASTER, TAG_STORAGE, &message, sizeof message);
}

/* Is what has failed to be tried again? Only once storage works nothing is. */
static bool storage_may_recover(worker *w, const tf_error *error) {
    const bool is_first = !tf_patience_is_tried(&w->patience);
    if (error->code != TF_ERR_STOPPED || !tf_patience_fails(&w->patience, now(w)))
        return false;
    tf_buf text = {0};
    tf_patience_tell(&w->patience, error->text, &text);
    if (is_first)
        tell_of_storage(w, true, &text);
    tf_buf_free(&text);
    return true;
}

static void storage_works(worker *w) {
    tf_buf text = {0};
    tf_patience_tell_end(w->campaign->output, &text);
    if (tf_patience_works(&w->patience))
        tell_of_storage(w, false, &text);
    tf_buf_free(&text);
}

static void ask(worker *w, double silence) {
    const alive_message question = {.asked = now(w), .silence = silence};
    transport_send(w->transport, MASTER, TAG_ALIVE, &question, sizeof question);
}

/* Does it take long to write the rows, if the disk is slow? */
static bool is_large(const worker *w, const tf_rows *rows) {
    const double slow = 1e6; /* bytes/s */
    const tf_stage_spec *stage = &w->campaign->stage[rows->stage];
    double bytes = (double)rows->blobs_size;
    for (int c = 0; c < stage->columns; c++)
        bytes += (double)rows->count * (double)tf_column_bytes(&stage->column[c]);
    return bytes > slow * w->contact.patience;
}

/* The master is told before that nothing may be heard for a while. Where there are no rows the stage may be over: what
 * has come back was left. */
static tf_err write_rows(worker *w, const tf_rows *rows, tf_error *error) {
    if (rows->count == 0)
        return TF_OK;
    const bool large = is_large(w, rows);
    if (large)
        ask(w, TOGETHER * w->contact.patience);
    const tf_err err = w->output->write(w->output->context, rows, error);
    if (large)
        ask(w, 0);
    return err;
}

/* Writes the rows, or keeps them for later: storage fails, or the master has not been heard, and others may be given
 * their tasks. `is_of_a_slot`: they have come back from one. */
static tf_err write_or_keep(worker *w, const tf_rows *rows, tf_interval left, bool is_of_a_slot, tf_error *error) {
    const bool is_kept = w->unwritten.count > 0 || !contact_may_write(&w->contact, now(w));
    const tf_err err = is_kept ? TF_OK : write_rows(w, rows, error);
    if (is_kept || (err != TF_OK && storage_may_recover(w, error)))
        unwritten_add(&w->unwritten, w->campaign, rows, left, is_of_a_slot);
    else if (err == TF_OK && is_of_a_slot)
        note_written(w, rows, left);
    else
        return err;
    return TF_OK;
}

/* Rows of tasks that this worker alone has, or that it may write. */
static tf_err accept_own(void *context, int slot, const tf_rows *rows, tf_interval left, tf_error *error) {
    (void)slot;
    worker *w = context;
    const bool last = is_last(w, rows);
    tf_rows open;
    if (rows->failed > 0 && (!last || is_judged(w))) {
        const int64_t from = last ? reopened_find_failed(rows) : 0;
        if (last && from < rows->count)
            kept_rows_add(w->kept, rows, from);
        open = reopened_rows(&w->reopened, rows, from);
        rows = &open;
    }
    send_notices(w, rows);
    return write_or_keep(w, rows, left, true, error);
}

static tf_err accept_rows(void *context, int slot, const tf_rows *rows, tf_interval left, tf_error *error) {
    worker *w = context;
    if (!shared_tasks_are_there(w->shared))
        return accept_own(w, slot, rows, left, error);
    int64_t dropped = 0;
    const tf_err err = shared_tasks_pass_on(w->shared, slot, rows, left, accept_own, w, &dropped, error);
    w->held -= dropped;
    return err;
}

/* Writes what could not be written, if it is time to try again. */
static tf_err write_kept(worker *w, tf_error *error) {
    if (w->unwritten.count == 0 || now(w) < w->patience.next)
        return TF_OK;
    while (w->unwritten.count > 0) {
        const unwritten_rows *kept = unwritten_first(&w->unwritten);
        const tf_err err = write_rows(w, &kept->rows, error);
        if (err != TF_OK)
            return storage_may_recover(w, error) ? TF_OK : err;
        if (kept->is_of_a_slot)
            note_written(w, &kept->rows, kept->left);
        unwritten_drop_first(&w->unwritten);
    }
    storage_works(w);
    return TF_OK;
}

/* Nothing is to be done any more but to tell the master why. */
static void break_off(worker *w, const tf_error *error) {
    broken_message broken = {.code = (int32_t)error->code, .id = (int32_t)error->id};
    memcpy(broken.text, error->text, sizeof broken.text);
    transport_send(w->transport, MASTER, TAG_BROKEN, &broken, sizeof broken);
    w->is_broken = true;
}

bool worker_is_behind(const worker *w) {
    return w->unwritten.count > 0 && !w->is_broken;
}

static tf_err write_settled(void *context, int slot, const tf_rows *rows, tf_interval left, tf_error *error) {
    (void)slot;
    return write_or_keep(context, rows, left, false, error);
}

static tf_err write_failed(void *context, const tf_rows *rows, tf_error *error) {
    worker *w = context;
    reports_send_failures(rows, w->transport, MASTER);
    return write_or_keep(w, rows, (tf_interval){0, 0}, false, error);
}

void worker_judge(worker *w, const verdict_message *v) {
    const tf_interval tasks = {v->first, v->first + v->count};
    tf_error error;
    if (!w->is_broken &&
        kept_rows_settle(w->kept, v->stage, tasks, v->is_failure ? write_failed : NULL, w, &error) != TF_OK)
        break_off(w, &error);
    transport_send(w->transport, MASTER, TAG_SETTLED, NULL, 0);
}

void worker_double(worker *w, const double_message *m) {
    int attempt;
    if (m->is_second) {
        shared_tasks_add(w->shared, m->stage, m->task);
    } else if (task_queue_remove(&w->queue, m->stage, m->task, &attempt)) {
        w->held--;
        shared_tasks_give_back(w->shared, m, attempt);
    } else {
        shared_tasks_answer(w->shared, m);
    }
}

static void leave_task(worker *w, int stage, int64_t task) {
    int attempt;
    const shared_left how = shared_tasks_leave(w->shared, stage, task);
    if (how == SHARED_WAS_WAITING || (how == SHARED_IS_QUEUED && task_queue_remove(&w->queue, stage, task, &attempt)))
        w->held--;
}

void worker_rule(worker *w, const rule_message *m) {
    tf_error error;
    if (!m->may_write)
        leave_task(w, m->stage, m->task);
    else if (!w->is_broken && shared_tasks_release(w->shared, m->stage, m->task, accept_own, w, &error) != TF_OK)
        break_off(w, &error);
}

void worker_settle(worker *w, const settle_message *m) {
    tf_error error;
    if (!w->is_broken && w->executor->settle(w->executor->context, w->campaign, m->stage, m->first, m->count,
                                             (tf_status)m->status, m->message, write_settled, w, &error) != TF_OK)
        break_off(w, &error);
}

/* ---- A turn ---- */

static tf_standing standing(const worker *w) {
    return (tf_standing){.workers = w->transport->ranks - 1,
                         .ended = w->reports.tasks,
                         .held = w->held,
                         .slots = (int)w->slots,
                         .idle = w->executor->idle(w->executor->context),
                         .queue_empty = w->queue.count == 0,
                         .since = now(w) - w->spoke};
}

/* Says what has ended, or that slots are idle. */
static void speak(worker *w) {
    const tf_standing at = standing(w);
    const bool at_once = w->draining || w->is_broken;
    if (w->reports.count > 0 && (at_once || tf_should_report(&at))) {
        reports_send(&w->reports, w->transport, MASTER);
    } else if (!at_once && tf_should_say_idle(&at, w->idle_told)) {
        w->idle_told = at.idle;
        transport_send(w->transport, MASTER, TAG_IDLE, &(idle_message){.idle = at.idle}, sizeof(idle_message));
    } else {
        return;
    }
    w->spoke = now(w);
}

static void end_draining(worker *w) {
    if (!w->draining || w->unwritten.count > 0 || shared_tasks_wait(w->shared) ||
        w->executor->idle(w->executor->context) < w->slots)
        return;
    transport_send(w->transport, MASTER, TAG_DRAINED, &w->unable, *w->unable.why ? sizeof w->unable : 0);
    w->has_drained = true;
}

/* ---- In touch ---- */

void worker_heard(worker *w, const alive_message *answer) {
    contact_hear(&w->contact, answer->asked, answer->silence);
}

worker_touch worker_keep_touch(worker *w) {
    const double at = now(w);
    contact_look(&w->contact, at);
    if (contact_asks(&w->contact, at))
        ask(w, 0);
    if (contact_is_lost(&w->contact))
        return WORKER_IS_LOST;
    return contact_may_write(&w->contact, at) ? WORKER_IS_HEARD : WORKER_IS_UNHEARD;
}

/* ---- The slots' turn ---- */

/* Gives slots what they may begin. What tasks take of other stages is read then: that may fail, too. A rank that was
 * stopped may find here that others have its tasks. */
static tf_err begin_tasks(worker *w, tf_error *error) {
    if (!contact_may_write(&w->contact, now(w)) || w->unwritten.count > 0 ||
        (tf_patience_is_tried(&w->patience) && now(w) < w->patience.next))
        return TF_OK;
    const tf_err err = feed_slots(w, error);
    if (err == TF_OK)
        storage_works(w);
    return err != TF_OK && storage_may_recover(w, error) ? TF_OK : err;
}

/* Without its spawner a rank runs nothing any more; what it has can be written still. */
static bool lost_spawner(const tf_error *error) {
    return error->code == TF_ERR_STOPPED && error->id == TF_DIAG_PROCESS_LOST;
}

/* What it held is for others. */
static void give_way(worker *w, const tf_error *why) {
    if (!*w->unable.why)
        snprintf(w->unable.why, sizeof w->unable.why, "%s", why->text);
    worker_drain(w, DRAIN_SICK);
}

/* `*events` counts batches that have come back. */
static tf_err run_slots(worker *w, double timeout, int *events, tf_error *error) {
    const executor *e = w->executor;
    tf_err err = write_kept(w, error);
    if (err == TF_OK)
        err = begin_tasks(w, error);
    if (err == TF_OK && !*w->unable.why)
        err = e->poll(e->context, timeout, accept_rows, w, events, error);
    if (err == TF_OK && w->draining >= DRAIN_SICK)
        err = e->give_up(e->context, accept_rows, w, error);
    if (err == TF_OK && w->sync > 0 && w->unwritten.count == 0)
        err = w->output->sync(w->output->context, w->sync, error);
    if (err == TF_OK) /* before the report: the master's answer takes a while */
        err = begin_tasks(w, error);
    return err;
}

bool worker_step(worker *w, double timeout) {
    int events = 0;
    tf_error error;
    if (w->is_broken)
        return false;
    if (w->has_drained) { /* it may be a while before the others have */
        speak(w);
        return false;
    }
    tf_err err = run_slots(w, timeout, &events, &error);
    if (err != TF_OK && lost_spawner(&error)) {
        give_way(w, &error);
        err = TF_OK;
    }
    w->is_broken = err != TF_OK; /* what has ended is told first */
    speak(w);
    if (err != TF_OK) {
        break_off(w, &error);
        return true;
    }
    end_draining(w);
    return events > 0;
}
