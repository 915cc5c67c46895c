/* What has befallen workers of a run, for people. */
#ifndef TF_REPORT_INCIDENTS_H
#define TF_REPORT_INCIDENTS_H

#include <cjson/cJSON.h>
#include <stdio.h>

/* Those of the last of an output's runs: [{"kind": "dead", "rank": 3, "host": "node2", "since": ..., "text": ...}].
 * NULL: there are none. To be freed. */
cJSON *incidents_of_last_run(const char *runs);

/* The first few, a line each, and how many more there are. */
void incidents_print(FILE *out, const cJSON *incidents);

#endif
