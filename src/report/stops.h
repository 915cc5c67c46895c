/* Stages that a run has stopped since nobody could run them, for people. */
#ifndef TF_REPORT_STOPS_H
#define TF_REPORT_STOPS_H

#include <cjson/cJSON.h>
#include <stdio.h>

/* `why`: a line, and lines behind it. */
void stops_print(FILE *out, const char *stage, const char *why);

/* Those of the last of an output's runs: [{"stage": "sim", "why": "..."}]. NULL: there are none. To be freed. */
cJSON *stops_of_last_run(const char *runs);

#endif
