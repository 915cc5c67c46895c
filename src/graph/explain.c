/* Why a task is to be run, in words. The file that is the reason is searched for again, as this is asked for few tasks.
 */
#include "graph/nodes.h"

/* NULL: none are known. */
static const tf_intervals *failed_before(const tf_graph *g, int stage) {
    return g->past ? g->past[stage].failed : NULL;
}

/* A stage without files has one reason for all its tasks, but that some may have failed. */
tf_why tf_graph_why(const tf_graph *g, int stage, int64_t index) {
    const tf_why why = (tf_why)g->why[graph_node(g, stage, index)];
    const tf_intervals *failed = failed_before(g, stage);
    const bool has_failed = why == TF_WHY_NEW && failed && tf_intervals_contain(failed, index, index + 1);
    return has_failed ? TF_WHY_FAILED : why;
}

int64_t tf_graph_why_until(const tf_graph *g, int stage, int64_t first, int64_t end) {
    const tf_intervals *failed = failed_before(g, stage);
    if (g->stage[stage].linked)
        return first + 1;
    return failed ? tf_intervals_same_until(failed, first, end) : end;
}

/* Adds what a folder lacks that the task makes, and who reads that. */
static void add_lacking(tf_graph *g, node maker, tf_buf *out) {
    for (uint32_t e = g->next.first[maker]; e < g->next.first[maker + 1]; e++) {
        int64_t index;
        if (!graph_is_task(g, g->next.to[e]))
            continue;
        const int stage = graph_task(g, g->next.to[e], &index);
        tf_files_inputs(g->files, stage, index, &g->paths);
        for (size_t i = 0; i < g->paths.count; i++) {
            const char *path = tf_paths_text(&g->paths, i);
            const uint32_t output = graph_output_around(g, path);
            if (output == TF_TABLE_NONE || g->maker[output] != maker || graph_made(g, output, path) != TF_DISK_MISSING)
                continue;
            tf_buf_addf(out, "its output lacks %s, which is an input of ", path);
            tf_task_name(g->campaign, stage, index, out);
            return;
        }
    }
}

/* Adds the first output that is missing, with what it is and what is the matter. */
static void add_missing(tf_graph *g, int stage, int64_t index, const char *what, const char *how, tf_buf *out) {
    tf_files_outputs(g->files, stage, index, &g->paths);
    for (size_t i = 0; i < g->paths.count; i++) {
        const char *path = tf_paths_text(&g->paths, i);
        if (graph_time_of(g, path) != TF_DISK_MISSING)
            continue;
        const bool is_other = g->disk->time(g->disk, path, &(tf_disk_id){0}) != TF_DISK_MISSING;
        const bool is_folder = g->paths.item[i].is_folder;
        tf_buf_addf(out, "%s %s %s", what, path,
                    !is_other   ? how
                    : is_folder ? "is a file, and must be a folder"
                                : "is a folder, and must be a file");
        return;
    }
    add_lacking(g, graph_node(g, stage, index), out);
}

static void add_newer(tf_graph *g, int stage, int64_t index, tf_buf *out) {
    int64_t oldest = INT64_MAX, newest = TF_DISK_MISSING, outside = TF_DISK_MISSING;
    const char *input = "", *other = "";
    tf_paths made = {0};
    tf_files_inputs(g->files, stage, index, &g->paths);
    tf_files_outputs(g->files, stage, index, &made);
    for (size_t i = 0; i < g->paths.count; i++) {
        const char *path = tf_paths_text(&g->paths, i);
        int64_t time = graph_time_with_inside(g, path);
        if (!g->paths.item[i].spec->by_hash && time > newest) {
            newest = time;
            input = path;
        }
        if (!g->paths.item[i].spec->by_hash && time > outside && graph_output_around(g, path) == TF_TABLE_NONE) {
            outside = time;
            other = path;
        }
    }
    size_t which = made.count;
    for (size_t i = 0; i < made.count; i++) {
        int64_t time = graph_time_of(g, tf_paths_text(&made, i));
        if (time != TF_DISK_MISSING && time < oldest) {
            oldest = time;
            which = i;
        }
    }
    if (which < made.count && newest <= oldest)
        tf_buf_addf(out, "input %s has changed while the task ran", other);
    else if (which < made.count)
        tf_buf_addf(out, "input %s is newer than output %s", input, tf_paths_text(&made, which));
    else
        tf_buf_addf(out, "input %s is newer than the task's last run", input);
    tf_paths_free(&made);
}

static void add_remade(tf_graph *g, int stage, int64_t index, tf_buf *out) {
    tf_files_inputs(g->files, stage, index, &g->paths);
    for (size_t i = 0; i < g->paths.count; i++) {
        uint32_t output = graph_output_around(g, tf_paths_text(&g->paths, i));
        if (output != TF_TABLE_NONE && g->flags[g->maker[output]] & RUNS) {
            tf_buf_addf(out, "input %s will be made again", tf_paths_text(&g->paths, i));
            return;
        }
    }
    tf_buf_adds(out, "what it takes from another stage will be made again");
}

void tf_graph_explain(tf_graph *g, int stage, int64_t index, tf_buf *out) {
    const tf_past *past = g->past ? &g->past[stage] : NULL;
    const char *changed = past && past->changed ? past->changed : past ? past->code_changed : NULL;
    switch (tf_graph_why(g, stage, index)) {
    case TF_WHY_NOT:
    case TF_WHYS: tf_buf_adds(out, "nothing is to be done"); break;
    case TF_WHY_NEW: tf_buf_adds(out, "has not been run"); break;
    case TF_WHY_FAILED: tf_buf_adds(out, "failed last time"); break;
    case TF_WHY_UNFINISHED: tf_buf_adds(out, "has not been run to its end"); break;
    case TF_WHY_PARAMS: tf_buf_adds(out, "its parameters have changed"); break;
    case TF_WHY_CODE: tf_buf_addf(out, "%s", changed && *changed ? changed : "what it runs has changed"); break;
    case TF_WHY_FORCED: tf_buf_adds(out, "forced"); break;
    case TF_WHY_MISSING: add_missing(g, stage, index, "output", "is missing", out); break;
    case TF_WHY_NEWER: add_newer(g, stage, index, out); break;
    case TF_WHY_REMADE: add_remade(g, stage, index, out); break;
    case TF_WHY_INPUTS: tf_buf_adds(out, "its inputs are other files than last time"); break;
    case TF_WHY_CONTENTS: tf_buf_adds(out, "the contents of its inputs have changed"); break;
    case TF_WHY_NEEDED: add_missing(g, stage, index, "its temporary output", "is needed again", out); break;
    }
}
