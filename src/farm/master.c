/* The master holds the scheduler and nothing of the tasks but counts and a few failures to show. */
#include "farm/master.h"

#include <stdlib.h>
#include <string.h>

#include "sched/sched.h"

struct master {
    const tf_campaign *campaign;
    const tf_farm_options *options;
    tf_wire *wire;
    tf_sched *sched;
    double started;
    int64_t slots;
    int64_t reused; /* tasks */
    int finished;   /* stages */
    int stopping;   /* see tf_farm_progress */
    drain_how how;  /* 0: not yet */
    double end;     /* tf_now() from which on running tasks are not waited for */
    int failures;
    tf_farm_failure failure[TF_FARM_FAILURES];
};

master *master_new(const tf_farm_options *options, tf_wire *wire) {
    const tf_campaign *campaign = options->campaign;
    const tf_store_plan *plan = options->plan;
    master *m = tf_alloc(sizeof *m);
    *m = (master){.campaign = campaign, .options = options, .wire = wire, .started = tf_now()};
    tf_sched_stage *stages = tf_alloc_array((size_t)campaign->stages, sizeof *stages);
    for (int s = 0; s < campaign->stages; s++)
        stages[s] = (tf_sched_stage){.tasks = tf_space_size(campaign->stage[s].space),
                                     .pending = tf_store_pending(plan, s),
                                     .finished = tf_store_is_finished(plan, s),
                                     .afters = campaign->stage[s].afters,
                                     .after = campaign->stage[s].after,
                                     .stop_after = campaign->stage[s].stop_after,
                                     .retry_delay = campaign->stage[s].retry_delay};
    for (int s = 0; s < campaign->stages; s++) {
        m->reused += stages[s].tasks - stages[s].pending->total;
        m->finished += stages[s].finished;
    }
    m->sched = tf_sched_new(stages, campaign->stages);
    free(stages);
    return m;
}

void master_free(master *m) {
    if (!m)
        return;
    tf_sched_free(m->sched);
    free(m);
}

void master_result(const master *m, tf_farm_result *result) {
    *result = (tf_farm_result){.failures = m->failures};
    memcpy(result->failure, m->failure, sizeof result->failure);
    tf_farm_progress *p = &result->progress;
    *p = (tf_farm_progress){.stages = m->campaign->stages,
                            .finished = m->finished,
                            .elapsed = tf_now() - m->started,
                            .reused = m->reused,
                            .stopping = m->stopping,
                            .ranks = wire_ranks(m->wire),
                            .slots = m->slots};
    for (int s = 0; s < m->campaign->stages; s++) {
        tf_sched_counts counts = tf_sched_stage_counts(m->sched, s);
        p->tasks += counts.tasks;
        p->done += counts.done;
        p->failed += counts.failed;
        p->running += counts.running;
    }
}

/* ---- In ---- */

static void take_reports(master *m, int from, const report_message *report, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const report_message *r = &report[i];
        if (r->retry)
            tf_sched_retry(m->sched, from, r->stage, r->first, r->count, r->retry, r->seconds, tf_now());
        else
            tf_sched_report(m->sched, from, r->stage, r->first, r->count, r->failed, r->seconds);
    }
}

static void take_failure(master *m, const failure_message *failure) {
    if (m->failures == TF_FARM_FAILURES)
        return;
    tf_farm_failure *to = &m->failure[m->failures++];
    *to = (tf_farm_failure){.stage = failure->stage, .status = failure->status, .index = failure->index};
    memcpy(to->message, failure->message, sizeof to->message);
}

/* Every rank may say so, and several do when a launcher passes a signal on. */
static void drain(master *m, drain_how how, int why) {
    if (m->how >= how)
        return;
    if (m->how == 0) {
        m->stopping = why;
        m->end = tf_now() + m->options->grace;
    }
    m->how = how;
    tf_sched_drain(m->sched);
    wire_send_all(m->wire, TAG_DRAIN, &(drain_message){.how = (int32_t)how}, sizeof(drain_message));
}

/* The end of handing out, and that of waiting, by the clock. */
static void watch_time(master *m) {
    const tf_farm_options *o = m->options;
    double spare = o->grace < o->walltime / 2 ? o->grace : o->walltime / 2;
    if (o->walltime > 0 && m->how == 0 && tf_now() >= o->started + o->walltime - spare) {
        drain(m, DRAIN_WAIT, TF_FARM_WALLTIME);
        m->end = o->started + o->walltime;
    }
    if (m->how == DRAIN_WAIT && tf_now() >= m->end)
        drain(m, DRAIN_AT_ONCE, m->stopping);
}

void master_take(master *m, int from, int tag, const void *payload, size_t size) {
    switch (tag) {
    case TAG_HELLO: {
        const hello_message *hello = payload;
        m->slots += hello->slots;
        tf_sched_worker_up(m->sched, from, hello->slots);
        break;
    }
    case TAG_REPORT: take_reports(m, from, payload, size / sizeof(report_message)); break;
    case TAG_FAILURE: take_failure(m, payload); break;
    case TAG_SIGNAL: {
        const signal_message *message = payload;
        drain(m, message->count > 1 ? DRAIN_AT_ONCE : DRAIN_WAIT, message->signal);
        break;
    }
    case TAG_DRAINED: tf_sched_worker_down(m->sched, from); break;
    case TAG_BROKEN: wire_send_all(m->wire, TAG_LEAVE, payload, size); break;
    default: break;
    }
}

/* ---- Out ---- */

static void collect(master *m, collect_what what, int stage) {
    tf_farm_result result;
    master_result(m, &result);
    bool stopped = m->stopping && m->finished < m->campaign->stages;
    collect_message message = {.what = (int32_t)what,
                               .stage = stage,
                               .outcome = stopped                      ? TF_ERR_STOPPED
                                          : result.progress.failed > 0 ? TF_ERR_TASKS
                                                                       : TF_OK,
                               .elapsed = result.progress.elapsed};
    wire_send_all(m->wire, TAG_COLLECT, &message, sizeof message);
}

bool master_step(master *m) {
    tf_action action;
    bool any = false;
    watch_time(m);
    for (; tf_sched_next(m->sched, tf_now(), &action); any = true) {
        switch (action.kind) {
        case TF_ACTION_LAYOUT: collect(m, COLLECT_LAYOUT, action.stage); break;
        case TF_ACTION_FINISH:
            m->finished++;
            collect(m, COLLECT_FINISH, action.stage);
            break;
        case TF_ACTION_END: collect(m, COLLECT_CLOSE, 0); break;
        case TF_ACTION_GRANT: {
            grant_message grant = {
                .stage = action.stage, .attempt = action.attempt, .first = action.first, .count = action.count};
            wire_send(m->wire, action.worker, TAG_GRANT, &grant, sizeof grant);
            break;
        }
        }
    }
    return any;
}
