/* A task as JSON: what it is given. A service gets it so, and plans show it. */
#include "host/run.h"
#include "host/task_paths.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static void add_member(tf_buf *out, const char *name) {
    if (out->data[out->length - 1] != '{')
        tf_buf_addc(out, ',');
    tf_buf_add_json(out, name, strlen(name));
    tf_buf_addc(out, ':');
}

void tf_host_value_json(tf_type type, const void *value, tf_buf *out) {
    if (type == TF_STRING) {
        const char *text = *(const char *const *)value;
        tf_buf_add_json(out, text, strlen(text));
        return;
    }
    double number;
    tf_load_doubles(type, value, 0, 1, &number);
    if (isnan(number))
        tf_buf_adds(out, "null");
    else if (isinf(number))
        tf_buf_adds(out, number > 0 ? "1e999" : "-1e999");
    else
        tf_buf_add_number(out, type, value);
    if (type == TF_FLOAT64 && number == rint(number) && fabs(number) < 1e15) /* no integer to who reads it */
        tf_buf_adds(out, ".0");
}

/* Adds a path as commands get it: absolute if the service runs in another folder. */
static void add_path(tf_buf *out, const char *folder, const char *path) {
    tf_buf whole = {0};
    if (folder && *path != '/')
        tf_buf_addf(&whole, "%s/", folder);
    tf_buf_adds(&whole, path);
    tf_buf_add_json(out, whole.data, whole.length);
    tf_buf_free(&whole);
}

void task_add_paths(tf_buf *out, const char *folder, const tf_paths *paths) {
    const tf_file_spec *last = NULL;
    const bool named = paths->count > 0 && paths->item[0].spec->name;
    tf_buf_addc(out, named ? '{' : '[');
    for (size_t i = 0; i < paths->count; i++) {
        const tf_file_spec *spec = paths->item[i].spec;
        if (named && spec != last) {
            tf_buf_adds(out, last ? "]," : "");
            tf_buf_add_json(out, spec->name, strlen(spec->name));
            tf_buf_adds(out, ":[");
        } else if (i > 0) {
            tf_buf_addc(out, ',');
        }
        last = spec;
        add_path(out, folder, tf_paths_text(paths, i));
    }
    tf_buf_adds(out, named ? "]}" : "]");
}

/* One whose value is not known stays named. */
static void add_params(tf_buf *out, const tf_space *space, const tf_point *point) {
    tf_buf_addc(out, '{');
    for (int p = 0; p < tf_space_params(space); p++) {
        const tf_param_spec *param = tf_space_param(space, p);
        add_member(out, param->name);
        if (point->params[p])
            tf_host_value_json(param->type, point->params[p], out);
        else
            tf_buf_addf(out, "\"{%s}\"", param->name);
    }
    tf_buf_addc(out, '}');
}

void tf_host_task_json(const tf_stage_spec *stage, const tf_point *point, int attempt, tf_buf *out) {
    tf_buf_addf(out, "{\"index\":%" PRId64 ",\"stage\":\"%s\",\"attempt\":%d,\"seed\":%" PRIu64, point->index,
                stage->name, attempt, point->seed);
    add_member(out, "params");
    add_params(out, stage->space, point);
    if (stage->inputs) {
        add_member(out, "inputs");
        task_add_paths(out, point->folder, point->inputs);
    }
    if (stage->outputs) {
        add_member(out, "outputs");
        task_add_paths(out, point->folder, point->outputs);
    }
    tf_buf_addc(out, '}');
}
