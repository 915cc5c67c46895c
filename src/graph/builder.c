/* What the parts of the building share: edges, extra nodes and diagnostics. */
#include <stdlib.h>

#include "graph/builder.h"

void builder_add_edge(builder *b, node from, node to) {
    if (b->edges == b->edge_capacity) {
        b->edge_capacity = b->edge_capacity ? 2 * b->edge_capacity : 1024;
        b->edge = tf_realloc_array(b->edge, b->edge_capacity, sizeof *b->edge);
    }
    b->edge[b->edges++] = (edge){from, to};
}

node builder_add_extra(tf_graph *g, extra e) {
    if (g->nodes - g->tasks == g->extra_capacity) {
        g->extra_capacity = g->extra_capacity ? 2 * g->extra_capacity : 16;
        g->extra = tf_realloc_array(g->extra, g->extra_capacity, sizeof *g->extra);
    }
    g->extra[g->nodes - g->tasks] = e;
    return g->nodes++;
}

void builder_diagnose(const builder *b, const char *pointer, int stage, int64_t index, tf_diag_id id,
                      const char *format, ...) {
    tf_buf text = {0};
    va_list args;
    tf_task_name(b->graph->campaign, stage, index, &text);
    tf_buf_adds(&text, ": ");
    va_start(args, format);
    tf_buf_addv(&text, format, args);
    va_end(args);
    tf_diags_add(b->diags, pointer, id, "%s", tf_buf_text(&text));
    tf_buf_free(&text);
}

tf_buf builder_name_maker(const builder *b, uint32_t output) {
    tf_buf name = {0};
    graph_name(b->graph, b->graph->maker[output], &name);
    return name;
}

tf_buf builder_name_logger(const builder *b, uint32_t log) {
    tf_buf name = {0};
    tf_task_name(b->graph->campaign, b->log[log].stage, b->log[log].index, &name);
    return name;
}
