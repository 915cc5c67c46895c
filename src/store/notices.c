/* What was noticed of stages, in words and as JSON (see notices.h). */
#include "store/notices.h"

void tf_notice_add(const tf_noticed *noticed, bool counted, tf_buf *out) {
    const tf_notice_spec *spec = &tf_notice_table[noticed->kind];
    char count[32], of[32];
    if (counted && spec->is_counted)
        tf_buf_addf(out, "%s of %s%s", tf_format_count(noticed->count, count), tf_format_count(noticed->of, of),
                    noticed->count == 1 ? spec->one : spec->many);
    else
        tf_buf_adds(out, spec->before);
    tf_buf_addf(out, "%s%s", noticed->text, spec->after);
}

cJSON *tf_notices_json(const tf_campaign *campaign, const tf_noticed *noticed, int count) {
    cJSON *list = cJSON_CreateArray();
    for (const tf_noticed *n = noticed; n < noticed + count; n++) {
        const tf_notice_spec *spec = &tf_notice_table[n->kind];
        cJSON *item = cJSON_CreateObject();
        tf_buf text = {0};
        tf_notice_add(n, true, &text);
        cJSON_AddItemToArray(list, item);
        cJSON_AddStringToObject(item, "stage", campaign->stage[n->stage].name);
        cJSON_AddStringToObject(item, "id", spec->name);
        cJSON_AddStringToObject(item, "text", tf_buf_text(&text));
        if (spec->is_counted) {
            cJSON_AddNumberToObject(item, "count", (double)n->count);
            cJSON_AddNumberToObject(item, "of", (double)n->of);
        }
        tf_buf_free(&text);
    }
    return list;
}
