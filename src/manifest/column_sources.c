/* The sources of commands' columns. */
#include "manifest/column_source.h"

static const column_source sources[] = {
    {.name = "json", .form = "json", .about = "member of the JSON object in the last line of stdout"},
    {.name = "regex",
     .form = "regex:EXPRESSION",
     .about = "first match in stdout: group 1, or all of it without groups",
     .load = source_load_regex,
     .identify = source_identify_regex},
    {.name = "field",
     .form = "field:NUMBER",
     .about = "field of the last line of stdout, from 1; white space is between them",
     .load = source_load_field,
     .identify = source_identify_field},
    {.name = "file",
     .form = "file:PATH",
     .about = "member of the JSON object in a file .json, or the contents of any other",
     .load = source_load_file,
     .identify = source_identify_file},
    {0}};

const column_source *column_sources(void) {
    return sources;
}
