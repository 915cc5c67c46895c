/* A farm in one process (see farm_memory.h). */
#include "farm_memory.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const tag_name[] = {
    [TAG_HELLO] = "HELLO",   [TAG_ALIVE] = "ALIVE",     [TAG_GRANT] = "GRANT",     [TAG_REPORT] = "REPORT",
    [TAG_SETTLE] = "SETTLE", [TAG_REMOVE] = "REMOVE",   [TAG_IDLE] = "IDLE",       [TAG_FAILURE] = "FAILURE",
    [TAG_NOTICE] = "NOTICE", [TAG_SIGNAL] = "SIGNAL",   [TAG_DRAIN] = "DRAIN",     [TAG_DRAINED] = "DRAINED",
    [TAG_UNABLE] = "UNABLE", [TAG_COLLECT] = "COLLECT", [TAG_PART] = "PART",       [TAG_BROKEN] = "BROKEN",
    [TAG_LEAVE] = "LEAVE",   [TAG_VERDICT] = "VERDICT", [TAG_SETTLED] = "SETTLED", [TAG_HEARD] = "HEARD",
    [TAG_DOUBLE] = "DOUBLE", [TAG_DOUBLED] = "DOUBLED", [TAG_CLAIM] = "CLAIM",     [TAG_RULE] = "RULE",
    [TAG_SUMMON] = "SUMMON", [TAG_HERE] = "HERE",       [TAG_STORAGE] = "STORAGE",
};

static bool failed;

void farm_require(const farm *f, bool right, const char *format, ...) {
    if (right)
        return;
    failed = true;
    char text[400], program[256] = "";
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    fflush(stdout);
    if (readlink("/proc/self/exe", program, sizeof program - 1) < 0)
        *program = '\0';
    cr_assert_fail("seed %llu, after %.3f s: %s; to repeat it: TASKFARM_SEED=%llu %s",
                   (unsigned long long)f->setting.seed, f->now, text, (unsigned long long)f->setting.seed, program);
}

/* A test that fails leaves its memory behind: that is not to hide why. */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void) {
    return failed;
}

int farm_below(farm *f, int count) {
    return (int)tf_rng_below(&f->rng, (uint64_t)count);
}

bool farm_chance(farm *f, double share) {
    return tf_rng_double(&f->rng) < share;
}

/* ---- What becomes of tasks ---- */

/* A number from 0 to 1 that is the same whenever it is asked for. */
static double draw(const farm *f, int what, int stage, int64_t task, int attempt) {
    const int64_t key[] = {what, stage, task, attempt};
    return (double)(tf_hash(key, sizeof key, f->setting.seed) >> 11) * 0x1p-53;
}

enum { DRAW_KIND, DRAW_FAILURE, DRAW_SECONDS, DRAW_ENOUGH };

static tf_status verdict(const farm *f, int stage, int64_t task, int attempt) {
    const farm_stage *s = &f->setting.stage[stage];
    const double kind = draw(f, DRAW_KIND, stage, task, 0);
    if (kind < s->excludes)
        return TF_STATUS_EXCLUDED;
    if (kind < s->excludes + s->skips)
        return TF_STATUS_SKIPPED;
    if (draw(f, DRAW_FAILURE, stage, task, attempt) < s->fails)
        return task % 2 ? TF_STATUS_TIMEOUT : TF_STATUS_FAILED;
    return TF_STATUS_DONE;
}

static bool is_read(const farm *f, int stage, int64_t task, int number) {
    return f->setting.stage[stage].reads[task][number] > 0;
}

static tf_status expected_of_read(const farm *f, int stage, int64_t task, int number) {
    const int read = f->setting.stage[stage].reads[task][number] - 1;
    return farm_expected(f, read / FARM_TASKS, read % FARM_TASKS);
}

tf_status farm_expected(const farm *f, int stage, int64_t task) {
    for (int n = 0; n < 2; n++)
        if (is_read(f, stage, task, n) && !tf_status_is_good((uint8_t)expected_of_read(f, stage, task, n)))
            return TF_STATUS_SKIPPED;
    tf_status status = TF_STATUS_PENDING;
    for (int attempt = 1; attempt <= f->setting.campaign->stage[stage].retries + 1; attempt++) {
        status = verdict(f, stage, task, attempt);
        if (!tf_status_has_failed((uint8_t)status))
            break;
    }
    return status;
}

static double seconds(const farm *f, int number, int stage, int64_t task, int attempt) {
    const double times = f->setting.slow[number] > 0 ? f->setting.slow[number] : 1;
    return times * 2 * f->setting.stage[stage].seconds * draw(f, DRAW_SECONDS, stage, task, attempt);
}

/* ---- Messages ---- */

static void check_sender(const farm *f, int from, int tag) {
    const farm_node *node = &f->node[from];
    farm_require(f, !node->dead && !node->rank.ended, "rank %d, which has left, sends %s", from, tag_name[tag]);
    static const int late[] = {TAG_SIGNAL, TAG_BROKEN, TAG_ALIVE, TAG_HERE, TAG_SETTLED, TAG_FAILURE, TAG_DOUBLED};
    bool may_come = !node->drained || from == 0;
    for (size_t i = 0; i < sizeof late / sizeof *late; i++)
        may_come = may_come || tag == late[i];
    farm_require(f, may_come, "rank %d sends %s behind DRAINED", from, tag_name[tag]);
}

static bool is_work(int tag) {
    return tag == TAG_GRANT || tag == TAG_SETTLE || tag == TAG_REMOVE || tag == TAG_COLLECT || tag == TAG_PART;
}

static void check_grant(farm *f, const grant_message *g) {
    farm_require(f, f->layout_asked[g->stage], "stage %d is granted before it is laid out", g->stage);
    farm_require(f, f->may_grant[g->stage] == 0 || g->first + g->count <= f->may_grant[g->stage],
                 "tasks up to s%d[%d] are granted before \"until\" was looked at", g->stage,
                 (int)(g->first + g->count - 1));
    for (int64_t task = g->first; task < g->first + g->count; task++) {
        farm_require(f, f->status[g->stage][task] == TF_STATUS_PENDING, "s%d[%d], which has ended, is granted",
                     g->stage, (int)task);
        f->granted[g->stage][task] = true;
    }
}

/* One message may be of several steps. Returns the last. */
static const collect_message *note_steps(farm *f, int to, const collect_message *step, size_t size) {
    const size_t steps = size / sizeof *step;
    farm_require(f, steps > 0 && size % sizeof *step == 0, "COLLECT is of no whole step");
    for (size_t n = 0; n < steps && to == 0; n++) {
        f->collectives_asked++;
        f->layout_asked[step[n].stage] = f->layout_asked[step[n].stage] || step[n].what == COLLECT_LAYOUT;
    }
    return &step[steps - 1];
}

static void check_receiver(farm *f, int to, int tag, const void *payload, size_t size) {
    farm_node *node = &f->node[to];
    farm_require(f, !node->known_end || !is_work(tag) || node->is_given_up,
                 "%s is sent to rank %d, which is known to be dead", tag_name[tag], to);
    farm_require(f, !node->farewell || to == 0 || tag == TAG_LEAVE || node->is_given_up,
                 "%s is sent to rank %d, which was told to leave", tag_name[tag], to);
    f->drains = f->drains || tag == TAG_DRAIN;
    if (tag == TAG_GRANT)
        check_grant(f, payload);
    const double_message *twice = tag == TAG_DOUBLE ? payload : NULL;
    if (twice && twice->is_second) {
        farm_require(f, !f->doubled[twice->stage][twice->task], "s%d[%d] is started a third time", twice->stage,
                     (int)twice->task);
        f->doubled[twice->stage][twice->task] = true;
        f->doubles++;
    }
    const settle_message *settle = tag == TAG_SETTLE ? payload : NULL;
    if (settle && f->node[0].rank.master)
        farm_require(f, f->layout_asked[settle->stage], "rows of stage %d are settled before it is laid out",
                     settle->stage);
    const collect_message *c = tag == TAG_COLLECT ? note_steps(f, to, payload, size) : NULL;
    const bool closes = c && c->what == COLLECT_CLOSE;
    node->farewell = node->farewell || closes || tag == TAG_PART || tag == TAG_LEAVE;
}

static void trace(const farm *f, int from, int to, int tag, const void *payload, size_t size) {
    printf("%9.4f  %d -> %d  %s", f->now, from, to, tag_name[tag]);
    if (tag == TAG_GRANT) {
        const grant_message *g = payload;
        printf(" s%d[%d..%d] attempt %d", g->stage, (int)g->first, (int)(g->first + g->count - 1), g->attempt);
    }
    const report_message *r = payload;
    for (size_t i = 0; tag == TAG_REPORT && i < size / sizeof *r; i++)
        printf(" s%d[%d..%d]%s", r[i].stage, (int)r[i].first, (int)(r[i].first + r[i].count - 1),
               r[i].retry ? " again" : "");
    static const char *const answers[] = {"asks", "gives it back", "has ended"};
    const doubled_message *d = payload;
    if (tag == TAG_DOUBLED)
        printf(" s%d[%d] attempt %d, %s", d->stage, (int)d->task, d->attempt, answers[d->answer]);
    const rule_message *rule = payload;
    if (tag == TAG_RULE)
        printf(" s%d[%d] %s", rule->stage, (int)rule->task, rule->may_write ? "may be written" : "is to be left");
    static const char *const what[] = {"layout", "finish", "close"};
    const collect_message *c = payload;
    for (size_t i = 0; tag == TAG_COLLECT && i < size / sizeof *c; i++)
        printf(" %s s%d", what[c[i].what], c[i].stage);
    printf("\n");
}

/* Rows that a SETTLE or a VERDICT has asked this rank for. */
static void note_asked(farm *f, int to, int tag, const void *payload) {
    const settle_message *m = payload;
    const verdict_message *v = payload;
    for (int64_t task = 0; tag == TAG_SETTLE && task < m->count; task++)
        f->settles[m->stage][m->first + task] = to + 1;
    for (int64_t task = 0; tag == TAG_VERDICT && v->is_failure && task < v->count; task++)
        f->judges[v->stage][v->first + task] = to + 1;
}

/* Those that a rank has not written which is lost are for the next run. */
static void lose_asked(farm *f, int number) {
    for (int s = 0; s < FARM_STAGES; s++)
        for (int64_t task = 0; task < FARM_TASKS; task++) {
            f->unsettled[s][task] = f->unsettled[s][task] || f->settles[s][task] == number + 1;
            f->unwritten[s][task] = f->unwritten[s][task] || f->judges[s][task] == number + 1;
        }
}

static void send_letter(void *context, int to, int tag, const void *payload, size_t size) {
    farm_node *from = context;
    farm *f = from->farm;
    if (f->setting.trace)
        trace(f, from->number, to, tag, payload, size);
    check_sender(f, from->number, tag);
    check_receiver(f, to, tag, payload, size);
    from->drained = from->drained || tag == TAG_DRAINED;
    f->hangs = f->hangs || (tag == TAG_COLLECT && (f->node[to].is_cut || f->node[to].is_frozen));
    note_asked(f, to, tag, payload);
    if (f->node[to].dead) {
        lose_asked(f, to);
        return;
    }
    route *r = &f->route[from->number][to];
    letter *l = tf_alloc(sizeof *l + size);
    *l = (letter){.arrives = f->now, .tag = tag, .size = size};
    if (size)
        memcpy(l->payload, payload, size);
    if (to != from->number)
        l->arrives -= f->setting.latency * log(1 - tf_rng_double(&f->rng));
    l->arrives = fmax(l->arrives, r->arrives);
    r->arrives = l->arrives;
    *r->last = l;
    r->last = &l->next;
}

static letter *take_first(route *r) {
    letter *l = r->first;
    r->first = l->next;
    if (!r->first)
        r->last = &r->first;
    return l;
}

/* What one sends the other while a link is cut arrives when it is there again. */
static bool is_apart(const farm *f, int one, int other) {
    return one != other && (f->node[one].is_cut || f->node[other].is_cut);
}

/* Its own messages come first, as with MPI; of the others any that has arrived. */
static bool receive_letter(void *context, parcel *next) {
    farm_node *to = context;
    farm *f = to->farm;
    int from = -1, found = 0;
    free(to->taken);
    to->taken = NULL;
    for (int r = 0; r < f->setting.ranks; r++) {
        const letter *l = f->route[r][to->number].first;
        if (!l || l->arrives > f->now || from == to->number || is_apart(f, r, to->number))
            continue;
        found++;
        if (r == to->number || farm_below(f, found) == 0)
            from = r;
    }
    if (from < 0)
        return false;
    to->taken = take_first(&f->route[from][to->number]);
    *next = (parcel){.from = from, .tag = to->taken->tag, .size = to->taken->size, .payload = to->taken->payload};
    f->node[from].greeted = f->node[from].greeted || next->tag == TAG_HELLO;
    to->drains = to->drains || next->tag == TAG_DRAIN;
    return true;
}

static double listen_for_nothing(void *context) {
    (void)context;
    return 0;
}

static void drop_letters(route *r) {
    while (r->first)
        free(take_first(r));
}

/* ---- Slots ---- */

static const tf_resources *need_of(const farm *f, int stage) {
    return &f->setting.campaign->stage[stage].need;
}

static tf_resources has(const void *context) {
    const farm_node *node = context;
    return (tf_resources){.slots = node->farm->setting.slots[node->number]};
}

static int64_t capacity(const void *context, int stage) {
    const farm_node *node = context;
    return node->farm->setting.slots[node->number] / tf_resources_slots(need_of(node->farm, stage));
}

static int idle(const void *context) {
    const farm_node *node = context;
    int count = 0;
    for (int s = 0; s < node->farm->setting.slots[node->number]; s++)
        count += node->slot[s].owner < 0;
    return count;
}

static int place(const void *context, int stage) {
    const farm_node *node = context;
    if (idle(context) < tf_resources_slots(need_of(node->farm, stage)))
        return -1;
    int slot = 0;
    while (node->slot[slot].owner >= 0)
        slot++;
    return slot;
}

static int place_in_hand(const void *context, int stage) {
    const farm_node *node = context;
    for (int s = 0; s < node->farm->setting.slots[node->number]; s++) {
        const farm_slot *slot = &node->slot[s];
        if (slot->running.used && !slot->in_hand.used &&
            tf_resources_equal(need_of(node->farm, stage), need_of(node->farm, slot->running.stage)))
            return s;
    }
    return -1;
}

static void occupy(farm_node *node, int slot, int64_t count) {
    node->slot[slot].owner = slot;
    for (int s = 0; count > 1; s++)
        if (node->slot[s].owner < 0) {
            node->slot[s].owner = slot;
            count--;
        }
}

static void give_back(farm_node *node, int slot) {
    for (int s = 0; s < FARM_SLOTS; s++)
        if (node->slot[s].owner == slot)
            node->slot[s].owner = -1;
}

static void check_task(farm *f, const farm_node *node, int stage, int64_t task, int attempt) {
    const char *name = f->setting.campaign->stage[stage].name;
    farm_require(f, node->laid_out[stage], "%s[%d] runs before its stage is laid out", name, (int)task);
    const int on = f->runs_on[stage][task] - 1;
    farm_require(f, on < 0 || f->node[on].is_given_up || f->doubled[stage][task],
                 "%s[%d] runs on ranks %d and %d at once", name, (int)task, on, node->number);
    farm_require(f, f->status[stage][task] == TF_STATUS_PENDING || f->doubled[stage][task],
                 "%s[%d], which has ended, runs again", name, (int)task);
    farm_require(f, attempt >= 1 && attempt <= f->setting.campaign->stage[stage].retries + 1, "%s[%d] has attempt %d",
                 name, (int)task, attempt);
    for (int n = 0; n < 2; n++) {
        const int read = f->setting.stage[stage].reads[task][n] - 1;
        farm_require(f, read < 0 || tf_status_is_good(f->status[read / FARM_TASKS][read % FARM_TASKS]),
                     "%s[%d] runs before what it reads is made", name, (int)task);
    }
}

static const char *refusal(const void *context, int stage) {
    return ((const farm_node *)context)->refuses[stage] ? "it lacks what it needs" : NULL;
}

static bool is_sick(const void *context, int stage) {
    (void)context, (void)stage;
    return false;
}

static int64_t submit(void *context, int slot, int stage, int attempt, const tf_intervals *tasks, tf_error *error) {
    (void)error;
    const int64_t first = tasks->items[0].first, count = tasks->items[0].end - first;
    farm_node *node = context;
    farm *f = node->farm;
    node->offered = tasks->total;
    const int64_t taken = farm_chance(f, 0.8) ? count : 1 + farm_below(f, (int)count);
    for (int64_t task = first; task < first + taken; task++) {
        check_task(f, node, stage, task, attempt);
        f->runs_on[stage][task] = node->number + 1;
    }
    farm_require(f, !node->drains, "rank %d begins tasks behind DRAIN", node->number);
    farm_require(f, !node->refuses[stage], "rank %d begins tasks of s%d, which it can't run", node->number, stage);
    node->idle_since = f->now;
    farm_slot *s = &node->slot[slot];
    farm_batch *b = s->running.used ? &s->in_hand : &s->running;
    farm_require(f, !b->used, "slot %d of rank %d is taken", slot, node->number);
    *b =
        (farm_batch){.used = true, .stage = stage, .attempt = attempt, .first = first, .count = taken, .ended = f->now};
    if (b == &s->running)
        occupy(node, slot, tf_resources_slots(need_of(f, stage)));
    return taken;
}

/* Rows of tasks from .. end - 1 of the batch, and those that are left of it. */
static tf_err pass_on(const farm_node *node, int slot, const farm_batch *b, int64_t from, int64_t end, tf_interval left,
                      tf_on_rows *on_rows, void *context, tf_error *error) {
    farm *f = node->farm;
    const int number = node->number;
    uint8_t status[FARM_TASKS], attempts[FARM_TASKS];
    tf_rows rows = {.stage = b->stage, .attempt = b->attempt, .first = from, .count = end - from};
    tf_buf blobs = {0};
    for (int64_t task = from; task < end; task++) {
        const tf_status ended = verdict(f, b->stage, task, b->attempt);
        status[task - from] = (uint8_t)ended;
        attempts[task - from] = (uint8_t)b->attempt;
        rows.failed += tf_status_has_failed((uint8_t)ended);
        rows.excluded += ended == TF_STATUS_EXCLUDED;
        rows.skipped += ended == TF_STATUS_SKIPPED;
        rows.seconds += seconds(f, number, b->stage, task, b->attempt);
        f->runs_on[b->stage][task] = 0;
        if (tf_status_has_failed((uint8_t)ended)) {
            static const char why[] = "because";
            char record[128];
            tf_record_write(record, b->stage, task, TF_RECORD_MESSAGE, b->attempt, why, sizeof why - 1);
            tf_buf_add(&blobs, record, tf_record_size(sizeof why - 1));
        }
    }
    for (int64_t task = left.first; task < left.end; task++)
        f->runs_on[b->stage][task] = 0;
    rows.notice = f->setting.notice[b->stage];
    rows.notices = rows.notice != NULL;
    rows.status = status;
    rows.attempts = attempts;
    rows.blobs = blobs.data;
    rows.blobs_size = blobs.length;
    const tf_err err = on_rows(context, slot, &rows, left, error);
    tf_buf_free(&blobs);
    return err;
}

static void run_tasks(const farm *f, int number, farm_batch *b) {
    while (b->done < b->count) {
        const double end = b->ended + seconds(f, number, b->stage, b->first + b->done, b->attempt);
        if (end > f->now)
            break;
        b->ended = end;
        b->done++;
    }
}

/* A batch that is over, or stopped between two tasks, makes place for the one in hand. */
static tf_err poll_slot(farm_node *node, int slot, tf_on_rows *on_rows, void *context, int *events, tf_error *error) {
    farm *f = node->farm;
    farm_slot *s = &node->slot[slot];
    farm_batch b = s->running;
    if (f->setting.unable[node->number][b.stage])
        node->refuses[b.stage] = node->refuses[b.stage] || farm_chance(f, 0.4);
    else
        run_tasks(f, node->number, &b);
    const bool is_left = b.leaving > 0 && b.first + b.done == b.leaving - 1;
    if (is_left && farm_chance(f, 0.5)) /* its host was killed: it has failed */
        b.done++;
    const bool over = f->setting.unable[node->number][b.stage] || b.done == b.count || is_left ||
                      (b.done > b.passed && farm_chance(f, 0.1));
    const bool tells = over || (b.done > b.passed && farm_chance(f, 0.2));
    const int64_t from = b.first + b.passed, end = b.first + b.done;
    if (tells)
        b.passed = b.done;
    s->running = b;
    if (!tells)
        return TF_OK;
    (*events)++;
    const tf_interval left = over ? (tf_interval){end, b.first + b.count} : (tf_interval){0, 0};
    if (over) {
        s->running = s->in_hand;
        s->in_hand = (farm_batch){0};
        s->running.ended = b.ended;
        if (!s->running.used)
            give_back(node, slot);
    }
    return pass_on(node, slot, &b, from, end, left, on_rows, context, error);
}

static tf_err poll_slots(void *context, double timeout, tf_on_rows *on_rows, void *rows_context, int *events,
                         tf_error *error) {
    (void)timeout;
    farm_node *node = context;
    tf_err err = TF_OK;
    *events = 0;
    for (int s = 0; s < FARM_SLOTS && err == TF_OK; s++)
        if (node->slot[s].running.used)
            err = poll_slot(node, s, on_rows, rows_context, events, error);
    return err;
}

/* Others may run its tasks by now. */
static void forget(farm *f, int number, const farm_batch *b) {
    for (int64_t task = b->first + b->passed; b->used && task < b->first + b->count; task++)
        if (f->runs_on[b->stage][task] == number + 1)
            f->runs_on[b->stage][task] = 0;
}

static void empty_slots(farm_node *node) {
    for (int s = 0; s < FARM_SLOTS; s++) {
        forget(node->farm, node->number, &node->slot[s].running);
        forget(node->farm, node->number, &node->slot[s].in_hand);
        node->slot[s] = (farm_slot){.owner = -1};
    }
}

static farm_batch *find_batch(farm_node *node, int slot, int stage, int64_t task) {
    farm_batch *both[] = {&node->slot[slot].running, &node->slot[slot].in_hand};
    for (int n = 0; n < 2; n++)
        if (both[n]->used && both[n]->stage == stage && task >= both[n]->first + both[n]->passed &&
            task < both[n]->first + both[n]->count)
            return both[n];
    return NULL;
}

static tf_slots_found find(const void *context, int stage, int64_t task) {
    farm_node *node = (void *)(uintptr_t)context;
    for (int s = 0; s < FARM_SLOTS; s++) {
        const farm_batch *b = find_batch(node, s, stage, task);
        if (b)
            return (tf_slots_found){.slot = s, .attempt = b->attempt, .seconds = node->farm->now - b->ended};
    }
    return (tf_slots_found){.slot = -1};
}

static void leave(void *context, int slot, int stage, int64_t task) {
    farm_batch *b = find_batch(context, slot, stage, task);
    const farm *f = ((const farm_node *)context)->farm;
    farm_require(f, b != NULL && f->doubled[stage][task], "s%d[%d] is left, which does not run there twice", stage,
                 (int)task);
    b->leaving = task + 1;
}

static tf_err give_up(void *context, tf_on_rows *on_rows, void *rows_context, tf_error *error) {
    farm_node *node = context;
    farm *f = node->farm;
    tf_err err = TF_OK;
    for (int s = 0; s < FARM_SLOTS && err == TF_OK; s++) {
        farm_batch *b = &node->slot[s].running;
        if (!b->used || f->setting.unable[node->number][b->stage])
            continue;
        run_tasks(f, node->number, b);
        const int64_t from = b->first + b->passed;
        b->passed = b->done;
        if (from < b->first + b->done)
            err = pass_on(node, s, b, from, b->first + b->done, (tf_interval){0, 0}, on_rows, rows_context, error);
    }
    empty_slots(node);
    return err;
}

static tf_err settle(void *context, const tf_campaign *campaign, int stage, int64_t first, int64_t count,
                     tf_status status, const char *message, tf_on_rows *on_rows, void *rows_context, tf_error *error) {
    (void)campaign;
    const farm *f = ((farm_node *)context)->farm;
    farm_require(f, (status == TF_STATUS_SKIPPED) == (*message != '\0'), "settled with the message \"%s\"", message);
    uint8_t all[FARM_TASKS], once[FARM_TASKS];
    memset(all, (int)status, sizeof all);
    memset(once, 1, sizeof once);
    const tf_rows rows = {
        .stage = stage, .attempt = 1, .first = first, .count = count, .status = all, .attempts = once};
    return on_rows(rows_context, 0, &rows, (tf_interval){0, 0}, error);
}

static bool reads_from(const farm *f, int stage, int64_t task, int from_stage, int64_t from) {
    const int64_t wanted = FARM_TASKS * from_stage + from + 1;
    return f->setting.stage[stage].reads[task][0] == wanted || f->setting.stage[stage].reads[task][1] == wanted;
}

/* Is the task to read the other's files yet? */
static bool is_to_read(const farm *f, int stage, int64_t task, int from_stage, int64_t from) {
    return reads_from(f, stage, task, from_stage, from) && f->status[stage][task] == TF_STATUS_PENDING &&
           tf_intervals_contain(&tf_graph_stage(f->setting.graph, stage)->run, task, task + 1);
}

static void remove_temp(void *context, int stage, int64_t index) {
    farm *f = ((farm_node *)context)->farm;
    farm_require(f, !f->removed[stage][index], "files of s%d[%d] are removed twice", stage, (int)index);
    f->removed[stage][index] = true;
    for (int s = 0; s < f->setting.campaign->stages; s++)
        for (int64_t task = 0; task < tf_space_size(f->setting.campaign->stage[s].space); task++)
            farm_require(f, !is_to_read(f, s, task, stage, index), "files of s%d[%d] are removed, which s%d[%d] needs",
                         stage, (int)index, s, (int)task);
}

/* ---- The output ---- */

static bool is_finished(const void *context, int stage) {
    return ((const farm_node *)context)->farm->finished[stage];
}

static tf_left_out left_out(const void *context, int stage) {
    const farm *f = ((const farm_node *)context)->farm;
    tf_left_out found = {0};
    for (int task = 0; task < FARM_TASKS; task++)
        found.total += f->status[stage][task] == TF_STATUS_EXCLUDED;
    return found;
}

static void check_texts(const farm *f, const tf_rows *rows) {
    const char *bytes = rows->blobs;
    for (size_t at = 0; at < rows->blobs_size;) {
        const tf_record *record = (const tf_record *)(const void *)(bytes + at);
        farm_require(f, rows->status[record->index - rows->first] != TF_STATUS_PENDING,
                     "s%d[%d], which is to be tried again, leaves a text", rows->stage, (int)record->index);
        at += tf_record_size((size_t)record->length);
    }
}

static tf_err write_rows(void *context, const tf_rows *rows, tf_error *error) {
    farm_node *node = context;
    farm *f = node->farm;
    if (f->now < f->setting.away)
        return tf_error_set(error, TF_ERR_STOPPED, "the disk of rank %d is full", node->number);
    if (f->setting.breaks > 0 && farm_chance(f, f->setting.breaks)) {
        f->broken++;
        return tf_error_set(error, TF_ERR_RUN, "the disk of rank %d is full", node->number);
    }
    farm_require(f, !node->is_given_up, "rank %d writes, and others may have been given its tasks", node->number);
    farm_require(f, node->laid_out[rows->stage] && !node->finished[rows->stage],
                 "rank %d writes rows of s%d, which is not open", node->number, rows->stage);
    check_texts(f, rows);
    for (int64_t row = 0; row < rows->count; row++) {
        uint8_t *status = &f->status[rows->stage][rows->first + row];
        if (rows->status[row] == TF_STATUS_PENDING)
            continue;
        farm_require(f, *status == TF_STATUS_PENDING, "s%d[%d] ends twice: as %s, and as %s", rows->stage,
                     (int)(rows->first + row), tf_status_name(*status), tf_status_name(rows->status[row]));
        *status = rows->status[row];
        f->settles[rows->stage][rows->first + row] = f->judges[rows->stage][rows->first + row] = 0;
        f->attempts[rows->stage][rows->first + row] = rows->attempts[row];
    }
    return TF_OK;
}

static tf_err sync_rows(void *context, double interval, tf_error *error) {
    (void)context, (void)interval, (void)error;
    return TF_OK;
}

static bool is_locked(const void *context) {
    return !((const farm_node *)context)->farm->setting.unlocked;
}

static bool has_ended(const void *context, int number) {
    farm *f = ((const farm_node *)context)->farm;
    farm_node *node = &f->node[number];
    node->known_end = node->known_end || node->dead || node->rank.ended;
    return node->known_end || f->setting.blind;
}

static tf_err read_status(void *context, int stage, int64_t first, int64_t count, uint8_t *status, tf_error *error) {
    (void)error;
    memcpy(status, &((const farm_node *)context)->farm->status[stage][first], (size_t)count);
    return TF_OK;
}

static void check_ended(const farm *f, int stage, int64_t count, const char *what) {
    for (int64_t task = 0; task < count; task++)
        farm_require(f, f->status[stage][task] != TF_STATUS_PENDING || f->unwritten[stage][task],
                     "%s before s%d[%d] has ended", what, stage, (int)task);
}

static bool stops_early(const farm *f) {
    bool stops = false;
    for (int s = 0; s < f->setting.campaign->stages; s++)
        stops = stops || f->setting.campaign->stage[s].stop_after > 0;
    return stops;
}

bool farm_is_lost(const farm *f, int number) {
    return f->node[number].dead || f->node[number].is_given_up;
}

bool farm_can_run(const farm *f, int number, int stage) {
    return !farm_is_lost(f, number) && !f->setting.unable[number][stage] &&
           tf_resources_slots(need_of(f, stage)) <= f->setting.slots[number];
}

static void note_stop(void *context, int stage, const char *why) {
    farm *f = ((farm_node *)context)->farm;
    farm_require(f, strcmp(why, "it lacks what it needs") == 0, "s%d is stopped by \"%s\"", stage, why);
    farm_require(f, !f->stopped[stage], "s%d is stopped twice", stage);
    for (int r = f->setting.ranks > 1; r < f->setting.ranks; r++)
        farm_require(f, !farm_can_run(f, r, stage), "s%d is stopped, and rank %d could run it", stage, r);
    f->stopped[stage] = true;
}

static void note_incident(void *context, int number, const char *json) {
    farm *f = ((farm_node *)context)->farm;
    farm_require(f, number >= 0 && number <= f->incidents, "incident %d comes after %d", number, f->incidents);
    f->incidents = number == f->incidents ? number + 1 : f->incidents;
    snprintf(f->incident, sizeof f->incident, "%s", json);
    static const char begin[] = "{\"kind\":\"silent\",\"rank\":";
    const master *m = f->node[0].rank.master;
    const bool is_late = m && master_parting(m) == PARTING_WAITS; /* its message may be on its way still */
    if (strncmp(json, begin, strlen(begin)) != 0 || is_late)
        return;
    farm_node *lost = &f->node[strtol(json + strlen(begin), NULL, 10)];
    farm_require(f, lost->unheard_since > 0, "rank %d is given up, and nothing has befallen it", lost->number);
    lost->is_given_up = true;
    lose_asked(f, lost->number);
    f->deaths += !lost->dead;
}

static void note_notices(void *context, const tf_noticed *noticed, int count) {
    farm *f = ((farm_node *)context)->farm;
    f->noticed = count;
    f->last_noticed = noticed[count - 1];
}

static tf_err is_enough(void *context, int stage, int64_t count, bool *enough, tf_error *error) {
    (void)error;
    farm *f = ((farm_node *)context)->farm;
    const int64_t tasks = tf_space_size(f->setting.campaign->stage[stage].space);
    const int64_t next = tf_until_next(count);
    check_ended(f, stage, count, "\"until\" is looked at");
    farm_require(f, count == f->may_grant[stage], "\"until\" is looked at after %d tasks, not %d", (int)count,
                 (int)f->may_grant[stage]);
    *enough = draw(f, DRAW_ENOUGH, stage, count, 0) < f->setting.stage[stage].enough;
    f->enough[stage] = *enough && count < tasks ? count : 0;
    if (!*enough)
        f->may_grant[stage] = next < tasks ? next : tasks;
    return TF_OK;
}

/* All ranks do the same, in the same order; and none that is dead is waited for. true for the last one: only then, as
 * they wait for each other, the work is done. */
static bool take_part(farm_node *node, collect_what what, int stage) {
    farm *f = node->farm;
    const int number = node->collectives++;
    int others = 0;
    cr_assert_lt(number, (int)(sizeof f->collective / sizeof *f->collective));
    if (number == f->collectives)
        f->collective[f->collectives++] = (farm_collective){what, stage};
    const farm_collective *all = &f->collective[number];
    farm_require(f, all->what == what && all->stage == stage, "rank %d does other work than the others together",
                 node->number);
    for (int r = 0; r < f->setting.ranks; r++) {
        farm_require(f, !farm_is_lost(f, r) || f->node[r].collectives > number,
                     "rank %d waits for rank %d, which is lost", node->number, r);
        others += f->node[r].collectives <= number;
    }
    return others == 0;
}

static void hold(void *context) {
    farm_node *node = context;
    farm_require(node->farm, !node->holds, "rank %d holds what it holds already", node->number);
    node->holds = true;
}

static tf_err release(void *context, tf_error *error) {
    (void)error;
    farm_node *node = context;
    farm_require(node->farm, node->holds, "rank %d releases what it does not hold", node->number);
    node->holds = false;
    return TF_OK;
}

static tf_err layout(void *context, int stage, tf_error *error) {
    (void)error;
    farm_node *node = context;
    farm *f = node->farm;
    take_part(node, COLLECT_LAYOUT, stage);
    farm_require(f, !node->laid_out[stage], "s%d is laid out twice", stage);
    const tf_stage_spec *spec = &f->setting.campaign->stage[stage];
    for (int a = 0; a < spec->afters; a++)
        farm_require(f, node->finished[spec->after[a]] || f->finished[spec->after[a]],
                     "s%d is laid out before s%d is finished", stage, spec->after[a]);
    node->laid_out[stage] = true;
    return TF_OK;
}

static tf_err finish(void *context, int stage, int64_t enough, tf_error *error) {
    (void)error;
    farm_node *node = context;
    farm *f = node->farm;
    const bool is_last = take_part(node, COLLECT_FINISH, stage);
    farm_require(f, enough == f->enough[stage], "s%d is finished with %d tasks, not %d", stage, (int)enough,
                 (int)f->enough[stage]);
    if (is_last && !stops_early(f))
        check_ended(f, stage, enough ? enough : tf_space_size(f->setting.campaign->stage[stage].space),
                    "a stage is finished");
    node->finished[stage] = true;
    f->finished[stage] = f->finished[stage] || is_last;
    return TF_OK;
}

static tf_err close_output(void *context, tf_run_state state, double elapsed, tf_error *error) {
    (void)elapsed, (void)error;
    farm_node *node = context;
    take_part(node, COLLECT_CLOSE, 0);
    farm_require(node->farm, !node->holds, "rank %d closes what it holds", node->number);
    farm_require(node->farm, !node->closed, "rank %d closes the output twice", node->number);
    node->closed = true;
    snprintf(node->farm->state, sizeof node->farm->state, "%s", tf_run_state_name(state));
    return TF_OK;
}

/* ---- The whole ---- */

static double now(void *context) {
    return ((const farm *)context)->now;
}

static void open_node(farm *f, int number) {
    farm_node *node = &f->node[number];
    *node = (farm_node){.farm = f, .number = number, .idle_since = f->now};
    node->transport = (transport){.rank = number,
                                  .ranks = f->setting.ranks,
                                  .doorbell = -1,
                                  .send = send_letter,
                                  .listen = listen_for_nothing,
                                  .receive = receive_letter,
                                  .context = node};
    node->executor = (executor){.has = has,
                                .capacity = capacity,
                                .place = place,
                                .place_in_hand = place_in_hand,
                                .idle = idle,
                                .refusal = refusal,
                                .is_sick = is_sick,
                                .submit = submit,
                                .poll = poll_slots,
                                .give_up = give_up,
                                .find = find,
                                .leave = leave,
                                .settle = settle,
                                .remove_temp = remove_temp,
                                .context = node};
    node->output = (output){.is_finished = is_finished,
                            .left_out = left_out,
                            .write = write_rows,
                            .sync = sync_rows,
                            .is_locked = is_locked,
                            .has_ended = has_ended,
                            .status = read_status,
                            .note_stop = note_stop,
                            .note_incident = note_incident,
                            .note_notices = note_notices,
                            .is_enough = is_enough,
                            .hold = hold,
                            .release = release,
                            .layout = layout,
                            .finish = finish,
                            .close = close_output,
                            .context = node};
    node->rank = (rank){
        .transport = &node->transport, .output = &node->output, .terms = &f->setting.terms, .error = &node->error};
    for (int s = 0; s < FARM_SLOTS; s++)
        node->slot[s].owner = -1;
    for (int r = 0; r < f->setting.ranks; r++)
        f->route[number][r] = (route){.last = &f->route[number][r].first};
}

void farm_open(farm *f, const farm_setting *setting) {
    static const terms standard = {.patience = 60, .recovers = true};
    *f = (farm){.setting = *setting, .rng = tf_rng_start(setting->seed, 1)};
    f->clock = (tf_clock){.now = now, .context = f};
    f->now = 1000;
    if (setting->terms.patience == 0)
        f->setting.terms = standard;
    f->options = (tf_farm_options){.campaign = setting->campaign,
                                   .graph = setting->graph,
                                   .walltime = setting->walltime,
                                   .started = f->now,
                                   .grace = setting->grace,
                                   .sync = setting->sync};
    for (int r = 0; r < setting->ranks; r++)
        open_node(f, r);
}

void farm_start_master(farm *f) {
    farm_node *node = &f->node[0];
    const tf_campaign *campaign = f->setting.campaign;
    for (int s = 0; s < campaign->stages; s++) {
        const int64_t tasks = tf_space_size(campaign->stage[s].space), first = campaign->stage[s].until.first;
        f->may_grant[s] = !campaign->stage[s].until.expr ? 0 : first < tasks ? first : tasks;
    }
    node->rank.master = master_new(&f->options, &f->setting.terms, &node->transport, &f->clock, &node->output);
}

void farm_start_worker(farm *f, int number) {
    farm_node *node = &f->node[number];
    node->rank.executor = &node->executor;
    node->rank.worker = worker_new(f->setting.campaign, &node->transport, &f->clock, &node->executor, &node->output,
                                   &f->setting.terms, f->setting.sync);
}

void farm_start(farm *f) {
    farm_start_master(f);
    for (int r = f->setting.ranks > 1; r < f->setting.ranks; r++)
        farm_start_worker(f, r);
}

void farm_close(farm *f) {
    for (int r = 0; r < f->setting.ranks; r++) {
        worker_free(f->node[r].rank.worker);
        tf_buf_free(&f->node[r].rank.waiting);
        master_free(f->node[r].rank.master);
        free(f->node[r].taken);
        for (int to = 0; to < f->setting.ranks; to++)
            drop_letters(&f->route[r][to]);
    }
}

/* The rank has ended since it did not hear the master. */
static void leave_alone(farm_node *node) {
    farm *f = node->farm;
    if (f->setting.trace)
        printf("%9.4f  rank %d ends by itself\n", f->now, node->number);
    farm_require(f, node->unheard_since > 0, "rank %d ends, and nothing has befallen it", node->number);
    empty_slots(node);
    node->dead = true;
    lose_asked(f, node->number);
    f->deaths += !node->is_given_up;
}

bool farm_turn(farm *f) {
    int order[FARM_MOST_RANKS];
    bool busy = false;
    for (int i = 0; i < f->setting.ranks; i++)
        order[i] = i;
    tf_rng_shuffle(&f->rng, order, (size_t)f->setting.ranks, sizeof *order);
    for (int i = 0; i < f->setting.ranks; i++) {
        farm_node *node = &f->node[order[i]];
        if (node->dead || node->is_frozen || node->rank.ended)
            continue;
        busy = rank_turn(&node->rank) || busy;
        if (!node->rank.ended && node->rank.worker && !node->rank.is_unheard)
            busy = worker_step(node->rank.worker, 0) || busy;
        busy = busy || node->rank.ended;
        if (node->rank.ended && node->rank.outcome == TF_ERR_STOPPED && !node->farewell && node->number > 0)
            leave_alone(node);
        if (node->rank.ended)
            lose_asked(f, node->number); /* it was not heard, and then told to leave */
    }
    return busy;
}

static double sooner(const farm *f, double next, double time) {
    return time > f->now ? fmin(next, time) : next;
}

void farm_wait(farm *f, double most) {
    double next = f->now + most;
    for (int r = 0; r < f->setting.ranks; r++) {
        for (int s = 0; s < FARM_SLOTS; s++) {
            const farm_batch *b = &f->node[r].slot[s].running;
            if (b->used && b->done < b->count)
                next = sooner(f, next, b->ended + seconds(f, r, b->stage, b->first + b->done, b->attempt));
        }
        for (int from = 0; from < f->setting.ranks; from++)
            if (f->route[from][r].first)
                next = sooner(f, next, f->route[from][r].first->arrives);
    }
    f->now = next;
}

void farm_cut(farm *f, int number, bool is_cut) {
    farm_node *node = &f->node[number];
    if (f->setting.trace)
        printf("%9.4f  rank %d is %s\n", f->now, number, is_cut ? "cut off" : "back");
    node->is_cut = is_cut;
    node->unheard_since = f->now;
}

void farm_freeze(farm *f, int number, bool is_frozen) {
    farm_node *node = &f->node[number];
    if (f->setting.trace)
        printf("%9.4f  rank %d %s\n", f->now, number, is_frozen ? "is stopped" : "goes on");
    node->is_frozen = is_frozen;
    node->unheard_since = f->now;
}

bool farm_may_kill(const farm *f, int number) {
    for (int r = 0; r < f->setting.ranks; r++)
        if (!farm_is_lost(f, r) && (f->node[r].collectives < f->collectives_asked || f->node[r].farewell))
            return false;
    const farm_node *node = &f->node[number];
    return number > 0 && node->greeted && !node->dead && !node->rank.ended;
}

void farm_kill(farm *f, int number) {
    farm_node *node = &f->node[number];
    if (f->setting.trace)
        printf("%9.4f  rank %d dies\n", f->now, number);
    const double kept = farm_chance(f, 0.5) ? 0 : 0.7; /* share of its messages that come all the same */
    node->dead = true;
    f->deaths++;
    lose_asked(f, number);
    empty_slots(node);
    for (int r = 0; r < f->setting.ranks; r++) {
        drop_letters(&f->route[r][number]);
        route *sent = &f->route[number][r];
        letter **last = &sent->first;
        while (*last && farm_chance(f, kept))
            last = &(*last)->next;
        for (letter *l = *last, *next; l; l = next) {
            next = l->next;
            free(l);
        }
        *last = NULL;
        sent->last = last;
    }
}

int farm_idle(const farm *f, int number) {
    return idle(&f->node[number]);
}

bool farm_is_over(const farm *f) {
    for (int r = 0; r < f->setting.ranks; r++)
        if (!farm_is_lost(f, r) && !f->node[r].rank.ended && !(f->node[r].is_frozen && f->node[0].rank.ended))
            return false;
    return true;
}
