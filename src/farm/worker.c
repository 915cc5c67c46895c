/* The worker's tasks wait in a queue of intervals until a slot has room. A batch takes what the stage's estimate says
 * will take a short while, but no more than a fair share of the queue, so that all slots stay busy to the end. A second
 * batch waits behind a running one only where tasks are so short that handing over would cost; behind a long task it
 * would be stuck. */
#include "farm/worker.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sched/sched.h"

#define BATCH_SECONDS 0.05
#define PATIENCE      1.0 /* s that a piece of the queue, for which there is no room, is overtaken by others */

enum { MASTER = 0 };

typedef struct piece {
    int stage;
    int attempt;
    tf_interval tasks;
} piece;

struct worker {
    const tf_campaign *campaign;
    const transport *transport;
    const tf_clock *clock;
    const executor *executor;
    const output *output;
    int64_t slots;
    bool mixed; /* stages need different things */
    double sync;
    double told;           /* when the master last heard of this worker */
    tf_estimate *estimate; /* per stage */
    uint32_t *changed;     /* per stage: what the master knows that its function changes */
    piece *queue;          /* a stack turned round: the next piece is the last */
    size_t queued, capacity;
    int64_t waiting; /* tasks in the queue */
    double blocked;  /* since when the next piece finds no room, though others behind it may; 0: it is not known to */
    int64_t held;    /* tasks granted that have not ended */
    int64_t ended;   /* tasks in the reports below */
    report_message *report;
    size_t reports, report_capacity;
    int told_idle;        /* idle slots that the master knows of */
    drain_how how;        /* 0: not draining */
    bool drained;         /* and said so */
    tf_buf status, texts; /* of rows where some are to be tried again */
    bool broken;
};

static double now(const worker *w) {
    return tf_clock_now(w->clock);
}

worker *worker_new(const tf_campaign *campaign, const transport *t, const tf_clock *clock, const executor *e,
                   const output *o, double sync) {
    worker *w = tf_alloc(sizeof *w);
    const tf_resources has = e->has(e->context);
    *w = (worker){.campaign = campaign,
                  .transport = t,
                  .clock = clock,
                  .executor = e,
                  .output = o,
                  .slots = has.slots,
                  .sync = sync};
    w->estimate = tf_alloc_array((size_t)campaign->stages, sizeof *w->estimate);
    w->changed = tf_alloc_array((size_t)campaign->stages, sizeof *w->changed);
    for (int s = 1; s < campaign->stages; s++)
        w->mixed = w->mixed || !tf_resources_equal(&campaign->stage[s].need, &campaign->stage[0].need);
    hello_message hello = {.slots = (int32_t)has.slots,
                           .memory = has.memory,
                           .gpus = (int32_t)has.gpus,
                           .locked = o->is_locked(o->context)};
    gethostname(hello.host, sizeof hello.host - 1);
    transport_send(t, MASTER, TAG_HELLO, &hello, sizeof hello);
    w->told = now(w);
    return w;
}

void worker_free(worker *w) {
    if (!w)
        return;
    free(w->estimate);
    free(w->changed);
    free(w->queue);
    free(w->report);
    tf_buf_free(&w->status);
    tf_buf_free(&w->texts);
    free(w);
}

/* ---- The queue ---- */

static void make_room(worker *w) {
    if (w->queued < w->capacity)
        return;
    w->capacity = w->capacity ? 2 * w->capacity : 16;
    w->queue = tf_realloc_array(w->queue, w->capacity, sizeof *w->queue);
}

void worker_grant(worker *w, const grant_message *grant) {
    make_room(w);
    memmove(w->queue + 1, w->queue, w->queued * sizeof *w->queue);
    w->queue[0] =
        (piece){.stage = grant->stage, .attempt = grant->attempt, .tasks = {grant->first, grant->first + grant->count}};
    w->queued++;
    w->waiting += grant->count;
    w->held += grant->count;
    w->told_idle = 0;
}

void worker_drain(worker *w, drain_how how) {
    w->how = how;
    w->queued = 0;
    w->waiting = 0;
}

/* Tasks that a host did not get to: they come next. */
static void put_back(worker *w, int stage, int attempt, tf_interval tasks) {
    if (tasks.first >= tasks.end || w->how)
        return;
    make_room(w);
    w->queue[w->queued++] = (piece){.stage = stage, .attempt = attempt, .tasks = tasks};
    w->waiting += tasks.end - tasks.first;
}

/* Of the piece at `at` in the queue. */
static tf_err give_batch(worker *w, size_t at, int slot, tf_error *error) {
    piece *next = &w->queue[at];
    int64_t count = next->tasks.end - next->tasks.first;
    int64_t by_time = tf_estimate_count(&w->estimate[next->stage], BATCH_SECONDS);
    int64_t lanes = w->executor->lanes(w->executor->context, next->stage);
    int64_t share = (w->waiting + lanes - 1) / lanes;
    int64_t wanted = by_time < share ? by_time : share;
    int64_t given = w->executor->submit(w->executor->context, slot, next->stage, next->attempt, next->tasks.first,
                                        wanted < count ? wanted : count, error);
    if (given == 0)
        return error->code;
    next->tasks.first += given;
    w->waiting -= given;
    if (next->tasks.first == next->tasks.end)
        memmove(next, next + 1, (--w->queued - at) * sizeof *next);
    return TF_OK;
}

/* May pieces go before the next one, for which there is no room? For a while, or it might never get it. */
static bool may_overtake(worker *w) {
    if (w->blocked == 0)
        w->blocked = now(w);
    return w->mixed && now(w) - w->blocked < PATIENCE;
}

/* Idle slots, in the order of the queue. */
static tf_err feed_idle(worker *w, tf_error *error) {
    for (size_t at = w->queued; at-- > 0;) {
        const bool is_next = at + 1 == w->queued;
        const int stage = w->queue[at].stage;
        const size_t before = w->queued;
        tf_err err = TF_OK;
        for (int slot;
             err == TF_OK && w->queued == before && (slot = w->executor->place(w->executor->context, stage)) >= 0;)
            err = give_batch(w, at, slot, error);
        if (err != TF_OK)
            return err;
        if (w->queued < before && is_next)
            w->blocked = 0;
        else if (w->queued == before && is_next && !may_overtake(w))
            break;
    }
    return TF_OK;
}

/* A batch in hand for slots that run short tasks. */
static tf_err feed_in_hand(worker *w, tf_error *error) {
    while (w->queued > 0) {
        const int stage = w->queue[w->queued - 1].stage;
        if (tf_estimate_count(&w->estimate[stage], BATCH_SECONDS) < 2 ||
            w->waiting < w->executor->lanes(w->executor->context, stage))
            break;
        int slot = w->executor->place_in_hand(w->executor->context, stage);
        tf_err err = slot >= 0 ? give_batch(w, w->queued - 1, slot, error) : TF_OK;
        if (slot < 0 || err != TF_OK)
            return err;
    }
    return TF_OK;
}

static tf_err feed_slots(worker *w, tf_error *error) {
    tf_err err = feed_idle(w, error);
    return err == TF_OK ? feed_in_hand(w, error) : err;
}

/* ---- Rows ---- */

static void add_report(worker *w, report_message report) {
    report_message *last = w->reports ? &w->report[w->reports - 1] : NULL;
    bool alike =
        last && (!tf_stage_has_files(&w->campaign->stage[report.stage]) || (last->failed > 0) == (report.failed > 0));
    if (alike && last->stage == report.stage && last->retry == report.retry &&
        last->first + last->count == report.first) {
        last->count += report.count;
        last->failed += report.failed;
        last->excluded += report.excluded;
        last->skipped += report.skipped;
        last->seconds += report.seconds;
        return;
    }
    if (w->reports == w->report_capacity) {
        w->report_capacity = w->report_capacity ? 2 * w->report_capacity : 16;
        w->report = tf_realloc_array(w->report, w->report_capacity, sizeof *w->report);
    }
    assert(w->report);
    w->report[w->reports++] = report;
}

/* Rows from `row` on that are all pending or not, and, where other tasks wait for them, all done or not. */
static int64_t run_of_rows(const worker *w, const tf_rows *rows, int64_t row) {
    int64_t end = tf_rows_run(rows, row), same = row;
    if (rows->failed == 0 || !tf_stage_has_files(&w->campaign->stage[rows->stage]))
        return end;
    while (same < end && tf_status_is_good(rows->status[same]) == tf_status_is_good(rows->status[row]))
        same++;
    return same;
}

static int64_t count_status(const tf_rows *rows, int64_t row, int64_t end, tf_status status) {
    int64_t count = 0;
    for (; row < end; row++)
        count += rows->status[row] == status;
    return count;
}

/* Runs of rows that have ended, and of rows that are pending still: these are to have another attempt. */
static void report_rows(worker *w, const tf_rows *rows) {
    w->held -= rows->count;
    w->ended += rows->count;
    double share = rows->seconds / (double)rows->count;
    for (int64_t row = 0, end; row < rows->count; row = end) {
        bool again = rows->status[row] == TF_STATUS_PENDING;
        end = run_of_rows(w, rows, row);
        int64_t failed = again ? 0 : rows->failed; /* where rows are pending, none */
        if (tf_stage_has_files(&w->campaign->stage[rows->stage]))
            failed = again || tf_status_is_good(rows->status[row]) ? 0 : end - row;
        add_report(w,
                   (report_message){.stage = rows->stage,
                                    .retry = again ? rows->attempt : 0,
                                    .first = rows->first + row,
                                    .count = end - row,
                                    .failed = failed,
                                    .excluded = rows->excluded ? count_status(rows, row, end, TF_STATUS_EXCLUDED) : 0,
                                    .skipped = rows->skipped ? count_status(rows, row, end, TF_STATUS_SKIPPED) : 0,
                                    .seconds = share * (double)(end - row)});
    }
}

/* Which tasks failed is in their rows; why, told here by message. Other texts of a task come before it. */
static void send_failures(worker *w, const tf_rows *rows) {
    tf_tally tally = {0};
    const char *bytes = rows->texts;
    for (size_t at = 0; at < rows->texts_size;) {
        const tf_record *record = (const tf_record *)(const void *)(bytes + at);
        if (record->kind == TF_RECORD_MESSAGE && tf_status_has_failed(rows->status[record->index - rows->first]))
            tf_tally_add_one(&tally, rows->stage, (const char *)(record + 1), (size_t)record->length, record->index);
        at += tf_record_size((size_t)record->length);
    }
    for (int i = 0; i < tally.count; i++) {
        const tf_tally_entry *entry = &tally.entry[i];
        failure_message failure = {.stage = rows->stage, .numbers = entry->numbers, .count = entry->count};
        _Static_assert(sizeof failure.index == sizeof entry->number, "as many tasks as a tally has");
        memcpy(failure.index, entry->number, sizeof failure.index);
        snprintf(failure.message, sizeof failure.message, "%s", entry->text);
        transport_send(w->transport, MASTER, TAG_FAILURE, &failure, sizeof failure);
    }
    tf_tally_free(&tally);
}

/* Rows whose task failed and may be tried again stay pending, and leave no text. `changed` borrows from `rows` and from
 * the worker. */
static void keep_pending(worker *w, const tf_rows *rows, tf_rows *changed) {
    tf_buf_clear(&w->status);
    tf_buf_clear(&w->texts);
    for (int64_t row = 0; row < rows->count; row++)
        tf_buf_addc(&w->status,
                    (char)(tf_status_has_failed(rows->status[row]) ? TF_STATUS_PENDING : rows->status[row]));
    const char *bytes = rows->texts;
    for (size_t at = 0, size; at < rows->texts_size; at += size) {
        const tf_record *record = (const tf_record *)(const void *)(bytes + at);
        size = tf_record_size((size_t)record->length);
        if (!tf_status_has_failed(rows->status[record->index - rows->first]))
            tf_buf_add(&w->texts, record, size);
    }
    *changed = *rows;
    changed->failed = 0;
    changed->pending = rows->failed;
    changed->status = (const uint8_t *)w->status.data;
    changed->texts = w->texts.data;
    changed->texts_size = w->texts.length;
}

static void send_change(worker *w, const tf_rows *rows) {
    uint32_t *told = &w->changed[rows->stage];
    const change_message change = {.stage = rows->stage, .changed = rows->changed};
    if ((change.changed & ~*told) == 0)
        return;
    *told |= change.changed;
    transport_send(w->transport, MASTER, TAG_CHANGE, &change, sizeof change);
}

static tf_err take_rows(void *context, int slot, const tf_rows *rows, tf_interval left, tf_error *error) {
    (void)slot;
    worker *w = context;
    tf_rows changed;
    if (rows->failed > 0 && rows->attempt <= w->campaign->stage[rows->stage].retries) {
        keep_pending(w, rows, &changed);
        rows = &changed;
    }
    tf_err err = w->output->write(w->output->context, rows, error);
    if (err != TF_OK)
        return err;
    put_back(w, rows->stage, rows->attempt, left);
    send_change(w, rows);
    if (rows->count == 0)
        return TF_OK;
    tf_estimate_add(&w->estimate[rows->stage], rows->count, rows->seconds);
    if (rows->failed > 0)
        send_failures(w, rows);
    report_rows(w, rows);
    return TF_OK;
}

/* Nothing is to be done any more but to tell the master why. */
static void break_off(worker *w, const tf_error *error) {
    broken_message broken = {.code = (int32_t)error->code};
    memcpy(broken.text, error->text, sizeof broken.text);
    transport_send(w->transport, MASTER, TAG_BROKEN, &broken, sizeof broken);
    w->broken = true;
}

static tf_err write_settled(void *context, int slot, const tf_rows *rows, tf_interval left, tf_error *error) {
    (void)slot, (void)left;
    const worker *w = context;
    return w->output->write(w->output->context, rows, error);
}

void worker_settle(worker *w, const settle_message *m) {
    tf_error error;
    if (!w->broken && w->executor->settle(w->executor->context, w->campaign, m->stage, m->first, m->count,
                                          (tf_status)m->status, m->message, write_settled, w, &error) != TF_OK)
        break_off(w, &error);
}

static tf_standing standing(const worker *w) {
    return (tf_standing){.workers = w->transport->ranks - 1,
                         .ended = w->ended,
                         .held = w->held,
                         .slots = (int)w->slots,
                         .idle = w->executor->idle(w->executor->context),
                         .queue_empty = w->queued == 0,
                         .since = now(w) - w->told};
}

/* What has ended; that slots are idle; or, now and then, that we live. */
static void tell(worker *w) {
    const double interval = 1;
    const tf_standing at = standing(w);
    bool at_once = w->how || w->broken;
    if (w->reports > 0 && (at_once || tf_should_report(&at))) {
        transport_send(w->transport, MASTER, TAG_REPORT, w->report, w->reports * sizeof *w->report);
        w->reports = 0;
        w->ended = 0;
    } else if (!at_once && tf_should_say_idle(&at, w->told_idle)) {
        w->told_idle = at.idle;
        transport_send(w->transport, MASTER, TAG_IDLE, &(idle_message){.idle = at.idle}, sizeof(idle_message));
    } else if (at.since > interval) {
        transport_send(w->transport, MASTER, TAG_ALIVE, NULL, 0);
    } else {
        return;
    }
    w->told = now(w);
}

bool worker_step(worker *w, double timeout) {
    int events = 0;
    tf_error error;
    if (w->broken || w->drained)
        return false;
    tf_err err = feed_slots(w, &error);
    if (err == TF_OK)
        err = w->executor->poll(w->executor->context, timeout, take_rows, w, &events, &error);
    if (err == TF_OK && w->how == DRAIN_AT_ONCE)
        err = w->executor->give_up(w->executor->context, take_rows, w, &error);
    if (err == TF_OK && w->sync > 0)
        err = w->output->sync(w->output->context, w->sync, &error);
    if (err == TF_OK) /* before the report: the master's answer takes a while */
        err = feed_slots(w, &error);
    w->broken = err != TF_OK; /* what has ended is told first */
    tell(w);
    if (err == TF_OK && w->how && w->executor->idle(w->executor->context) == w->slots) {
        transport_send(w->transport, MASTER, TAG_DRAINED, NULL, 0);
        w->drained = true;
    }
    if (err == TF_OK)
        return events > 0;
    break_off(w, &error);
    return true;
}
