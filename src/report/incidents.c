/* Incidents (see incidents.h). */
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
        tf_print(out, "  since %s: %s", text_at(item, "since"), text_at(item, "text"));
        if (*text_at(item, "end"))
            tf_print(out, " (until %s)", text_at(item, "end"));
        tf_print(out, "\n");
    }
    if (count > MOST_LINES)
        tf_print(out, "  and of %d more workers or times: status --json tells all\n", count - MOST_LINES);
}
