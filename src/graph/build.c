/* The graph from the files of all tasks: first who makes what, then who reads it. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "graph/nodes.h"
#include "graph/owned.h"

/* ---- Nodes ---- */

int graph_task(const tf_graph *g, node n, int64_t *index) {
    int low = 0, high = g->stages;
    while (high - low > 1) {
        int middle = low + (high - low) / 2;
        if (g->stage[middle].first <= n)
            low = middle;
        else
            high = middle;
    }
    *index = n - g->stage[low].first;
    return low;
}

void graph_name(const tf_graph *g, node n, tf_buf *out) {
    int64_t index;
    if (n < g->tasks) {
        int stage = graph_task(g, n, &index);
        if (g->stage[stage].linked)
            tf_task_name(g->campaign, stage, index, out);
        else
            tf_buf_addf(out, "stage %s", g->campaign->stage[stage].name);
        return;
    }
    assert(g->extra);
    const extra *e = &g->extra[n - g->tasks];
    static const char *const what[] = {
        [EXTRA_GATE] = "the start of", [EXTRA_END] = "the end of", [EXTRA_GROUP] = "outputs of"};
    tf_buf_addf(out, "%s stage %s", what[e->kind], g->campaign->stage[e->stage].name);
}

/* A file that no task makes. */
typedef struct outside_file {
    int64_t time, inside; /* if it is a folder: see graph_time_inside */
} outside_file;
typedef struct log_maker {
    int64_t index;
    int stage;
} log_maker;

/* Paths outside the work folder that one template of a stage gives: a slip in it concerns all tasks. */
typedef struct strays {
    const tf_file_spec *spec;
    bool by_link; /* a link is on the way to them */
    int stage;
    int64_t index; /* the task that has the first */
    char *path;
    int64_t count;
} strays;

/* What exists while the graph is built. */
typedef struct builder {
    tf_graph *graph;
    tf_diags *diags;
    edge *edge;
    size_t edges, edge_capacity;
    size_t output_capacity;
    tf_table files;      /* number of a file that no task makes */
    outside_file *found; /* of these */
    size_t found_capacity;
    owned owned;
    tf_table made_ids; /* number of an output that is there, by what it is */
    tf_table asides;   /* number of an output by where it is set aside, if outputs of failed attempts are */
    tf_table logs;     /* number of a log by its key */
    log_maker *log;    /* whose it is */
    size_t log_capacity;
    strays *strays;
    size_t stray_kinds;
    int missing; /* inputs complained about */
} builder;

static void add_edge(builder *b, node from, node to) {
    if (b->edges == b->edge_capacity) {
        b->edge_capacity = b->edge_capacity ? 2 * b->edge_capacity : 1024;
        b->edge = tf_realloc_array(b->edge, b->edge_capacity, sizeof *b->edge);
    }
    b->edge[b->edges++] = (edge){from, to};
}

static node add_extra(tf_graph *g, extra e) {
    if (g->nodes - g->tasks == g->extra_capacity) {
        g->extra_capacity = g->extra_capacity ? 2 * g->extra_capacity : 16;
        g->extra = tf_realloc_array(g->extra, g->extra_capacity, sizeof *g->extra);
    }
    g->extra[g->nodes - g->tasks] = e;
    return g->nodes++;
}

/* Tasks that are nodes. */
static bool number_tasks(tf_graph *g, tf_diags *diags) {
    int64_t nodes = 0;
    for (int s = 0; s < g->stages; s++) {
        const tf_stage_spec *spec = &g->campaign->stage[s];
        int64_t tasks = tf_space_size(spec->space);
        g->stage[s].linked = tf_stage_has_files(spec);
        g->stage[s].first = (node)nodes;
        nodes += g->stage[s].linked ? tasks : 1;
        if (nodes > TF_MOST_FILE_TASKS) {
            tf_diags_add(diags, spec->pointer, "stages with files have more than %d tasks together",
                         TF_MOST_FILE_TASKS);
            return false;
        }
    }
    g->tasks = g->nodes = (node)nodes;
    return true;
}

/* "after": the ends of stages come before the gates of others. */
static void link_stages(builder *b) {
    tf_graph *g = b->graph;
    for (int s = 0; s < g->stages; s++)
        g->stage[s].gate = g->stage[s].end = g->stage[s].linked ? NO_NODE : g->stage[s].first;
    for (int s = 0; s < g->stages; s++) {
        const tf_stage_spec *spec = &g->campaign->stage[s];
        node tasks = (node)tf_space_size(spec->space);
        if (spec->afters && g->stage[s].gate == NO_NODE) {
            g->stage[s].gate = add_extra(g, (extra){.kind = EXTRA_GATE, .stage = s});
            for (node i = 0; i < tasks; i++)
                add_edge(b, g->stage[s].gate, g->stage[s].first + i);
        }
        for (int a = 0; a < spec->afters; a++) {
            graph_stage *before = &g->stage[spec->after[a]];
            node before_tasks = (node)tf_space_size(g->campaign->stage[spec->after[a]].space);
            if (before->end == NO_NODE) {
                before->end = add_extra(g, (extra){.kind = EXTRA_END, .stage = spec->after[a]});
                for (node i = 0; i < before_tasks; i++)
                    add_edge(b, before->first + i, before->end);
            }
            add_edge(b, before->end, g->stage[s].gate);
        }
    }
}

/* ---- Complaints ---- */

static void complain(const builder *b, const char *pointer, int stage, int64_t index, const char *format, ...)
    TF_PRINTF(5, 6);

static void complain(const builder *b, const char *pointer, int stage, int64_t index, const char *format, ...) {
    tf_buf text = {0};
    va_list args;
    tf_task_name(b->graph->campaign, stage, index, &text);
    tf_buf_adds(&text, ": ");
    va_start(args, format);
    tf_buf_addv(&text, format, args);
    va_end(args);
    tf_diags_add(b->diags, pointer, "%s", tf_buf_text(&text));
    tf_buf_free(&text);
}

/* The name of the task that makes an output, or that a log is of; to be freed. */
static tf_buf maker_of(const builder *b, uint32_t output) {
    tf_buf name = {0};
    graph_name(b->graph, b->graph->maker[output], &name);
    return name;
}

static tf_buf logger_of(const builder *b, uint32_t log) {
    tf_buf name = {0};
    tf_task_name(b->graph->campaign, b->log[log].stage, b->log[log].index, &name);
    return name;
}

/* ---- What tasks write ---- */

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

static void tell_strays(builder *b) {
    for (size_t k = 0; k < b->stray_kinds; k++) {
        strays *s = &b->strays[k];
        const bool many = s->count > 1;
        char others[32];
        tf_buf who = {0};
        tf_buf_adds(&who, s->path);
        if (many)
            tf_buf_addf(&who, " and %s other path%s", tf_format_count(s->count - 1, others), s->count == 2 ? "" : "s");
        if (s->by_link)
            complain(b, s->spec->pointer, s->stage, s->index,
                     "%s %s outside the work folder, since a link is on the way to %s; \"allow_outside\": true allows "
                     "that",
                     who.data, many ? "are" : "is", many ? "them" : "it");
        else
            complain(b, s->spec->pointer, s->stage, s->index,
                     "%s %s outside the work folder; \"allow_outside\": true allows that", who.data,
                     many ? "are" : "is");
        tf_buf_free(&who);
        free(s->path);
    }
    free(b->strays);
    b->strays = NULL;
    b->stray_kinds = 0;
}

/* May a task write there? */
static void check_place(builder *b, const tf_file_spec *spec, int stage, int64_t index, const char *path,
                        const tf_disk_id *id) {
    folders *f = &b->graph->folders;
    const char *reason = owned_reason(&b->owned, f, path, id);
    const known_folder *in = &f->item[folders_of(f, path)];
    if (reason)
        complain(b, spec->pointer, stage, index, "%s can't be written by a task: %s; choose another name", path,
                 reason);
    if (in->dangling)
        complain(b, spec->pointer, stage, index, "%s: its folder %s is a link that leads nowhere", path,
                 f->text.data + in->path);
    const bool outside = in->outside || strcmp(path, "..") == 0;
    if (outside && !spec->outside)
        note_stray(b, spec, !tf_files_is_outside(path), stage, index, path);
}

/* Where an output of a failed attempt is set aside nobody else writes. */
static void add_aside(builder *b, int stage, int64_t index, const tf_file_spec *spec, const char *path,
                      uint32_t number) {
    tf_buf aside = {0};
    tf_buf_addf(&aside, "%s.incomplete", path);
    const tf_buf *key = folders_key(&b->graph->folders, aside.data);
    tf_table_add(&b->asides, key->data, key->length, number);
    check_place(b, spec, stage, index, aside.data, &(tf_disk_id){0});
    tf_buf_free(&aside);
}

static void check_asides(builder *b, int stage, int64_t index, const tf_file_spec *spec, const char *path) {
    const tf_buf *key = folders_key(&b->graph->folders, path);
    const uint32_t number = tf_table_get(&b->asides, key->data, key->length);
    if (number == TF_TABLE_NONE)
        return;
    tf_buf other = maker_of(b, number);
    complain(b, spec->pointer, stage, index,
             "%s is written by this task, and is where --keep-incomplete keeps an output of %s", path,
             tf_buf_text(&other));
    tf_buf_free(&other);
}

static void add_output(builder *b, int stage, int64_t index, const tf_file_spec *spec, const char *path) {
    tf_graph *g = b->graph;
    const node n = graph_node(g, stage, index);
    if (!*path) {
        complain(b, spec->pointer, stage, index, "an empty path can't be an output");
        return;
    }
    const tf_buf *key = folders_key(&g->folders, path);
    uint32_t next = (uint32_t)g->outputs.count;
    uint32_t number = tf_table_add(&g->outputs, key->data, key->length, next);
    if (number != next) {
        tf_buf other = maker_of(b, number);
        complain(b, spec->pointer, stage, index, "%s is an output of this task and of %s", path, tf_buf_text(&other));
        tf_buf_free(&other);
        return;
    }
    if (next == b->output_capacity) {
        b->output_capacity = b->output_capacity ? 2 * b->output_capacity : 1024;
        g->maker = tf_realloc_array(g->maker, b->output_capacity, sizeof *g->maker);
        g->made = tf_realloc_array(g->made, b->output_capacity, sizeof *g->made);
    }
    tf_disk_id id = {0};
    g->maker[number] = n;
    g->made[number] = g->disk->time(g->disk, path, &id);
    if (id.inode)
        tf_table_add(&b->made_ids, (const char *)&id, sizeof id, number);
    check_place(b, spec, stage, index, path, &id);
    if (g->campaign->keep_incomplete)
        add_aside(b, stage, index, spec, path, number);
    if (spec->temp)
        g->flags[n] |= HAS_TEMP;
    if (g->made[number] == TF_DISK_MISSING) {
        g->flags[n] |= spec->temp ? MISSES_TEMP : MISSES_OUTPUT;
        return;
    }
    g->flags[n] |= spec->protect ? HAS_OUTPUT | HAS_PROTECTED : HAS_OUTPUT;
    if (g->made[number] < g->oldest[n])
        g->oldest[n] = g->made[number];
}

typedef void on_output(builder *b, int stage, int64_t index, const tf_file_spec *spec, const char *path);

static void each_output(builder *b, int stage, on_output *take) {
    tf_graph *g = b->graph;
    int64_t tasks = tf_space_size(g->campaign->stage[stage].space);
    for (int64_t i = 0; g->campaign->stage[stage].outputs > 0 && i < tasks; i++) {
        tf_files_outputs(g->files, stage, i, &g->paths);
        for (size_t p = 0; p < g->paths.count && b->diags->count < MOST_COMPLAINTS; p++)
            take(b, stage, i, g->paths.item[p].spec, tf_paths_text(&g->paths, p));
    }
}

/* A log is not looked at: what stands under its name is replaced, and so not what else is called so. */
static void add_log(builder *b, int stage, int64_t index, const tf_file_spec *spec, const char *path) {
    tf_graph *g = b->graph;
    if (!*path) {
        complain(b, spec->pointer, stage, index, "an empty path can't be a log");
        return;
    }
    const tf_buf *key = folders_key(&g->folders, path);
    const uint32_t output = tf_table_get(&g->outputs, key->data, key->length), next = (uint32_t)b->logs.count;
    const uint32_t number = tf_table_add(&b->logs, key->data, key->length, next);
    tf_buf other = {0};
    if (output != TF_TABLE_NONE) {
        other = maker_of(b, output);
        complain(b, spec->pointer, stage, index, "%s is the log of this task and an output of %s", path,
                 tf_buf_text(&other));
    } else if (number != next) {
        other = logger_of(b, number);
        complain(b, spec->pointer, stage, index, "%s is the log of this task and of %s", path, tf_buf_text(&other));
    }
    tf_buf_free(&other);
    if (number != next)
        return;
    if (next == b->log_capacity) {
        b->log_capacity = b->log_capacity ? 2 * b->log_capacity : 1024;
        b->log = tf_realloc_array(b->log, b->log_capacity, sizeof *b->log);
    }
    b->log[number] = (log_maker){.stage = stage, .index = index};
    check_asides(b, stage, index, spec, path);
    check_place(b, spec, stage, index, path, &(tf_disk_id){0});
}

/* Where a stage takes its points from rows of another one its logs are not known: what they begin with is. */
static void add_unknown_logs(builder *b, int stage, const tf_file_spec *spec) {
    tf_graph *g = b->graph;
    const int64_t tasks = tf_space_size(g->campaign->stage[stage].space);
    tf_buf text = {0}, path = {0};
    tf_template_beginning(spec->text, &text);
    if (!tf_template_is_constant(spec->text) && (strchr(tf_buf_text(&text), '/') || spec->outside)) {
        tf_buf_adds(&text, "?");
        tf_files_normalize(g->campaign, tf_buf_text(&text), &path);
        check_place(b, spec, stage, 0, tf_buf_text(&path), &(tf_disk_id){0});
    } else if (tf_template_is_constant(spec->text)) {
        tf_files_normalize(g->campaign, tf_buf_text(&text), &path);
        for (int64_t i = 0; i < tasks && i < 2; i++)
            add_log(b, stage, i, spec, tf_buf_text(&path));
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
    for (int64_t i = 0; known && i < tf_space_size(spec->space) && b->diags->count < MOST_COMPLAINTS; i++) {
        tf_files_log(g->files, stage, i, &g->paths);
        if (g->paths.count)
            add_log(b, stage, i, spec->log, tf_paths_text(&g->paths, 0));
    }
}

/* What an axis has found is there for the tasks to read: they don't write it, nor find it again in the next run. */
static void check_found(builder *b, int stage) {
    tf_graph *g = b->graph;
    const tf_stage_spec *spec = &g->campaign->stage[stage];
    tf_buf path = {0}, other = {0};
    for (const tf_found *f = spec->outputs || spec->log ? spec->found : NULL; f; f = f->before) {
        for (int64_t i = 0; i < f->count && b->diags->count < MOST_COMPLAINTS; i++) {
            int64_t index;
            tf_files_normalize(g->campaign, f->path[i], &path);
            const tf_buf *key = folders_key(&g->folders, tf_buf_text(&path));
            const uint32_t output = tf_table_get(&g->outputs, key->data, key->length);
            const uint32_t log = tf_table_get(&b->logs, key->data, key->length);
            const bool made = output != TF_TABLE_NONE && graph_task(g, g->maker[output], &index) == stage;
            if (!made && (log == TF_TABLE_NONE || b->log[log].stage != stage))
                continue;
            other = made ? maker_of(b, output) : logger_of(b, log);
            tf_diags_add(b->diags, spec->pointer, "%s: %s is %s of this task, and an axis of its stage has found it",
                         tf_buf_text(&other), tf_buf_text(&path), made ? "an output" : "the log");
            tf_buf_free(&other);
        }
    }
    tf_buf_free(&path);
}

/* A file and a folder can't have one name. */
static void check_folders(builder *b) {
    tf_graph *g = b->graph;
    tf_buf other = {0};
    for (uint32_t n = 0; n < g->folders.count && b->diags->count < MOST_COMPLAINTS; n++) {
        const char *path = folders_path(&g->folders, n);
        const tf_buf *key = folders_key(&g->folders, path);
        const uint32_t output = tf_table_get(&g->outputs, key->data, key->length);
        const uint32_t log = tf_table_get(&b->logs, key->data, key->length);
        if (output != TF_TABLE_NONE)
            other = maker_of(b, output);
        else if (log != TF_TABLE_NONE)
            other = logger_of(b, log);
        else
            continue;
        tf_diags_add(b->diags, "", "%s: %s is %s of this task, and a folder of other files of the campaign",
                     tf_buf_text(&other), path, output != TF_TABLE_NONE ? "an output" : "the log");
        tf_buf_free(&other);
    }
}

/* ---- Inputs ---- */

/* What the campaign itself has written into a folder is no input. */
typedef struct inside {
    tf_graph *graph;
    int64_t newest;
} inside;

static void take_inside(void *context, const char *path, int64_t time) {
    inside *in = context;
    if (time > in->newest && graph_output(in->graph, path) == TF_TABLE_NONE &&
        !tf_campaign_is_output(in->graph->campaign, path))
        in->newest = time;
}

int64_t graph_time_inside(tf_graph *g, const char *path) {
    inside in = {.graph = g, .newest = TF_DISK_MISSING};
    if (g->disk->each)
        g->disk->each(g->disk, path, take_inside, &in);
    return in.newest;
}

/* It is looked up once. */
static outside_file find_file(builder *b, const char *path, tf_disk_id *id) {
    const tf_buf *key = folders_key(&b->graph->folders, path);
    uint32_t next = (uint32_t)b->files.count;
    uint32_t number = tf_table_add(&b->files, key->data, key->length, next);
    if (number != next)
        return b->found[number];
    if (next == b->found_capacity) {
        b->found_capacity = b->found_capacity ? 2 * b->found_capacity : 1024;
        b->found = tf_realloc_array(b->found, b->found_capacity, sizeof *b->found);
    }
    const int64_t time = b->graph->disk->time(b->graph->disk, path, id);
    return b->found[number] = (outside_file){time, graph_time_inside(b->graph, path)};
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

/* Inputs that are written under another name: as a log, or by a link that leads to an output. Another name of the very
 * same file, a hard link, does no harm: outputs are made anew, not written into. */
static void check_input(builder *b, int stage, int64_t index, const tf_file_spec *spec, const char *path,
                        const tf_disk_id *id) {
    tf_graph *g = b->graph;
    const tf_buf *key = folders_key(&g->folders, path);
    const uint32_t log = tf_table_get(&b->logs, key->data, key->length);
    const uint32_t same = id->inode ? tf_table_get(&b->made_ids, (const char *)id, sizeof *id) : TF_TABLE_NONE;
    tf_disk_id link;
    tf_buf other = {0};
    if (log != TF_TABLE_NONE) {
        other = logger_of(b, log);
        complain(b, spec->pointer, stage, index, "%s is an input of this task and the log of %s", path,
                 tf_buf_text(&other));
    } else if (same != TF_TABLE_NONE && g->disk->look && g->disk->look(g->disk, path, &link) == TF_DISK_LINK) {
        other = maker_of(b, same);
        complain(b, spec->pointer, stage, index,
                 "%s is a link to an output of %s; the input must have the name of the output", path,
                 tf_buf_text(&other));
    }
    tf_buf_free(&other);
}

static void add_input(builder *b, int stage, int64_t index, const tf_file_spec *spec, const char *path) {
    tf_graph *g = b->graph;
    const node n = graph_node(g, stage, index);
    uint32_t number = graph_output(g, path);
    tf_disk_id id = {0};
    const outside_file file =
        number == TF_TABLE_NONE ? find_file(b, path, &id) : (outside_file){g->made[number], TF_DISK_MISSING};
    if (number == TF_TABLE_NONE) {
        check_input(b, stage, index, spec, path, &id);
        if (file.time == TF_DISK_MISSING && b->missing++ < MOST_COMPLAINTS)
            complain(b, spec->pointer, stage, index, "%s is not there, and no task makes it",
                     *path ? path : "an empty path");
    } else {
        add_edge(b, g->maker[number], n);
        if (file.time == TF_DISK_MISSING)
            g->flags[n] |= READS_GONE;
    }
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

/* A group is made when the first task asks for it. */
static node add_group(builder *b, const tf_file_spec *spec, const int64_t *member, int64_t count) {
    tf_graph *g = b->graph;
    extra e = {.kind = EXTRA_GROUP, .stage = spec->stage, .newest = TF_DISK_MISSING};
    tf_paths made = {0};
    node group = g->nodes; /* it is added below */
    for (int64_t i = 0; i < count; i++) {
        int64_t index = member ? member[i] : i;
        add_edge(b, graph_node(g, spec->stage, index), group);
        tf_files_outputs(g->files, spec->stage, index, &made);
        for (size_t p = 0; p < made.count; p++) {
            int64_t time = g->made[graph_output(g, tf_paths_text(&made, p))];
            if (!tf_file_has_name(made.item[p].spec, spec->output))
                continue;
            e.newest = time > e.newest ? time : e.newest;
            e.gone = e.gone || time == TF_DISK_MISSING;
        }
    }
    tf_paths_free(&made);
    return add_extra(g, e);
}

static void add_group_input(builder *b, int stage, const tf_file_spec *spec, int64_t index, node *groups) {
    tf_graph *g = b->graph;
    const int64_t *member;
    int64_t count, group = tf_files_group(g->files, stage, spec, index, &member, &count);
    node n = graph_node(g, stage, index);
    if (group < 0) {
        if (b->missing++ < MOST_COMPLAINTS)
            complain(b, spec->pointer, stage, index, "%s has no task that agrees with it",
                     g->campaign->stage[spec->stage].name);
        return;
    }
    if (groups[group] == NO_NODE)
        groups[group] = add_group(b, spec, member, count);
    add_edge(b, groups[group], n);
    const extra *e = &g->extra[groups[group] - g->tasks];
    if (!spec->by_hash && e->newest > g->newest[n])
        g->newest[n] = e->newest;
    if (e->gone)
        g->flags[n] |= READS_GONE;
}

static void add_inputs(builder *b, int stage) {
    tf_graph *g = b->graph;
    const tf_stage_spec *spec = &g->campaign->stage[stage];
    int64_t tasks = tf_space_size(spec->space);
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
                add_input(b, stage, i, input, tf_paths_text(&g->paths, p));
        }
        free(groups);
    }
    if (b->missing > MOST_COMPLAINTS)
        tf_diags_add(b->diags, spec->pointer, "and %d more inputs are not there", b->missing - MOST_COMPLAINTS);
    b->missing = 0;
}

/* ---- Edges ---- */

static edges sort_edges(const builder *b, bool backwards) {
    node nodes = b->graph->nodes;
    edges e = {.first = tf_alloc_array((size_t)nodes + 2, sizeof *e.first),
               .to = tf_alloc_array(b->edges, sizeof *e.to)};
    for (size_t i = 0; i < b->edges; i++)
        e.first[(backwards ? b->edge[i].to : b->edge[i].from) + 2]++;
    for (node n = 2; n < nodes + 2; n++)
        e.first[n] += e.first[n - 1];
    for (size_t i = 0; i < b->edges; i++) {
        node from = backwards ? b->edge[i].to : b->edge[i].from, to = backwards ? b->edge[i].from : b->edge[i].to;
        e.to[e.first[from + 1]++] = to;
    }
    return e;
}

/* ---- Order ---- */

/* Of nodes that wait for each other: one way round. Followed backwards, along nodes that could not be ordered. */
static void complain_loop(builder *b, const uint32_t *unmet) {
    const tf_graph *g = b->graph;
    node *path = tf_alloc_array(g->nodes, sizeof *path), depth = 0, n = 0;
    node *place = tf_alloc_array(g->nodes, sizeof *place); /* on the path, from 1 */
    while (unmet[n] == 0)
        n++;
    while (place[n] == 0) {
        path[depth++] = n;
        place[n] = depth;
        const node *before = g->previous.to + g->previous.first[n];
        while (unmet[*before] == 0)
            before++;
        n = *before;
    }
    tf_buf text = {0};
    graph_name(g, n, &text);
    for (node i = depth; i >= place[n]; i--) {
        tf_buf_adds(&text, " -> ");
        graph_name(g, path[i - 1], &text);
    }
    tf_diags_add(b->diags, "", "tasks wait for each other: %s", tf_buf_text(&text));
    tf_buf_free(&text);
    free(path);
    free(place);
}

/* false if there is no order. */
static bool find_order(builder *b) {
    tf_graph *g = b->graph;
    node done = 0, found = 0;
    g->order = tf_alloc_array(g->nodes, sizeof *g->order);
    for (node n = 0; n < g->nodes; n++) {
        g->unmet[n] = g->previous.first[n + 1] - g->previous.first[n];
        if (g->unmet[n] == 0)
            g->order[found++] = n;
    }
    for (; done < found; done++) {
        node n = g->order[done];
        for (uint32_t e = g->next.first[n]; e < g->next.first[n + 1]; e++)
            if (--g->unmet[g->next.to[e]] == 0)
                g->order[found++] = g->next.to[e];
    }
    if (found < g->nodes)
        complain_loop(b, g->unmet);
    return found == g->nodes;
}

static void find_levels(tf_graph *g) {
    g->level = tf_alloc_array(g->nodes, sizeof *g->level);
    for (node i = g->nodes; i-- > 0;) {
        node n = g->order[i];
        int32_t longest = 0;
        for (uint32_t e = g->next.first[n]; e < g->next.first[n + 1]; e++)
            longest = g->level[g->next.to[e]] > longest ? g->level[g->next.to[e]] : longest;
        g->level[n] = longest + (n < g->tasks);
    }
}

/* ---- The whole ---- */

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
    for (int s = 0; s < g->stages; s++)
        each_output(b, s, add_output);
    for (int s = 0; s < g->stages && g->campaign->keep_incomplete; s++)
        each_output(b, s, check_asides);
    for (int s = 0; s < g->stages; s++)
        add_logs(b, s);
    for (int s = 0; s < g->stages; s++)
        check_found(b, s);
    tell_strays(b);
    for (int s = 0; s < g->stages && b->diags->count == before; s++)
        add_inputs(b, s);
    check_folders(b);
    if (b->diags->count > before)
        return false;
    if (b->edges > UINT32_MAX - 1) {
        tf_diags_add(b->diags, "", "more than 4 billion dependencies between tasks");
        return false;
    }
    g->flags = tf_realloc_array(g->flags, g->nodes, sizeof *g->flags);
    memset(g->flags + g->tasks, 0, (g->nodes - g->tasks) * sizeof *g->flags);
    g->next = sort_edges(b, false);
    g->previous = sort_edges(b, true);
    g->unmet = tf_alloc_array(g->nodes, sizeof *g->unmet);
    g->why = tf_alloc_array(g->nodes, sizeof *g->why);
    if (!find_order(b))
        return false;
    find_levels(g);
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

tf_links tf_graph_take_links(tf_graph *g) {
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
    free(g->newest);
    free(g->outside);
    free(g->inside);
    free(g->oldest);
    free(g);
}

int tf_graph_level(const tf_graph *g, int stage) {
    return g->level[g->stage[stage].first];
}
