/* The sources of commands' columns. */
#include "host/column_reader.h"

static const column_reader readers[] = {
    {"json", read_json}, {"regex", read_regex}, {"field", read_field}, {"file", read_file}, {0},
};

const column_reader *column_readers(void) {
    return readers;
}
