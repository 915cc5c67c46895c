/* What tasks read: outputs of others, files that no task makes, and folders. */
#include <stdlib.h>
#include <string.h>

#include "graph/builder.h"

/* The newest file in a folder. What the campaign itself has written into it does not count. */
typedef struct inside {
    tf_graph *graph;
    int64_t newest;
} inside;

static bool note_newer(void *context, const char *path, int64_t time) {
    inside *in = context;
    if (graph_output_around(in->graph, path) != TF_TABLE_NONE || tf_campaign_is_output(in->graph->campaign, path))
        return false;
    in->newest = time > in->newest ? time : in->newest;
    return true;
}

int64_t graph_time_inside(tf_graph *g, const char *path) {
    inside in = {.graph = g, .newest = TF_DISK_MISSING};
    if (g->disk->each)
        g->disk->each(g->disk, path, note_newer, &in);
    return in.newest;
}

int64_t graph_time_of(tf_graph *g, const char *path) {
    uint32_t output = graph_output_around(g, path);
    return output != TF_TABLE_NONE ? graph_made(g, output, path) : g->disk->time(g->disk, path, &(tf_disk_id){0});
}

int64_t graph_time_with_inside(tf_graph *g, const char *path) {
    const int64_t time = graph_time_of(g, path);
    const int64_t within = graph_output(g, path) == TF_TABLE_NONE ? graph_time_inside(g, path) : time;
    return within > time ? within : time;
}

/* A file that no task makes, until the next one is found. The disk is asked once for each. */
static outside_file *find_file(builder *b, const char *path, tf_disk_id *id) {
    const tf_buf *key = folders_key(&b->graph->folders, path);
    uint32_t next = (uint32_t)b->files.count;
    uint32_t number = tf_table_add(&b->files, key->data, key->length, next);
    if (number != next)
        return &b->found[number];
    if (next == b->found_capacity) {
        b->found_capacity = b->found_capacity ? 2 * b->found_capacity : 1024;
        b->found = tf_realloc_array(b->found, b->found_capacity, sizeof *b->found);
    }
    const int64_t time = b->graph->disk->time(b->graph->disk, path, id);
    b->found[number] = (outside_file){.time = time, .inside = graph_time_inside(b->graph, path)};
    return &b->found[number];
}

static void note_inside(tf_graph *g, node n, int64_t time) {
    if (!g->inside) {
        g->inside = tf_alloc_array(g->tasks, sizeof *g->inside);
        for (node i = 0; i < g->tasks; i++)
            g->inside[i] = TF_DISK_MISSING;
    }
    if (time > g->inside[n])
        g->inside[n] = time;
}

/* Reports an input that tasks write under another name: as a log, or because it is a link to an output. A hard link to
 * an output does no harm: outputs are made anew, not written into. */
static void check_input(builder *b, int stage, int64_t index, const tf_file_spec *spec, const char *path,
                        const tf_disk_id *id) {
    tf_graph *g = b->graph;
    const tf_buf *key = folders_key(&g->folders, path);
    const uint32_t log = tf_table_get(&b->logs, key->data, key->length);
    const uint32_t same = id->inode ? tf_table_get(&b->made_ids, (const char *)id, sizeof *id) : TF_TABLE_NONE;
    tf_disk_id link;
    tf_buf other = {0};
    if (log != TF_TABLE_NONE) {
        other = builder_name_logger(b, log);
        builder_diagnose(b, spec->pointer, stage, index, TF_DIAG_FILE_CLASH,
                         "%s is an input of this task and the log of %s", path, tf_buf_text(&other));
    } else if (same != TF_TABLE_NONE && g->disk->look && g->disk->look(g->disk, path, &link) == TF_DISK_LINK) {
        other = builder_name_maker(b, same);
        builder_diagnose(b, spec->pointer, stage, index, TF_DIAG_BAD_PATH,
                         "%s is a link to an output of %s; the input must have the name of the output", path,
                         tf_buf_text(&other));
    }
    tf_buf_free(&other);
}

/* Reports a file whose contents are to be compared, and that has none: once. */
static void check_contents(builder *b, outside_file *file, int stage, int64_t index, const tf_file_spec *spec,
                           const char *path) {
    tf_disk *disk = b->graph->disk;
    if (!file->is_checked && disk->has_contents && !disk->has_contents(disk, path))
        builder_diagnose(b, spec->pointer, stage, index, TF_DIAG_BAD_PATH,
                         "%s is neither a file nor a folder, and can't be checked by \"hash\"", path);
    file->is_checked = true;
}

static bool is_temporary(tf_graph *g, uint32_t output) {
    int64_t index;
    const int stage = graph_task(g, g->maker[output], &index);
    tf_paths made = {0};
    bool is_temp = false;
    tf_files_outputs(g->files, stage, index, &made);
    for (size_t p = 0; p < made.count; p++)
        is_temp = is_temp || (made.item[p].spec->temp && graph_output(g, tf_paths_text(&made, p)) == output);
    tf_paths_free(&made);
    return is_temp;
}

/* A file that a task makes, or that lies in a folder that one makes. The folder must hold it: else it is not whole. The
 * time of a folder is that of its end, since those who read it may write in it, too. */
static outside_file find_made(builder *b, node reader, uint32_t output, const char *path) {
    tf_graph *g = b->graph;
    const node maker = g->maker[output];
    const bool is_there = g->made[output] != TF_DISK_MISSING, is_inside = graph_output(g, path) != output;
    outside_file file = {.time = g->made[output], .inside = g->is_folder[output] ? g->made[output] : TF_DISK_MISSING};
    if (is_inside && is_there)
        file = *find_file(b, path, &(tf_disk_id){0});
    builder_add_edge(b, maker, reader);
    if (file.time == TF_DISK_MISSING)
        g->flags[reader] |= READS_GONE;
    if (file.time == TF_DISK_MISSING && is_there)
        g->flags[maker] |= is_temporary(g, output) ? MISSES_TEMP : MISSES_OUTPUT;
    return file;
}

static bool is_folder(const tf_graph *g, uint32_t output, const outside_file *file) {
    return output == TF_TABLE_NONE ? file->inside != TF_DISK_MISSING : g->is_folder[output];
}

static void add_input(builder *b, int stage, int64_t index, const tf_path *input) {
    tf_graph *g = b->graph;
    const char *path = tf_paths_text(&g->paths, (size_t)(input - g->paths.item));
    const tf_file_spec *spec = input->spec;
    const node n = graph_node(g, stage, index);
    const uint32_t number = graph_output_around(g, path);
    tf_disk_id id = {0};
    outside_file file;
    if (number == TF_TABLE_NONE) {
        outside_file *found = find_file(b, path, &id);
        check_input(b, stage, index, spec, path, &id);
        if (found->time == TF_DISK_MISSING)
            missing_note(b, found, spec, stage, index, path);
        else if (spec->by_hash)
            check_contents(b, found, stage, index, spec, path);
        file = *found;
    } else {
        file = find_made(b, n, number, path);
    }
    const bool is_known = number != TF_TABLE_NONE || file.time != TF_DISK_MISSING;
    if (input->is_folder && is_known && !is_folder(g, number, &file))
        builder_diagnose(b, spec->pointer, stage, index, TF_DIAG_BAD_PATH,
                         "%s is a file, and must be a folder, since it ends in / here", path);
    if (spec->by_hash)
        return;
    if (file.inside != TF_DISK_MISSING) {
        note_inside(g, n, file.inside);
        return;
    }
    if (file.time > g->newest[n])
        g->newest[n] = file.time;
    if (number == TF_TABLE_NONE && file.time > g->outside[n])
        g->outside[n] = file.time;
}

/* Makes a group, when the first task asks for it. */
static node add_group(builder *b, const tf_file_spec *spec, const int64_t *member, int64_t count) {
    tf_graph *g = b->graph;
    extra e = {.kind = EXTRA_GROUP, .stage = spec->stage, .newest = TF_DISK_MISSING, .inside = TF_DISK_MISSING};
    tf_paths made = {0};
    node group = g->nodes; /* it is added below */
    for (int64_t i = 0; i < count; i++) {
        int64_t index = member ? member[i] : i;
        builder_add_edge(b, graph_node(g, spec->stage, index), group);
        tf_files_outputs(g->files, spec->stage, index, &made);
        for (size_t p = 0; p < made.count; p++) {
            int64_t time = g->made[graph_output(g, tf_paths_text(&made, p))];
            int64_t *newest = made.item[p].is_folder ? &e.inside : &e.newest;
            if (!tf_file_has_name(made.item[p].spec, spec->output))
                continue;
            *newest = time > *newest ? time : *newest;
            e.gone = e.gone || time == TF_DISK_MISSING;
        }
    }
    tf_paths_free(&made);
    return builder_add_extra(g, e);
}

static void add_group_input(builder *b, int stage, const tf_file_spec *spec, int64_t index, node *groups) {
    tf_graph *g = b->graph;
    const int64_t *member;
    int64_t count, group = tf_files_group(g->files, stage, spec, index, &member, &count);
    node n = graph_node(g, stage, index);
    if (group < 0) {
        if (b->unmatched++ < MOST_DIAGNOSTICS)
            builder_diagnose(b, spec->pointer, stage, index, TF_DIAG_NO_MATCH,
                             "no task of stage \"%s\" agrees with this task", g->campaign->stage[spec->stage].name);
        return;
    }
    if (groups[group] == NO_NODE)
        groups[group] = add_group(b, spec, member, count);
    builder_add_edge(b, groups[group], n);
    const extra *e = &g->extra[groups[group] - g->tasks];
    if (!spec->by_hash && e->newest > g->newest[n])
        g->newest[n] = e->newest;
    if (!spec->by_hash && e->inside != TF_DISK_MISSING)
        note_inside(g, n, e->inside);
    if (e->gone)
        g->flags[n] |= READS_GONE;
}

void reads_add(builder *b, int stage) {
    tf_graph *g = b->graph;
    const tf_stage_spec *spec = &g->campaign->stage[stage];
    int64_t tasks = tf_stage_so_far(spec);
    for (int k = 0; k < spec->inputs; k++) {
        const tf_file_spec *input = &spec->input[k];
        bool grouped = input->kind == TF_FILE_OUTPUTS;
        size_t count = grouped ? (size_t)tf_files_groups(g->files, input) : 0;
        node *groups = tf_alloc_array(count, sizeof *groups);
        memset(groups, 0xff, count * sizeof *groups);
        for (int64_t i = 0; i < tasks; i++) {
            if (grouped && !tf_files_leave_out(g->files, stage, i))
                add_group_input(b, stage, input, i, groups);
            if (grouped)
                continue;
            tf_paths_clear(&g->paths);
            tf_files_of_spec(g->files, stage, input, i, &g->paths);
            for (size_t p = 0; p < g->paths.count; p++)
                add_input(b, stage, i, &g->paths.item[p]);
        }
        free(groups);
    }
    if (b->unmatched > MOST_DIAGNOSTICS)
        tf_diags_add(b->diags, spec->pointer, TF_DIAG_NO_MATCH, "and %d more tasks with which none agrees",
                     b->unmatched - MOST_DIAGNOSTICS);
    b->unmatched = 0;
}
