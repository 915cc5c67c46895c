/* Texts that name what results depend on, for fingerprints. */
#ifndef TF_MANIFEST_IDENTIFY_H
#define TF_MANIFEST_IDENTIFY_H

#include <cjson/cJSON.h>

#include "manifest/manifest.h"

void identify_text(cJSON *list, const char *text);

/* Adds the template, with its variables put in, behind `before`; nothing if the template is NULL. */
void identify_template(cJSON *list, const char *before, const tf_template *template);

void identify_expr(cJSON *list, const tf_expr *expr);

/* Adds how many tasks one call gets (batches.c). */
void identify_batch(cJSON *list, int64_t tasks);

#endif
