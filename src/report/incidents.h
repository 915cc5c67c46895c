/* What has befallen workers of a run, for people. */
#ifndef TF_REPORT_INCIDENTS_H
#define TF_REPORT_INCIDENTS_H

#include <cjson/cJSON.h>
#include <stdio.h>

/* Of [{"kind": "dead", "rank": 3, "host": "node2", "since": ..., "text": ...}] the first few, a line each, and how many
 * more there are. */
void incidents_print(FILE *out, const cJSON *incidents);

#endif
