/* Failures by message: counted in an output, and told. */
#ifndef TF_REPORT_FAILURES_H
#define TF_REPORT_FAILURES_H

#include <cjson/cJSON.h>
#include <stdio.h>

#include "store/read/read.h"

/* Adds the command line of a verb about a task, to be copied: "taskfarm show FILE STAGE INDEX"; without an index (-1)
 * about all of the stage, or a reduction, "STAGE.REDUCTION". */
void failures_add_hint(const char *verb, const char *file, const char *stage, int64_t index, tf_buf *out);

/* Counts the failures of a stage of an output, for an owner. */
tf_err failures_find(tf_reader *reader, int stage, int owner, tf_tally *failures, tf_error *error);

/* Adds "failures", a list of the first `most` groups. Without names a stage is a number. */
void failures_add_json(cJSON *json, const tf_tally *failures, int most, const char *const *name);

/* Prints a line for each of the first few groups of a sorted tally, and how to see all of a task. name[owner] is the
 * name of a stage. */
void failures_print(FILE *out, const tf_tally *failures, const char *output, const char *const *name);

#endif
