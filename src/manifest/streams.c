/* What a stage's random streams are keyed by. A task has the stream of its index. Where a space has grown between its
 * points, what is done has moved to other indices, and a new task would draw what another one has drawn at its index
 * before. So each time that rows move, the tasks that are still to run draw from another round of streams. */
#include <cjson/cJSON.h>
#include <stdlib.h>

#include "manifest/load.h"

tf_streams *first_streams(struct loader *l, const tf_campaign *campaign) {
    tf_streams *streams = tf_arena_alloc(l->arena, sizeof *streams);
    streams->seed = campaign->seed;
    return streams;
}

void tf_stage_set_round(const tf_stage_spec *stage, uint64_t seed, int64_t round) {
    *stage->streams = (tf_streams){.seed = round > 0 ? tf_hash(&round, sizeof round, seed) : seed, .round = round};
}

int64_t tf_fingerprint_round(const char *fingerprint) {
    cJSON *parts = cJSON_Parse(fingerprint);
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(parts, TF_PART_ROUND));
    const int64_t round = text ? strtoll(text, NULL, 10) : 0;
    cJSON_Delete(parts);
    return round > 0 ? round : 0;
}
