/* Any text as a manifest. */
#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char other[] = "a,b\n1,\"x\"\n2,y\n";
    tf_campaign *campaign = texts_load((const char *)data, size, other, sizeof other - 1);
    for (int s = 0; campaign && s < campaign->stages; s++) {
        tf_buf text = {0};
        tf_fingerprint(campaign, s, NULL, &text);
        tf_buf_free(&text);
    }
    tf_campaign_free(campaign);
    return 0;
}
