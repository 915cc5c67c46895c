/* The keys of every object in a manifest: one table each, from which both the reader's check for unknown keys and
 * `taskfarm schema` are made. Those of axes and runs are with their kinds (axis_kinds.c,
 * run_kinds.c). */
#include "manifest/json.h"
#include "manifest/schema.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))
#define KEYS(table)  ((json_keys){table, COUNT(table)})

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
        {"speculative", FLAG("a task that takes much longer than others do elsewhere is started a second time on an "  \
                             "idle worker; the first answer counts")},                                                 \
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

static const json_key column[] = {
    {"type", REF("type")},
    {"shape", "{\"type\":\"array\",\"minItems\":1,\"maxItems\":8,\"items\":{\"type\":\"integer\",\"minimum\":1}}"},
    {"from", REF("source")},
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
     "{\"type\":\"object\",\"additionalProperties\":{\"anyOf\":[" REF(
         "statistic") ",{\"type\":\"array\",\"items\":" REF("statistic") "}]},\"description\":\"what is made of "
                                                                         "each\"}"},
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
    {"path", TEXT("a file; a folder if it ends in /")},
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
    {"path", TEXT("a file; a folder if it ends in /")},
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
