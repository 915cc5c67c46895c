/* What was noticed of stages as the output's history has it (see notices.h). */
#include "report/notices.h"

#include "base/base.h"

void notices_print(FILE *out, const cJSON *list, bool counted) {
    const cJSON *item;
    cJSON_ArrayForEach(item, list) {
        const char *stage = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "stage"));
        const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "text"));
        if (stage && text && (!counted || cJSON_GetObjectItemCaseSensitive(item, "count")))
            tf_print(out, "  stage \"%s\": %s\n", stage, text);
    }
}
