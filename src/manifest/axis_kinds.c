/* The kinds of axes. */
#include "manifest/axis.h"
#include "manifest/schema.h"

#define ALLOW_EMPTY                                                                                                    \
    { "allow_empty", FLAG("no matching file is all right"), NULL }

#define OBJECT_OF(type) "{\"type\":\"object\",\"additionalProperties\":" type

static const axis_kind kinds[] = {
    {.key = "values",
     .schema = "{\"type\":\"array\",\"minItems\":1,\"description\":\"these values, all of one type\"}",
     .form = AXIS_LIST,
     .naming = NAME_NEEDED,
     .load = axis_values,
     .member = {{"type",
                 "{\"enum\":[\"bool\",\"int64\",\"float64\",\"string\"],\"description\":\"of values; float64 also of "
                 "integers\"}",
                 NULL}}},
    {.key = "range",
     .schema = NUMBERS(1, 3, "[stop], [start, stop] or [start, stop, step]; half open"),
     .form = AXIS_LIST,
     .naming = NAME_NEEDED,
     .load = axis_range},
    {.key = "linspace",
     .schema = NUMBERS(3, 3, "[first, last, count], both ends in"),
     .form = AXIS_LIST,
     .naming = NAME_NEEDED,
     .load = axis_linspace},
    {.key = "logspace",
     .schema = NUMBERS(3, 3, "[first, last, count], both ends in, evenly spaced in the logarithm"),
     .form = AXIS_LIST,
     .naming = NAME_NEEDED,
     .load = axis_logspace},
    {.key = "sobol",
     .schema =
         OBJECT_OF("{\"type\":\"array\",\"minItems\":2,\"maxItems\":3,\"items\":{\"anyOf\":[{\"type\":\"number\"},{"
                   "\"const\":\"log\"}]}}") ",\"minProperties\":1,\"maxProperties\":64,\"description\":\"points of a "
                                            "Sobol' sequence: by parameter [low, high] or [low, high, \\\"log\\\"]\"}",
     .form = AXIS_OBJECT,
     .load = axis_sobol,
     .member = {{"count",
                 "{\"type\":\"integer\",\"minimum\":1,\"maximum\":4294967296,\"description\":\"points of sobol\"}",
                 NULL}}},
    {.key = "glob",
     .schema = TEXT("the matching paths, in byte order"),
     .form = AXIS_STRING,
     .naming = NAME_NEEDED,
     .load = axis_glob,
     .member = {ALLOW_EMPTY}},
    {.key = "files",
     .schema = TEXT("one point a matching path; each {wildcard} that is no variable is a parameter"),
     .form = AXIS_PATTERN,
     .naming = NAME_ALLOWED,
     .load = axis_files,
     .member = {{"wildcards",
                 OBJECT_OF(
                     "{\"type\":\"string\"}") ",\"description\":\"extended regular expressions that the wildcards "
                                              "of files must match\"}",
                 NULL},
                ALLOW_EMPTY}},
    {.key = "lines",
     .schema = TEXT("the non-empty lines of a file"),
     .form = AXIS_STRING,
     .naming = NAME_NEEDED,
     .load = axis_lines},
    {.key = "rows",
     .schema = "{\"type\":\"array\",\"minItems\":1,\"items\":{\"type\":\"object\"},\"description\":\"one point a "
               "record\"}",
     .form = AXIS_LIST,
     .load = axis_rows},
    {.key = "csv",
     .schema = TEXT("a table by RFC 4180 with a header; one point a record"),
     .form = AXIS_STRING,
     .load = axis_csv,
     .member =
         {{"types",
           OBJECT_OF(
               "{\"enum\":[\"string\",\"int64\",\"float64\",\"int\",\"float\"]}") ",\"description\":\"what columns of "
                                                                                  "csv "
                                                                                  "are, whatever they look like\"}",
           NULL},
          {"batch",
           "{\"type\":\"integer\",\"minimum\":1,\"description\":\"records of csv for each task, which gets its "
           "columns as arrays\"}",
           NULL}}},
    {.key = "jsonl",
     .schema = TEXT("a JSON object a line; one point a record"),
     .form = AXIS_STRING,
     .load = axis_jsonl},
    {.key = "zip", .schema = REF("space"), .form = AXIS_SPACE, .load = axis_zip},
    {.key = "concat",
     .schema = "{\"type\":\"array\",\"minItems\":1,\"items\":" REF("space") "}",
     .form = AXIS_LIST,
     .load = axis_concat},
    {.key = "from",
     .schema = TEXT("a stage: one point a row of it"),
     .form = AXIS_STRING,
     .load = axis_rows_of,
     .member = {{"columns",
                 "{\"anyOf\":[{\"type\":\"array\",\"items\":{\"type\":\"string\"}}," OBJECT_OF(
                     "{\"type\":\"string\"}") "}],\"description\":\"which of its parameters and columns, or by new "
                                              "names\"}",
                 NULL},
                {"where", TEXT("an expression of these: the rows to take"), "or into the stage"},
                {"indices",
                 "{\"type\":\"array\",\"minItems\":1,\"items\":{\"type\":\"integer\",\"minimum\":0},\"description\":"
                 "\"which rows of from, in this order, any number of times\"}",
                 NULL}}},
    {.key = "blocks", .schema = REF("blocks"), .form = AXIS_OBJECT, .naming = NAME_NEEDED, .load = axis_blocks},
    {0}};

const axis_kind *axis_kinds(void) {
    return kinds;
}
