/* What a run tells programs: JSON objects, one a line. */
#include "progress/events.h"

#include <stdlib.h>

#include "report/failures.h"
#include "store/notices.h"

enum { MOST_FAILURES = 20 };

static cJSON *event_new(const char *event) {
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "event", event);
    return json;
}

void tf_event_print(FILE *out, cJSON *json) {
    char *text = cJSON_PrintUnformatted(json);
    tf_print_json(out, text);
    fflush(out);
    cJSON_free(text);
    cJSON_Delete(json);
}

void progress_add_json(cJSON *json, const tf_farm_progress *now, double rate) {
    cJSON_AddNumberToObject(json, "elapsed", now->elapsed);
    cJSON_AddNumberToObject(json, "ranks", now->ranks);
    cJSON_AddNumberToObject(json, "slots", (double)now->slots);
    cJSON_AddNumberToObject(json, "busy", (double)(now->running < now->slots ? now->running : now->slots));
    cJSON_AddNumberToObject(json, "tasks", (double)now->tasks);
    cJSON_AddNumberToObject(json, "all", (double)(now->tasks - now->withheld - now->skipped));
    cJSON_AddNumberToObject(json, "ended", (double)(now->done + now->failed));
    cJSON_AddNumberToObject(json, "rate", rate);
    if (tf_progress_left(now, rate) >= 0)
        cJSON_AddNumberToObject(json, "left", tf_progress_left(now, rate));
    cJSON_AddBoolToObject(json, "stopping", now->stopping != 0);
}

void tf_event_begin(FILE *out) {
    tf_event_print(out, event_new("begin"));
}

void tf_event_say(FILE *out, const char *about, const char *text) {
    cJSON *json = event_new("say");
    cJSON_AddStringToObject(json, "about", about);
    cJSON_AddStringToObject(json, "text", text);
    tf_event_print(out, json);
}

void event_warn(FILE *out, const char *id, const char *text) {
    cJSON *json = event_new("say");
    cJSON_AddStringToObject(json, "about", "run");
    if (id)
        cJSON_AddStringToObject(json, "id", id);
    cJSON_AddStringToObject(json, "text", text);
    tf_event_print(out, json);
}

void event_progress(FILE *out, const tf_farm_progress *now, double rate) {
    cJSON *json = event_new("progress");
    progress_add_json(json, now, rate);
    cJSON_AddNumberToObject(json, "failed", (double)now->failed);
    cJSON_AddNumberToObject(json, "reused", (double)now->reused);
    tf_event_print(out, json);
}

static void add_stops(cJSON *json, const tf_campaign *campaign, const tf_farm_result *result) {
    cJSON *list = cJSON_AddArrayToObject(json, "stopped");
    for (int i = 0; i < result->stops; i++) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "stage", campaign->stage[result->stop[i].stage].name);
        cJSON_AddStringToObject(item, "why", result->stop[i].why);
        cJSON_AddItemToArray(list, item);
    }
}

cJSON *tf_event_end(const tf_campaign *campaign, const tf_farm_result *result) {
    cJSON *json = event_new("end");
    if (!campaign)
        return json;
    const tf_farm_progress *p = &result->progress;
    const int64_t ended = p->done + p->failed;
    cJSON_AddNumberToObject(json, "tasks", (double)p->tasks);
    cJSON_AddNumberToObject(json, "done", (double)(p->done - p->excluded));
    cJSON_AddNumberToObject(json, "failed", (double)p->failed);
    cJSON_AddNumberToObject(json, "skipped", (double)p->skipped);
    cJSON_AddNumberToObject(json, "excluded", (double)p->excluded);
    cJSON_AddNumberToObject(json, "reused", (double)(p->reused - p->left_out_before.total));
    cJSON_AddNumberToObject(json, "left", (double)(p->tasks - ended - p->skipped - p->withheld));
    cJSON_AddNumberToObject(json, "elapsed", p->elapsed);
    const char **name = tf_alloc_array((size_t)campaign->stages + 1, sizeof *name);
    for (int s = 0; s < campaign->stages; s++)
        name[s] = campaign->stage[s].name;
    failures_add_json(json, &result->failures, MOST_FAILURES, name);
    free(name);
    add_stops(json, campaign, result);
    cJSON_AddItemToObject(json, "notices", tf_notices_json(campaign, p->noticed, p->notices));
    cJSON_AddItemToObject(json, "incidents", result->incidents ? cJSON_Parse(result->incidents) : cJSON_CreateArray());
    return json;
}
