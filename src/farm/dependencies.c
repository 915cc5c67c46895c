/* What can't be done yet waits in lists: rows of stages that are not open, and files to be removed before any rank
 * works. */
#include "farm/dependencies.h"

#include <stdio.h>
#include <stdlib.h>

/* Tasks that are not run, since another has failed. */
typedef struct skipped {
    int stage, cause_stage;
    int64_t first, count, cause;
} skipped;

typedef struct unneeded {
    int stage;
    int64_t index;
} unneeded;

struct dependencies {
    const tf_campaign *campaign;
    tf_graph *graph;
    tf_sched *sched;
    const transport *transport;
    int by;           /* the rank that gets the work of the event under way; NOBODY: none yet */
    bool *open;       /* per stage: its rows may be written */
    skipped run;      /* that may go on */
    skipped *skipped; /* of stages that are not open */
    size_t skips, skip_capacity;
    unneeded *unneeded;
    size_t unneededs, unneeded_capacity;
};

/* ---- Rows of tasks that are not run ---- */

static void settle(const dependencies *d, int stage, tf_interval tasks, tf_status status, const char *message) {
    settle_message settled = {
        .stage = stage, .status = (int32_t)status, .first = tasks.first, .count = tasks.end - tasks.first};
    snprintf(settled.message, sizeof settled.message, "%s", message);
    transport_send(d->transport, d->by, TAG_SETTLE, &settled, sizeof settled);
}

static void write_skipped(const dependencies *d, const skipped *s) {
    tf_buf cause = {0};
    tf_task_name(d->campaign, s->cause_stage, s->cause, &cause);
    tf_buf_adds(&cause, " has failed");
    settle(d, s->stage, (tf_interval){s->first, s->first + s->count}, TF_STATUS_SKIPPED, tf_buf_text(&cause));
    tf_sched_skip(d->sched, s->stage, s->count);
    tf_buf_free(&cause);
}

void dependencies_laid_out(dependencies *d, int stage, int by) {
    d->by = by;
    d->open[stage] = true;
    const tf_intervals *adopt = &tf_graph_stage(d->graph, stage)->adopt;
    for (size_t i = 0; i < adopt->count; i++)
        settle(d, stage, adopt->items[i], TF_STATUS_DONE, "");
    size_t kept = 0;
    for (size_t i = 0; i < d->skips; i++) {
        if (d->skipped[i].stage == stage)
            write_skipped(d, &d->skipped[i]);
        else
            d->skipped[kept++] = d->skipped[i];
    }
    d->skips = kept;
}

/* Where a run stops early, tasks of others that were begun end behind this: what follows from them is for the next. */
void dependencies_finished(dependencies *d, int stage) {
    d->open[stage] = false;
}

/* ---- What the graph says ---- */

static void on_ready(void *context, int stage, int64_t first, int64_t count, int level) {
    dependencies *d = context;
    tf_sched_ready(d->sched, stage, first, count, level);
}

/* What is behind a failed task often lies side by side, and is then told of at once. */
static void end_run(dependencies *d) {
    skipped run = d->run;
    d->run = (skipped){0};
    if (run.count == 0)
        return;
    if (d->open[run.stage] && d->by != NOBODY) {
        write_skipped(d, &run);
        return;
    }
    if (d->skips == d->skip_capacity) {
        d->skip_capacity = d->skip_capacity ? 2 * d->skip_capacity : 16;
        d->skipped = tf_realloc_array(d->skipped, d->skip_capacity, sizeof *d->skipped);
    }
    d->skipped[d->skips++] = run;
}

static void on_skip(void *context, int stage, int64_t first, int64_t count, int cause_stage, int64_t cause) {
    dependencies *d = context;
    skipped *run = &d->run;
    bool same = run->count > 0 && run->stage == stage && run->cause_stage == cause_stage && run->cause == cause;
    if (same && first == run->first + run->count) {
        run->count += count;
    } else if (same && first + count == run->first) {
        run->first = first;
        run->count += count;
    } else {
        end_run(d);
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

void dependencies_ended(dependencies *d, int stage, int64_t first, int64_t count, bool done, int by) {
    const tf_graph_events what = events(d);
    d->by = by;
    tf_graph_ended(d->graph, stage, first, count, done, &what);
    end_run(d);
    for (size_t i = 0; i < d->unneededs && by != NOBODY; i++) {
        remove_message message = {.stage = d->unneeded[i].stage, .index = d->unneeded[i].index};
        transport_send(d->transport, by, TAG_REMOVE, &message, sizeof message);
    }
    d->unneededs = 0;
}

dependencies *dependencies_new(const tf_campaign *campaign, tf_graph *graph, tf_sched *sched, const transport *t) {
    dependencies *d = tf_alloc(sizeof *d);
    *d = (dependencies){.campaign = campaign, .graph = graph, .sched = sched, .transport = t, .by = NOBODY};
    d->open = tf_alloc_array((size_t)campaign->stages, sizeof *d->open);
    const tf_graph_events what = events(d);
    tf_graph_start(graph, &what);
    return d;
}

void dependencies_free(dependencies *d) {
    if (!d)
        return;
    free(d->open);
    free(d->skipped);
    free(d->unneeded);
    free(d);
}
