/* Any text as a shell command's template; if it is one, put together for a task, with parameters that need quoting. */
#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = strndup((const char *)data, size);
    cJSON *json = cJSON_Parse("{\"over\": {\"s\": [\"it's $HOME\"], \"i\": [-7], \"x\": [0.1], \"b\": [true]}}");
    cJSON *run = cJSON_AddObjectToObject(json, "run");
    cJSON_AddStringToObject(run, "command", text);
    char *manifest = cJSON_PrintUnformatted(json);
    tf_campaign *campaign = texts_load(manifest, strlen(manifest), "", 0);
    if (campaign) {
        const char *string = "it's $HOME";
        int64_t integer = -7;
        double number = 0.1;
        uint8_t boolean = 1;
        const void *const params[] = {&string, &integer, &number, &boolean};
        tf_point point = {.index = 3, .seed = 5, .scratch = "/tmp/x y", .params = params};
        tf_buf out = {0};
        tf_template_expand(campaign->stage[0].run.argv[0], &point, &out);
        tf_template_resolved(campaign->stage[0].run.argv[0], &out);
        tf_buf_free(&out);
    }
    tf_campaign_free(campaign);
    cJSON_free(manifest);
    cJSON_Delete(json);
    free(text);
    return 0;
}
