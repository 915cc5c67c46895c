/* A manifest made in code is the JSON that a file would hold: what is wrong with it is found where that is read. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "embed/embed.h"
#include "manifest/json_read.h"

static tf_manifest *new_manifest(cJSON *root) {
    tf_manifest *m = tf_alloc(sizeof *m);
    m->root = root;
    m->stages = cJSON_GetObjectItemCaseSensitive(root, "stages");
    return m;
}

tf_manifest *tf_manifest_new(const char *name) {
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "name", name);
    return new_manifest(root);
}

tf_manifest *tf_manifest_parse(const char *json) {
    json_error error;
    cJSON *root = json_read(json, strlen(json), JSON_STRICT, &error);
    if (cJSON_IsObject(root))
        return new_manifest(root);
    cJSON_Delete(root);
    return NULL;
}

void tf_manifest_free(tf_manifest *m) {
    if (!m)
        return;
    calls_free(m);
    cJSON_Delete(m->root);
    tf_buf_free(&m->wrong);
    free(m);
}

cJSON *manifest_json(const tf_manifest *m) {
    cJSON *root = cJSON_Duplicate(m->root, true);
    cJSON *stages = cJSON_GetObjectItemCaseSensitive(root, "stages");
    if (m->groups && !stages)
        stages = cJSON_AddArrayToObject(root, "stages");
    if (m->groups)
        calls_add_stages(m, stages);
    return root;
}

char *tf_manifest_text(const tf_manifest *m) {
    cJSON *root = manifest_json(m);
    char *text = json_print(root, true);
    cJSON_Delete(root);
    return text;
}

/* ---- Stages ---- */

int tf_manifest_stage(tf_manifest *m, const char *name, const char *function) {
    if (!m->stages)
        m->stages = cJSON_AddArrayToObject(m->root, "stages");
    cJSON *stage = cJSON_CreateObject();
    cJSON_AddItemToArray(m->stages, stage);
    cJSON_AddStringToObject(stage, "name", name);
    if (function) {
        tf_buf text = {0};
        tf_buf_addf(&text, "program:%s", function);
        cJSON_AddStringToObject(cJSON_AddObjectToObject(stage, "run"), "function", text.data);
        tf_buf_free(&text);
    }
    return cJSON_GetArraySize(m->stages) - 1;
}

/* The object of a stage, or the whole; NULL if there is no such stage, which is noted. */
static cJSON *object_of(tf_manifest *m, int stage, const char *what) {
    cJSON *object = stage == TF_CAMPAIGN ? m->root : cJSON_GetArrayItem(m->stages, stage);
    if (!object)
        tf_buf_addf(&m->wrong, "%s: there is no stage %d\n", what, stage);
    return object;
}

void tf_manifest_set(tf_manifest *m, int stage, const char *key, const char *json) {
    json_error error;
    cJSON *object = object_of(m, stage, key), *value = json_read(json, strlen(json), JSON_STRICT, &error);
    if (object && value) {
        cJSON_DeleteItemFromObjectCaseSensitive(object, key);
        cJSON_AddItemToObject(object, key, value);
        return;
    }
    if (!value)
        tf_buf_addf(&m->wrong, "%s: this is no JSON: %s: %s\n", key, json, error.text);
    cJSON_Delete(value);
}

/* ---- Axes and columns ---- */

/* A new axis; NULL if there is no such stage. */
static cJSON *add_axis(tf_manifest *m, int stage, const char *name) {
    cJSON *object = object_of(m, stage, name);
    if (!object)
        return NULL;
    cJSON *over = cJSON_GetObjectItemCaseSensitive(object, "over");
    if (!over)
        over = cJSON_AddArrayToObject(object, "over");
    cJSON *axis = cJSON_CreateObject();
    cJSON_AddItemToArray(over, axis);
    return axis;
}

/* One that has a name, and a list of values under `kind`: the list. */
static cJSON *add_list(tf_manifest *m, int stage, const char *name, const char *kind) {
    cJSON *axis = add_axis(m, stage, name);
    if (!axis)
        return NULL;
    cJSON_AddStringToObject(axis, "name", name);
    return cJSON_AddArrayToObject(axis, kind);
}

void tf_manifest_range(tf_manifest *m, int stage, const char *name, int64_t first, int64_t end, int64_t step) {
    const int64_t numbers[] = {first, end, step};
    cJSON *list = add_list(m, stage, name, "range");
    for (int i = 0; list && i < 3; i++)
        cJSON_AddItemToArray(list, json_integer(numbers[i]));
}

void tf_manifest_ints(tf_manifest *m, int stage, const char *name, const int64_t *values, int count) {
    cJSON *list = add_list(m, stage, name, "values");
    for (int i = 0; list && i < count; i++)
        cJSON_AddItemToArray(list, json_integer(values[i]));
}

void tf_manifest_doubles(tf_manifest *m, int stage, const char *name, const double *values, int count) {
    cJSON *list = add_list(m, stage, name, "values");
    for (int i = 0; list && i < count; i++)
        cJSON_AddItemToArray(list, isfinite(values[i]) ? cJSON_CreateNumber(values[i]) : cJSON_CreateNull());
}

void tf_manifest_strings(tf_manifest *m, int stage, const char *name, const char *const *values, int count) {
    cJSON *list = add_list(m, stage, name, "values");
    for (int i = 0; list && i < count; i++)
        cJSON_AddItemToArray(list, cJSON_CreateString(values[i]));
}

void tf_manifest_rows(tf_manifest *m, int stage, const char *name, const char *other, const char *column) {
    cJSON *axis = add_axis(m, stage, name);
    if (!axis)
        return;
    cJSON_AddStringToObject(axis, "from", other);
    cJSON_AddStringToObject(cJSON_AddObjectToObject(axis, "columns"), name, column);
}

void tf_manifest_result(tf_manifest *m, int stage, const char *name, tf_type type, int rank, const int64_t *shape) {
    cJSON *object = object_of(m, stage, name);
    if (!object)
        return;
    cJSON *results = cJSON_GetObjectItemCaseSensitive(object, "results");
    if (!results)
        results = cJSON_AddObjectToObject(object, "results");
    cJSON *column = cJSON_AddObjectToObject(results, name);
    cJSON_AddStringToObject(column, "type", tf_type_name(type));
    if (rank == 0)
        return;
    cJSON *list = cJSON_AddArrayToObject(column, "shape");
    for (int d = 0; d < rank; d++)
        cJSON_AddItemToArray(list, cJSON_CreateNumber((double)shape[d]));
}
