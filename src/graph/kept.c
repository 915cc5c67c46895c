/* Outputs that are older than the run of their task: cp -p, tar and unzip give what they write the time of what they
 * copy. By that time the task would be stale for ever, and what reads the output never. Such an output counts as of
 * when its file was last changed in any way, if that was during the task: then it is what the task has left. */
#include "graph/nodes.h"

#define SLACK INT64_C(1000000000) /* ns by which the clock of a disk may be behind */

static void raise_newest(tf_graph *g, node reader, int64_t time) {
    if (graph_is_task(g, reader) && time > g->newest[reader])
        g->newest[reader] = time;
}

/* Has the readers of a task know that an output of it is as new as this. */
static void raise_readers(tf_graph *g, node n, int64_t time) {
    for (uint32_t e = g->next.first[n]; e < g->next.first[n + 1]; e++) {
        const node to = g->next.to[e];
        extra *group = to >= g->tasks ? &g->extra[to - g->tasks] : NULL;
        if (!group)
            raise_newest(g, to, time);
        if (!group || group->kind != EXTRA_GROUP)
            continue;
        if (time > group->newest)
            group->newest = time;
        for (uint32_t r = g->next.first[to]; r < g->next.first[to + 1]; r++)
            raise_newest(g, g->next.to[r], time);
    }
}

static void correct_task(tf_graph *g, int stage, int64_t index, int64_t start, int64_t end) {
    const node n = graph_node(g, stage, index);
    tf_files_outputs(g->files, stage, index, &g->paths);
    g->oldest[n] = INT64_MAX;
    for (size_t i = 0; i < g->paths.count; i++) {
        const char *path = tf_paths_text(&g->paths, i);
        int64_t *made = &g->made[graph_output(g, path)];
        const int64_t changed = *made != TF_DISK_MISSING && *made < start ? g->disk->changed(g->disk, path) : *made;
        if (changed != *made && changed >= start - SLACK && changed <= end) {
            *made = changed;
            raise_readers(g, n, changed);
        }
        if (*made != TF_DISK_MISSING && *made < g->oldest[n])
            g->oldest[n] = *made;
    }
}

void graph_correct_kept_times(tf_graph *g, const tf_past *past) {
    for (int s = 0; s < g->stages && g->disk->changed; s++) {
        tf_interval one = {0};
        while (g->stage[s].linked && past[s].started && past[s].ended && tf_intervals_next(past[s].done, 1, &one)) {
            const int64_t start = graph_ns(past[s].started[one.first]), end = graph_ns(past[s].ended[one.first]);
            if (start != INT64_MIN && end != INT64_MIN && g->oldest[graph_node(g, s, one.first)] < start)
                correct_task(g, s, one.first, start, end);
        }
    }
}
