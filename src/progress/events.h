/* JSON of a run that others of this folder need. */
#ifndef TF_PROGRESS_EVENTS_H
#define TF_PROGRESS_EVENTS_H

#include "progress/progress.h"

/* Adds how far the run is. */
void progress_add_json(cJSON *json, const tf_farm_progress *now, double rate);

/* What the run says itself of what people should know; `id` of tf_farm_options.on_warning. */
void event_warn(FILE *out, const char *id, const char *text);

void event_progress(FILE *out, const tf_farm_progress *now, double rate);

#endif
