/* The same tasks are looked at whoever ran them, and however many ranks there are: so the result is the same. */
#include "farm/until.h"

#include <stdlib.h>

typedef struct look {
    bool is_due;    /* there is to be another look */
    int64_t next;   /* the look comes when all tasks below this one have ended */
    int64_t enough; /* number of tasks that were enough; 0: it is not known yet */
} look;

struct untils {
    const tf_campaign *campaign;
    const tf_graph *graph;
    tf_sched *sched;
    const output *output;
    look *look; /* per stage */
};

untils *untils_new(const tf_campaign *campaign, const tf_graph *graph, tf_sched *sched, const output *o) {
    untils *u = tf_alloc(sizeof *u);
    *u = (untils){.campaign = campaign, .graph = graph, .sched = sched, .output = o};
    u->look = tf_alloc_array((size_t)campaign->stages, sizeof *u->look);
    return u;
}

void untils_free(untils *u) {
    if (!u)
        return;
    free(u->look);
    free(u);
}

/* Of the tasks first .. end - 1 those that are to be run may be handed out. */
static void make_ready(const untils *u, int stage, int64_t first, int64_t end) {
    tf_intervals ready = {0};
    tf_intervals_add_all(&ready, &tf_graph_stage(u->graph, stage)->run);
    tf_intervals_remove(&ready, 0, first);
    tf_intervals_remove(&ready, end, tf_stage_so_far(&u->campaign->stage[stage]));
    for (size_t i = 0; i < ready.count; i++)
        tf_sched_ready(u->sched, stage, ready.items[i].first, ready.items[i].end - ready.items[i].first,
                       tf_graph_level(u->graph, stage));
    tf_intervals_free(&ready);
}

/* A look comes after whole batches: the tasks of one are run together. */
static int64_t next_look(const tf_stage_spec *spec, int64_t tasks) {
    const int64_t batch = tf_stage_batch(spec), all = tf_stage_so_far(spec);
    const int64_t next = (tasks + batch - 1) / batch * batch;
    return next < all ? next : all;
}

void untils_laid_out(untils *u, int stage) {
    const tf_stage_spec *spec = &u->campaign->stage[stage];
    look *l = &u->look[stage];
    if (!spec->until.expr)
        return;
    *l = (look){.is_due = true, .next = next_look(spec, spec->until.first)};
    make_ready(u, stage, 0, l->next);
}

until_verdict untils_check(untils *u, int stage, tf_error *error) {
    const int64_t tasks = tf_stage_so_far(&u->campaign->stage[stage]);
    look *l = &u->look[stage];
    bool enough = false;
    if (!l->is_due || !tf_sched_has_caught_up(u->sched, stage))
        return UNTIL_WAITS;
    l->is_due = false;
    if (u->output->is_enough(u->output->context, stage, l->next, &enough, error) != TF_OK)
        return UNTIL_FAILS;
    const int64_t before = l->next;
    if (enough || before == tasks) {
        tf_sched_cut(u->sched, stage);
        l->enough = before < tasks ? before : 0;
        return l->enough ? UNTIL_IS_ENOUGH : UNTIL_GOES_ON;
    }
    l->is_due = true;
    l->next = next_look(&u->campaign->stage[stage], tf_until_next(before));
    make_ready(u, stage, before, l->next);
    return UNTIL_GOES_ON;
}

int64_t untils_enough(const untils *u, int stage) {
    return u->look[stage].enough;
}
