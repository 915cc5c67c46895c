/* A stage as a Python process is told of it (see python_stage.h). */
#include "host/python_stage.h"
#include "host/packet.h"
#include "host/run.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGE_BYTES = 16384 /* of a task's message; of a longer one the middle is left out */ };

/* ---- The packet ---- */

static void add_name(tf_buf *out, int n, const char *name, tf_type type) {
    tf_buf_adds(out, n ? ", {\"name\": " : "{\"name\": ");
    tf_buf_add_json(out, name, strlen(name));
    packet_add_text(out, "type", tf_type_name(type));
}

static void add_shape(tf_buf *out, const int64_t *shape, int rank) {
    packet_add_key(out, "shape");
    for (int d = 0; d < rank; d++)
        tf_buf_addf(out, "%s%" PRId64, d ? ", " : "[", shape[d]);
    tf_buf_adds(out, rank ? "]" : "[]");
}

/* Is the parameter the place of the array's block, which the array itself has? */
static bool is_place_on(const tf_grid *grid, const char *name) {
    const size_t length = grid ? strlen(grid->axis) : 0;
    return grid && strncmp(name, grid->axis, length) == 0 &&
           (strncmp(name + length, "_start", 6) == 0 || strncmp(name + length, "_count", 6) == 0);
}

/* Need a function not take the parameter? */
static bool is_implied(const tf_stage_spec *stage, const char *name) {
    bool implied = false;
    for (int a = 0; a < stage->arrays; a++)
        implied = implied || is_place_on(stage->array[a].grid, name);
    for (int c = 0; c < stage->columns; c++)
        implied = implied || is_place_on(stage->column[c].grid, name);
    return implied;
}

static void add_params(const tf_stage_spec *stage, tf_buf *out) {
    packet_add_key(out, "params");
    tf_buf_addc(out, '[');
    for (int p = 0; p < tf_space_params(stage->space); p++) {
        const tf_param_spec *param = tf_space_param(stage->space, p);
        add_name(out, p, param->name, param->type);
        packet_add_flag(out, "implied", is_implied(stage, param->name));
        tf_buf_addc(out, '}');
    }
    tf_buf_addc(out, ']');
}

static void add_columns(const tf_stage_spec *stage, tf_buf *out) {
    packet_add_key(out, "columns");
    tf_buf_addc(out, '[');
    for (int c = 0; c < stage->columns; c++) {
        const tf_column_spec *column = &stage->column[c];
        add_name(out, c, column->name, column->type);
        add_shape(out, column->shape, column->rank);
        packet_add_flag(out, "optional", column->optional);
        packet_add_flag(out, "block", column->grid);
        packet_add_number(out, "bytes", (int64_t)tf_column_bytes(column));
        tf_buf_addc(out, '}');
    }
    tf_buf_addc(out, ']');
}

/* The shape of an array is that of its largest block, with its halo. */
static void add_arrays(const tf_stage_spec *stage, tf_buf *out) {
    packet_add_key(out, "arrays");
    tf_buf_addc(out, '[');
    for (int a = 0; a < stage->arrays; a++) {
        const tf_array_spec *array = &stage->array[a];
        int64_t shape[TF_MAX_RANK];
        for (int d = 0; d < array->grid->inner; d++)
            shape[d] = array->grid->chunk[array->grid->first + d] + 2 * array->halo[d];
        add_name(out, a, array->name, array->type);
        add_shape(out, shape, array->grid->inner);
        packet_add_number(out, "element", (int64_t)array->element);
        packet_add_number(out, "bytes", (int64_t)tf_array_bytes(array));
        tf_buf_addc(out, '}');
    }
    tf_buf_addc(out, ']');
}

static void add_function(const tf_python_spec *python, tf_buf *out) {
    packet_add_text(out, "target", python->target.text);
    packet_add_text(out, "file", python->target.file);
    packet_add_text(out, "module", python->target.module);
    packet_add_text(out, "function", python->target.function);
    packet_add_text(out, "init", python->init.text);
    packet_add_key(out, "preload");
    for (int m = 0; m < python->preloads; m++) {
        tf_buf_adds(out, m ? ", " : "[");
        tf_buf_add_json(out, python->preload[m], strlen(python->preload[m]));
    }
    tf_buf_adds(out, python->preloads ? "]" : "[]");
    packet_add_key(out, "common");
    tf_buf_addc(out, '{');
    for (int c = 0; c < python->commons; c++) {
        tf_buf_adds(out, c ? ", " : "");
        tf_buf_add_json(out, python->common[c].name, strlen(python->common[c].name));
        tf_buf_adds(out, ": ");
        tf_buf_add_json(out, python->common[c].path, strlen(python->common[c].path));
    }
    tf_buf_addc(out, '}');
    packet_add_number(out, "batch", python->batch ? python->batch->tasks : 0);
    packet_add_flag(out, "seed_globals", python->seed_globals);
}

void python_stage_add(const tf_campaign *campaign, const tf_stage_spec *stage, tf_buf *out) {
    char stream[20], loading[20], seconds[32];
    snprintf(stream, sizeof stream, "%016" PRIx64, tf_rng_seed_key(stage->streams->seed, stage->name));
    snprintf(loading, sizeof loading, "%016" PRIx64, tf_rng_seed_key(campaign->seed, ""));
    snprintf(seconds, sizeof seconds, "%.9g", stage->timeout);
    tf_buf_addf(out, "{\"stage\": {\"number\": %d", stage->number);
    packet_add_text(out, "name", stage->name);
    if (stage->run.cwd) /* paths are relative to the work folder, where the process is not */
        packet_add_text(out, "workdir", campaign->workdir);
    add_function(stage->run.python, out);
    if (stage->run.python->first && stage->streams->round == 0) /* the task that was tried drew from the first round */
        packet_add_text(out, "first", stage->run.python->first);
    add_params(stage, out);
    add_columns(stage, out);
    add_arrays(stage, out);
    packet_add_flag(out, "record_full", stage->record_full);
    packet_add_key(out, "timeout");
    tf_buf_adds(out, seconds);
    packet_add_text(out, "stream", stream);
    packet_add_text(out, "loading", loading); /* for what its module draws, which other stages may have, too */
    packet_add_number(out, "message_bytes", MESSAGE_BYTES);
    tf_buf_adds(out, "}}");
}

/* ---- Stages of one process ---- */

static bool is_same_text(const tf_template *a, const tf_template *b) {
    const tf_point nowhere = {0};
    tf_buf text[2] = {{0}, {0}};
    if (a)
        tf_template_expand(a, &nowhere, &text[0]);
    if (b)
        tf_template_expand(b, &nowhere, &text[1]);
    const bool same = !a == !b && strcmp(tf_buf_text(&text[0]), tf_buf_text(&text[1])) == 0;
    tf_buf_free(&text[0]);
    tf_buf_free(&text[1]);
    return same;
}

bool tf_host_has_same_python(const tf_stage_spec *a, const tf_stage_spec *b) {
    const tf_run_spec *ra = &a->run, *rb = &b->run;
    bool same = ra->envc == rb->envc && is_same_text(ra->cwd, rb->cwd) && is_same_text(ra->argv[0], rb->argv[0]);
    for (int e = 0; e < ra->envc && same; e++)
        same = strcmp(ra->env[e].name, rb->env[e].name) == 0 && is_same_text(ra->env[e].value, rb->env[e].value);
    return same;
}

/* A pickle says itself beside which modules its functions live. */
static bool is_in_same_folder(const tf_python_target *a, const tf_python_target *b) {
    if (!a->text || !b->text)
        return !a->text && !b->text;
    if (a->is_pickle || b->is_pickle)
        return strcmp(a->file, b->file) == 0;
    const char *end[2] = {strrchr(a->file, '/'), strrchr(b->file, '/')};
    const size_t length[2] = {end[0] ? (size_t)(end[0] - a->file) : 0, end[1] ? (size_t)(end[1] - b->file) : 0};
    return length[0] == length[1] && strncmp(a->file, b->file, length[0]) == 0;
}

bool python_stage_has_same_folders(const tf_stage_spec *a, const tf_stage_spec *b) {
    const tf_python_spec *pa = a->run.python, *pb = b->run.python;
    return is_in_same_folder(&pa->target, &pb->target) && is_in_same_folder(&pa->init, &pb->init);
}

/* Do both stages import the same modules, and call the same "init"? */
static bool has_same_imports(const tf_python_spec *a, const tf_python_spec *b) {
    bool same = strcmp(a->target.file, b->target.file) == 0 && strcmp(a->target.module, b->target.module) == 0 &&
                a->preloads == b->preloads && !a->init.text == !b->init.text;
    same = same && (!a->init.text || strcmp(a->init.text, b->init.text) == 0);
    for (int m = 0; m < a->preloads && same; m++)
        same = strcmp(a->preload[m], b->preload[m]) == 0;
    return same;
}

bool python_stage_is_alike(const tf_stage_spec *a, const tf_stage_spec *b) {
    return a == b || (tf_resources_equal(&a->need, &b->need) && tf_host_has_same_python(a, b) &&
                      has_same_imports(a->run.python, b->run.python));
}
