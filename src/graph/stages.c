/* Loops and order of stages, by depth-first search along "after". */
#include "graph/graph.h"

#include <stdlib.h>

typedef enum mark { NEW, OPEN, CLOSED } mark;

typedef struct search {
    const tf_campaign *campaign;
    tf_diags *diags; /* NULL: loops are not reported */
    mark *mark;
    int *path;
    int depth;
    int *order;
    int ordered;
} search;

/* Reports the path from `stage` on, which is a loop: the stage waits for itself. */
static void diagnose_loop(search *s, int stage) {
    const tf_campaign *c = s->campaign;
    int from = s->depth;
    while (s->path[--from] != stage)
        ;
    tf_buf loop = {0};
    for (int i = from; i < s->depth; i++)
        tf_buf_addf(&loop, "%s -> ", c->stage[s->path[i]].name);
    tf_buf_adds(&loop, c->stage[stage].name);
    tf_buf pointer = {0};
    tf_buf_addf(&pointer, "%s/after", c->stage[stage].pointer);
    tf_diags_add(s->diags, tf_buf_text(&pointer), TF_DIAG_CYCLE, "stages wait for each other: %s", tf_buf_text(&loop));
    tf_buf_free(&loop);
    tf_buf_free(&pointer);
}

static void visit(search *s, int stage) {
    if (s->mark[stage] == OPEN && s->diags)
        diagnose_loop(s, stage);
    if (s->mark[stage] != NEW)
        return;
    s->mark[stage] = OPEN;
    s->path[s->depth++] = stage;
    const tf_stage_spec *spec = &s->campaign->stage[stage];
    for (int a = 0; a < spec->afters; a++)
        visit(s, spec->after[a]);
    s->depth--;
    s->mark[stage] = CLOSED;
    s->order[s->ordered++] = stage;
}

static void visit_all(const tf_campaign *campaign, tf_diags *diags, int *order) {
    size_t count = (size_t)campaign->stages;
    search s = {.campaign = campaign,
                .diags = diags,
                .mark = tf_alloc_array(count, sizeof *s.mark),
                .path = tf_alloc_array(count, sizeof *s.path),
                .order = order};
    for (int i = 0; i < campaign->stages; i++)
        visit(&s, i);
    free(s.mark);
    free(s.path);
}

bool tf_graph_check(const tf_campaign *campaign, tf_diags *diags) {
    int before = diags->count;
    int *order = tf_alloc_array((size_t)campaign->stages, sizeof *order);
    visit_all(campaign, diags, order);
    free(order);
    return diags->count == before;
}

void tf_graph_order(const tf_campaign *campaign, int *order) {
    visit_all(campaign, NULL, order);
}
