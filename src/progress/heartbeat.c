/* Signs of life: a small file beside the output that says, about once a second, how far the run is. It is replaced as a
 * whole, so that who reads it, on any machine, has one or the other; it is worth nothing once the run is over. */
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "progress/events.h"
#include "report/failures.h"
#include "store/notices.h"

#define INTERVAL 1.0 /* s */

enum { MOST_FAILURES = 20 };

struct tf_heartbeat {
    const tf_campaign *campaign;
    double written; /* tf_now() */
};

tf_heartbeat *tf_heartbeat_new(const tf_campaign *campaign) {
    tf_heartbeat *h = tf_alloc(sizeof *h);
    *h = (tf_heartbeat){.campaign = campaign};
    return h;
}

void tf_heartbeat_free(tf_heartbeat *h) {
    free(h);
}

void tf_heartbeat_update(tf_heartbeat *h, const tf_farm_progress *now, double rate) {
    if (tf_now() - h->written < INTERVAL && h->written > 0)
        return;
    h->written = tf_now();
    char host[HOST_NAME_MAX + 1] = "";
    gethostname(host, sizeof host - 1);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "host", host);
    cJSON_AddNumberToObject(json, "time", tf_wall());
    cJSON_AddNumberToObject(json, "interval", INTERVAL);
    progress_add_json(json, now, rate);
    if (now->failures)
        failures_add_json(json, now->failures, MOST_FAILURES, NULL);
    if (now->notices > 0)
        cJSON_AddItemToObject(json, "notices", tf_notices_json(h->campaign, now->noticed, now->notices));
    char *text = cJSON_PrintUnformatted(json);
    tf_store_put_heartbeat(h->campaign->output, text); /* a failure is no matter for the run */
    cJSON_free(text);
    cJSON_Delete(json);
}
