/* Any text as a CSV file, as JSON lines and as a list; all points of what is one. The first byte chooses. */
#include "target.h"

/* What is read of a file as text is UTF-8. */
static void check_texts(const tf_param_spec *param, const void *values, int64_t points) {
    const char *const *text = values;
    for (int64_t i = 0; param->type == TF_STRING && i < points; i++)
        if (param->is_bytes || tf_utf8_invalid(text[i], strlen(text[i])) >= 0)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const manifests[] = {
        "{\"over\": [{\"csv\": \"t\"}], \"run\": {\"command\": [\"true\"]}}",
        "{\"over\": [{\"jsonl\": \"t\"}], \"run\": {\"command\": [\"true\"]}}",
        "{\"over\": {\"l\": {\"lines\": \"t\"}}, \"run\": {\"command\": [\"true\"]}}",
    };
    if (size == 0)
        return 0;
    const char *manifest = manifests[data[0] % 3];
    tf_campaign *campaign = texts_load(manifest, strlen(manifest), (const char *)data + 1, size - 1);
    if (campaign) {
        const tf_space *space = campaign->stage[0].space;
        int64_t points = tf_space_size(space);
        void *values = tf_alloc_array((size_t)points, 8);
        for (int p = 0; p < tf_space_params(space); p++) {
            char *cells = tf_alloc_array((size_t)points, tf_space_cell_size(space, p));
            tf_space_fill(space, p, 0, points, values);
            check_texts(tf_space_param(space, p), values, points);
            tf_space_cells(space, p, values, points, cells);
            free(cells);
        }
        free(values);
    }
    tf_campaign_free(campaign);
    return 0;
}
