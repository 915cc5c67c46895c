/* The graph in Graphviz's language. */
#include <stdlib.h>
#include <string.h>

#include "graph/nodes.h"

/* Adds a text between quotes. */
static void add_quoted(tf_buf *out, const char *text) {
    tf_buf_addc(out, '"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            tf_buf_addc(out, '\\');
        tf_buf_addc(out, *text);
    }
    tf_buf_addc(out, '"');
}

static void add_node_name(const tf_graph *g, node n, tf_buf *out) {
    tf_buf name = {0};
    graph_name(g, n, &name);
    add_quoted(out, tf_buf_text(&name));
    tf_buf_free(&name);
}

static void add_edge(const char *from, const char *to, const char *style, tf_buf *out) {
    tf_buf_adds(out, "  ");
    add_quoted(out, from);
    tf_buf_adds(out, " -> ");
    add_quoted(out, to);
    tf_buf_addf(out, "%s;\n", style);
}

/* Marks the stages whose outputs the stage reads: by its entries, and by edges between tasks, if there is a graph. */
static void find_read(const tf_graph *g, const tf_campaign *c, int stage, bool *read) {
    const tf_stage_spec *spec = &c->stage[stage];
    memset(read, 0, (size_t)c->stages * sizeof *read);
    for (int i = 0; i < spec->inputs; i++)
        if (spec->input[i].kind == TF_FILE_OUTPUTS)
            read[spec->input[i].stage] = true;
    if (!g)
        return;
    node first = g->stage[stage].first, tasks = g->stage[stage].linked ? (node)tf_stage_so_far(spec) : 0;
    for (uint32_t e = g->previous.first[first]; e < g->previous.first[first + tasks]; e++) {
        int64_t index;
        node n = g->previous.to[e];
        int other = n < g->tasks ? graph_task(g, n, &index) : -1;
        if (other >= 0 && g->stage[other].linked)
            read[other] = true;
    }
}

void tf_graph_edges(const tf_graph *g, const tf_campaign *c, tf_graph_on_edge *visit, void *context) {
    bool *read = tf_alloc_array((size_t)c->stages, sizeof *read);
    for (int s = 0; s < c->stages; s++) {
        find_read(g, c, s, read);
        for (int o = 0; o < c->stages; o++)
            if (o != s && read[o])
                visit(context, o, s, false);
        for (int a = 0; a < c->stage[s].afters; a++)
            visit(context, c->stage[s].after[a], s, !tf_stage_takes_from(&c->stage[s], c->stage[s].after[a]));
    }
    free(read);
}

typedef struct drawing {
    const tf_campaign *campaign;
    tf_buf *out;
} drawing;

static void draw_edge(void *context, int from, int to, bool order_only) {
    const drawing *d = context;
    add_edge(d->campaign->stage[from].name, d->campaign->stage[to].name, order_only ? " [style=dashed]" : "", d->out);
}

static void draw_stages(const tf_graph *g, tf_buf *out) {
    const tf_campaign *c = g->campaign;
    for (int s = 0; s < c->stages; s++) {
        char tasks[32];
        int64_t count = tf_stage_so_far(&c->stage[s]);
        tf_buf_addf(out, "  \"%s\" [label=\"%s\\n%s task%s\"];\n", c->stage[s].name, c->stage[s].name,
                    tf_format_count(count, tasks), count == 1 ? "" : "s");
    }
    tf_graph_edges(g, c, draw_edge, &(drawing){c, out});
}

static void draw_tasks(const tf_graph *g, tf_buf *out) {
    for (node n = 0; n < g->nodes; n++) {
        bool group = n >= g->tasks;
        tf_buf_addf(out, "  n%u [label=", n);
        add_node_name(g, n, out);
        tf_buf_addf(out, "%s];\n", group ? ", shape=plaintext" : "");
        for (uint32_t e = g->next.first[n]; e < g->next.first[n + 1]; e++)
            if (e == g->next.first[n] || g->next.to[e] != g->next.to[e - 1])
                tf_buf_addf(out, "  n%u -> n%u;\n", n, g->next.to[e]);
    }
}

void tf_graph_draw(tf_graph *g, bool tasks, tf_buf *out) {
    tf_buf_adds(out, "digraph ");
    add_quoted(out, g->campaign->name);
    tf_buf_adds(out, " {\n  rankdir=LR;\n  node [shape=box];\n");
    if (tasks)
        draw_tasks(g, out);
    else
        draw_stages(g, out);
    tf_buf_adds(out, "}\n");
}
