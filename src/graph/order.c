/* The edges by node, and an order in which every node comes behind those before it. */
#include <stdlib.h>

#include "graph/builder.h"

edges order_edges(const builder *b, bool backwards) {
    node nodes = b->graph->nodes;
    edges e = {.first = tf_alloc_array((size_t)nodes + 2, sizeof *e.first),
               .to = tf_alloc_array(b->edges, sizeof *e.to)};
    for (size_t i = 0; i < b->edges; i++)
        e.first[(backwards ? b->edge[i].to : b->edge[i].from) + 2]++;
    for (node n = 2; n < nodes + 2; n++)
        e.first[n] += e.first[n - 1];
    for (size_t i = 0; i < b->edges; i++) {
        node from = backwards ? b->edge[i].to : b->edge[i].from, to = backwards ? b->edge[i].from : b->edge[i].to;
        e.to[e.first[from + 1]++] = to;
    }
    return e;
}

/* ---- Order ---- */

/* Reports one loop: goes backwards along nodes that could not be ordered until it meets one again. */
static void diagnose_loop(builder *b, const uint32_t *unmet) {
    const tf_graph *g = b->graph;
    node *path = tf_alloc_array(g->nodes, sizeof *path), depth = 0, n = 0;
    node *place = tf_alloc_array(g->nodes, sizeof *place); /* on the path, from 1 */
    while (unmet[n] == 0)
        n++;
    while (place[n] == 0) {
        path[depth++] = n;
        place[n] = depth;
        const node *before = g->previous.to + g->previous.first[n];
        while (unmet[*before] == 0)
            before++;
        n = *before;
    }
    tf_buf text = {0};
    graph_name(g, n, &text);
    for (node i = depth; i >= place[n]; i--) {
        tf_buf_adds(&text, " -> ");
        graph_name(g, path[i - 1], &text);
    }
    tf_diags_add(b->diags, "", TF_DIAG_CYCLE, "tasks wait for each other: %s", tf_buf_text(&text));
    tf_buf_free(&text);
    free(path);
    free(place);
}

bool order_find(builder *b) {
    tf_graph *g = b->graph;
    node done = 0, found = 0;
    g->order = tf_alloc_array(g->nodes, sizeof *g->order);
    for (node n = 0; n < g->nodes; n++) {
        g->unmet[n] = g->previous.first[n + 1] - g->previous.first[n];
        if (g->unmet[n] == 0)
            g->order[found++] = n;
    }
    for (; done < found; done++) {
        node n = g->order[done];
        for (uint32_t e = g->next.first[n]; e < g->next.first[n + 1]; e++)
            if (--g->unmet[g->next.to[e]] == 0)
                g->order[found++] = g->next.to[e];
    }
    if (found < g->nodes)
        diagnose_loop(b, g->unmet);
    return found == g->nodes;
}

void order_find_levels(tf_graph *g) {
    g->level = tf_alloc_array(g->nodes, sizeof *g->level);
    for (node i = g->nodes; i-- > 0;) {
        node n = g->order[i];
        int32_t longest = 0;
        for (uint32_t e = g->next.first[n]; e < g->next.first[n + 1]; e++)
            longest = g->level[g->next.to[e]] > longest ? g->level[g->next.to[e]] : longest;
        g->level[n] = longest + (n < g->tasks);
    }
}
