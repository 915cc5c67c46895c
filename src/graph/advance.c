/* While the campaign runs: a task's end makes others ready, or keeps them from being run. Groups end with the last of
 * their tasks; gates and ends are the scheduler's, which starts a stage when those before it have finished. */
#include <stdlib.h>

#include "graph/nodes.h"

static bool is_group(const tf_graph *g, node n) {
    return n >= g->tasks && g->extra[n - g->tasks].kind == EXTRA_GROUP;
}

/* Is it a task that runs, or a group that waits for one? Others have ended before the start. */
static bool is_open(const tf_graph *g, node n) {
    return n < g->tasks ? (g->flags[n] & RUNS) != 0 : is_group(g, n) && g->unmet[n] > 0;
}

static void tell_ready(const tf_graph *g, node n, const tf_graph_events *events) {
    int64_t index;
    int stage = graph_task(g, n, &index);
    events->ready(events->context, stage, index, 1, g->level[n]);
}

/* ---- Temporary outputs ---- */

/* A reader is done: tells of what it was the last to read. */
static void end_reading(tf_graph *g, node reader, const tf_graph_events *events) {
    for (uint32_t e = g->previous.first[reader]; e < g->previous.first[reader + 1]; e++) {
        node n = g->previous.to[e];
        if (g->unread[n] == 0 || --g->unread[n] > 0)
            continue;
        int64_t index;
        if (is_group(g, n))
            end_reading(g, n, events);
        else if (n < g->tasks && g->flags[n] & HAS_TEMP) {
            int stage = graph_task(g, n, &index);
            events->unneeded(events->context, stage, index);
        }
    }
}

/* Counts for each node the readers that are still to run. Groups that will be read count as readers. */
static void count_readers(tf_graph *g) {
    g->unread = tf_alloc_array(g->nodes, sizeof *g->unread);
    for (node i = g->nodes; i-- > 0;) {
        node n = g->order[i];
        for (uint32_t e = g->next.first[n]; e < g->next.first[n + 1]; e++) {
            node reader = g->next.to[e];
            g->unread[n] += reader < g->tasks ? (g->flags[reader] & RUNS) != 0 : g->unread[reader] > 0;
        }
    }
}

/* Tells of temporary outputs that an earlier run has left, though all that read them are done. */
static void drop_leftovers(tf_graph *g, const tf_graph_events *events) {
    for (node n = 0; n < g->tasks; n++) {
        int64_t index;
        bool read = g->next.first[n + 1] > g->next.first[n];
        bool there = !(g->flags[n] & MISSES_TEMP) || g->flags[n] & LEFT_ASIDE;
        bool left = there && (g->flags[n] & (HAS_TEMP | RUNS | SELECTED)) == (HAS_TEMP | SELECTED);
        if (left && read && g->unread[n] == 0) {
            int stage = graph_task(g, n, &index);
            events->unneeded(events->context, stage, index);
        }
    }
}

/* ---- Ready, and skipped ---- */

void tf_graph_start(tf_graph *g, const tf_graph_events *events) {
    for (node i = 0; i < g->nodes; i++) {
        node n = g->order[i];
        g->unmet[n] = 0;
        for (uint32_t e = g->previous.first[n]; e < g->previous.first[n + 1]; e++)
            g->unmet[n] += is_open(g, g->previous.to[e]);
    }
    count_readers(g);
    drop_leftovers(g, events);
    for (node n = 0; n < g->tasks; n++)
        if (g->flags[n] & RUNS && g->unmet[n] == 0)
            tell_ready(g, n, events);
}

/* Skips all that is behind a failed task. */
static void skip_behind(tf_graph *g, node failed, const tf_graph_events *events) {
    int64_t cause, index;
    int cause_stage = graph_task(g, failed, &cause);
    size_t count = 0, capacity = 16;
    node *open = tf_alloc_array(capacity, sizeof *open);
    open[count++] = failed;
    while (count > 0) {
        node n = open[--count];
        for (uint32_t e = g->next.first[n]; e < g->next.first[n + 1]; e++) {
            node behind = g->next.to[e];
            bool task = behind < g->tasks && g->flags[behind] & RUNS;
            if ((!task && !is_group(g, behind)) || g->flags[behind] & SKIPPED)
                continue;
            g->flags[behind] |= SKIPPED;
            if (task) {
                int stage = graph_task(g, behind, &index);
                events->skip(events->context, stage, index, 1, cause_stage, cause);
            }
            if (count == capacity) {
                capacity *= 2;
                open = tf_realloc_array(open, capacity, sizeof *open);
            }
            open[count++] = behind;
        }
    }
    free(open);
}

static void make_ready(tf_graph *g, node done, const tf_graph_events *events) {
    for (uint32_t e = g->next.first[done]; e < g->next.first[done + 1]; e++) {
        node n = g->next.to[e];
        if (n < g->tasks ? !(g->flags[n] & RUNS) : !is_group(g, n))
            continue;
        if (--g->unmet[n] > 0 || g->flags[n] & SKIPPED)
            continue;
        if (n < g->tasks)
            tell_ready(g, n, events);
        else
            make_ready(g, n, events);
    }
}

void tf_graph_ended(tf_graph *g, int stage, int64_t first, int64_t count, bool done, const tf_graph_events *events) {
    for (int64_t index = first; index < first + count && g->stage[stage].linked; index++) {
        node n = graph_node(g, stage, index);
        if (!done) {
            g->flags[n] |= SKIPPED;
            skip_behind(g, n, events);
            continue;
        }
        end_reading(g, n, events);
        make_ready(g, n, events);
    }
}
