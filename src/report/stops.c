/* Stages that were stopped (see stops.h). */
#include "report/stops.h"

#include <string.h>

#include "base/base.h"

void stops_print(FILE *out, const char *stage, const char *why) {
    const char *end = why + strcspn(why, "\n");
    tf_print(out, "  stopped %s: %.*s\n", stage, (int)(end - why), why);
    while (*end && *++end) {
        const size_t length = strcspn(end, "\n");
        tf_print(out, "    ");
        tf_print_text(out, end, length);
        tf_print(out, "\n");
        end += length;
    }
}
