/* The master holds the scheduler, and nothing of the tasks but counts and a few failures to show. */
#include "farm/master.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "farm/dependencies.h"
#include "farm/gathering.h"
#include "farm/incidents.h"
#include "farm/loss.h"
#include "farm/notices.h"
#include "farm/peers.h"
#include "farm/sickness.h"
#include "farm/speculation.h"
#include "farm/steps.h"
#include "farm/unable.h"
#include "farm/until.h"
#include "farm/written.h"

#define SILENCE        3.0 /* s without a message after which it is asked whether a worker has died */
#define CHECK_INTERVAL 1.0 /* s between such checks */

struct master {
    const tf_campaign *campaign;
    const tf_farm_options *options;
    const transport *transport;
    const tf_clock *clock;
    const output *output;
    tf_sched *sched;
    dependencies *dependencies;
    untils *untils;
    unables *unables;
    incidents *incidents;
    sickness *sickness;
    speculation speculation;
    notices *notices;
    terms terms;
    peers peers;
    gathering gathering;
    tf_action waiting;         /* what is to be done as soon as all are here */
    double longest_check;      /* s that a look at "until" has taken */
    double started;            /* when it was made */
    double elapsed_at_close;   /* s that the run had taken when the output was closed; 0: it is open */
    int64_t slots;             /* number of slots of all workers that have come */
    int64_t reused;            /* tasks that earlier runs have done */
    tf_left_out left_out;      /* of the reused */
    int64_t excluded, skipped; /* tasks that workers found left out, or skipped: the scheduler counts them as done */
    int *until, until_count;   /* the stages that have one */
    steps steps;               /* what all ranks are to do together, and have not been told yet */
    tf_buf grants;             /* grants that are sent together, once the next is there */
    tf_tally failures;         /* by message; owners are stages */
    double checked;            /* when workers' lives were last checked */
    double grace_end;          /* when running tasks are not waited for any longer */
    leaving leaving;
    drain_how draining; /* 0: tasks are handed out */
    int stopping;       /* why it drains: see tf_farm_progress */
    int granted_to;     /* who gets the grants */
    int finished;       /* how many stages are */
    tf_err outcome;     /* the run's, once the ranks part */
    bool is_waiting;    /* `waiting` is */
    bool ends;          /* all is done but for rows that workers write yet */
};

static double now(const master *m) {
    return tf_clock_now(m->clock);
}

static void warn_as(const master *m, const char *id, const char *text) {
    if (m->options->on_warning)
        m->options->on_warning(m->options->context, id, text);
}

static void warn(const master *m, const char *text) {
    warn_as(m, NULL, text);
}

/* ---- The beginning and the end ---- */

static tf_sched_stage sched_stage(const master *m, int stage) {
    const tf_stage_spec *spec = &m->campaign->stage[stage];
    const tf_stage_plan *plan = tf_graph_stage(m->options->graph, stage);
    return (tf_sched_stage){.tasks = tf_stage_final(spec),
                            .need = spec->need,
                            .pending = &plan->run,
                            .withheld = plan->withheld,
                            .adopted = plan->adopt.total,
                            .batch = tf_stage_batch(spec),
                            .level = tf_graph_level(m->options->graph, stage),
                            .linked = tf_stage_has_files(spec) || spec->until.expr,
                            .awaits_cut = spec->until.expr != NULL,
                            .finished = m->output->is_finished(m->output->context, stage),
                            .afters = spec->afters,
                            .after = spec->after,
                            .stop_after = spec->stop_after,
                            .retry_delay = spec->retry_delay,
                            .speculative = spec->speculative};
}

/* The rank that does what is not a task's, as long as all live. */
static int find_helper(const master *m) {
    return m->transport->ranks > 1 ? 1 : 0;
}

master *master_new(const tf_farm_options *options, const terms *agreed, const transport *t, const tf_clock *clock,
                   const output *o) {
    const tf_campaign *campaign = options->campaign;
    master *m = tf_alloc(sizeof *m);
    *m = (master){.campaign = campaign,
                  .options = options,
                  .transport = t,
                  .clock = clock,
                  .output = o,
                  .terms = *agreed,
                  .peers = peers_new(o, t->ranks, agreed->patience, tf_clock_now(clock)),
                  .started = tf_clock_now(clock)};
    m->gathering = gathering_new(t, &m->peers);
    m->until = tf_alloc_array((size_t)campaign->stages, sizeof *m->until);
    m->steps = steps_new();
    tf_sched_stage *stages = tf_alloc_array((size_t)campaign->stages, sizeof *stages);
    for (int s = 0; s < campaign->stages; s++) {
        stages[s] = sched_stage(m, s);
        m->reused += stages[s].tasks - stages[s].pending->total - stages[s].withheld;
        const tf_left_out before = o->left_out(o->context, s);
        m->left_out.total += before.total;
        m->left_out.cancelled += before.cancelled;
        m->finished += stages[s].finished;
        if (campaign->stage[s].until.expr)
            m->until[m->until_count++] = s;
    }
    m->sched = tf_sched_new(stages, campaign->stages);
    m->untils = untils_new(campaign, options->graph, m->sched, o);
    m->unables = unables_new(campaign, m->sched, o);
    m->incidents = incidents_new(options, o);
    m->leaving = (leaving){.transport = t, .peers = &m->peers, .incidents = m->incidents};
    m->sickness = sickness_new(campaign, &m->peers, t, m->incidents);
    m->notices = notices_new(campaign, o);
    m->speculation = (speculation){campaign, m->sched, &m->peers, t, m->notices};
    m->dependencies = dependencies_new(campaign, options->graph, m->sched, t);
    dependencies_remove_left(m->dependencies, find_helper(m));
    free(stages);
    return m;
}

void master_free(master *m) {
    if (!m)
        return;
    dependencies_free(m->dependencies);
    untils_free(m->untils);
    unables_free(m->unables);
    sickness_free(m->sickness);
    incidents_free(m->incidents);
    notices_free(m->notices);
    tf_tally_free(&m->failures);
    tf_sched_free(m->sched);
    peers_free(&m->peers);
    free(m->until);
    steps_free(&m->steps);
    tf_buf_free(&m->grants);
    free(m);
}

void master_result(const master *m, tf_farm_result *result) {
    *result = (tf_farm_result){0};
    tf_farm_progress *p = &result->progress;
    *p = (tf_farm_progress){.stages = m->campaign->stages,
                            .finished = m->finished,
                            .elapsed = m->elapsed_at_close > 0 ? m->elapsed_at_close : now(m) - m->started,
                            .reused = m->reused,
                            .excluded = m->excluded + m->left_out.total,
                            .left_out_before = m->left_out,
                            .stopping = m->stopping,
                            .ranks = m->transport->ranks,
                            .slots = m->slots,
                            .failures = &m->failures};
    p->noticed = notices_list(m->notices, &p->notices);
    for (int s = 0; s < m->campaign->stages; s++) {
        const tf_sched_counts counts = tf_sched_stage_counts(m->sched, s);
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

const tf_farm_stop *master_stopped(const master *m, int *count) {
    return unables_stopped(m->unables, count);
}

void master_incidents(const master *m, tf_buf *out) {
    incidents_list(m->incidents, out);
}

void master_name_quiet(const master *m, tf_buf *out) {
    const int rank = m->draining ? peers_find_quietest(&m->peers) : NOBODY;
    if (rank != NOBODY && peers_silence(&m->peers, rank) > SILENCE)
        loss_describe_quiet(&m->peers, rank, out);
}

void master_name_away(const master *m, const char *here, tf_buf *out) {
    peers_name_away(&m->peers, here, out);
}

static bool has_stopped_a_stage(const master *m) {
    int count;
    unables_stopped(m->unables, &count);
    return count > 0;
}

/* ---- What workers say ---- */

/* Tasks have ended for good. A report of tasks that the worker does not hold, late or twice, counts for nothing. */
static void end_tasks(master *m, int from, const report_message *r) {
    if (!tf_sched_report(m->sched, from, r->stage, r->first, r->count, r->failed, r->seconds))
        return;
    m->excluded += r->excluded;
    m->skipped += r->skipped;
    dependencies_ended(m->dependencies, r->stage, r->first, r->count, r->failed == 0,
                       peers_find_living(&m->peers, from));
}

static void apply_reports(master *m, int from, const report_message *report, size_t count) {
    for (const report_message *r = report; r < report + count; r++) {
        notices_count(m->notices, r->stage, r->calls);
        if (r->is_kept)
            tf_sched_fail(m->sched, from, r->stage, r->first, r->count, r->attempt, r->seconds, now(m));
        else if (r->retry)
            tf_sched_retry(m->sched, from, r->stage, r->first, r->count, r->retry, r->seconds, now(m));
        else
            end_tasks(m, from, r);
    }
}

static void count_failures(master *m, const failure_message *failure) {
    tf_tally_add(&m->failures, failure->stage, failure->message, strlen(failure->message), failure->count,
                 failure->index, failure->numbers);
}

static void hear_notice(const master *m, const tf_notice *notice) {
    tf_buf warning = {0};
    notices_hear(m->notices, notice, &warning);
    if (warning.length)
        warn_as(m, tf_notice_table[notice->kind].name, warning.data);
    tf_buf_free(&warning);
}

static void hear_unable(master *m, int from, const unable_message *message) {
    tf_buf warning = {0};
    const char *host = m->peers.peer[from].host;
    unables_hear(m->unables, from, host, message, now(m), &warning);
    if (warning.length && message->is_sick)
        incidents_begin_now(m->incidents, INCIDENT_SICK, from, host, warning.data);
    else if (warning.length)
        warn(m, warning.data);
    tf_buf_free(&warning);
}

/* Nothing runs on the worker any more: it was told so, or has found out that it can't run anything. */
static void hear_drained(master *m, const parcel *message) {
    if (message->size > 0)
        sickness_hear(m->sickness, message->from, message->payload);
    tf_sched_worker_down(m->sched, message->from);
}

/* Each rank has an interpreter of its own that imports, for its own slots. */
static void warn_of_crowd(const master *m) {
    enum { MANY = 8 /* ranks on a node */ };
    const tf_stage_spec *first = NULL;
    for (int s = 0; s < m->campaign->stages && !first; s++) {
        const tf_stage_spec *stage = &m->campaign->stage[s];
        if (stage->run.python && tf_graph_stage(m->options->graph, s)->run.total > 0)
            first = stage;
    }
    const crowd most = first ? peers_find_crowd(&m->peers) : (crowd){0};
    if (most.ranks < MANY)
        return;
    tf_buf text = {0};
    tf_buf_addf(&text,
                "stage \"%s\": %d ranks on node %s import it %d times; a single rank there with --slots %d imports it "
                "once, for all slots",
                first->name, most.ranks, most.host, most.ranks, most.slots);
    warn(m, text.data);
    tf_buf_free(&text);
}

/* Storage fails many ranks at once: people are told by the first of them, and when the last one goes on. */
static void hear_storage(master *m, int from, const storage_message *message) {
    if (!peers_note_storage(&m->peers, from, message->fails))
        return;
    if (message->fails)
        incidents_begin_now(m->incidents, INCIDENT_STORAGE, from, m->peers.peer[from].host, message->text);
    else
        incidents_end(m->incidents, INCIDENT_STORAGE, message->text);
}

static void greet(master *m, int from, const hello_message *hello) {
    m->slots += hello->slots;
    peers_greet(&m->peers, from, hello);
    if (peers_are_known(&m->peers))
        warn_of_crowd(m);
    tf_sched_worker_up(m->sched, from,
                       (tf_resources){.slots = hello->slots, .memory = hello->memory, .gpus = hello->gpus});
    tf_sched_set_host(m->sched, from, tf_hash(hello->host, strlen(hello->host), 0));
}

/* Several ranks may ask for it, when a launcher passes a signal on. */
static void drain(master *m, drain_how how, int why) {
    if (m->draining >= how)
        return;
    if (m->draining == 0) {
        m->stopping = why;
        m->grace_end = now(m) + m->options->grace;
    }
    m->draining = how;
    tf_sched_drain(m->sched);
    transport_send_all(m->transport, TAG_DRAIN, &(drain_message){.how = (int32_t)how}, sizeof(drain_message));
}

static void obey_signal(master *m, const signal_message *signal) {
    drain(m, signal->count > 1 ? DRAIN_AT_ONCE : DRAIN_WAIT, signal->signal);
}

/* ---- Workers that are lost ---- */

static void end_written(void *context, int rank, const report_message *report) {
    end_tasks(context, rank, report);
}

/* From now on nothing is done together any more: stages that were laid out go on, others are for the next run. */
static void bury(master *m, int rank, peer_state why) {
    const bool is_silent = why == PEER_SILENT;
    const double silence = peers_silence(&m->peers, rank);
    tf_buf text = {0};
    loss_describe(&m->peers, m->campaign, m->sched, &m->terms, rank, why, &text);
    peers_mark_lost(&m->peers, rank, why);
    sickness_forget(m->sickness, rank);
    written_visit(m->output, m->campaign, m->sched, rank, end_written, m);
    tf_sched_worker_down(m->sched, rank);
    tf_sched_freeze(m->sched);
    const incident what = {.kind = is_silent ? INCIDENT_SILENT : INCIDENT_DEAD,
                           .rank = rank,
                           .host = m->peers.peer[rank].host,
                           .since = tf_wall() - (is_silent ? silence : 0),
                           .text = text.data};
    incidents_begin(m->incidents, &what);
    tf_buf_free(&text);
    if (is_silent && !m->terms.recovers)
        drain(m, DRAIN_AT_ONCE, TF_FARM_SILENCE);
}

static void bury_lost(master *m, double silence) {
    for (int rank = 1; rank < m->transport->ranks; rank++) {
        const peer_state state = peers_judge(&m->peers, rank, silence);
        if (state != PEER_LIVES)
            bury(m, rank, state);
    }
}

static bool has_loss(const master *m) {
    return m->peers.lost > 0;
}

/* Everyone who lives leaves alone, also those whose HELLO has not come yet. The rest is the finisher's. */
static void part(master *m) {
    tf_farm_result result;
    master_result(m, &result);
    m->outcome = result.progress.finished < result.progress.stages ? TF_ERR_STOPPED
                 : result.progress.failed > 0                      ? TF_ERR_TASKS
                                                                   : TF_OK;
    leaving_begin(&m->leaving, now(m));
}

parting master_parting(const master *m) {
    return m->leaving.parting;
}

tf_err master_outcome(const master *m) {
    return m->outcome;
}

/* The run has broken. Where a rank is lost what ranks do together at the end would wait for it. */
static void break_off(master *m, const broken_message *broken) {
    broken_message message = *broken;
    bury_lost(m, 0);
    message.apart = has_loss(m);
    transport_send_all(m->transport, TAG_LEAVE, &message, sizeof message);
}

/* ---- A message ---- */

/* A look at "until" reads all rows so far: nothing is heard of this rank meanwhile. */
static void answer(master *m, int from, const alive_message *question) {
    peers_allow(&m->peers, from, question->silence);
    const double long_check = 1; /* s */
    const alive_message heard = {.asked = question->asked,
                                 .silence = m->longest_check > long_check ? TOGETHER * m->terms.patience : 0};
    transport_send(m->transport, from, TAG_HEARD, &heard, sizeof heard);
}

/* Others may have its tasks by now: what it says of them counts for nothing. */
static void turn_away(const master *m, const parcel *message) {
    if (message->tag == TAG_ALIVE && m->peers.peer[message->from].is_silent)
        transport_send(m->transport, message->from, TAG_PART, NULL, 0);
}

void master_handle(master *m, const parcel *message) {
    const int from = message->from;
    const void *payload = message->payload;
    if (m->peers.peer[from].is_lost) {
        turn_away(m, message);
        return;
    }
    peers_hear(&m->peers, from);
    switch (message->tag) {
    case TAG_HELLO: greet(m, from, payload); break;
    case TAG_ALIVE: answer(m, from, payload); break;
    case TAG_HERE: peers_answer(&m->peers, from, ((const summon_message *)payload)->number); break;
    case TAG_REPORT: apply_reports(m, from, payload, message->size / sizeof(report_message)); break;
    case TAG_UNABLE: hear_unable(m, from, payload); break;
    case TAG_SETTLED: sickness_hear_settled(m->sickness, from); break;
    case TAG_DOUBLED: speculation_hear_answer(&m->speculation, from, payload, now(m)); break;
    case TAG_CLAIM: speculation_hear_claim(&m->speculation, from, payload); break;
    case TAG_IDLE: tf_sched_idle(m->sched, from, ((const idle_message *)payload)->idle); break;
    case TAG_FAILURE: count_failures(m, payload); break;
    case TAG_NOTICE: hear_notice(m, payload); break;
    case TAG_STORAGE: hear_storage(m, from, payload); break;
    case TAG_SIGNAL: obey_signal(m, payload); break;
    case TAG_DRAINED: hear_drained(m, message); break;
    case TAG_BROKEN: break_off(m, payload); break;
    default: break;
    }
}

/* ---- Stages with "until" ---- */

void master_laid_out(master *m, int stage) {
    untils_laid_out(m->untils, stage);
}

int64_t master_enough(const master *m, int stage) {
    return untils_enough(m->untils, stage);
}

static void warn_of_enough(const master *m, int stage) {
    const tf_stage_spec *spec = &m->campaign->stage[stage];
    char count[32], text[300];
    snprintf(text, sizeof text, "stage %s: after %s tasks enough is known: %.200s", spec->name,
             tf_format_count(untils_enough(m->untils, stage), count), tf_expr_source(spec->until.expr));
    warn(m, text);
}

static void break_off_by(master *m, const tf_error *error) {
    broken_message broken = {.code = (int32_t)error->code, .id = (int32_t)error->id};
    memcpy(broken.text, error->text, sizeof broken.text);
    break_off(m, &broken);
}

/* Checks each "until" whose time has come. true if there was one. */
static bool check_untils(master *m) {
    bool any = false;
    tf_error error;
    for (int n = 0; n < m->until_count && !m->draining && sickness_is_settled(m->sickness); n++) {
        const double began = now(m);
        const until_verdict verdict = untils_check(m->untils, m->until[n], &error);
        m->longest_check = fmax(m->longest_check, now(m) - began);
        if (verdict == UNTIL_IS_ENOUGH)
            warn_of_enough(m, m->until[n]);
        else if (verdict == UNTIL_FAILS)
            break_off_by(m, &error);
        any = any || verdict != UNTIL_WAITS;
    }
    return any;
}

/* ---- Actions ---- */

static void send_grants(master *m) {
    if (m->grants.length)
        transport_send(m->transport, m->granted_to, TAG_GRANT, m->grants.data, m->grants.length);
    tf_buf_clear(&m->grants);
}

/* A worker that had the beginning of a batch alone might run it before the rest has come. */
static void grant(master *m, const tf_action *action) {
    const grant_message message = {
        .stage = action->stage, .attempt = action->attempt, .first = action->first, .count = action->count};
    if (m->granted_to != action->worker)
        send_grants(m);
    m->granted_to = action->worker;
    tf_buf_add(&m->grants, &message, sizeof message);
    if (!action->is_torn)
        send_grants(m);
}

static void send_close(master *m) {
    notices_note(m->notices);
    tf_farm_result result;
    master_result(m, &result);
    const bool stopped = m->stopping && m->finished < m->campaign->stages;
    const bool has_failures = result.progress.failed > 0 || has_stopped_a_stage(m);
    const collect_message message = {.what = COLLECT_CLOSE,
                                     .outcome = stopped        ? TF_ERR_STOPPED
                                                : has_failures ? TF_ERR_TASKS
                                                               : TF_OK,
                                     .partial = result.progress.withheld > 0 || has_stopped_a_stage(m),
                                     .elapsed = result.progress.elapsed};
    m->elapsed_at_close = message.elapsed;
    transport_send_all(m->transport, TAG_COLLECT, &message, sizeof message);
}

/* What follows from the steps for rows that wait may be written only after all of them. */
static void send_steps(master *m) {
    notices_note(m->notices);
    for (int n = 0; n < m->steps.count; n++)
        if (m->steps.step[n].kind == TF_ACTION_FINISH) {
            m->finished++;
            dependencies_finished(m->dependencies, m->steps.step[n].stage);
        }
    steps_send(&m->steps, m->transport, m->untils);
    for (int n = 0; n < m->steps.count; n++)
        if (m->steps.step[n].kind == TF_ACTION_LAYOUT)
            dependencies_laid_out(m->dependencies, m->steps.step[n].stage, find_helper(m));
}

/* Tasks have failed for good, of which that was not sure when their worker said so. */
static void fail(master *m, const tf_action *a) {
    sickness_settle_rows(m->sickness, a);
    dependencies_ended(m->dependencies, a->stage, a->first, a->count, false, peers_find_living(&m->peers, a->worker));
}

/* What concerns one worker, and no step. */
static bool is_of_worker(const tf_action *action) {
    return action->kind != TF_ACTION_LAYOUT && action->kind != TF_ACTION_FINISH && action->kind != TF_ACTION_END &&
           action->kind != TF_ACTION_GRANT && action->kind != TF_ACTION_SECOND;
}

static void act_on_worker(master *m, const tf_action *action) {
    switch (action->kind) {
    case TF_ACTION_FAIL: fail(m, action); break;
    case TF_ACTION_DROP: sickness_settle_rows(m->sickness, action); break;
    case TF_ACTION_SICK: sickness_begin(m->sickness, action); break;
    case TF_ACTION_SLOW: sickness_say_slow(m->sickness, action); break;
    case TF_ACTION_DOUBLE: speculation_ask(&m->speculation, action); break;
    case TF_ACTION_RULE: speculation_rule(&m->speculation, action); break;
    default: break;
    }
}

/* What the grant is of another worker has, too. */
static void begin_second(master *m, const tf_action *action) {
    tf_buf warning = {0};
    speculation_begin(&m->speculation, action, &warning);
    if (warning.length)
        warn_as(m, tf_notice_table[TF_NOTICE_SECOND].name, warning.data);
    tf_buf_free(&warning);
}

/* Once a rank is lost nothing is done together: the finisher does that. A layout that came with the loss, and what
 * would need it, is for the next run. */
static void leave_step(master *m, const tf_action *step) {
    if (step->kind == TF_ACTION_LAYOUT)
        drain(m, DRAIN_WAIT, TF_FARM_LOSS);
    else
        m->finished++;
}

/* May ranks do something together now? What they do must not wait for one that is lost. */
static bool gather(master *m) {
    return has_loss(m) || gathering_is_complete(&m->gathering, now(m));
}

static void take_steps(master *m) {
    if (m->steps.count == 0)
        return;
    bury_lost(m, 0);
    if (has_loss(m))
        for (int n = 0; n < m->steps.count; n++)
            leave_step(m, &m->steps.step[n]);
    else
        send_steps(m);
    m->steps.count = 0;
}

/* Carries an action out, or keeps it as a step until another must come after it. */
static void carry_out(master *m, const tf_action *action) {
    if (action->kind != TF_ACTION_GRANT)
        send_grants(m);
    if (is_of_worker(action)) {
        act_on_worker(m, action);
        return;
    }
    const bool is_kept = steps_is_one(action), is_second = is_kept && steps_have(&m->steps, action->stage);
    if (!is_kept || is_second || steps_are_full(&m->steps))
        take_steps(m);
    if (is_second && has_loss(m)) /* the first has not been done, and nothing of the stage can be */
        return;
    if (is_kept) {
        steps_add(&m->steps, action);
        return;
    }
    if (action->kind == TF_ACTION_SECOND)
        begin_second(m, action);
    if (action->kind == TF_ACTION_END)
        m->ends = true;
    else
        grant(m, action);
}

/* What tasks failed of is known once their rows are written. true: the end has been told. */
static bool end_when_settled(master *m) {
    if (!m->ends)
        return false;
    bury_lost(m, 0);
    if (!sickness_is_settled(m->sickness) || !gather(m))
        return false;
    m->ends = false;
    if (has_loss(m))
        part(m);
    else
        send_close(m);
    return true;
}

/* Is the action to be carried out now? Else it waits until all are here. */
static bool may_act(master *m, const tf_action *action) {
    m->is_waiting = steps_is_one(action) && !gather(m);
    if (m->is_waiting)
        m->waiting = *action;
    return !m->is_waiting;
}

/* All steps that there are come before what is granted: who is lost is found then, and gets nothing. */
static bool next_action(master *m, tf_action *action) {
    if (m->is_waiting) {
        *action = m->waiting;
        return may_act(m, action);
    }
    if (tf_sched_next_change(m->sched, action))
        return may_act(m, action);
    take_steps(m);
    return tf_sched_next(m->sched, now(m), action) && may_act(m, action);
}

/* ---- A turn ---- */

/* The end of handing out, and that of waiting, by the clock. */
static void watch_time(master *m) {
    const tf_farm_options *o = m->options;
    const double spare = o->grace < o->walltime / 2 ? o->grace : o->walltime / 2;
    if (o->walltime > 0 && m->draining == 0 && now(m) >= o->started + o->walltime - spare) {
        drain(m, DRAIN_WAIT, TF_FARM_WALLTIME);
        m->grace_end = o->started + o->walltime;
    }
    if (m->draining == DRAIN_WAIT && now(m) >= m->grace_end)
        drain(m, DRAIN_AT_ONCE, m->stopping);
}

static void watch_workers(master *m) {
    peers_listen(&m->peers, now(m));
    gathering_turn(&m->gathering, now(m));
    if (now(m) - m->checked <= CHECK_INTERVAL)
        return;
    m->checked = now(m);
    bury_lost(m, SILENCE);
}

/* Stops what nobody can run: a stage, or the run, if that is so since workers are sick. true if there was such a stage.
 */
static bool end_by_sickness(master *m) {
    bool is_sick = false;
    if (m->draining || !peers_are_known(&m->peers))
        return false;
    const bool any = unables_stop(m->unables, &is_sick);
    const bool has_sick = sickness_count(m->sickness) > 0;
    if (is_sick || (has_sick && (tf_sched_count_well(m->sched) == 0 || tf_sched_is_stuck(m->sched))))
        drain(m, DRAIN_WAIT, TF_FARM_SICK);
    return any;
}

bool master_step(master *m) {
    tf_action action;
    if (m->leaving.parting == PARTING_WAITS)
        leaving_turn(&m->leaving, now(m));
    if (m->leaving.parting != PARTING_NOT)
        return false;
    watch_time(m);
    watch_workers(m);
    bool any = end_by_sickness(m);
    const bool nobody_lives = has_loss(m) && peers_count_living(&m->peers) == 0;
    if (has_loss(m) && !nobody_lives &&
        tf_sched_is_stuck(m->sched)) /* the only ranks that were large enough are lost */
        drain(m, DRAIN_WAIT, TF_FARM_LOSS);
    any = check_untils(m) || any;
    for (; next_action(m, &action); any = true)
        carry_out(m, &action);
    any = end_when_settled(m) || any;
    send_grants(m);
    if (nobody_lives && m->leaving.parting == PARTING_NOT) { /* what is left is for the next run */
        part(m);
        any = true;
    }
    return any;
}
