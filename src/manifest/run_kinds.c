/* The kinds of run. */
#include "manifest/run.h"
#include "manifest/schema.h"

#define WORDS(about) "{\"type\":\"array\",\"minItems\":1,\"items\":{\"type\":\"string\"},\"description\":\"" about "\"}"

#define ENV                                                                                                            \
    { "env", "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}}" }

#define CWD                                                                                                            \
    { "cwd", TEXT("the folder that a command runs in; default: the manifest's") }

static const tf_run_kind kinds[] = {
    {.key = "command",
     .schema = "{\"oneOf\":[" TEXT("for /bin/sh -c; every {x} is quoted, {x:raw} is not") "," WORDS(
         "arguments, without a shell") "]}",
     .load = run_load_command,
     .identify = run_identify_command,
     .describe = run_describe_process,
     .is_command = true,
     .has_process = true,
     .member = {ENV, CWD, {"stdin", TEXT("what a command reads from its standard input; default: nothing")}}},
    {.key = "service",
     .schema = WORDS("argv of a process that gets tasks as JSON lines"),
     .load = run_load_service,
     .identify = run_identify_service,
     .describe = run_describe_process,
     .has_process = true,
     .member = {ENV,
                CWD,
                {"max_tasks", "{\"type\":\"integer\",\"minimum\":1,\"description\":\"tasks after which a service is "
                              "started anew\"}"}}},
    {.key = "function",
     .schema = TEXT("LIBRARY:FUNCTION, a C function of a shared library (taskfarm/plugin.h)"),
     .load = run_load_function,
     .identify = run_identify_function,
     .describe = run_describe_function,
     .member = {{"args", "{\"type\":\"object\",\"description\":\"constants for the function\"}"}}},
    {.key = "expr",
     .schema = "{\"type\":\"object\",\"minProperties\":1,\"additionalProperties\":{\"type\":[\"string\",\"number\"]},"
               "\"description\":\"an expression a column, of parameters and the columns before it\"}",
     .load = run_load_expr,
     .complete = run_complete_expr,
     .identify = run_identify_expr,
     .describe = run_describe_expr},
    {0}};

const tf_run_kind *run_kinds(void) {
    return kinds;
}
