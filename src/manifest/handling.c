/* How a stage's tasks are handled: their time, attempts and resources, and what is kept of them. */
#include "manifest/load.h"

#include <string.h>

stage_value stage_member(const stage_json *json, const char *key) {
    const cJSON *own = cJSON_GetObjectItemCaseSensitive(json->own, key);
    const cJSON *other = json->defaults && !own ? cJSON_GetObjectItemCaseSensitive(json->defaults, key) : NULL;
    const bool is_own = own || !json->defaults;
    const json_path *up = is_own ? &json->own_path : &json->defaults_path;
    return (stage_value){.json = own ? own : other,
                         .object = is_own ? json->own : json->defaults,
                         .up = up,
                         .where = json_path_key(up, key)};
}

static int64_t load_size(struct loader *l, const json_path *where, const cJSON *object, const char *key,
                         int64_t otherwise) {
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);
    json_path here = json_path_key(where, key);
    int64_t bytes = otherwise;
    if (value && !json_int_within(value, 0, INT64_MAX, &bytes) &&
        !(cJSON_IsString(value) && tf_parse_size(value->valuestring, &bytes)))
        diagnose(l->diags, &here, TF_DIAG_BAD_VALUE, "must be a size in bytes, as in 65536 or \"64KB\"");
    return bytes;
}

static void load_capture(struct loader *l, const stage_json *json, tf_stage_spec *stage) {
    const stage_value member = stage_member(json, "capture");
    const cJSON *capture = json_object(l->diags, member.up, member.object, "capture");
    stage->capture_stdout = stage->capture_stderr = 64 * 1024;
    if (!capture)
        return;
    json_check_keys(l->diags, &member.where, capture, keys_capture());
    stage->capture_stdout = load_size(l, &member.where, capture, "stdout", stage->capture_stdout);
    stage->capture_stderr = load_size(l, &member.where, capture, "stderr", stage->capture_stderr);
}

/* Is the path a folder? Only a folder matches with a slash behind its name. */
static bool is_folder(struct loader *l, const char *path) {
    tf_buf pattern = {0}, found = {0};
    tf_buf_addf(&pattern, "%s/.", path); /* glob takes FILE/ for a match, too */
    const bool is = l->source->glob(l->source, pattern.data, &found) == 0 && found.length > 0;
    tf_buf_free(&pattern);
    tf_buf_free(&found);
    return is;
}

/* Loads "code": files, or patterns of files. */
static void load_code(struct loader *l, const stage_json *json, tf_stage_spec *stage) {
    const stage_value member = stage_member(json, "code");
    const cJSON *list = json_array(l->diags, member.up, member.object, "code"), *item;
    int n = 0;
    if (!list)
        return;
    tf_buf all = {0};
    cJSON_ArrayForEach(item, list) {
        json_path there = json_path_index(&member.where, n++);
        int64_t count = 0;
        const char **path = NULL;
        if (!cJSON_IsString(item))
            diagnose(l->diags, &there, TF_DIAG_WRONG_TYPE, "must be a string, not %s", json_kind(item));
        else if ((path = match_paths(l, &there, item->valuestring, &count)) && count == 0)
            diagnose(l->diags, &there, TF_DIAG_NO_MATCH, "no file matches %s", item->valuestring);
        else if (path && count == 1 && strcmp(path[0], item->valuestring) == 0 && is_folder(l, path[0]))
            diagnose(l->diags, &there, TF_DIAG_BAD_PATH, "%s is a folder; name the files in it, as in \"%s/*\"",
                     path[0], path[0]);
        for (int64_t i = 0; path && i < count; i++)
            tf_buf_add(&all, &path[i], sizeof *path);
    }
    stage->codes = (int)(all.length / sizeof *stage->code);
    const char **code = tf_arena_array(l->arena, (size_t)stage->codes, sizeof *code);
    if (stage->codes)
        memcpy(code, all.data, all.length);
    stage->code = code;
    tf_buf_free(&all);
}

/* Loads a time in seconds. `examples` says what it may be, among them 0 if it may be. */
static double load_time(struct loader *l, const json_path *where, const cJSON *value, bool may_be_none,
                        const char *examples) {
    double seconds = cJSON_IsNumber(value) ? value->valuedouble : 0;
    const bool is_time = cJSON_IsNumber(value)
                             ? seconds > 0 || (may_be_none && seconds == 0)
                             : cJSON_IsString(value) && tf_parse_duration(value->valuestring, &seconds);
    if (!is_time)
        diagnose(l->diags, where, TF_DIAG_BAD_VALUE, "must be a time, as in %s", examples);
    else if (seconds > TF_LONGEST_TIME)
        diagnose(l->diags, where, TF_DIAG_OUT_OF_RANGE, "must be at most %d s, which are 31 years", TF_LONGEST_TIME);
    return seconds;
}

static void load_timeout(struct loader *l, const stage_json *json, tf_stage_spec *stage) {
    const stage_value member = stage_member(json, "timeout");
    if (member.json)
        stage->timeout = load_time(l, &member.where, member.json, false, "30, \"30s\", \"5m\", \"2h\" or \"1d\"");
}

static void load_retries(struct loader *l, const stage_json *json, tf_stage_spec *stage) {
    const stage_value retries = stage_member(json, "retries"), delay = stage_member(json, "retry_delay");
    int64_t count = 0;
    if (retries.json && !json_int_within(retries.json, 0, TF_MAX_RETRIES, &count))
        diagnose(l->diags, &retries.where, json_int_mistake(retries.json), "must be an integer from 0 to %d",
                 TF_MAX_RETRIES);
    stage->retries = (int)count;
    if (l->retries >= 0)
        stage->retries = l->retries;
    if (delay.json)
        stage->retry_delay = load_time(l, &delay.where, delay.json, true, "0, 1.5, \"10s\" or \"5m\"");
}

/* Loads a number of slots or GPUs, at most as many as slots of a rank. */
static int64_t load_number_of(struct loader *l, const json_path *where, const cJSON *object, const char *key,
                              int least) {
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);
    json_path here = json_path_key(where, key);
    int64_t number = least;
    if (value && !json_int_within(value, least, TF_MAX_SLOTS, &number))
        diagnose(l->diags, &here, json_int_mistake(value), "must be an integer from %d to %d", least, TF_MAX_SLOTS);
    return number;
}

static void load_resources(struct loader *l, const stage_json *json, tf_stage_spec *stage) {
    const stage_value member = stage_member(json, "resources");
    const cJSON *resources = json_object(l->diags, member.up, member.object, "resources");
    const json_path *here = &member.where;
    const json_path memory_path = json_path_key(here, "memory");
    if (!resources)
        return;
    json_check_keys(l->diags, here, resources, keys_resources());
    const cJSON *memory = cJSON_GetObjectItemCaseSensitive(resources, "memory");
    stage->need.memory = load_size(l, here, resources, "memory", 0);
    if (cJSON_IsNumber(memory) && memory->valuedouble == 0)
        diagnose(l->diags, &memory_path, TF_DIAG_OUT_OF_RANGE, "must be more than 0 bytes");
    stage->need.slots = load_number_of(l, here, resources, "slots", 1);
    stage->need.gpus = load_number_of(l, here, resources, "gpus", 0);
}

static void load_on_failure(struct loader *l, const stage_json *json, tf_stage_spec *stage) {
    const stage_value member = stage_member(json, "on_failure");
    const cJSON *value = member.json;
    const json_path *here = &member.where;
    const json_path count_path = json_path_key(here, "stop_after");
    if (!value)
        return;
    if (cJSON_IsObject(value)) {
        json_check_keys(l->diags, here, value, keys_on_failure());
        const cJSON *count = cJSON_GetObjectItemCaseSensitive(value, "stop_after");
        if (!count)
            diagnose(l->diags, here, TF_DIAG_MISSING_KEY, "needs \"stop_after\"");
        else if (!json_int_within(count, 1, INT64_MAX, &stage->stop_after))
            diagnose(l->diags, &count_path, json_int_mistake(count), "must be a positive integer");
    } else if (cJSON_IsString(value) && strcmp(value->valuestring, "stop") == 0) {
        stage->stop_after = 1;
    } else if (!cJSON_IsString(value) || strcmp(value->valuestring, "continue") != 0) {
        diagnose(l->diags, here, TF_DIAG_BAD_VALUE, "must be \"continue\", \"stop\" or {\"stop_after\": NUMBER}");
    }
}

static void load_record(struct loader *l, const stage_json *json, tf_stage_spec *stage) {
    const stage_value member = stage_member(json, "record"), params = stage_member(json, "store_params");
    const char *record = json_string(l->diags, member.up, member.object, "record");
    stage->record_full = tf_run_records_times(&stage->run) || tf_stage_has_files(stage);
    if (record && strcmp(record, "full") != 0 && strcmp(record, "status") != 0)
        diagnose(l->diags, &member.where, TF_DIAG_BAD_VALUE, "must be \"full\" or \"status\", not \"%s\"", record);
    else if (record)
        stage->record_full = strcmp(record, "full") == 0;
    enum { STORED_BY_DEFAULT = 10000000 };
    stage->store_params = stage->space && tf_space_size(stage->space) <= STORED_BY_DEFAULT;
    if (params.json)
        stage->store_params = json_flag(l->diags, params.up, params.object, "store_params");
}

void load_handling(struct loader *l, const stage_json *json, tf_stage_spec *stage) {
    load_capture(l, json, stage);
    load_timeout(l, json, stage);
    load_retries(l, json, stage);
    load_on_failure(l, json, stage);
    load_resources(l, json, stage);
    load_record(l, json, stage);
    load_code(l, json, stage);
}
