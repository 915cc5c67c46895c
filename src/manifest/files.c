/* The files of one task (files.h). */
#include "manifest/finder.h"

#include <stdlib.h>
#include <string.h>

tf_files *tf_files_new(const tf_campaign *campaign) {
    tf_files *f = tf_alloc(sizeof *f);
    f->campaign = campaign;
    f->reader = tf_alloc_array((size_t)campaign->stages, sizeof *f->reader);
    f->where = tf_alloc_array((size_t)campaign->stages, sizeof *f->where);
    return f;
}

void tf_files_free(tf_files *f) {
    if (!f)
        return;
    for (int s = 0; s < f->campaign->stages; s++) {
        for (int p = 0; f->reader[s].value && p < tf_space_params(f->campaign->stage[s].space); p++)
            free(f->reader[s].value[p]);
        free(f->reader[s].value);
        free(f->reader[s].params);
        for (int w = 0; f->where[s] && w < f->campaign->stage[s].wheres; w++)
            tf_eval_free(f->where[s][w]);
        free(f->where[s]);
    }
    for (int g = 0; g < f->groupings; g++) {
        tf_table_free(&f->grouping[g].keys);
        free(f->grouping[g].first);
        free(f->grouping[g].members);
        free(f->grouping[g].hash);
    }
    free(f->reader);
    free(f->where);
    free(f->grouping);
    tf_paths_free(&f->paths);
    tf_table_free(&f->made);
    tf_table_free(&f->read);
    free(f->contents);
    tf_buf_free(&f->text);
    tf_buf_free(&f->key);
    free(f);
}

void tf_paths_free(tf_paths *paths) {
    tf_buf_free(&paths->text);
    free(paths->item);
    *paths = (tf_paths){0};
}

void tf_paths_show(const tf_paths *paths, size_t i, tf_buf *out) {
    tf_buf_addf(out, "%s%s", tf_paths_text(paths, i), paths->item[i].is_folder ? "/" : "");
}

void tf_paths_clear(tf_paths *paths) {
    tf_buf_clear(&paths->text);
    paths->count = 0;
}

/* ---- Points ---- */

static const void *const *read_params(tf_files *f, int stage, int64_t index) {
    const tf_space *space = f->campaign->stage[stage].space;
    reader *r = &f->reader[stage];
    int params = tf_space_params(space);
    if (!r->value) {
        r->value = tf_alloc_array((size_t)params, sizeof *r->value);
        r->params = tf_alloc_array((size_t)params, sizeof *r->params);
        for (int p = 0; p < params; p++)
            r->params[p] = r->value[p] = tf_alloc(8);
    }
    for (int p = 0; p < params; p++)
        if (!tf_space_param(space, p)->upstream)
            tf_space_fill(space, p, index, 1, r->value[p]);
    return r->params;
}

bool tf_files_leave_out(tf_files *f, int stage, int64_t index) {
    const tf_stage_spec *spec = &f->campaign->stage[stage];
    if (spec->wheres == 0)
        return false;
    if (!f->where[stage]) {
        f->where[stage] = tf_alloc_array((size_t)spec->wheres, sizeof *f->where[stage]);
        for (int w = 0; w < spec->wheres; w++)
            f->where[stage][w] = tf_eval_new(spec->where[w], f->campaign->seed, spec->name);
    }
    const void *const *params = read_params(f, stage, index);
    bool kept = true;
    for (int w = 0; w < spec->wheres && kept; w++) {
        double truth;
        tf_eval_run(f->where[stage][w], params, index, 1, &truth);
        kept = tf_eval_is_true(truth);
    }
    return !kept;
}

void add_path(tf_buf *out, const char *workdir, const char *path, size_t length) {
    size_t start = out->length, root = strlen(workdir);
    bool inside = *workdir == '/' && length > root && strncmp(path, workdir, root) == 0 && path[root] == '/';
    const char *c = path + (inside ? root + 1 : 0), *end = path + length;
    bool absolute = c < end && *c == '/' && !inside;
    int up = 0; /* leading ".." */
    if (absolute)
        tf_buf_addc(out, '/');
    while (c < end) {
        size_t name = 0;
        while (c + name < end && c[name] != '/')
            name++;
        size_t floor = start + (absolute ? 1 : 0) + 3 * (size_t)up;
        if (name == 2 && c[0] == '.' && c[1] == '.') {
            if (out->length > floor) { /* removes the last name */
                do
                    out->data[--out->length] = '\0';
                while (out->length > floor && out->data[out->length - 1] != '/');
            } else if (!absolute) {
                tf_buf_adds(out, "../");
                up++;
            }
        } else if (name > 0 && !(name == 1 && *c == '.')) {
            tf_buf_add(out, c, name);
            tf_buf_addc(out, '/');
        }
        c += name + 1;
    }
    if (out->length > start + (absolute ? 1 : 0)) /* the last slash */
        out->data[--out->length] = '\0';
}

void file_text(tf_files *f, int stage, const tf_file_spec *spec, int64_t index, tf_buf *out) {
    const tf_campaign *c = f->campaign;
    tf_point point = {.index = index,
                      .seed = tf_rng_task_seed(c->seed, c->stage[stage].name, index),
                      .params = read_params(f, stage, index)};
    tf_template_expand(spec->text, &point, out);
}

void tf_task_name(const tf_campaign *campaign, int stage, int64_t index, tf_buf *out) {
    const tf_space *space = campaign->stage[stage].space;
    tf_files *f = tf_files_new(campaign);
    const void *const *params = read_params(f, stage, index);
    const char *before = "[";
    tf_buf_adds(out, campaign->stage[stage].name);
    for (int p = 0; p < tf_space_params(space); p++) {
        const tf_param_spec *spec = tf_space_param(space, p);
        if (spec->upstream)
            continue;
        tf_buf_addf(out, "%s%s=", before, spec->name);
        before = ", ";
        const char *own = tf_space_text(space, p, index);
        if (own || spec->type == TF_STRING)
            tf_buf_adds(out, own ? own : *(const char *const *)params[p]);
        else
            tf_buf_add_number(out, spec->type, params[p]);
    }
    tf_buf_adds(out, *before == ',' ? "]" : "");
    tf_files_free(f);
}

/* ---- Groups ---- */

/* Makes a key of the values of some parameters of the task. */
static void make_key(tf_files *f, int stage, const int *param, int params, int64_t index) {
    const tf_space *space = f->campaign->stage[stage].space;
    const void *const *values = read_params(f, stage, index);
    tf_buf_clear(&f->key);
    for (int p = 0; p < params; p++) {
        tf_type type = tf_space_param(space, param[p])->type;
        const void *value = values[param[p]];
        if (type == TF_STRING)
            tf_buf_add(&f->key, *(const char *const *)value, strlen(*(const char *const *)value) + 1);
        else
            tf_buf_add(&f->key, value, tf_space_value_size(type));
    }
}

/* Does the entry mean only some tasks of the stage, or other ones for each task? */
static bool has_groups(const tf_file_spec *spec) {
    return spec->matches > 0 || spec->where;
}

static void fill_grouping(tf_files *f, grouping *g) {
    const tf_file_spec *spec = g->spec;
    const tf_stage_spec *other = &f->campaign->stage[spec->stage];
    int64_t tasks = tf_space_size(other->space);
    uint32_t *group = tf_alloc_array((size_t)tasks, sizeof *group);
    tf_eval *where = spec->where ? tf_eval_new(spec->where, f->campaign->seed, other->name) : NULL;
    for (int64_t i = 0; i < tasks; i++) {
        double truth = 1;
        if (where)
            tf_eval_run(where, read_params(f, spec->stage, i), i, 1, &truth);
        group[i] = TF_TABLE_NONE;
        if (!tf_eval_is_true(truth) || tf_files_leave_out(f, spec->stage, i))
            continue;
        make_key(f, spec->stage, spec->theirs, spec->matches, i);
        group[i] = tf_table_add(&g->keys, tf_buf_text(&f->key), f->key.length, (uint32_t)g->keys.count);
    }
    tf_eval_free(where);
    g->first = tf_alloc_array(g->keys.count + 2, sizeof *g->first);
    g->members = tf_alloc_array((size_t)tasks, sizeof *g->members);
    for (int64_t i = 0; i < tasks; i++)
        if (group[i] != TF_TABLE_NONE)
            g->first[group[i] + 2]++;
    for (size_t n = 2; n < g->keys.count + 2; n++)
        g->first[n] += g->first[n - 1];
    for (int64_t i = 0; i < tasks; i++)
        if (group[i] != TF_TABLE_NONE)
            g->members[g->first[group[i] + 1]++] = i;
    free(group);
}

grouping *files_grouping(tf_files *f, const tf_file_spec *spec) {
    for (int g = 0; g < f->groupings; g++)
        if (f->grouping[g].spec == spec)
            return &f->grouping[g];
    f->grouping = tf_realloc_array(f->grouping, (size_t)f->groupings + 1, sizeof *f->grouping);
    grouping *g = &f->grouping[f->groupings++];
    *g = (grouping){.spec = spec};
    if (has_groups(spec))
        fill_grouping(f, g);
    g->hash = tf_alloc_array(g->keys.count + 1, sizeof *g->hash);
    return g;
}

int64_t tf_files_groups(tf_files *f, const tf_file_spec *spec) {
    return has_groups(spec) ? (int64_t)files_grouping(f, spec)->keys.count : 1;
}

int64_t tf_files_group(tf_files *f, int stage, const tf_file_spec *spec, int64_t index, const int64_t **member,
                       int64_t *count) {
    *member = NULL;
    *count = tf_space_size(f->campaign->stage[spec->stage].space);
    if (!has_groups(spec))
        return *count ? 0 : -1;
    const grouping *g = files_grouping(f, spec);
    make_key(f, stage, spec->mine, spec->matches, index);
    uint32_t number = tf_table_get(&g->keys, tf_buf_text(&f->key), f->key.length);
    if (number == TF_TABLE_NONE)
        return -1;
    *member = g->members + g->first[number];
    *count = g->first[number + 1] - g->first[number];
    return number;
}

/* ---- Paths ---- */

void tf_files_normalize(const tf_campaign *campaign, const char *path, tf_buf *out) {
    tf_buf_clear(out);
    add_path(out, campaign->workdir, path, strlen(path));
}

static void add(tf_files *f, const tf_file_spec *spec, const char *path, size_t length, tf_paths *out) {
    if (out->count == out->capacity) {
        out->capacity = out->capacity ? 2 * out->capacity : 4;
        out->item = tf_realloc_array(out->item, out->capacity, sizeof *out->item);
    }
    const bool is_folder = length > 0 && path[length - 1] == '/';
    out->item[out->count++] = (tf_path){.spec = spec, .at = out->text.length, .is_folder = is_folder};
    add_path(&out->text, f->campaign->workdir, path, length);
    tf_buf_addc(&out->text, '\0');
}

static void add_split(tf_files *f, const tf_file_spec *spec, const char *text, tf_paths *out) {
    for (size_t length; *(text += strspn(text, spec->separators)); text += length) {
        length = strcspn(text, spec->separators);
        add(f, spec, text, length, out);
    }
}

void files_add_outputs(tf_files *f, int stage, const tf_file_spec *spec, int64_t index, tf_paths *out) {
    const tf_stage_spec *other = &f->campaign->stage[spec->stage];
    const int64_t *member;
    int64_t count;
    if (tf_files_group(f, stage, spec, index, &member, &count) < 0)
        return;
    for (int64_t i = 0; i < count; i++)
        for (int o = 0; o < other->outputs; o++) {
            const tf_file_spec *made = &other->output[o];
            if (!tf_file_has_name(made, spec->output))
                continue;
            size_t first = out->count;
            tf_files_of_spec(f, spec->stage, made, member ? member[i] : i, out);
            for (; first < out->count; first++)
                out->item[first].spec = spec; /* by the reader's name */
        }
}

void tf_files_of_spec(tf_files *f, int stage, const tf_file_spec *spec, int64_t index, tf_paths *out) {
    if (tf_files_leave_out(f, stage, index))
        return;
    if (spec->kind == TF_FILE_OUTPUTS) {
        files_add_outputs(f, stage, spec, index, out);
        return;
    }
    tf_buf_clear(&f->text);
    file_text(f, stage, spec, index, &f->text);
    const char *text = tf_buf_text(&f->text);
    if (spec->kind == TF_FILE_SPLIT) {
        add_split(f, spec, text, out);
    } else if (spec->kind == TF_FILE_PATH) {
        add(f, spec, text, f->text.length, out);
    } else {
        uint32_t number = tf_table_get(&spec->patterns, text, f->text.length);
        const tf_buf *list = number == TF_TABLE_NONE ? NULL : &spec->list[number];
        for (size_t next = 0; list && next < list->length; next += strlen(list->data + next) + 1)
            add(f, spec, list->data + next, strlen(list->data + next), out);
    }
}

void tf_files_inputs(tf_files *f, int stage, int64_t index, tf_paths *out) {
    const tf_stage_spec *spec = &f->campaign->stage[stage];
    tf_paths_clear(out);
    for (int i = 0; i < spec->inputs; i++)
        tf_files_of_spec(f, stage, &spec->input[i], index, out);
}

void tf_files_outputs(tf_files *f, int stage, int64_t index, tf_paths *out) {
    const tf_stage_spec *spec = &f->campaign->stage[stage];
    tf_paths_clear(out);
    for (int i = 0; i < spec->outputs; i++)
        tf_files_of_spec(f, stage, &spec->output[i], index, out);
}

void tf_files_log(tf_files *f, int stage, int64_t index, tf_paths *out) {
    const tf_stage_spec *spec = &f->campaign->stage[stage];
    tf_paths_clear(out);
    if (spec->log)
        tf_files_of_spec(f, stage, spec->log, index, out);
}

bool tf_files_are_shared(const tf_stage_spec *stage) {
    bool shared = stage->inputs > 0 && stage->outputs == 0;
    for (int i = 0; i < stage->inputs; i++)
        shared = shared && stage->input[i].kind != TF_FILE_OUTPUTS && tf_template_is_constant(stage->input[i].text);
    return shared;
}

bool tf_files_is_outside(const char *path) {
    return *path == '/' || (strncmp(path, "..", 2) == 0 && (path[2] == '/' || path[2] == '\0'));
}

bool tf_files_know_log(const tf_stage_spec *stage) {
    return stage->log && tf_space_sources(stage->space) == 0;
}

static void add_texts(const tf_paths *paths, tf_table *table) {
    for (size_t p = 0; p < paths->count; p++)
        tf_table_add(table, tf_paths_text(paths, p), strlen(tf_paths_text(paths, p)), 0);
}

void tf_files_all_outputs(tf_files *f, tf_table *outputs) {
    const tf_campaign *c = f->campaign;
    tf_paths paths = {0};
    for (int s = 0; s < c->stages; s++) {
        const int64_t tasks = tf_space_size(c->stage[s].space);
        for (int64_t i = 0; c->stage[s].outputs > 0 && i < tasks; i++) {
            tf_files_outputs(f, s, i, &paths);
            add_texts(&paths, outputs);
        }
        for (int64_t i = 0; tf_files_know_log(&c->stage[s]) && i < tasks; i++) {
            tf_files_log(f, s, i, &paths);
            add_texts(&paths, outputs);
        }
    }
    tf_paths_free(&paths);
}

bool tf_files_are_of(const tf_table *outputs, const char *path) {
    bool is_of = false;
    for (size_t end = 1; *path && path[end - 1] && !is_of; end++)
        if (path[end] == '/' || path[end] == '\0')
            is_of = tf_table_get(outputs, path, end) != TF_TABLE_NONE;
    return is_of;
}
