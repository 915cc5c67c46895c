/* What can be imported. */
#include "cli/import.h"

static const import_kind_spec kinds[] = {{"commands", import_commands}, {"makeflow", import_makeflow}, {0}};

const import_kind_spec *import_kinds(void) {
    return kinds;
}
