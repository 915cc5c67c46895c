/* What may not lie in what: a file that is written is no folder of others, and in a folder that a task makes is nothing
 * but what that task puts there, since all of it is removed before the task runs again. */
#include "graph/builder.h"

/* Reports a file that has the name of a folder. */
static void check_file(builder *b, uint32_t folder) {
    tf_graph *g = b->graph;
    const char *path = folders_path(&g->folders, folder);
    const tf_buf *key = folders_key(&g->folders, path);
    const uint32_t output = tf_table_get(&g->outputs, key->data, key->length);
    const uint32_t log = tf_table_get(&b->logs, key->data, key->length);
    const bool is_output = output != TF_TABLE_NONE && !g->is_folder[output];
    if (!is_output && log == TF_TABLE_NONE)
        return;
    tf_buf other = is_output ? builder_name_maker(b, output) : builder_name_logger(b, log);
    tf_diags_add(b->diags, "", TF_DIAG_FILE_CLASH,
                 "%s: %s is %s of this task, and a folder of other files of the campaign", tf_buf_text(&other),
                 folders_path(&g->folders, folder), is_output ? "an output" : "the log");
    tf_buf_free(&other);
}

/* Adds the path of the output, from the number of a folder in it. */
static void add_output_path(tf_graph *g, uint32_t folder, tf_buf *out) {
    const uint32_t output = graph_folder_output(g, folder);
    for (uint32_t up = folder; graph_folder_output(g, up) == output; up = g->folders.item[folder].up)
        folder = up;
    graph_add_folder(g, folder, out);
}

/* Reports what lies in a folder that a task makes. */
static void check_folder(builder *b, uint32_t folder) {
    tf_graph *g = b->graph;
    const uint32_t output = graph_folder_output(g, folder);
    const known_folder in = g->folders.item[folder];
    tf_buf maker = {0}, other = {0}, path = {0};
    if (output == TF_TABLE_NONE || (in.written == UINT32_MAX && in.logged == UINT32_MAX && !in.own && !in.has_own))
        return;
    maker = builder_name_maker(b, output);
    add_output_path(g, folder, &path);
    if (in.written != UINT32_MAX)
        other = builder_name_maker(b, in.written);
    else if (in.logged != UINT32_MAX)
        other = builder_name_logger(b, in.logged);
    if (other.length)
        tf_diags_add(
            b->diags, "", TF_DIAG_FILE_CLASH,
            "%s: the folder %s/ is an output of this task as a whole, and %s of %s is in it; choose another name",
            tf_buf_text(&maker), tf_buf_text(&path), in.written != UINT32_MAX ? "an output" : "the log",
            tf_buf_text(&other));
    else
        tf_diags_add(
            b->diags, "", TF_DIAG_FILE_CLASH,
            "%s: the folder %s/ is an output of this task as a whole, and files that the campaign reads or owns "
            "are in it; choose another name",
            tf_buf_text(&maker), tf_buf_text(&path));
    tf_buf_free(&maker);
    tf_buf_free(&other);
    tf_buf_free(&path);
}

void nesting_check(builder *b) {
    for (uint32_t n = 0; n < b->graph->folders.count && b->diags->count < MOST_DIAGNOSTICS; n++) {
        check_file(b, n);
        check_folder(b, n);
    }
}
