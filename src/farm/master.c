/* The master holds the scheduler and nothing of the tasks but counts and a few failures to show. */
#include "farm/master.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "farm/dependencies.h"
#include "host/run.h"

#define SILENCE    3.0  /* s after which a worker is looked after */
#define NO_SILENCE 60.0 /* s after which it is given up, if nothing else tells that it lives */
#define LEAVING    10.0 /* s that ranks which leave are waited for */

/* What is known of a rank. */
typedef struct peer {
    bool up, lost, locked;
    double heard; /* now(m) of its last message */
    char host[64];
} peer;

/* A stage that may end early: its tasks become ready up to where its "until" is looked at next. */
typedef struct look {
    bool on;        /* some are to come yet */
    int64_t next;   /* when tasks below this one have ended */
    int64_t enough; /* tasks of which it was true; 0: none yet */
} look;

struct master {
    const tf_campaign *campaign;
    const tf_farm_options *options;
    const transport *transport;
    const tf_clock *clock;
    const output *output;
    tf_sched *sched;
    dependencies *deps;
    double started;
    double closed; /* s that the run had taken when the file was closed, which it has; 0: not yet */
    int64_t slots;
    int64_t reused;            /* tasks */
    int64_t excluded, skipped; /* as workers found them: to the scheduler they are done */
    int64_t excluded_before;   /* by earlier runs */
    int finished;              /* stages */
    int stopping;              /* see tf_farm_progress */
    look *look;                /* per stage */
    uint32_t *changed;         /* per stage: what its function has been said to change */
    peer *peer;                /* per rank */
    int lost;
    parting parting;
    double patience; /* when those that have not left yet are not waited for any longer */
    tf_err outcome;  /* once the ranks part */
    double looked;
    drain_how how;     /* 0: not yet */
    double end;        /* now(m) from which on running tasks are not waited for */
    tf_tally failures; /* by message; owners are stages */
};

static double now(const master *m) {
    return tf_clock_now(m->clock);
}

static bool lives(const peer *p) {
    return p->up && !p->lost;
}

master *master_new(const tf_farm_options *options, const transport *t, const tf_clock *clock, const output *o) {
    const tf_campaign *campaign = options->campaign;
    master *m = tf_alloc(sizeof *m);
    *m = (master){.campaign = campaign,
                  .options = options,
                  .transport = t,
                  .clock = clock,
                  .output = o,
                  .started = tf_clock_now(clock)};
    m->look = tf_alloc_array((size_t)campaign->stages, sizeof *m->look);
    m->changed = tf_alloc_array((size_t)campaign->stages, sizeof *m->changed);
    m->peer = tf_alloc_array((size_t)t->ranks, sizeof *m->peer);
    tf_sched_stage *stages = tf_alloc_array((size_t)campaign->stages, sizeof *stages);
    for (int s = 0; s < campaign->stages; s++)
        stages[s] = (tf_sched_stage){.tasks = tf_space_size(campaign->stage[s].space),
                                     .need = campaign->stage[s].need,
                                     .pending = &tf_graph_stage(options->graph, s)->run,
                                     .withheld = tf_graph_stage(options->graph, s)->withheld,
                                     .adopted = tf_graph_stage(options->graph, s)->adopt.total,
                                     .level = tf_graph_level(options->graph, s),
                                     .linked = tf_stage_has_files(&campaign->stage[s]) || campaign->stage[s].until.expr,
                                     .looks = campaign->stage[s].until.expr != NULL,
                                     .finished = o->is_finished(o->context, s),
                                     .afters = campaign->stage[s].afters,
                                     .after = campaign->stage[s].after,
                                     .stop_after = campaign->stage[s].stop_after,
                                     .retry_delay = campaign->stage[s].retry_delay};
    for (int s = 0; s < campaign->stages; s++) {
        m->reused += stages[s].tasks - stages[s].pending->total - stages[s].withheld;
        m->excluded_before += o->excluded(o->context, s);
        m->finished += stages[s].finished;
    }
    m->sched = tf_sched_new(stages, campaign->stages);
    m->deps = dependencies_new(campaign, options->graph, m->sched, t);
    free(stages);
    return m;
}

void master_free(master *m) {
    if (!m)
        return;
    dependencies_free(m->deps);
    tf_tally_free(&m->failures);
    tf_sched_free(m->sched);
    free(m->peer);
    free(m->look);
    free(m->changed);
    free(m);
}

void master_result(const master *m, tf_farm_result *result) {
    *result = (tf_farm_result){0};
    tf_farm_progress *p = &result->progress;
    *p = (tf_farm_progress){.stages = m->campaign->stages,
                            .finished = m->finished,
                            .elapsed = m->closed > 0 ? m->closed : now(m) - m->started,
                            .reused = m->reused,
                            .excluded = m->excluded + m->excluded_before,
                            .excluded_before = m->excluded_before,
                            .stopping = m->stopping,
                            .ranks = m->transport->ranks,
                            .slots = m->slots,
                            .failures = &m->failures};
    for (int s = 0; s < m->campaign->stages; s++) {
        tf_sched_counts counts = tf_sched_stage_counts(m->sched, s);
        p->tasks += counts.tasks;
        p->done += counts.done;
        p->failed += counts.failed;
        p->running += counts.running;
        p->skipped += counts.skipped;
        p->withheld += counts.withheld;
    }
    p->done -= m->skipped;
    p->skipped += m->skipped;
}

/* ---- In ---- */

/* A rank that can be asked to do something: `rank` itself, if it lives. */
static int helper(const master *m, int rank) {
    if (!m->peer[rank].lost)
        return rank;
    for (int other = 1; other < m->transport->ranks; other++)
        if (!m->peer[other].lost)
            return other;
    return NOBODY;
}

/* Tasks have ended for good. A report of tasks that the worker does not hold, late or twice, counts for nothing. */
static void end_tasks(master *m, int from, const report_message *r) {
    if (!tf_sched_report(m->sched, from, r->stage, r->first, r->count, r->failed, r->seconds))
        return;
    m->excluded += r->excluded;
    m->skipped += r->skipped;
    dependencies_ended(m->deps, r->stage, r->first, r->count, r->failed == 0, helper(m, from));
}

static void take_reports(master *m, int from, const report_message *report, size_t count) {
    for (const report_message *r = report; r < report + count; r++) {
        if (r->retry)
            tf_sched_retry(m->sched, from, r->stage, r->first, r->count, r->retry, r->seconds, now(m));
        else
            end_tasks(m, from, r);
    }
}

static void take_failure(master *m, const failure_message *failure) {
    tf_tally_add(&m->failures, failure->stage, failure->message, strlen(failure->message), failure->count,
                 failure->index, failure->numbers);
}

/* The first worker to notice is enough. */
static void take_change(master *m, const change_message *change) {
    const tf_stage_spec *stage = &m->campaign->stage[change->stage];
    if ((change->changed & ~m->changed[change->stage]) == 0)
        return;
    m->changed[change->stage] |= change->changed;
    tf_buf text = {0};
    tf_buf_addf(&text, "stage \"%s\": %s changes ", stage->name, stage->run.symbol);
    tf_host_name_changes(change->changed, &text);
    tf_buf_adds(
        &text, " of its process; its tasks run one by one, in processes of their own: let it put back what it changes");
    if (m->options->on_warning)
        m->options->on_warning(m->options->context, text.data);
    tf_buf_free(&text);
}

/* Every rank may say so, and several do when a launcher passes a signal on. */
static void drain(master *m, drain_how how, int why) {
    if (m->how >= how)
        return;
    if (m->how == 0) {
        m->stopping = why;
        m->end = now(m) + m->options->grace;
    }
    m->how = how;
    tf_sched_drain(m->sched);
    transport_send_all(m->transport, TAG_DRAIN, &(drain_message){.how = (int32_t)how}, sizeof(drain_message));
}

/* The end of handing out, and that of waiting, by the clock. */
static void watch_time(master *m) {
    const tf_farm_options *o = m->options;
    double spare = o->grace < o->walltime / 2 ? o->grace : o->walltime / 2;
    if (o->walltime > 0 && m->how == 0 && now(m) >= o->started + o->walltime - spare) {
        drain(m, DRAIN_WAIT, TF_FARM_WALLTIME);
        m->end = o->started + o->walltime;
    }
    if (m->how == DRAIN_WAIT && now(m) >= m->end)
        drain(m, DRAIN_AT_ONCE, m->stopping);
}

void master_take(master *m, const parcel *message) {
    const int from = message->from;
    const void *payload = message->payload;
    const size_t size = message->size;
    m->peer[from].heard = now(m);
    switch (message->tag) {
    case TAG_HELLO: {
        const hello_message *hello = payload;
        m->slots += hello->slots;
        m->peer[from].up = true;
        m->peer[from].locked = hello->locked != 0;
        memcpy(m->peer[from].host, hello->host, sizeof hello->host);
        tf_sched_worker_up(m->sched, from,
                           (tf_resources){.slots = hello->slots, .memory = hello->memory, .gpus = hello->gpus});
        break;
    }
    case TAG_REPORT: take_reports(m, from, payload, size / sizeof(report_message)); break;
    case TAG_IDLE: tf_sched_idle(m->sched, from, ((const idle_message *)payload)->idle); break;
    case TAG_FAILURE: take_failure(m, payload); break;
    case TAG_CHANGE: take_change(m, payload); break;
    case TAG_SIGNAL: {
        const signal_message *asked = payload;
        drain(m, asked->count > 1 ? DRAIN_AT_ONCE : DRAIN_WAIT, asked->signal);
        break;
    }
    case TAG_DRAINED: tf_sched_worker_down(m->sched, from); break;
    case TAG_BROKEN: transport_send_all(m->transport, TAG_LEAVE, payload, size); break;
    default: break;
    }
}

/* ---- Workers that die ---- */

/* What the worker would have reported of a row that it has written. */
static report_message report_of(const master *m, int stage, int64_t task, uint8_t status) {
    const bool has_files = tf_stage_has_files(&m->campaign->stage[stage]);
    return (report_message){.stage = stage,
                            .first = task,
                            .count = 1,
                            .failed = has_files ? !tf_status_is_good(status) : tf_status_has_failed(status),
                            .excluded = status == TF_STATUS_EXCLUDED,
                            .skipped = status == TF_STATUS_SKIPPED};
}

/* Of the tasks that the worker held, those whose rows it had finished have ended; the others are for someone else. */
static void settle_held(master *m, int rank, int stage) {
    enum { AT_ONCE = 1 << 16 };
    uint8_t *status = tf_alloc(AT_ONCE);
    tf_intervals held = {0};
    const tf_intervals *holds = tf_sched_holds(m->sched, rank, stage);
    tf_intervals_add_all(&held, holds);
    tf_error ignored;
    tf_interval piece = {0};
    while (tf_intervals_next(&held, AT_ONCE, &piece)) {
        int64_t count = piece.end - piece.first;
        if (m->output->status(m->output->context, stage, piece.first, count, status, &ignored) != TF_OK)
            break;
        for (int64_t i = 0; i < count; i++) {
            const report_message report = report_of(m, stage, piece.first + i, status[i]);
            if (status[i] != TF_STATUS_PENDING)
                end_tasks(m, rank, &report);
        }
    }
    tf_intervals_free(&held);
    free(status);
}

/* From now on nothing is done together any more: stages that were laid out go on, others are for the next run. */
static void lose(master *m, int rank) {
    peer *p = &m->peer[rank];
    p->lost = true;
    m->lost++;
    for (int s = 0; s < m->campaign->stages; s++)
        if (tf_sched_holds(m->sched, rank, s)->total > 0)
            settle_held(m, rank, s);
    tf_sched_worker_down(m->sched, rank);
    tf_sched_freeze(m->sched);
    char text[200];
    snprintf(text, sizeof text, "rank %d on %s has died; the others go on with its tasks", rank, p->host);
    if (m->options->on_warning)
        m->options->on_warning(m->options->context, text);
}

static bool is_dead(const master *m, int rank, double silence) {
    const peer *p = &m->peer[rank];
    if (!p->up || p->lost || now(m) - p->heard < silence)
        return false;
    return p->locked ? m->output->has_ended(m->output->context, rank) : now(m) - p->heard > NO_SILENCE;
}

static void look_after(master *m, double silence) {
    for (int rank = 1; rank < m->transport->ranks; rank++)
        if (is_dead(m, rank, silence))
            lose(m, rank);
}

static int living(const master *m) {
    int count = 0;
    for (int rank = 1; rank < m->transport->ranks; rank++)
        count += lives(&m->peer[rank]);
    return count;
}

/* Everyone who lives leaves alone, also those whose HELLO has not come yet; the rest is the finisher's. */
static void part(master *m) {
    tf_farm_result result;
    master_result(m, &result);
    m->outcome = result.progress.finished < result.progress.stages ? TF_ERR_STOPPED
                 : result.progress.failed > 0                      ? TF_ERR_TASKS
                                                                   : TF_OK;
    for (int rank = 1; rank < m->transport->ranks; rank++)
        if (!m->peer[rank].lost)
            transport_send(m->transport, rank, TAG_PART, NULL, 0);
    m->parting = PARTING_WAITS;
    m->patience = now(m) + LEAVING;
}

/* Has every rank left whose lock tells it? */
static bool have_left(const master *m) {
    for (int rank = 1; rank < m->transport->ranks; rank++)
        if (m->peer[rank].up && m->peer[rank].locked && !m->output->has_ended(m->output->context, rank))
            return false;
    return true;
}

parting master_parting(const master *m) {
    return m->parting;
}

tf_err master_outcome(const master *m) {
    return m->outcome;
}

/* ---- Out ---- */

static void collect(master *m, collect_what what, int stage) {
    tf_farm_result result;
    master_result(m, &result);
    bool stopped = m->stopping && m->finished < m->campaign->stages;
    bool partial = result.progress.withheld > 0;
    collect_message message = {.what = (int32_t)what,
                               .stage = stage,
                               .outcome = stopped                      ? TF_ERR_STOPPED
                                          : result.progress.failed > 0 ? TF_ERR_TASKS
                                                                       : TF_OK,
                               .partial = partial,
                               .elapsed = result.progress.elapsed,
                               .enough = m->look[stage].enough};
    if (what == COLLECT_CLOSE)
        m->closed = message.elapsed;
    transport_send_all(m->transport, TAG_COLLECT, &message, sizeof message);
}

/* Tasks from .. end - 1 of those that are to be run may be handed out. */
static void make_ready(const master *m, int stage, int64_t from, int64_t end) {
    tf_intervals some = {0};
    tf_intervals_add_all(&some, &tf_graph_stage(m->options->graph, stage)->run);
    tf_intervals_remove(&some, 0, from);
    tf_intervals_remove(&some, end, tf_space_size(m->campaign->stage[stage].space));
    for (size_t i = 0; i < some.count; i++)
        tf_sched_ready(m->sched, stage, some.items[i].first, some.items[i].end - some.items[i].first,
                       tf_graph_level(m->options->graph, stage));
    tf_intervals_free(&some);
}

void master_laid_out(master *m, int stage) {
    const tf_stage_spec *spec = &m->campaign->stage[stage];
    int64_t tasks = tf_space_size(spec->space);
    look *l = &m->look[stage];
    if (!spec->until.expr)
        return;
    *l = (look){.on = true, .next = spec->until.first < tasks ? spec->until.first : tasks};
    make_ready(m, stage, 0, l->next);
}

static void tell_enough(const master *m, int stage) {
    const tf_stage_spec *spec = &m->campaign->stage[stage];
    char count[32], text[300];
    snprintf(text, sizeof text, "stage %s: after %s tasks enough is known: %.200s", spec->name,
             tf_format_count(m->look[stage].enough, count), tf_expr_source(spec->until.expr));
    if (m->options->on_warning)
        m->options->on_warning(m->options->context, text);
}

/* When all tasks up to the next look have ended: are they enough? The same tasks are looked at whoever ran them. */
static bool look_again(master *m, int stage) {
    look *l = &m->look[stage];
    int64_t tasks = tf_space_size(m->campaign->stage[stage].space), end = tf_until_next(l->next);
    bool enough = false;
    tf_error error;
    if (!l->on || m->how || !tf_sched_has_caught_up(m->sched, stage))
        return false;
    if (m->output->is_enough(m->output->context, stage, l->next, &enough, &error) != TF_OK) {
        broken_message broken = {.code = (int32_t)error.code};
        memcpy(broken.text, error.text, sizeof broken.text);
        transport_send_all(m->transport, TAG_LEAVE, &broken, sizeof broken);
        l->on = false;
        return true;
    }
    end = end < tasks ? end : tasks;
    l->on = !enough && l->next < tasks;
    if (enough && l->next < tasks) {
        l->enough = l->next;
        tell_enough(m, stage);
    }
    if (l->on) {
        make_ready(m, stage, l->next, end);
        l->next = end;
    } else {
        tf_sched_cut(m->sched, stage);
    }
    return true;
}

static void grant(const master *m, const tf_action *action) {
    const grant_message message = {
        .stage = action->stage, .attempt = action->attempt, .first = action->first, .count = action->count};
    transport_send(m->transport, action->worker, TAG_GRANT, &message, sizeof message);
}

/* While all live. */
static void act(master *m, const tf_action *action) {
    switch (action->kind) {
    case TF_ACTION_LAYOUT:
        collect(m, COLLECT_LAYOUT, action->stage);
        dependencies_laid_out(m->deps, action->stage, helper(m, m->transport->ranks > 1));
        break;
    case TF_ACTION_FINISH:
        m->finished++;
        dependencies_finished(m->deps, action->stage);
        collect(m, COLLECT_FINISH, action->stage);
        break;
    case TF_ACTION_END: collect(m, COLLECT_CLOSE, 0); break;
    case TF_ACTION_GRANT: grant(m, action); break;
    }
}

/* Once a rank is lost nothing is done together: the finisher does that. A layout that came with the loss, and what
 * would need it, is for the next run. */
static void act_alone(master *m, const tf_action *action) {
    switch (action->kind) {
    case TF_ACTION_LAYOUT: drain(m, DRAIN_WAIT, TF_FARM_LOSS); break;
    case TF_ACTION_FINISH: m->finished++; break;
    case TF_ACTION_END: part(m); break;
    case TF_ACTION_GRANT: grant(m, action); break;
    }
}

bool master_step(master *m) {
    const double interval = 1;
    tf_action action;
    bool any = false;
    if (m->parting == PARTING_WAITS && (have_left(m) || now(m) >= m->patience))
        m->parting = PARTING_OVER;
    if (m->parting != PARTING_NOT)
        return false;
    watch_time(m);
    if (now(m) - m->looked > interval) {
        m->looked = now(m);
        look_after(m, SILENCE);
    }
    const bool nobody_lives = m->lost && living(m) == 0;
    if (m->lost && !nobody_lives && tf_sched_is_stuck(m->sched)) /* the only ranks that were large enough are gone */
        drain(m, DRAIN_WAIT, TF_FARM_LOSS);
    for (int s = 0; s < m->campaign->stages; s++)
        any = look_again(m, s) || any;
    for (; tf_sched_next(m->sched, now(m), &action); any = true) {
        if (action.kind != TF_ACTION_GRANT)
            look_after(m, 0); /* a call that all make must not wait for the dead */
        if (m->lost)
            act_alone(m, &action);
        else
            act(m, &action);
    }
    if (nobody_lives && m->parting == PARTING_NOT) { /* what is left is for the next run */
        part(m);
        any = true;
    }
    return any;
}
