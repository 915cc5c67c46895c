/* Inputs that are not there: each is told once, however many tasks need it. */
#include <stdlib.h>
#include <string.h>

#include "graph/builder.h"

void missing_note(builder *b, outside_file *file, const tf_file_spec *spec, int stage, int64_t index,
                  const char *path) {
    const node n = graph_node(b->graph, stage, index);
    if (!file->missing) {
        b->missing = tf_realloc_array(b->missing, b->missing_files + 1, sizeof *b->missing);
        b->missing[b->missing_files++] =
            (missing_file){.spec = spec, .stage = stage, .index = index, .path = strdup(path)};
        file->missing = (uint32_t)b->missing_files;
    }
    tf_intervals_add(&b->missing[file->missing - 1].tasks, n, n + 1);
}

static void report_file(const builder *b, const missing_file *m) {
    const char *path = *m->path ? m->path : "an empty path";
    char tasks[32];
    tf_buf first = {0};
    tf_task_name(b->graph->campaign, m->stage, m->index, &first);
    if (m->tasks.total == 1)
        tf_diags_add(b->diags, m->spec->pointer, TF_DIAG_FILE_MISSING, "%s: %s is not there, and no task makes it",
                     tf_buf_text(&first), path);
    else
        tf_diags_add(b->diags, m->spec->pointer, TF_DIAG_FILE_MISSING,
                     "%s is not there, and no task makes it; %s tasks need it, first: %s", path,
                     tf_format_count(m->tasks.total, tasks), tf_buf_text(&first));
    tf_buf_free(&first);
}

void missing_report(builder *b) {
    char more[32];
    for (size_t i = 0; i < b->missing_files; i++) {
        if (i < MOST_DIAGNOSTICS)
            report_file(b, &b->missing[i]);
        tf_intervals_free(&b->missing[i].tasks);
        free(b->missing[i].path);
    }
    if (b->missing_files > MOST_DIAGNOSTICS)
        tf_diags_add(b->diags, b->missing[MOST_DIAGNOSTICS].spec->pointer, TF_DIAG_FILE_MISSING,
                     "and %s more inputs are not there",
                     tf_format_count((int64_t)b->missing_files - MOST_DIAGNOSTICS, more));
    free(b->missing);
    b->missing = NULL;
    b->missing_files = 0;
}
