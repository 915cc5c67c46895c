/* The plugin interface: what a stage has, by name: parameters, columns, arrays and args. */
#include "host/plugin_call.h"
#include "manifest/json_read.h"

#include <stdlib.h>
#include <string.h>

const char *tf_stage_name(const tf_stage *stage) {
    return stage->spec->name;
}

int64_t tf_stage_tasks(const tf_stage *stage) {
    return tf_stage_final(stage->spec);
}

const char *tf_args_json(const tf_stage *stage) {
    return stage->spec->run.args;
}

TF_PRINTF(2, 0) static void stage_failv(tf_stage *stage, const char *format, va_list args) {
    if (stage->failure.length == 0)
        tf_buf_addv(&stage->failure, format, args);
}

int tf_stage_fail(tf_stage *stage, const char *format, ...) {
    va_list args;
    va_start(args, format);
    stage_failv(stage, format, args);
    va_end(args);
    return TF_FAILURE;
}

const char *plugin_type_label(tf_type type) {
    return type == TF_STRING    ? "a string"
           : type == TF_FLOAT64 ? "a number"
           : type == TF_INT64   ? "an integer"
                                : "a boolean";
}

bool plugin_readable_as(tf_type have, tf_type want) {
    return want == TF_ANY || have == want || (want == TF_FLOAT64 && have == TF_INT64) ||
           (want == TF_INT64 && have == TF_BOOL);
}

tf_param tf_bind_param(tf_stage *stage, const char *name, tf_type type) {
    int p = tf_space_find(stage->spec->space, name);
    if (p < 0) {
        tf_stage_fail(stage, "%s needs a parameter \"%s\", and the stage has none of that name",
                      stage->spec->run.symbol, name);
        return TF_UNBOUND;
    }
    tf_type have = tf_space_param(stage->spec->space, p)->type;
    if (have == TF_INT64 && type == TF_FLOAT64 && stage->fn.batch && !stage->as_double[p])
        stage->as_double[p] = tf_alloc_array((size_t)batch_most_rows(stage->spec), sizeof(double));
    if (plugin_readable_as(have, type))
        return p;
    tf_stage_fail(stage, "%s needs parameter \"%s\" as %s, and it is %s", stage->spec->run.symbol, name,
                  plugin_type_label(type), plugin_type_label(have));
    return TF_UNBOUND;
}

int plugin_find_column(const tf_stage_spec *spec, const char *name) {
    for (int c = 0; c < spec->columns; c++)
        if (strcmp(spec->column[c].name, name) == 0)
            return c;
    return TF_UNBOUND;
}

tf_column tf_bind_column(tf_stage *stage, const char *name, tf_type type) {
    int c = plugin_find_column(stage->spec, name);
    if (c < 0) {
        tf_stage_fail(stage, "%s needs a results column \"%s\", and the stage has none of that name",
                      stage->spec->run.symbol, name);
        return TF_UNBOUND;
    }
    if (type == TF_ANY || type == stage->spec->column[c].type)
        return c;
    tf_stage_fail(stage, "%s needs column \"%s\" of type %s, and the manifest says %s", stage->spec->run.symbol, name,
                  tf_type_name(type), tf_type_name(stage->spec->column[c].type));
    return TF_UNBOUND;
}

int plugin_find_array(const tf_stage_spec *spec, const char *name) {
    for (int a = 0; a < spec->arrays; a++)
        if (strcmp(spec->array[a].name, name) == 0)
            return a;
    return TF_UNBOUND;
}

tf_array tf_bind_array(tf_stage *stage, const char *name, tf_type type) {
    const tf_stage_spec *spec = stage->spec;
    int a = plugin_find_array(spec, name);
    if (a < 0) {
        tf_stage_fail(stage, "%s needs an array \"%s\", and the stage has none of that name", spec->run.symbol, name);
        return TF_UNBOUND;
    }
    if (type == TF_ANY || type == spec->array[a].type)
        return a;
    tf_stage_fail(stage, "%s needs array \"%s\" of type %s, and the manifest says %s", spec->run.symbol, name,
                  tf_type_name(type), tf_type_name(spec->array[a].type));
    return TF_UNBOUND;
}

size_t tf_array_cell(const tf_stage *stage, tf_array array) {
    return array >= 0 && array < stage->spec->arrays ? stage->spec->array[array].element : 0;
}

int64_t tf_column_size(const tf_stage *stage, tf_column column) {
    return column >= 0 && column < stage->spec->columns ? stage->spec->column[column].elements : 0;
}

static const cJSON *arg(tf_stage *stage, const char *name, cJSON_bool (*is)(const cJSON *const), const char *label) {
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(stage->args, name);
    if (value && !is(value)) {
        tf_stage_fail(stage, "argument \"%s\" must be %s", name, label);
        return NULL;
    }
    return value;
}

int64_t tf_arg_int(tf_stage *stage, const char *name, int64_t otherwise) {
    const cJSON *value = arg(stage, name, cJSON_IsNumber, "an integer");
    int64_t integer;
    if (!value)
        return otherwise;
    if (json_int(value, &integer))
        return integer;
    tf_stage_fail(stage, "argument \"%s\" must be an integer", name);
    return otherwise;
}

double tf_arg_double(tf_stage *stage, const char *name, double otherwise) {
    const cJSON *value = arg(stage, name, cJSON_IsNumber, "a number");
    return value ? value->valuedouble : otherwise;
}

const char *tf_arg_string(tf_stage *stage, const char *name, const char *otherwise) {
    const cJSON *value = arg(stage, name, cJSON_IsString, "a string");
    return value ? value->valuestring : otherwise;
}
