/* The keys of every object in a manifest: one table each, from which both the reader's check for unknown keys and
 * `taskfarm schema` are made. */
#include "manifest/json.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))
#define KEYS(table)  ((json_keys){table, COUNT(table)})

#define TEXT(about) "{\"type\":\"string\",\"description\":\"" about "\"}"
#define FLAG(about) "{\"type\":\"boolean\",\"description\":\"" about "\"}"
#define REF(name)   "{\"$ref\":\"#/$defs/" name "\"}"
#define NUMBERS(least, most, about)                                                                                    \
    "{\"type\":\"array\",\"items\":{\"type\":\"number\"},\"minItems\":" #least ",\"maxItems\":" #most                  \
    ",\"description\":\"" about "\"}"

#define DURATION                                                                                                       \
    "{\"anyOf\":[{\"type\":\"number\",\"exclusiveMinimum\":0},{\"type\":\"string\",\"pattern\":\"^[0-9.]+[smhd]?$\"}]" \
    ","                                                                                                                \
    "\"description\":\"per attempt: seconds, or 30s, 5m, 2h, 1d\"}"

#define RETRIES                                                                                                        \
    "{\"type\":\"integer\",\"minimum\":0,\"maximum\":254,\"description\":\"further attempts at a task that fails\"}"

#define DELAY                                                                                                          \
    "{\"anyOf\":[{\"type\":\"number\",\"minimum\":0},{\"type\":\"string\",\"pattern\":\"^[0-9.]+[smhd]?$\"}],"         \
    "\"description\":\"before the second attempt; doubles with each\"}"

#define REDUCE                                                                                                         \
    "{\"type\":\"object\",\"description\":\"what is made of the rows, by name\",\"additionalProperties\":" REF(        \
        "reduction") "}"

#define STAGE_KEYS                                                                                                     \
    {"over", REF("space")}, {"where", TEXT("an expression: the points to keep")}, {"run", REF("run")},                 \
        {"results",                                                                                                    \
         "{\"type\":\"object\",\"description\":\"typed columns, one row a task\",\"additionalProperties\":" REF(       \
             "column") "}"},                                                                                           \
        {"arrays", "{\"type\":\"object\",\"description\":\"arrays of which each task gets a block, by name\","         \
                   "\"additionalProperties\":" REF("array") "}"},                                                      \
        {"inputs", REF("inputs")}, {"outputs", REF("outputs")},                                                        \
        {"code",                                                                                                       \
         "{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"description\":\"files, or patterns of files, that "    \
         "count as code of the stage besides the scripts and libraries that are found\"}"},                            \
        {"log", TEXT("a file that gets what a command writes to stdout and stderr")},                                  \
        {"allow_outside", FLAG("outputs and the log may lie outside the work folder, and folders of them be links")},  \
        {"after",                                                                                                      \
         "{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"description\":\"stages that must be done first\"}"},   \
        {"retries", RETRIES}, {"retry_delay", DELAY}, {"timeout", DURATION}, {"on_failure", REF("on_failure")},        \
        {"resources", REF("resources")}, {"reduce", REDUCE}, {"until", REF("until")}, {"capture", REF("capture")},     \
        {"record",                                                                                                     \
         "{\"enum\":[\"full\",\"status\"],\"description\":\"full: per-task times, exit code, memory; status: only "    \
         "whether it is done\"}"},                                                                                     \
    {                                                                                                                  \
        "store_params", FLAG("store the parameters of a space of more than 10^7 points too")                           \
    }

#define CAMPAIGN_KEYS                                                                                                  \
    {"name", TEXT("the campaign's name; default: the file's name without .json")},                                     \
        {"output", TEXT("the HDF5 file that is written; default: NAME.h5")},                                           \
        {"seed",                                                                                                       \
         "{\"type\":\"integer\",\"minimum\":0,\"description\":\"the key of every task's random stream; default 0\"}"}, \
        {"record_env",                                                                                                 \
         "{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"description\":\"environment variables whose values "   \
         "are "                                                                                                        \
         "recorded in the output\"}"},                                                                                 \
        {"hints", "{\"type\":\"object\",\"additionalProperties\":{\"type\":[\"string\",\"integer\",\"boolean\"]},"     \
                  "\"description\":\"to MPI-IO and the file system, about the output\"}"},                             \
    {                                                                                                                  \
        "variables", "{\"type\":\"object\",\"additionalProperties\":{\"type\":[\"string\",\"number\",\"boolean\"]},"   \
                     "\"description\":\"constants for {placeholders}; --set NAME=VALUE overrides\"}"                   \
    }

static const json_key campaign[] = {
    CAMPAIGN_KEYS,
    {"defaults", REF("defaults")},
    {"stages", "{\"type\":\"array\",\"minItems\":1,\"items\":" REF("stage") "}"},
};

static const json_key single[] = {CAMPAIGN_KEYS, STAGE_KEYS};

static const json_key top[] = {
    CAMPAIGN_KEYS,
    {"defaults", REF("defaults")},
    {"stages", "{}"},
    STAGE_KEYS,
};

static const json_key defaults[] = {STAGE_KEYS};

static const json_key stage[] = {
    {"name", "{\"type\":\"string\",\"pattern\":\"^[A-Za-z_][A-Za-z0-9_]*$\"}"},
    STAGE_KEYS,
};

static const json_key axis[] = {
    {"name", TEXT("the parameter's name, in a list of axes")},
    {"values", "{\"type\":\"array\",\"minItems\":1,\"description\":\"these values, all of one type\"}"},
    {"range", NUMBERS(1, 3, "[stop], [start, stop] or [start, stop, step]; half open")},
    {"linspace", NUMBERS(3, 3, "[first, last, count], both ends in")},
    {"logspace", NUMBERS(3, 3, "[first, last, count], both ends in, evenly spaced in the logarithm")},
    {"glob", TEXT("the matching paths, in byte order")},
    {"files", TEXT("one point a matching path; each {wildcard} is a parameter")},
    {"wildcards",
     "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"},\"description\":\"extended regular "
     "expressions that the wildcards of files must match\"}"},
    {"allow_empty", FLAG("no matching file is all right")},
    {"lines", TEXT("the non-empty lines of a file")},
    {"rows",
     "{\"type\":\"array\",\"minItems\":1,\"items\":{\"type\":\"object\"},\"description\":\"one point a record\"}"},
    {"csv", TEXT("a table by RFC 4180 with a header; one point a record")},
    {"types", "{\"type\":\"object\",\"additionalProperties\":{\"enum\":[\"string\",\"int64\",\"float64\"]},"
              "\"description\":\"what "
              "columns of csv are, whatever they look like\"}"},
    {"batch",
     "{\"type\":\"integer\",\"minimum\":1,\"description\":\"records of csv for each task, which gets its columns as "
     "arrays\"}"},
    {"jsonl", TEXT("a JSON object a line; one point a record")},
    {"zip", REF("space")},
    {"concat", "{\"type\":\"array\",\"minItems\":1,\"items\":" REF("space") "}"},
    {"from", TEXT("a stage: one point a row of it")},
    {"columns",
     "{\"anyOf\":[{\"type\":\"array\",\"items\":{\"type\":\"string\"}},{\"type\":\"object\",\"additionalProperties\":"
     "{\"type\":\"string\"}}],\"description\":\"which of its parameters and columns, or by new names\"}"},
    {"where", TEXT("an expression of these: the rows to take")},
    {"indices",
     "{\"type\":\"array\",\"minItems\":1,\"items\":{\"type\":\"integer\",\"minimum\":0},\"description\":\"which rows "
     "of from, in this order, any number of times\"}"},
    {"blocks", REF("blocks")},
};

static const json_key run[] = {
    {"command",
     "{\"oneOf\":[{\"type\":\"string\",\"description\":\"for /bin/sh -c; every {x} is quoted, {x:raw} is not\"},"
     "{\"type\":\"array\",\"minItems\":1,\"items\":{\"type\":\"string\"},\"description\":\"arguments, without a "
     "shell\"}]}"},
    {"function", TEXT("LIBRARY:FUNCTION, a C function of a shared library (taskfarm/plugin.h)")},
    {"args", "{\"type\":\"object\",\"description\":\"constants for the function\"}"},
    {"env", "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}}"},
    {"cwd", TEXT("the folder that a command runs in; default: the manifest's")},
    {"stdin", TEXT("what a command reads from its standard input; default: nothing")},
    {"service",
     "{\"type\":\"array\",\"minItems\":1,\"items\":{\"type\":\"string\"},\"description\":\"argv of a process that gets "
     "tasks as JSON lines\"}"},
    {"max_tasks",
     "{\"type\":\"integer\",\"minimum\":1,\"description\":\"tasks after which a service is started anew\"}"},
    {"expr", "{\"type\":\"object\",\"minProperties\":1,\"additionalProperties\":{\"type\":[\"string\",\"number\"]},"
             "\"description\":\"an expression a column, of parameters and the columns before it\"}"},
};

static const json_key column[] = {
    {"type", REF("type")},
    {"shape", "{\"type\":\"array\",\"minItems\":1,\"maxItems\":8,\"items\":{\"type\":\"integer\",\"minimum\":1}}"},
    {"from",
     "{\"type\":\"string\",\"pattern\":\"^(json$|regex:|field:|file:)\",\"description\":\"where a command's column is "
     "read from; default: the JSON object in the last line of its standard output\"}"},
    {"optional", FLAG("an answer may lack it: NaN, or an empty text")},
    {"array", TEXT("an axis of blocks: the column is an array, and each task has its block of it")},
};

#define SIZE                                                                                                           \
    "{\"anyOf\":[{\"type\":\"integer\",\"minimum\":0},{\"type\":\"string\",\"pattern\":\"^[0-9.]+ ?[KMGTP]?i?B?$\"}]}"

#define LENGTHS(about)                                                                                                 \
    "{\"type\":\"array\",\"minItems\":1,\"maxItems\":8,\"items\":{\"type\":\"integer\",\"minimum\":1},"                \
    "\"description\":\"" about "\"}"

static const json_key blocks[] = {
    {"shape", LENGTHS("of the array, by dimension")},
    {"chunk", LENGTHS("of its chunks; those at the ends are shorter")},
};

static const json_key array[] = {
    {"dataset", TEXT("FILE:/DATASET: of an HDF5 file")},
    {"from", TEXT("a stage: an array that is a column of it")},
    {"column", TEXT("which column; default: that of the array's name")},
    {"axis", TEXT("the axis of blocks; default: the only one")},
    {"type", REF("type")},
    {"halo", "{\"anyOf\":[{\"type\":\"integer\",\"minimum\":0},{\"type\":\"array\",\"items\":{\"type\":\"integer\","
             "\"minimum\":0}}],\"description\":\"elements around the block, or by dimension\"}"},
    {"edge",
     "{\"enum\":[\"clip\",\"reflect\"],\"description\":\"the halo beyond the array: cut off, or as in a mirror\"}"},
};

static const json_key reduction[] = {
    {"by", "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"array\",\"items\":{\"type\":\"string\"}}],\"description\":"
           "\"parameters and columns by which rows are grouped\"}"},
    {"where", TEXT("an expression: the rows to take")},
    {"columns",
     "{\"type\":\"object\",\"additionalProperties\":{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"array\",\"items\":"
     "{\"type\":\"string\"}}]},\"description\":\"what is made of each: count, missing, sum, mean, var, std, stderr, "
     "min, "
     "max, argmin, argmax, first, median, mad, quantile:Q, quantile~:Q, histogram:N, histogram:N:log, topk:N\"}"},
};

static const json_key until[] = {
    {"expr", TEXT("an expression of statistics, as in x.stderr < 0.01 * abs(x.mean)")},
    {"first", "{\"type\":\"integer\",\"minimum\":1,\"description\":\"tasks before the first look; default 1000\"}"},
};

static const json_key on_failure[] = {
    {"stop_after", "{\"type\":\"integer\",\"minimum\":1}"},
};

static const json_key capture[] = {
    {"stdout", SIZE},
    {"stderr", SIZE},
};

static const json_key resources[] = {
    {"memory", SIZE},
    {"slots", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":4096,\"description\":\"slots, which are cores, that a "
              "task takes\"}"},
    {"gpus",
     "{\"type\":\"integer\",\"minimum\":0,\"maximum\":4096,\"description\":\"GPUs that a task has to itself\"}"},
};

#define SPLIT                                                                                                          \
    {"split", TEXT("a text that holds paths")}, {                                                                      \
        "by", TEXT("the characters between the paths of split; default: white space")                                  \
    }

static const json_key input[] = {
    {"path", TEXT("a file")},
    SPLIT,
    {"glob", TEXT("the files that match, but for those that the campaign makes")},
    {"allow_empty", FLAG("no matching file is all right")},
    {"outputs_of", TEXT("STAGE or STAGE.NAME: the outputs of another stage's tasks")},
    {"match",
     "{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"description\":\"parameters in which those tasks agree with "
     "this one\"}"},
    {"where", TEXT("an expression of their parameters: the tasks whose outputs are meant")},
    {"stage_in", FLAG("to be copied once to the own disk of each node that reads it")},
    {"check",
     "{\"enum\":[\"time\",\"hash\"],\"description\":\"how a change is told: by the file's time, or by its contents\"}"},
};

static const json_key output[] = {
    {"path", TEXT("a file")},
    SPLIT,
    {"temp", FLAG("to be removed when the last task that reads it is done")},
    {"protected", FLAG("to be made read-only")},
    {"allow_outside", FLAG("may lie outside the work folder, or in a folder that is a link")},
};

json_keys keys_campaign(void) {
    return KEYS(campaign);
}
json_keys keys_single(void) {
    return KEYS(single);
}
json_keys keys_top(void) {
    return KEYS(top);
}
json_keys keys_defaults(void) {
    return KEYS(defaults);
}
json_keys keys_stage(void) {
    return KEYS(stage);
}
json_keys keys_axis(void) {
    return KEYS(axis);
}
json_keys keys_run(void) {
    return KEYS(run);
}
json_keys keys_column(void) {
    return KEYS(column);
}
json_keys keys_until(void) {
    return KEYS(until);
}

json_keys keys_array(void) {
    return KEYS(array);
}

json_keys keys_blocks(void) {
    return KEYS(blocks);
}

json_keys keys_reduction(void) {
    return KEYS(reduction);
}

json_keys keys_on_failure(void) {
    return KEYS(on_failure);
}
json_keys keys_capture(void) {
    return KEYS(capture);
}

json_keys keys_resources(void) {
    return KEYS(resources);
}

json_keys keys_input(void) {
    return KEYS(input);
}

json_keys keys_output(void) {
    return KEYS(output);
}

/* ---- The schema ---- */

/* {"type": "object", "properties": {...}, "additionalProperties": false, MORE} */
static cJSON *object_schema(json_keys keys, const char *more) {
    cJSON *schema = cJSON_Parse(more);
    cJSON_AddStringToObject(schema, "type", "object");
    cJSON *properties = cJSON_AddObjectToObject(schema, "properties");
    for (int i = 0; i < keys.count; i++)
        cJSON_AddItemToObject(properties, keys.key[i].name, cJSON_Parse(keys.key[i].schema));
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

void tf_schema_write(tf_buf *out) {
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
                                 object_schema(keys_axis(), "{}")));
    cJSON_AddItemToObject(
        defs, "space",
        cJSON_Parse("{\"anyOf\":[{\"type\":\"object\",\"minProperties\":1,\"additionalProperties\":" REF(
            "axis") "},{\"type\":\"array\",\"minItems\":1,\"items\":{\"allOf\":[{\"type\":"
                    "\"object\"}," REF("axis") "]}}],\"description\":\"axes; they multiply, the "
                                               "last varies fastest\"}"));
    cJSON_AddItemToObject(defs, "run",
                          object_schema(keys_run(), "{\"oneOf\":[{\"required\":[\"command\"]},{\"required\":["
                                                    "\"function\"]},{\"required\":[\"expr\"]},{\"required\":["
                                                    "\"service\"]}]}"));
    cJSON_AddItemToObject(defs, "column",
                          either(cJSON_Parse(REF("type")), object_schema(keys_column(), "{\"required\":[\"type\"]}")));
    cJSON_AddItemToObject(
        defs, "on_failure",
        either(cJSON_Parse("{\"enum\":[\"continue\",\"stop\"],\"description\":\"whether a failed task "
                           "stops the campaign\"}"),
               object_schema(keys_on_failure(), "{\"required\":[\"stop_after\"]}")));
    cJSON_AddItemToObject(defs, "array", either(cJSON_Parse(TEXT("FILE:/DATASET")), object_schema(keys_array(), "{}")));
    cJSON_AddItemToObject(defs, "blocks", object_schema(keys_blocks(), "{\"required\":[\"shape\",\"chunk\"]}"));
    cJSON_AddItemToObject(defs, "reduction", object_schema(keys_reduction(), "{\"required\":[\"columns\"]}"));
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
    char *text = cJSON_Print(root);
    tf_buf_adds(out, text);
    tf_buf_addc(out, '\n');
    free(text);
    cJSON_Delete(root);
}
