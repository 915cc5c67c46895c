/* Outputs that are folders, and what lies in them: that is made by whoever makes the folder. */
#include "graph/nodes.h"

void graph_add_folder(tf_graph *g, uint32_t folder, tf_buf *out) {
    tf_buf path = {0}, place = {0};
    tf_buf_adds(&path, folders_path(&g->folders, folder));
    if (g->folders.item[folder].by_link && g->disk->resolve(g->disk, path.data, &place))
        tf_files_normalize(g->campaign, tf_buf_text(&place), &path);
    tf_buf_adds(out, tf_buf_text(&path));
    tf_buf_free(&path);
    tf_buf_free(&place);
}

/* The output that the folder itself is. */
static uint32_t output_of(tf_graph *g, uint32_t folder) {
    tf_buf path = {0};
    graph_add_folder(g, folder, &path);
    const uint32_t output = graph_output(g, tf_buf_text(&path));
    tf_buf_free(&path);
    return output != TF_TABLE_NONE && g->is_folder[output] ? output : TF_TABLE_NONE;
}

uint32_t graph_folder_output(tf_graph *g, uint32_t folder) {
    if (!g->has_folders)
        return TF_TABLE_NONE;
    if (!g->folders.item[folder].is_placed) {
        const uint32_t up = g->folders.item[folder].up; /* itself, of the topmost ones */
        uint32_t output = output_of(g, folder);
        if (output == TF_TABLE_NONE && up != folder)
            output = graph_folder_output(g, up);
        g->folders.item[folder].output = output;
        g->folders.item[folder].is_placed = true;
    }
    return g->folders.item[folder].output;
}

uint32_t graph_output_around(tf_graph *g, const char *path) {
    const uint32_t output = graph_output(g, path);
    return output == TF_TABLE_NONE && g->has_folders ? graph_folder_output(g, folders_of(&g->folders, path)) : output;
}

int64_t graph_made(tf_graph *g, uint32_t output, const char *path) {
    const bool is_inside = g->is_folder[output] && graph_output(g, path) != output;
    return is_inside && g->made[output] != TF_DISK_MISSING ? g->disk->time(g->disk, path, &(tf_disk_id){0})
                                                           : g->made[output];
}

int64_t graph_disk_time(const tf_graph *g, const char *path, bool is_folder, tf_disk_id *id) {
    const int64_t time = g->disk->time(g->disk, path, id);
    return !id->is_folder == !is_folder ? time : TF_DISK_MISSING;
}
