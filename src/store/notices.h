/* What was noticed of stages, in words and as JSON: the history of an output has it so, and so do signs of life and
 * events. */
#ifndef TF_STORE_NOTICES_H
#define TF_STORE_NOTICES_H

#include <cjson/cJSON.h>

#include "manifest/manifest.h"
#include "rows/notices.h"

/* Adds it in words, without its stage: with how often it was so, if that is counted and `counted` is wanted. */
void tf_notice_add(const tf_noticed *noticed, bool counted, tf_buf *out);

/* [{"stage": "s", "id": "batches-failed", "text": "...", "count": 12, "of": 40}]: the last two of kinds that are
 * counted. To be freed. */
cJSON *tf_notices_json(const tf_campaign *campaign, const tf_noticed *noticed, int count);

#endif
