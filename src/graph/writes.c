/* What tasks write: outputs, logs, and where outputs of failed attempts are set aside. Nobody else may write or own
 * these. */
#include <stdlib.h>
#include <string.h>

#include "graph/builder.h"

static void note_stray(builder *b, const tf_file_spec *spec, bool by_link, int stage, int64_t index, const char *path) {
    for (size_t k = 0; k < b->stray_kinds; k++) {
        if (b->strays[k].spec == spec && b->strays[k].by_link == by_link) {
            b->strays[k].count++;
            return;
        }
    }
    b->strays = tf_realloc_array(b->strays, b->stray_kinds + 1, sizeof *b->strays);
    b->strays[b->stray_kinds++] =
        (strays){.spec = spec, .by_link = by_link, .stage = stage, .index = index, .path = strdup(path), .count = 1};
}

static void report_strays(builder *b) {
    for (size_t k = 0; k < b->stray_kinds; k++) {
        strays *s = &b->strays[k];
        const bool many = s->count > 1;
        char others[32];
        tf_buf who = {0};
        tf_buf_adds(&who, s->path);
        if (many)
            tf_buf_addf(&who, " and %s other path%s", tf_format_count(s->count - 1, others), s->count == 2 ? "" : "s");
        if (s->by_link)
            builder_diagnose(
                b, s->spec->pointer, s->stage, s->index, TF_DIAG_OUTSIDE_WORKDIR,
                "%s %s outside the work folder, since a link is on the way to %s; \"allow_outside\": true allows "
                "that",
                who.data, many ? "are" : "is", many ? "them" : "it");
        else
            builder_diagnose(b, s->spec->pointer, s->stage, s->index, TF_DIAG_OUTSIDE_WORKDIR,
                             "%s %s outside the work folder; \"allow_outside\": true allows that", who.data,
                             many ? "are" : "is");
        tf_buf_free(&who);
        free(s->path);
    }
    free(b->strays);
    b->strays = NULL;
    b->stray_kinds = 0;
}

/* Reports a path that is the campaign's own. */
static void check_owner(builder *b, const tf_file_spec *spec, int stage, int64_t index, const char *path,
                        const tf_disk_id *id) {
    const char *reason = owned_reason(&b->owned, &b->graph->folders, path, id);
    if (reason)
        builder_diagnose(b, spec->pointer, stage, index, TF_DIAG_BAD_PATH,
                         "%s can't be written by a task: %s; choose another name", path, reason);
}

/* Reports a path that no task may write. */
static void check_place(builder *b, const tf_file_spec *spec, int stage, int64_t index, const char *path,
                        const tf_disk_id *id) {
    folders *f = &b->graph->folders;
    check_owner(b, spec, stage, index, path, id);
    const known_folder *in = &f->item[folders_of(f, path)];
    if (in->dangling)
        builder_diagnose(b, spec->pointer, stage, index, TF_DIAG_BAD_PATH,
                         "%s: its folder %s is a link that leads nowhere", path, f->paths.data + in->path);
    const bool outside = in->outside || strcmp(path, "..") == 0;
    if (outside && id->is_folder && folders_hold_workdir(f, path))
        builder_diagnose(b, spec->pointer, stage, index, TF_DIAG_BAD_PATH,
                         "%s can't be written by a task: it holds the work folder; choose another name", path);
    if (outside && !spec->outside)
        note_stray(b, spec, !tf_files_is_outside(path), stage, index, path);
}

/* Reserves the name that an output of a failed attempt is set aside under; a folder has it while it is removed. */
static void add_aside(builder *b, int stage, int64_t index, const tf_file_spec *spec, const char *path,
                      uint32_t number) {
    tf_buf aside = {0};
    tf_buf_addf(&aside, "%s.incomplete", path);
    const tf_buf *key = folders_key(&b->graph->folders, aside.data);
    tf_table_add(&b->asides, key->data, key->length, number);
    check_owner(b, spec, stage, index, aside.data, &(tf_disk_id){0});
    tf_buf_free(&aside);
}

static void check_asides(builder *b, int stage, int64_t index, const tf_path *file, const char *path) {
    const tf_buf *key = folders_key(&b->graph->folders, path);
    const uint32_t number = tf_table_get(&b->asides, key->data, key->length);
    if (number == TF_TABLE_NONE)
        return;
    tf_buf other = builder_name_maker(b, number);
    builder_diagnose(b, file->spec->pointer, stage, index, TF_DIAG_FILE_CLASH,
                     "%s is written by this task, and is the name of what is left of an output of %s", path,
                     tf_buf_text(&other));
    tf_buf_free(&other);
}

/* Was a run killed while it removed the folder? */
static bool is_left_aside(const tf_graph *g, const char *path) {
    tf_buf aside = {0};
    tf_buf_addf(&aside, "%s.incomplete", path);
    const bool is_left = g->disk->time(g->disk, aside.data, &(tf_disk_id){0}) != TF_DISK_MISSING;
    tf_buf_free(&aside);
    return is_left;
}

static void add_output(builder *b, int stage, int64_t index, const tf_path *file, const char *path) {
    tf_graph *g = b->graph;
    const tf_file_spec *spec = file->spec;
    const node n = graph_node(g, stage, index);
    if (!*path) {
        builder_diagnose(b, spec->pointer, stage, index, TF_DIAG_BAD_PATH, "an empty path can't be an output");
        return;
    }
    const tf_buf *key = folders_key(&g->folders, path);
    uint32_t next = (uint32_t)g->outputs.count;
    uint32_t number = tf_table_add(&g->outputs, key->data, key->length, next);
    if (number != next) {
        tf_buf other = builder_name_maker(b, number);
        builder_diagnose(b, spec->pointer, stage, index, TF_DIAG_FILE_CLASH, "%s is an output of this task and of %s",
                         path, tf_buf_text(&other));
        tf_buf_free(&other);
        return;
    }
    if (next == b->output_capacity) {
        b->output_capacity = b->output_capacity ? 2 * b->output_capacity : 1024;
        g->maker = tf_realloc_array(g->maker, b->output_capacity, sizeof *g->maker);
        g->made = tf_realloc_array(g->made, b->output_capacity, sizeof *g->made);
        g->is_folder = tf_realloc_array(g->is_folder, b->output_capacity, sizeof *g->is_folder);
    }
    tf_disk_id id = {0};
    g->maker[number] = n;
    g->is_folder[number] = file->is_folder;
    g->has_folders = g->has_folders || file->is_folder;
    g->folders.item[folders_of(&g->folders, path)].written = number;
    g->made[number] = graph_disk_time(g, path, file->is_folder, &id);
    if (id.inode)
        tf_table_add(&b->made_ids, (const char *)&id, sizeof id, number);
    check_place(b, spec, stage, index, path, &id);
    if (g->campaign->keep_incomplete || file->is_folder)
        add_aside(b, stage, index, spec, path, number);
    if (spec->temp)
        g->flags[n] |= HAS_TEMP;
    if (g->made[number] == TF_DISK_MISSING) {
        g->flags[n] |= spec->temp ? MISSES_TEMP : MISSES_OUTPUT;
        if (spec->temp && file->is_folder && is_left_aside(g, path))
            g->flags[n] |= LEFT_ASIDE;
        return;
    }
    g->flags[n] |= spec->protect ? HAS_OUTPUT | HAS_PROTECTED : HAS_OUTPUT;
    if (g->made[number] < g->oldest[n])
        g->oldest[n] = g->made[number];
}

typedef void on_output(builder *b, int stage, int64_t index, const tf_path *file, const char *path);

static void each_output(builder *b, int stage, on_output *visit) {
    tf_graph *g = b->graph;
    int64_t tasks = tf_stage_so_far(&g->campaign->stage[stage]);
    for (int64_t i = 0; g->campaign->stage[stage].outputs > 0 && i < tasks; i++) {
        tf_files_outputs(g->files, stage, i, &g->paths);
        for (size_t p = 0; p < g->paths.count && b->diags->count < MOST_DIAGNOSTICS; p++)
            visit(b, stage, i, &g->paths.item[p], tf_paths_text(&g->paths, p));
    }
}

/* Adds a log. What stands under its name now does not matter: it is replaced, and other names of that file are not. */
static void add_log(builder *b, int stage, int64_t index, const tf_path *file, const char *path) {
    tf_graph *g = b->graph;
    const tf_file_spec *spec = file->spec;
    if (!*path) {
        builder_diagnose(b, spec->pointer, stage, index, TF_DIAG_BAD_PATH, "an empty path can't be a log");
        return;
    }
    const tf_buf *key = folders_key(&g->folders, path);
    const uint32_t output = tf_table_get(&g->outputs, key->data, key->length), next = (uint32_t)b->logs.count;
    const uint32_t number = tf_table_add(&b->logs, key->data, key->length, next);
    tf_buf other = {0};
    if (output != TF_TABLE_NONE) {
        other = builder_name_maker(b, output);
        builder_diagnose(b, spec->pointer, stage, index, TF_DIAG_FILE_CLASH,
                         "%s is the log of this task and an output of %s", path, tf_buf_text(&other));
    } else if (number != next) {
        other = builder_name_logger(b, number);
        builder_diagnose(b, spec->pointer, stage, index, TF_DIAG_FILE_CLASH, "%s is the log of this task and of %s",
                         path, tf_buf_text(&other));
    }
    tf_buf_free(&other);
    if (number != next)
        return;
    if (next == b->log_capacity) {
        b->log_capacity = b->log_capacity ? 2 * b->log_capacity : 1024;
        b->log = tf_realloc_array(b->log, b->log_capacity, sizeof *b->log);
    }
    b->log[number] = (log_maker){.stage = stage, .index = index};
    g->folders.item[folders_of(&g->folders, path)].logged = number;
    check_asides(b, stage, index, file, path);
    check_place(b, spec, stage, index, path, &(tf_disk_id){0});
}

/* A stage whose points are rows of another one does not know the names of its logs yet: checks what they begin with. */
static void add_unknown_logs(builder *b, int stage, const tf_file_spec *spec) {
    tf_graph *g = b->graph;
    const int64_t tasks = tf_stage_so_far(&g->campaign->stage[stage]);
    tf_buf text = {0}, path = {0};
    tf_template_beginning(spec->text, &text);
    if (!tf_template_is_constant(spec->text) && (strchr(tf_buf_text(&text), '/') || spec->outside)) {
        tf_buf_adds(&text, "?");
        tf_files_normalize(g->campaign, tf_buf_text(&text), &path);
        check_place(b, spec, stage, 0, tf_buf_text(&path), &(tf_disk_id){0});
    } else if (tf_template_is_constant(spec->text)) {
        tf_files_normalize(g->campaign, tf_buf_text(&text), &path);
        for (int64_t i = 0; i < tasks && i < 2; i++)
            add_log(b, stage, i, &(tf_path){.spec = spec}, tf_buf_text(&path));
    }
    tf_buf_free(&text);
    tf_buf_free(&path);
}

static void add_logs(builder *b, int stage) {
    tf_graph *g = b->graph;
    const tf_stage_spec *spec = &g->campaign->stage[stage];
    const bool known = spec->log && tf_files_know_log(spec);
    if (spec->log && !known)
        add_unknown_logs(b, stage, spec->log);
    for (int64_t i = 0; known && i < tf_stage_so_far(spec) && b->diags->count < MOST_DIAGNOSTICS; i++) {
        tf_files_log(g->files, stage, i, &g->paths);
        if (g->paths.count)
            add_log(b, stage, i, &g->paths.item[0], tf_paths_text(&g->paths, 0));
    }
}

/* Reports outputs and logs that an axis of their stage has found: the next run would find other ones. */
static void check_found(builder *b, int stage) {
    tf_graph *g = b->graph;
    const tf_stage_spec *spec = &g->campaign->stage[stage];
    tf_buf path = {0}, other = {0};
    for (const tf_found *f = spec->outputs || spec->log ? spec->found : NULL; f; f = f->before) {
        for (int64_t i = 0; i < f->count && b->diags->count < MOST_DIAGNOSTICS; i++) {
            int64_t index;
            tf_files_normalize(g->campaign, f->path[i], &path);
            const uint32_t output = graph_output_around(g, tf_buf_text(&path));
            const tf_buf *key = folders_key(&g->folders, tf_buf_text(&path));
            const uint32_t log = tf_table_get(&b->logs, key->data, key->length);
            const bool made = output != TF_TABLE_NONE && graph_task(g, g->maker[output], &index) == stage;
            if (!made && (log == TF_TABLE_NONE || b->log[log].stage != stage))
                continue;
            other = made ? builder_name_maker(b, output) : builder_name_logger(b, log);
            tf_diags_add(b->diags, spec->pointer, TF_DIAG_FILE_CLASH,
                         "%s: %s is %s of this task, and an axis of its stage has found it", tf_buf_text(&other),
                         tf_buf_text(&path),
                         !made                                           ? "the log"
                         : graph_output(g, tf_buf_text(&path)) == output ? "an output"
                                                                         : "in an output");
            tf_buf_free(&other);
        }
    }
    tf_buf_free(&path);
}

void writes_add(builder *b) {
    const tf_graph *g = b->graph;
    for (int s = 0; s < g->stages; s++)
        each_output(b, s, add_output);
    for (int s = 0; s < g->stages && b->asides.count > 0; s++)
        each_output(b, s, check_asides);
    for (int s = 0; s < g->stages; s++)
        add_logs(b, s);
    for (int s = 0; s < g->stages; s++)
        check_found(b, s);
    report_strays(b);
}
