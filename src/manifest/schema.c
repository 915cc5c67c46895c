/* `taskfarm schema`: the JSON Schema of a manifest, from the tables of keys. */
#include "manifest/schema.h"
#include "manifest/axis.h"
#include "manifest/column_source.h"
#include "manifest/json_read.h"
#include "manifest/run.h"
#include "manifest/statistic.h"

#include <stdlib.h>
#include <string.h>

/* ---- The schema ---- */

/* {"type": "object", "properties": {...}, "additionalProperties": false, MORE} */
static cJSON *object_schema(json_keys keys, const char *more) {
    cJSON *schema = cJSON_Parse(more);
    cJSON_AddStringToObject(schema, "type", "object");
    cJSON *properties = cJSON_AddObjectToObject(schema, "properties");
    for (int i = 0; i < keys.count; i++)
        cJSON_AddItemToObject(properties, keys.key[i].name, cJSON_Parse(keys.key[i].schema));
    cJSON_AddItemToObject(properties, JSON_COMMENT, cJSON_Parse("{\"description\":\"for people: any value\"}"));
    cJSON_AddFalseToObject(schema, "additionalProperties");
    return schema;
}

static cJSON *either(cJSON *a, cJSON *b) {
    cJSON *schema = cJSON_CreateObject();
    cJSON *list = cJSON_AddArrayToObject(schema, "anyOf");
    cJSON_AddItemToArray(list, a);
    cJSON_AddItemToArray(list, b);
    return schema;
}

/* Exactly one of its kinds. */
static cJSON *run_schema(void) {
    json_key keys[RUN_KEYS];
    cJSON *schema = object_schema(run_keys(keys), "{\"oneOf\":[]}");
    cJSON *list = cJSON_GetObjectItemCaseSensitive(schema, "oneOf");
    for (const tf_run_kind *const *kind = run_kinds(); *kind; kind++) {
        cJSON *one = cJSON_CreateObject();
        cJSON_AddItemToArray(cJSON_AddArrayToObject(one, "required"), cJSON_CreateString((*kind)->key));
        cJSON_AddItemToArray(list, one);
    }
    return schema;
}

/* An entry, a list of entries, or either by name. */
static cJSON *files_schema(json_keys keys) {
    cJSON *entry = either(cJSON_Parse("{\"type\":\"string\"}"), object_schema(keys, "{\"minProperties\":1}"));
    cJSON *list = cJSON_CreateObject(), *named = cJSON_CreateObject();
    cJSON_AddStringToObject(list, "type", "array");
    cJSON_AddItemToObject(list, "items", cJSON_Duplicate(entry, true));
    cJSON_AddStringToObject(named, "type", "object");
    cJSON_AddItemToObject(named, "additionalProperties",
                          either(cJSON_Duplicate(entry, true), cJSON_Duplicate(list, true)));
    return either(entry, either(list, named));
}

/* A text that is `word`, or one that begins with it and a colon. */
static void add_word(cJSON *list, const char *word, bool has_argument, const char *about) {
    cJSON *item = cJSON_CreateObject();
    if (has_argument) {
        tf_buf pattern = {0};
        tf_buf_addf(&pattern, "^%s:", word);
        cJSON_AddStringToObject(item, "type", "string");
        cJSON_AddStringToObject(item, "pattern", tf_buf_text(&pattern));
        tf_buf_free(&pattern);
    } else {
        cJSON_AddStringToObject(item, "const", word);
    }
    cJSON_AddStringToObject(item, "description", about);
    cJSON_AddItemToArray(list, item);
}

static cJSON *statistics_schema(void) {
    cJSON *schema = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(schema, "anyOf");
    for (const statistic_kind *kind = statistic_kinds(); kind->name; kind++) {
        tf_buf about = {0};
        statistic_list_forms(kind, &about);
        if (kind->rule)
            tf_buf_addf(&about, ", with %s", kind->rule);
        add_word(list, kind->name, kind->parse != NULL, tf_buf_text(&about));
        tf_buf_free(&about);
    }
    return schema;
}

static cJSON *sources_schema(void) {
    cJSON *schema = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(schema, "anyOf");
    cJSON_AddStringToObject(schema, "description", "where a command's column is read from");
    for (const column_source *source = column_sources(); source->name; source++) {
        tf_buf about = {0};
        tf_buf_addf(&about, "%s: %s", source->form, source->about);
        add_word(list, source->name, source->load != NULL, tf_buf_text(&about));
        tf_buf_free(&about);
    }
    return schema;
}

void tf_schema_write(tf_buf *out) {
    json_key keys[AXIS_KEYS];
    cJSON *root = either(object_schema(keys_campaign(), "{\"required\":[\"stages\"]}"),
                         object_schema(keys_single(), "{\"required\":[\"run\"]}"));
    cJSON_AddStringToObject(root, "$schema", "https://json-schema.org/draft/2020-12/schema");
    cJSON_AddStringToObject(root, "title", "taskfarm manifest");
    cJSON *defs = cJSON_AddObjectToObject(root, "$defs");
    cJSON_AddItemToObject(defs, "stage", object_schema(keys_stage(), "{\"required\":[\"name\"]}"));
    cJSON_AddItemToObject(defs, "defaults", object_schema(keys_defaults(), "{}"));
    cJSON_AddItemToObject(defs, "axis",
                          either(cJSON_Parse("{\"type\":\"array\",\"minItems\":1,\"items\":{\"type\":[\"string\","
                                             "\"number\",\"boolean\"]}}"),
                                 object_schema(axis_keys(keys), "{}")));
    cJSON_AddItemToObject(
        defs, "space",
        cJSON_Parse("{\"anyOf\":[{\"type\":\"object\",\"minProperties\":1,\"additionalProperties\":" REF(
            "axis") "},{\"type\":\"array\",\"minItems\":1,\"items\":{\"allOf\":[{\"type\":"
                    "\"object\"}," REF("axis") "]}}],\"description\":\"axes; they multiply, the "
                                               "last varies fastest\"}"));
    cJSON_AddItemToObject(defs, "run", run_schema());
    cJSON_AddItemToObject(defs, "column",
                          either(cJSON_Parse(REF("type")), object_schema(keys_column(), "{\"required\":[\"type\"]}")));
    cJSON_AddItemToObject(
        defs, "on_failure",
        either(cJSON_Parse("{\"enum\":[\"continue\",\"stop\"],\"description\":\"whether a failed task "
                           "stops the campaign\"}"),
               object_schema(keys_on_failure(), "{\"required\":[\"stop_after\"]}")));
    cJSON_AddItemToObject(defs, "array", either(cJSON_Parse(TEXT("FILE:/DATASET")), object_schema(keys_array(), "{}")));
    cJSON_AddItemToObject(defs, "blocks", object_schema(keys_blocks(), "{\"required\":[\"shape\",\"chunk\"]}"));
    cJSON_AddItemToObject(defs, "source", sources_schema());
    cJSON_AddItemToObject(defs, "statistic", statistics_schema());
    cJSON_AddItemToObject(defs, "reduction", object_schema(keys_reduction(), "{}"));
    cJSON_AddItemToObject(
        defs, "until",
        either(cJSON_Parse("{\"type\":\"string\",\"description\":\"an expression of statistics: when it is true, the "
                           "rest of the space is not run\"}"),
               object_schema(keys_until(), "{\"required\":[\"expr\"]}")));
    cJSON_AddItemToObject(defs, "resources", object_schema(keys_resources(), "{}"));
    cJSON_AddItemToObject(defs, "capture", object_schema(keys_capture(), "{}"));
    cJSON_AddItemToObject(defs, "inputs", files_schema(keys_input()));
    cJSON_AddItemToObject(defs, "outputs", files_schema(keys_output()));
    cJSON *type = cJSON_AddObjectToObject(defs, "type");
    cJSON *names = cJSON_AddArrayToObject(type, "enum");
    for (int t = 0; t <= TF_BYTES; t++)
        cJSON_AddItemToArray(names, cJSON_CreateString(tf_type_name((tf_type)t)));
    cJSON_AddItemToArray(names, cJSON_CreateString("int"));
    cJSON_AddItemToArray(names, cJSON_CreateString("float"));
    char *text = json_print_indented(root);
    tf_buf_adds(out, text);
    tf_buf_addc(out, '\n');
    free(text);
    cJSON_Delete(root);
}
