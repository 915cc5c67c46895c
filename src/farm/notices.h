/* What workers have noticed of stages, and people should know: each is said once, and noted in the output. */
#ifndef TF_FARM_NOTICES_H
#define TF_FARM_NOTICES_H

#include "farm/output.h"
#include "manifest/manifest.h"

typedef struct notices notices;

/* All are the caller's. */
notices *notices_new(const tf_campaign *campaign, const output *output);
void notices_free(notices *n);

/* A worker has noticed something. Adds to `warning` what people are to know, if it is news. */
void notices_hear(notices *n, const tf_notice *notice, tf_buf *warning);

/* Of what is counted, and was noticed of the stage: it was so `count` times more, of `of`. */
void notices_add(notices *n, int stage, tf_notice_kind kind, int64_t count, int64_t of);

/* So many calls of several tasks each have come to their end. */
void notices_count(notices *n, int stage, int64_t calls);

/* Notes in the output's history what has been noticed, unless nothing has changed since the last time. */
void notices_note(notices *n);

/* What has been noticed, the first few of it. Valid until the next turn. */
const tf_noticed *notices_list(const notices *n, int *count);

#endif
