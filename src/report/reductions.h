/* Reductions of an output, told. A row of a table is a group; its keys come first. */
#ifndef TF_REPORT_REDUCTIONS_H
#define TF_REPORT_REDUCTIONS_H

#include <cjson/cJSON.h>

#include "report/report.h"

/* Prints all of a reduction. */
tf_err reduction_show(FILE *out, const tf_recalled *from, int table, bool json, tf_error *error);

/* Prints all reductions in little room: small ones as tables, and of the others how many groups they have and how they
 * are seen. */
void reductions_print_all(FILE *out, tf_reader *reader, const char *path);

/* What may still be told of all reductions together: groups, and numbers in them; and how many fields one may have. */
typedef struct reductions_room {
    int64_t groups, numbers;
    int fields;
} reductions_room;

#define REDUCTIONS_IN_STATUS ((reductions_room){.groups = 20, .numbers = 4000, .fields = 40})

/* "reductions" of a stage for programs: names, keys, numbers of groups; and the groups of those for which there is
 * room. NULL on failure. The caller deletes it. */
cJSON *reductions_json(const tf_recalled *from, int stage, reductions_room *left, tf_error *error);

#endif
