/* What a stage's results depend on, part by part, so that a later run can tell whether rows are its own, and if not,
 * what has changed. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manifest/code_list.h"
#include "manifest/column_source.h"
#include "manifest/identify.h"
#include "manifest/run.h"

/* Adds the JSON as a string, and deletes it. */
static void add_printed(cJSON *object, const char *key, cJSON *json) {
    char *text = cJSON_PrintUnformatted(json);
    cJSON_AddStringToObject(object, key, text);
    cJSON_free(text);
    cJSON_Delete(json);
}

static void add_hash(cJSON *object, const char *key, uint64_t hash) {
    char text[20];
    snprintf(text, sizeof text, "%016" PRIx64, hash);
    cJSON_AddStringToObject(object, key, text);
}

static void add_run(cJSON *object, const tf_stage_spec *stage) {
    cJSON *list = cJSON_CreateArray();
    if (stage->run.kind->identify)
        stage->run.kind->identify(stage, list);
    add_printed(object, "run", list);
}

void tf_common_files(const tf_stage_spec *stage, const char *known, tf_buf *out) {
    cJSON *before = known ? cJSON_Parse(known) : NULL, *list = cJSON_CreateArray();
    if (stage->run.kind->list_common)
        stage->run.kind->list_common(stage, before, list);
    char *text = cJSON_PrintUnformatted(list);
    tf_buf_adds(out, text);
    cJSON_free(text);
    cJSON_Delete(list);
    cJSON_Delete(before);
}

/* The contents of files that all tasks share, by name. */
static void add_common(cJSON *object, const char *common) {
    cJSON *list = common ? cJSON_Parse(common) : NULL;
    if (list && list->child) {
        cJSON *contents = cJSON_CreateObject();
        for (const cJSON *item = list->child; item; item = item->next)
            cJSON_AddStringToObject(contents, code_text(item, "common"), code_text(item, "contents"));
        add_printed(object, "common", contents);
    }
    cJSON_Delete(list);
}

static cJSON *columns_json(const tf_stage_spec *stage) {
    cJSON *list = cJSON_CreateArray();
    for (int c = 0; c < stage->columns; c++) {
        const tf_column_spec *column = &stage->column[c];
        cJSON *item = cJSON_CreateArray();
        cJSON_AddItemToArray(item, cJSON_CreateString(column->name));
        cJSON_AddItemToArray(item, cJSON_CreateString(tf_type_name(column->type)));
        for (int d = 0; d < column->rank; d++)
            cJSON_AddItemToArray(item, cJSON_CreateNumber((double)column->shape[d]));
        const column_source *source = column->from ? column_source_find(column->from, strlen(column->from)) : NULL;
        if (source && source->identify)
            source->identify(column, item);
        if (column->grid)
            cJSON_AddItemToArray(item, cJSON_CreateString(column->grid->axis));
        cJSON_AddItemToArray(list, item);
    }
    return list;
}

static cJSON *arrays_json(const tf_campaign *campaign, const tf_stage_spec *stage) {
    cJSON *list = cJSON_CreateArray();
    for (int a = 0; a < stage->arrays; a++) {
        const tf_array_spec *array = &stage->array[a];
        cJSON *item = cJSON_CreateArray();
        cJSON_AddItemToArray(item, cJSON_CreateString(array->name));
        cJSON_AddItemToArray(item, cJSON_CreateString(tf_type_name(array->type)));
        cJSON_AddItemToArray(item, cJSON_CreateString(array->grid->axis));
        for (int d = 0; d < array->grid->inner; d++)
            cJSON_AddItemToArray(item, cJSON_CreateNumber((double)array->halo[d]));
        cJSON_AddItemToArray(item, cJSON_CreateBool(array->reflect));
        if (array->file >= 0) {
            identify_template(item, "file ", stage->input[array->file].text);
            cJSON_AddItemToArray(item, cJSON_CreateString(array->dataset));
        } else if (array->stage >= 0) {
            const tf_stage_spec *other = &campaign->stage[array->stage];
            cJSON_AddItemToArray(item, cJSON_CreateString(other->name));
            cJSON_AddItemToArray(item, cJSON_CreateString(other->column[array->column].name));
        }
        cJSON_AddItemToArray(list, item);
    }
    return list;
}

/* The stages whose rows are points: rows of another stage are other points, even if the spaces are alike. */
static cJSON *sources_json(const tf_space *space) {
    cJSON *list = cJSON_CreateArray();
    for (int n = 0; n < tf_space_sources(space); n++)
        cJSON_AddItemToArray(list, cJSON_CreateString(tf_space_source_at(space, n)->name));
    return list;
}

/* The names of the stage's files, and its outputs' paths. Which files a task reads is recorded task by task. */
static cJSON *files_json(const tf_stage_spec *stage) {
    cJSON *list = cJSON_CreateArray();
    for (int i = 0; i < stage->inputs; i++)
        cJSON_AddItemToArray(list, cJSON_CreateString(stage->input[i].name ? stage->input[i].name : ""));
    for (int o = 0; o < stage->outputs; o++) {
        cJSON *item = cJSON_CreateArray();
        cJSON_AddItemToArray(item, cJSON_CreateString(stage->output[o].name ? stage->output[o].name : ""));
        identify_template(item, "", stage->output[o].text);
        cJSON_AddItemToArray(list, item);
    }
    return list;
}

static cJSON *params_json(const tf_space *space) {
    cJSON *object = cJSON_CreateObject();
    for (int p = 0; p < tf_space_params(space); p++)
        cJSON_AddStringToObject(object, tf_space_param(space, p)->name, tf_type_name(tf_space_param(space, p)->type));
    return object;
}

static void add_wheres(cJSON *object, const tf_stage_spec *stage) {
    if (stage->wheres == 0)
        return;
    cJSON *wheres = cJSON_CreateArray();
    for (int w = 0; w < stage->wheres; w++)
        identify_expr(wheres, stage->where[w]);
    add_printed(object, "where", wheres);
}

static void add_seed(cJSON *object, const tf_campaign *campaign) {
    char seed[24];
    snprintf(seed, sizeof seed, "%" PRIu64, campaign->seed);
    cJSON_AddStringToObject(object, "seed", seed);
}

static void add_space(cJSON *object, const tf_stage_spec *stage) {
    add_hash(object, "space", tf_space_hash(stage->space, tf_space_size(stage->space)));
}

/* Which rows are the same does not depend on it: it is said for those who go on with them. */
static void add_round(cJSON *object, const tf_stage_spec *stage) {
    char round[24];
    snprintf(round, sizeof round, "%" PRId64, stage->streams->round);
    if (stage->streams->round > 0)
        cJSON_AddStringToObject(object, TF_PART_ROUND, round);
}

struct cJSON *tf_fingerprint_points(const tf_campaign *campaign, int number) {
    const tf_stage_spec *stage = &campaign->stage[number];
    cJSON *object = cJSON_CreateObject();
    add_wheres(object, stage);
    add_printed(object, "parameters", params_json(stage->space));
    add_seed(object, campaign);
    add_space(object, stage);
    return object;
}

void tf_fingerprint(const tf_campaign *campaign, int number, const char *common, tf_buf *out) {
    const tf_stage_spec *stage = &campaign->stage[number];
    cJSON *object = cJSON_CreateObject();
    add_run(object, stage);
    cJSON_AddStringToObject(object, "kind", stage->run.what);
    add_common(object, common);
    add_wheres(object, stage);
    if (stage->arrays > 0)
        add_printed(object, "arrays", arrays_json(campaign, stage));
    if (stage->reductions > 0) {
        cJSON *reductions = cJSON_CreateArray();
        for (int r = 0; r < stage->reductions; r++) {
            cJSON_AddItemToArray(reductions, cJSON_CreateString(stage->reduction[r].name));
            cJSON_AddItemToArray(reductions, cJSON_CreateString(stage->reduction[r].resolved));
        }
        add_printed(object, "reduce", reductions);
    }
    add_printed(object, "results", columns_json(stage));
    add_printed(object, "parameters", params_json(stage->space));
    add_printed(object, "points_of", sources_json(stage->space));
    add_printed(object, "files", files_json(stage));
    add_seed(object, campaign);
    char record[32];
    snprintf(record, sizeof record, "%s%s%s", stage->record_full ? "full" : "status", stage->inputs ? ", inputs" : "",
             tf_stage_hashes_inputs(stage) ? ", hashes" : "");
    cJSON_AddStringToObject(object, "record", record);
    cJSON_AddStringToObject(object, "store_params", stage->store_params ? "true" : "false");
    add_space(object, stage);
    add_round(object, stage);
    char *text = cJSON_PrintUnformatted(object);
    tf_buf_adds(out, text);
    cJSON_free(text);
    cJSON_Delete(object);
}
