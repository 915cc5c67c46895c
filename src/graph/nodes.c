/* What a node of the graph is. */
#include <assert.h>

#include "graph/nodes.h"

int graph_task(const tf_graph *g, node n, int64_t *index) {
    int low = 0, high = g->stages;
    while (high - low > 1) {
        int middle = low + (high - low) / 2;
        if (g->stage[middle].first <= n)
            low = middle;
        else
            high = middle;
    }
    *index = n - g->stage[low].first;
    return low;
}

void graph_name(const tf_graph *g, node n, tf_buf *out) {
    int64_t index;
    if (n < g->tasks) {
        int stage = graph_task(g, n, &index);
        if (g->stage[stage].linked)
            tf_task_name(g->campaign, stage, index, out);
        else
            tf_buf_addf(out, "stage %s", g->campaign->stage[stage].name);
        return;
    }
    assert(g->extra);
    const extra *e = &g->extra[n - g->tasks];
    static const char *const what[] = {
        [EXTRA_GATE] = "the start of", [EXTRA_END] = "the end of", [EXTRA_GROUP] = "outputs of"};
    tf_buf_addf(out, "%s stage %s", what[e->kind], g->campaign->stage[e->stage].name);
}
