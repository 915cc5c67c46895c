/* The graph from the files of all tasks: first who makes what, then who reads it. */
#include <stdlib.h>
#include <string.h>

#include "graph/builder.h"

/* Gives numbers to the nodes that are tasks or stages. false after a diagnostic. */
static bool number_tasks(tf_graph *g, tf_diags *diags) {
    int64_t nodes = 0;
    for (int s = 0; s < g->stages; s++) {
        const tf_stage_spec *spec = &g->campaign->stage[s];
        int64_t tasks = tf_stage_so_far(spec);
        g->stage[s].linked = tf_stage_has_files(spec);
        g->stage[s].first = (node)nodes;
        nodes += g->stage[s].linked ? tasks : 1;
        if (nodes > TF_MOST_FILE_TASKS) {
            tf_diags_add(diags, spec->pointer, TF_DIAG_TOO_LARGE, "stages with files have more than %d tasks together",
                         TF_MOST_FILE_TASKS);
            return false;
        }
    }
    g->tasks = g->nodes = (node)nodes;
    return true;
}

/* Adds the edges of "after": from the ends of stages to the gates of others. */
static void link_stages(builder *b) {
    tf_graph *g = b->graph;
    for (int s = 0; s < g->stages; s++)
        g->stage[s].gate = g->stage[s].end = g->stage[s].linked ? NO_NODE : g->stage[s].first;
    for (int s = 0; s < g->stages; s++) {
        const tf_stage_spec *spec = &g->campaign->stage[s];
        node tasks = (node)tf_stage_so_far(spec);
        if (spec->afters && g->stage[s].gate == NO_NODE) {
            g->stage[s].gate = builder_add_extra(g, (extra){.kind = EXTRA_GATE, .stage = s});
            for (node i = 0; i < tasks; i++)
                builder_add_edge(b, g->stage[s].gate, g->stage[s].first + i);
        }
        for (int a = 0; a < spec->afters; a++) {
            graph_stage *before = &g->stage[spec->after[a]];
            node before_tasks = (node)tf_stage_so_far(&g->campaign->stage[spec->after[a]]);
            if (before->end == NO_NODE) {
                before->end = builder_add_extra(g, (extra){.kind = EXTRA_END, .stage = spec->after[a]});
                for (node i = 0; i < before_tasks; i++)
                    builder_add_edge(b, before->first + i, before->end);
            }
            builder_add_edge(b, before->end, g->stage[s].gate);
        }
    }
}

static bool build(builder *b) {
    tf_graph *g = b->graph;
    if (!number_tasks(g, b->diags))
        return false;
    g->flags = tf_alloc_array(g->tasks, sizeof *g->flags);
    g->newest = tf_alloc_array(g->tasks, sizeof *g->newest);
    g->outside = tf_alloc_array(g->tasks, sizeof *g->outside);
    g->oldest = tf_alloc_array(g->tasks, sizeof *g->oldest);
    for (node n = 0; n < g->tasks; n++) {
        g->newest[n] = g->outside[n] = TF_DISK_MISSING;
        g->oldest[n] = INT64_MAX;
    }
    link_stages(b);
    int before = b->diags->count;
    writes_add(b);
    for (int s = 0; s < g->stages && b->diags->count == before; s++)
        reads_add(b, s);
    missing_report(b);
    nesting_check(b);
    if (b->diags->count > before)
        return false;
    if (b->edges > UINT32_MAX - 1) {
        tf_diags_add(b->diags, "", TF_DIAG_TOO_LARGE, "more than 4 billion dependencies between tasks");
        return false;
    }
    g->flags = tf_realloc_array(g->flags, g->nodes, sizeof *g->flags);
    memset(g->flags + g->tasks, 0, (g->nodes - g->tasks) * sizeof *g->flags);
    g->next = order_edges(b, false);
    g->previous = order_edges(b, true);
    g->unmet = tf_alloc_array(g->nodes, sizeof *g->unmet);
    g->why = tf_alloc_array(g->nodes, sizeof *g->why);
    if (!order_find(b))
        return false;
    order_find_levels(g);
    return true;
}

tf_graph *tf_graph_new(const tf_campaign *campaign, tf_disk *disk, tf_diags *diags) {
    tf_graph *g = tf_alloc(sizeof *g);
    *g = (tf_graph){.campaign = campaign, .disk = disk, .stages = campaign->stages};
    g->stage = tf_alloc_array((size_t)g->stages, sizeof *g->stage);
    g->files = tf_files_new(campaign);
    folders_open(&g->folders, disk);
    builder b = {.graph = g, .diags = diags};
    owned_open(&b.owned, &g->folders, campaign);
    bool good = build(&b);
    owned_close(&b.owned);
    free(b.edge);
    free(b.found);
    free(b.log);
    tf_table_free(&b.files);
    tf_table_free(&b.made_ids);
    tf_table_free(&b.logs);
    tf_table_free(&b.asides);
    if (good)
        return g;
    tf_graph_free(g);
    return NULL;
}

tf_links tf_graph_move_links(tf_graph *g) {
    tf_links links = g->folders.links;
    g->folders.links = (tf_links){0};
    return links;
}

void tf_graph_free(tf_graph *g) {
    if (!g)
        return;
    for (int s = 0; s < g->stages; s++) {
        tf_intervals_free(&g->stage[s].plan.run);
        tf_intervals_free(&g->stage[s].plan.redo);
        tf_intervals_free(&g->stage[s].plan.adopt);
    }
    tf_files_free(g->files);
    tf_paths_free(&g->paths);
    folders_close(&g->folders);
    tf_table_free(&g->outputs);
    free(g->stage);
    free(g->extra);
    free(g->next.first);
    free(g->next.to);
    free(g->previous.first);
    free(g->previous.to);
    free(g->order);
    free(g->level);
    free(g->flags);
    free(g->why);
    free(g->unmet);
    free(g->unread);
    free(g->maker);
    free(g->made);
    free(g->is_folder);
    free(g->newest);
    free(g->outside);
    free(g->inside);
    free(g->oldest);
    free(g);
}

int tf_graph_level(const tf_graph *g, int stage) {
    return g->level[g->stage[stage].first];
}
