/* Any text as an expression; if it is one, evaluated for some points, twice with the same values. */
#include "target.h"

enum { POINTS = 5 };

static void evaluate(const tf_expr *expr, double *out) {
    const char *const strings[POINTS] = {"R", "", "it's", "R", "G"};
    const int64_t integers[POINTS] = {0, -7, INT64_MAX, 1, 2};
    const double numbers[POINTS] = {0, -0.5, 1e308, 1.5, 3};
    const uint8_t booleans[POINTS] = {0, 1, 0, 1, 1};
    const void *const values[] = {strings, integers, numbers, booleans};
    tf_eval *eval = tf_eval_new(expr, 1, "stage");
    tf_eval_run(eval, values, 3, POINTS, out);
    tf_eval_free(eval);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = strndup((const char *)data, size);
    cJSON *json = cJSON_Parse("{\"over\": {\"s\": [\"R\"], \"i\": [-7], \"x\": [0.1], \"b\": [true]}}");
    cJSON *run = cJSON_AddObjectToObject(json, "run");
    cJSON_AddStringToObject(cJSON_AddObjectToObject(run, "expr"), "y", text);
    char *manifest = cJSON_PrintUnformatted(json);
    tf_campaign *campaign = texts_load(manifest, strlen(manifest), "", 0);
    if (campaign) {
        double first[POINTS], second[POINTS];
        tf_buf resolved = {0};
        const tf_expr *expr = campaign->stage[0].run.expr[0];
        tf_expr_resolved(expr, &resolved);
        evaluate(expr, first);
        evaluate(expr, second);
        if (memcmp(first, second, sizeof first) != 0)
            abort(); /* it depends on something else */
        tf_buf_free(&resolved);
    }
    tf_campaign_free(campaign);
    cJSON_free(manifest);
    cJSON_Delete(json);
    free(text);
    return 0;
}
