/* There are few at a time: a list. A task that was left may be granted again while its old attempt is ended: what comes
 * back of that is known by its slot. */
#include "farm/shared_tasks.h"

#include <stdlib.h>
#include <string.h>

#include "batch/batch.h"
#include "farm/rows_part.h"
#include "sched/sched.h"

enum { MASTER = 0 };

typedef enum shared_state {
    SHARED_ASKS,  /* it has not ended */
    SHARED_WAITS, /* it has, and was claimed */
    SHARED_LEFT   /* what comes back of it is to be dropped */
} shared_state;

typedef struct shared_task {
    shared_state state;
    int stage;
    int64_t task;
    int slot;        /* of one that was left */
    tf_rows rows;    /* of one that waits: its row; what it points to is the arena's */
    tf_arena *arena; /* NULL: it does not wait */
} shared_task;

struct shared_tasks {
    const tf_campaign *campaign;
    const transport *transport;
    const executor *executor;
    shared_task *item;
    int count, capacity;
};

shared_tasks *shared_tasks_new(const tf_campaign *campaign, const transport *to, const executor *e) {
    shared_tasks *t = tf_alloc(sizeof *t);
    *t = (shared_tasks){.campaign = campaign, .transport = to, .executor = e};
    return t;
}

void shared_tasks_free(shared_tasks *t) {
    if (!t)
        return;
    for (int n = 0; n < t->count; n++)
        tf_arena_free(t->item[n].arena);
    free(t->item);
    free(t);
}

bool shared_tasks_are_there(const shared_tasks *t) {
    return t->count > 0;
}

bool shared_tasks_wait(const shared_tasks *t) {
    for (int n = 0; n < t->count; n++)
        if (t->item[n].state == SHARED_WAITS)
            return true;
    return false;
}

void shared_tasks_add(shared_tasks *t, int stage, int64_t task) {
    if (t->count == t->capacity) {
        t->capacity = t->capacity ? 2 * t->capacity : 8;
        t->item = tf_realloc_array(t->item, (size_t)t->capacity, sizeof *t->item);
    }
    t->item[t->count++] = (shared_task){.state = SHARED_ASKS, .stage = stage, .task = task};
}

static void drop(shared_tasks *t, shared_task *one) {
    tf_arena_free(one->arena);
    *one = t->item[--t->count];
}

/* One that was not left; NULL: there is none. */
static shared_task *find(const shared_tasks *t, int stage, int64_t task) {
    for (shared_task *one = t->item; one < t->item + t->count; one++)
        if (one->stage == stage && one->task == task && one->state != SHARED_LEFT)
            return one;
    return NULL;
}

/* The first of the tasks that is shared, and of which something may come back of the slot; NULL: there is none. */
static shared_task *find_first(const shared_tasks *t, int slot, int stage, tf_interval tasks) {
    shared_task *first = NULL;
    for (shared_task *one = t->item; one < t->item + t->count; one++) {
        const bool may_come = one->state == SHARED_ASKS || (one->state == SHARED_LEFT && one->slot == slot);
        if (one->stage == stage && may_come && one->task >= tasks.first && one->task < tasks.end &&
            (!first || one->task < first->task || (one->task == first->task && one->state == SHARED_LEFT)))
            first = one;
    }
    return first;
}

void shared_tasks_forget(shared_tasks *t, int stage, tf_interval tasks) {
    for (int n = t->count; n-- > 0;) {
        shared_task *one = &t->item[n];
        if (one->stage == stage && one->state == SHARED_ASKS && one->task >= tasks.first && one->task < tasks.end)
            drop(t, one);
    }
}

/* ---- Answers ---- */

static void answer(const shared_tasks *t, const double_message *question, tf_doubled how, int attempt, double seconds) {
    const doubled_message message = {.stage = question->stage,
                                     .answer = (int32_t)how,
                                     .task = question->task,
                                     .number = question->number,
                                     .attempt = attempt,
                                     .seconds = seconds};
    transport_send(t->transport, MASTER, TAG_DOUBLED, &message, sizeof message);
}

void shared_tasks_answer(shared_tasks *t, const double_message *question) {
    const int stage = question->stage;
    const int64_t task = question->task;
    const tf_slots_found found = t->executor->find(t->executor->context, stage, task);
    const shared_task *there = find_first(t, found.slot, stage, (tf_interval){task, task + 1});
    const bool runs = found.slot >= 0 && !(there && there->state == SHARED_LEFT);
    if (runs && !there)
        shared_tasks_add(t, stage, task);
    answer(t, question, runs ? TF_DOUBLED_ASKS : TF_DOUBLED_ENDED, runs ? found.attempt : 1, found.seconds);
}

void shared_tasks_give_back(const shared_tasks *t, const double_message *question, int attempt) {
    answer(t, question, TF_DOUBLED_BACK, attempt, 0);
}

/* ---- What comes back ---- */

/* Rows that come back, and where they go. */
typedef struct delivery {
    shared_tasks *shared;
    int slot;
    const tf_rows *rows;
    const tf_stage_spec *spec;
    const void **pointers; /* room for those of a part */
    tf_on_rows *on_rows;
    void *context;
    tf_error *error;
} delivery;

/* Part of the rows but for its blobs, and for notices, which come with the last. */
static tf_rows take_part(const delivery *d, const rows_part *part, const void **pointers) {
    tf_rows some = rows_part_take(part, d->spec, d->rows, pointers);
    batch_count_rows(&some);
    some.notice = NULL;
    some.notices = 0;
    some.calls = 0; /* none runs several tasks */
    return some;
}

static tf_err pass_part(const delivery *d, int64_t from, int64_t end, tf_interval left, bool is_last) {
    const rows_part part = {.from = from, .count = end - from};
    tf_rows some = take_part(d, &part, d->pointers);
    tf_buf blobs = {0};
    rows_part_add_blobs(d->rows, some.first, some.first + some.count, &blobs);
    some.blobs = blobs.data;
    some.blobs_size = blobs.length;
    some.notice = is_last ? d->rows->notice : NULL;
    some.notices = is_last ? d->rows->notices : 0;
    const tf_err err = d->on_rows(d->context, d->slot, &some, left, d->error);
    tf_buf_free(&blobs);
    return err;
}

/* Keeps a copy of the task's row, and asks for leave to write it. */
static void claim(const delivery *d, shared_task *one) {
    const rows_part part = {.from = one->task - d->rows->first, .count = 1, .arena = tf_arena_new()};
    tf_buf blobs = {0};
    one->arena = part.arena;
    one->rows = take_part(d, &part, tf_arena_array(part.arena, rows_part_pointers(d->spec), sizeof(void *)));
    rows_part_add_blobs(d->rows, one->task, one->task + 1, &blobs);
    one->rows.blobs = blobs.length ? memcpy(tf_arena_alloc(part.arena, blobs.length), blobs.data, blobs.length) : NULL;
    one->rows.blobs_size = blobs.length;
    tf_buf_free(&blobs);
    one->state = SHARED_WAITS;
    const claim_message message = {.stage = one->stage, .has_failed = one->rows.failed > 0, .task = one->task};
    transport_send(d->shared->transport, MASTER, TAG_CLAIM, &message, sizeof message);
}

/* The rows up to the last of a shared task. Sets `*from` to the row behind that. */
static tf_err pass_rows(const delivery *d, int64_t *from, int64_t *dropped) {
    const int64_t first = d->rows->first;
    tf_err err = TF_OK;
    for (shared_task *one; err == TF_OK && (one = find_first(d->shared, d->slot, d->rows->stage,
                                                             (tf_interval){first + *from, first + d->rows->count}));) {
        const int64_t row = one->task - first;
        if (one->state == SHARED_LEFT) {
            drop(d->shared, one);
            ++*dropped;
        } else {
            claim(d, one);
        }
        if (row > *from)
            err = pass_part(d, *from, row, (tf_interval){0, 0}, false);
        *from = row + 1;
    }
    return err;
}

/* What is left of the batch, but for tasks that are not to be begun again. The last part is the caller's to pass on. */
static tf_err pass_left(const delivery *d, tf_interval *left, int64_t *dropped) {
    tf_err err = TF_OK;
    for (int n = 0; err == TF_OK && n < d->shared->count; n++) {
        shared_task *one = &d->shared->item[n];
        if (one->state != SHARED_LEFT || one->slot != d->slot || one->stage != d->rows->stage ||
            one->task < left->first || one->task >= left->end)
            continue;
        const tf_interval before = {left->first, one->task};
        left->first = one->task + 1;
        drop(d->shared, one);
        ++*dropped;
        n = -1;
        if (before.first < before.end)
            err = pass_part(d, d->rows->count, d->rows->count, before, false);
    }
    return err;
}

tf_err shared_tasks_pass_on(shared_tasks *t, int slot, const tf_rows *rows, tf_interval left, tf_on_rows *on_rows,
                            void *context, int64_t *dropped, tf_error *error) {
    const tf_stage_spec *spec = &t->campaign->stage[rows->stage];
    const delivery d = {.shared = t,
                        .slot = slot,
                        .rows = rows,
                        .spec = spec,
                        .pointers = tf_alloc_array(rows_part_pointers(spec), sizeof(void *)),
                        .on_rows = on_rows,
                        .context = context,
                        .error = error};
    int64_t from = 0;
    tf_err err = pass_rows(&d, &from, dropped);
    if (err == TF_OK)
        err = pass_left(&d, &left, dropped);
    if (err == TF_OK)
        err = pass_part(&d, from, rows->count, left, true);
    free(d.pointers);
    return err;
}

/* ---- The master's word ---- */

tf_err shared_tasks_release(shared_tasks *t, int stage, int64_t task, tf_on_rows *on_rows, void *context,
                            tf_error *error) {
    shared_task *one = find(t, stage, task);
    if (!one || one->state != SHARED_WAITS)
        return TF_OK;
    const shared_task released = *one;
    one->arena = NULL;
    drop(t, one);
    const tf_err err = on_rows(context, 0, &released.rows, (tf_interval){0, 0}, error);
    tf_arena_free(released.arena);
    return err;
}

shared_left shared_tasks_leave(shared_tasks *t, int stage, int64_t task) {
    shared_task *one = find(t, stage, task);
    if (!one)
        return SHARED_IS_NONE;
    const bool waits = one->state == SHARED_WAITS;
    const tf_slots_found found = t->executor->find(t->executor->context, stage, task);
    if (waits || found.slot < 0) {
        drop(t, one);
        return waits ? SHARED_WAS_WAITING : SHARED_IS_QUEUED;
    }
    one->state = SHARED_LEFT;
    one->slot = found.slot;
    t->executor->leave(t->executor->context, found.slot, stage, task);
    return SHARED_IS_RUNNING;
}
