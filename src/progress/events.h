/* JSON of a run that others of this folder need. */
#ifndef TF_PROGRESS_EVENTS_H
#define TF_PROGRESS_EVENTS_H

#include "progress/progress.h"

/* Adds how far the run is. */
void progress_add_json(cJSON *json, const tf_farm_progress *now, double rate);

void event_progress(FILE *out, const tf_farm_progress *now, double rate);

#endif
