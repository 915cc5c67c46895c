/* What can't be done yet waits in lists: rows of stages that are not open, and files to be removed before any rank
 * works. */
#include "farm/dependencies.h"

#include <stdio.h>
#include <stdlib.h>

/* Consecutive tasks that are not run, since another has failed. */
typedef struct skipped {
    int stage;
    int64_t first, count;
    int cause_stage;
    int64_t cause; /* the task that has failed */
} skipped;

/* A task whose temporary files nobody needs any more. */
typedef struct unneeded {
    int stage;
    int64_t index;
} unneeded;

struct dependencies {
    const tf_campaign *campaign;
    tf_graph *graph;
    tf_sched *sched;
    const transport *transport;
    int helper;        /* the rank that does what follows from the event under way; NOBODY: none can */
    bool *is_open;     /* per stage: its rows may be written */
    skipped current;   /* the run of skipped tasks that the graph may go on with */
    skipped *deferred; /* runs of skipped tasks whose stages are not open */
    size_t deferreds, deferred_capacity;
    unneeded *unneeded; /* tasks whose temporary files are to be removed */
    size_t unneededs, unneeded_capacity;
};

/* ---- Rows of tasks that are not run ---- */

static void settle(const dependencies *d, int stage, tf_interval tasks, tf_status status, const char *message) {
    settle_message settled = {
        .stage = stage, .status = (int32_t)status, .first = tasks.first, .count = tasks.end - tasks.first};
    snprintf(settled.message, sizeof settled.message, "%s", message);
    transport_send(d->transport, d->helper, TAG_SETTLE, &settled, sizeof settled);
}

static void settle_skipped(const dependencies *d, const skipped *s) {
    tf_buf cause = {0};
    tf_task_name(d->campaign, s->cause_stage, s->cause, &cause);
    tf_buf_adds(&cause, " has failed");
    settle(d, s->stage, (tf_interval){s->first, s->first + s->count}, TF_STATUS_SKIPPED, tf_buf_text(&cause));
    tf_sched_skip(d->sched, s->stage, s->count);
    tf_buf_free(&cause);
}

void dependencies_laid_out(dependencies *d, int stage, int helper) {
    d->helper = helper;
    d->is_open[stage] = true;
    const tf_intervals *adopt = &tf_graph_stage(d->graph, stage)->adopt;
    for (size_t i = 0; i < adopt->count; i++)
        settle(d, stage, adopt->items[i], TF_STATUS_DONE, "");
    size_t kept = 0;
    for (size_t i = 0; i < d->deferreds; i++) {
        if (d->deferred[i].stage == stage)
            settle_skipped(d, &d->deferred[i]);
        else
            d->deferred[kept++] = d->deferred[i];
    }
    d->deferreds = kept;
}

/* In a run that stops early tasks may end after this, of stages before: what follows from them is left to the next run.
 */
void dependencies_finished(dependencies *d, int stage) {
    d->is_open[stage] = false;
}

/* ---- What the graph says ---- */

static void on_ready(void *context, int stage, int64_t first, int64_t count, int level) {
    dependencies *d = context;
    tf_sched_ready(d->sched, stage, first, count, level);
}

/* Writes the current run of skipped tasks, or keeps it until its stage is open. */
static void end_current(dependencies *d) {
    const skipped run = d->current;
    d->current = (skipped){0};
    if (run.count == 0)
        return;
    if (d->is_open[run.stage] && d->helper != NOBODY) {
        settle_skipped(d, &run);
        return;
    }
    if (d->deferreds == d->deferred_capacity) {
        d->deferred_capacity = d->deferred_capacity ? 2 * d->deferred_capacity : 16;
        d->deferred = tf_realloc_array(d->deferred, d->deferred_capacity, sizeof *d->deferred);
    }
    d->deferred[d->deferreds++] = run;
}

/* What is behind a failed task often lies side by side, and is then told of at once. */
static void on_skip(void *context, int stage, int64_t first, int64_t count, int cause_stage, int64_t cause) {
    dependencies *d = context;
    skipped *run = &d->current;
    const bool is_same =
        run->count > 0 && run->stage == stage && run->cause_stage == cause_stage && run->cause == cause;
    if (is_same && first == run->first + run->count) {
        run->count += count;
    } else if (is_same && first + count == run->first) {
        run->first = first;
        run->count += count;
    } else {
        end_current(d);
        *run = (skipped){.stage = stage, .first = first, .count = count, .cause_stage = cause_stage, .cause = cause};
    }
}

static void on_unneeded(void *context, int stage, int64_t index) {
    dependencies *d = context;
    if (d->unneededs == d->unneeded_capacity) {
        d->unneeded_capacity = d->unneeded_capacity ? 2 * d->unneeded_capacity : 16;
        d->unneeded = tf_realloc_array(d->unneeded, d->unneeded_capacity, sizeof *d->unneeded);
    }
    d->unneeded[d->unneededs++] = (unneeded){stage, index};
}

static tf_graph_events events(dependencies *d) {
    return (tf_graph_events){.context = d, .ready = on_ready, .skip = on_skip, .unneeded = on_unneeded};
}

void dependencies_remove_left(dependencies *d, int helper) {
    for (size_t i = 0; i < d->unneededs; i++) {
        remove_message message = {.stage = d->unneeded[i].stage, .index = d->unneeded[i].index};
        transport_send(d->transport, helper, TAG_REMOVE, &message, sizeof message);
    }
    d->unneededs = 0;
}

void dependencies_ended(dependencies *d, int stage, int64_t first, int64_t count, bool done, int helper) {
    const tf_graph_events what = events(d);
    d->helper = helper;
    tf_graph_ended(d->graph, stage, first, count, done, &what);
    end_current(d);
    if (helper != NOBODY)
        dependencies_remove_left(d, helper);
    d->unneededs = 0;
}

dependencies *dependencies_new(const tf_campaign *campaign, tf_graph *graph, tf_sched *sched, const transport *t) {
    dependencies *d = tf_alloc(sizeof *d);
    *d = (dependencies){.campaign = campaign, .graph = graph, .sched = sched, .transport = t, .helper = NOBODY};
    d->is_open = tf_alloc_array((size_t)campaign->stages, sizeof *d->is_open);
    const tf_graph_events what = events(d);
    tf_graph_start(graph, &what);
    return d;
}

void dependencies_free(dependencies *d) {
    if (!d)
        return;
    free(d->is_open);
    free(d->deferred);
    free(d->unneeded);
    free(d);
}
