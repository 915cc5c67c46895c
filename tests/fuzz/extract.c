/* Any bytes as a command's standard output, from which columns of every type are taken. */
#include "host/host.h"
#include "target.h"

static const char manifest[] =
    "{\"run\": {\"command\": [\"true\"]}, \"results\": {\"b\": \"bool\", \"i\": \"int8\", \"u\": \"uint64\", \"d\": "
    "\"float64\", \"f\": {\"type\": \"float32\", \"shape\": [2, 3]}, \"s\": \"string\", \"y\": \"bytes\", \"r\": "
    "{\"type\": "
    "\"int32\", \"from\": \"regex:x=([0-9a-z]+)\"}, \"n\": {\"type\": \"int64\", \"from\": \"field:2\"}, \"t\": "
    "{\"type\": "
    "\"string\", \"from\": \"regex:<.*>\"}}}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    tf_campaign *campaign = texts_load(manifest, sizeof manifest - 1, "", 0);
    const host_setting setting = {.campaign = campaign};
    host h;
    batch_map map;
    if (!batch_map_new(&map, batch_fixed_size(campaign)))
        abort();
    host_open(&h, &setting, 0, 0);
    batch_header *head = (batch_header *)(void *)map.fixed;
    *head = (batch_header){.attempt = 1, .count = 1};
    h.map = &map;
    h.header = head;
    h.spec = &campaign->stage[0];
    batch_locate(&map, h.spec, false, 0, &h.columns);
    capture_start(&h.out, 1 << 16);
    capture_add(&h.out, data, size);
    bool good = extract_columns(&h, 0, "");
    if (good == (h.outcome.message.length > 0))
        abort(); /* a failure has a reason */
    host_close(&h);
    batch_map_close(&map);
    tf_campaign_free(campaign);
    return 0;
}
