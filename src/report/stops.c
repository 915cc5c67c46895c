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

cJSON *stops_of_last_run(const char *runs) {
    cJSON *all = cJSON_Parse(runs);
    cJSON *last = cJSON_GetArrayItem(all, cJSON_GetArraySize(all) - 1);
    cJSON *stops = cJSON_DetachItemFromObjectCaseSensitive(last, "stopped");
    cJSON_Delete(all);
    return stops;
}
