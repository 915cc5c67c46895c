/* What was noticed of stages, for people. */
#ifndef TF_REPORT_NOTICES_H
#define TF_REPORT_NOTICES_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdio.h>

/* Prints a list as tf_notices_json makes it, a line each; or only what is counted of it. */
void notices_print(FILE *out, const cJSON *list, bool counted);

#endif
