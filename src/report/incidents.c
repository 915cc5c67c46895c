/* Incidents (see incidents.h). What it was comes first: a terminal may have no room for more. */
#include "report/incidents.h"

#include "base/base.h"

enum { MOST_LINES = 10 };

static const char *text_at(const cJSON *json, const char *key) {
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, key));
    return text ? text : "";
}

void incidents_print(FILE *out, const cJSON *incidents) {
    const int count = cJSON_GetArraySize(incidents);
    for (int i = 0; i < count && i < MOST_LINES; i++) {
        const cJSON *item = cJSON_GetArrayItem(incidents, i);
        const char *since = text_at(item, "since"), *end = text_at(item, "end");
        tf_print(out, "  %s (since %s%s%s)\n", text_at(item, "text"), since, *end ? ", until " : "", end);
    }
    if (count > MOST_LINES)
        tf_print(out, "  and of %d more workers or times: status --json tells all\n", count - MOST_LINES);
}
