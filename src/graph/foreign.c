/* Folders that stand where tasks are to make theirs, and that no run has made. A file that a task writes anew is one
 * file; a folder may be anybody's work of years. So only one that an earlier run of the campaign may have made is
 * removed: the output says which tasks have ended, and which names their outputs had. Of the others a run that was
 * killed may have begun any, and what it made is not older than itself. */
#include "graph/nodes.h"

#define SLACK 1.0 /* s by which the clock of a disk may be behind */

/* From which time on (ns since 1970-01-01) an earlier run may have made the task's folder. INT64_MAX: none has. */
static int64_t made_from(const tf_past *past, int64_t index) {
    const bool is_idle = past->idle && tf_intervals_contain(past->idle, index, index + 1);
    const bool ended = (tf_intervals_contain(past->done, index, index + 1) && !is_idle) ||
                       (past->failed && tf_intervals_contain(past->failed, index, index + 1));
    if (past->other_outputs || (!ended && index >= past->begun))
        return INT64_MAX;
    return ended || past->begun_from == 0 ? INT64_MIN : (int64_t)((past->begun_from - SLACK) * 1e9);
}

/* A link is removed, and not what it leads to. */
static bool is_foreign(const tf_graph *g, const char *path, int64_t from) {
    tf_disk_id id;
    const tf_disk_kind kind = g->disk->look(g->disk, path, &id);
    const bool is_there = kind == TF_DISK_FILE || kind == TF_DISK_FOLDER;
    return is_there && (from == INT64_MAX || (g->disk->changed && g->disk->changed(g->disk, path) < from));
}

/* Adds the first path that stands in the task's way and that no run has made since `from`; nothing if none does. */
static void find_foreign(tf_graph *g, int stage, int64_t index, int64_t from, tf_buf *path) {
    bool found = false;
    tf_files_outputs(g->files, stage, index, &g->paths);
    for (size_t i = 0; i < g->paths.count && !found; i++) {
        tf_buf_clear(path);
        tf_buf_adds(path, tf_paths_text(&g->paths, i));
        found = g->paths.item[i].is_folder && is_foreign(g, path->data, from);
        if (g->paths.item[i].is_folder && !found) {
            tf_buf_adds(path, ".incomplete");
            found = is_foreign(g, path->data, from);
        }
    }
    if (!found)
        tf_buf_clear(path);
}

static void check_stage(tf_graph *g, int stage, tf_diags *diags) {
    const tf_intervals *run = &g->stage[stage].plan.run;
    tf_buf text = {0}, path = {0};
    int64_t more = -1;
    char count[32];
    for (size_t n = 0; n < run->count; n++)
        for (int64_t i = run->items[n].first; i < run->items[n].end; i++) {
            const int64_t from = made_from(&g->past[stage], i);
            if (from == INT64_MIN)
                continue;
            find_foreign(g, stage, i, from, &path);
            if (path.length && more++ < 0) {
                tf_task_name(g->campaign, stage, i, &text);
                tf_buf_addf(&text, ": %s", path.data);
            }
        }
    if (more > 0)
        tf_buf_addf(&text, " (and outputs of %s more task%s)", tf_format_count(more, count), more == 1 ? "" : "s");
    if (more >= 0)
        tf_diags_add(diags, g->campaign->stage[stage].pointer, TF_DIAG_FOREIGN_FOLDER,
                     "%s: is there, and no earlier run has made it; move it away, or say --force %s to have it removed",
                     text.data, g->campaign->stage[stage].name);
    tf_buf_free(&text);
    tf_buf_free(&path);
}

void foreign_check(tf_graph *g, const bool *forced, tf_diags *diags) {
    for (int s = 0; s < g->stages && g->has_folders && g->disk->look; s++)
        if (g->stage[s].linked && g->campaign->stage[s].outputs > 0 && !forced[s])
            check_stage(g, s, diags);
}
