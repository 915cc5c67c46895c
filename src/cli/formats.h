/* --format: one of the formats that report's tables list. */
#ifndef TF_CLI_FORMATS_H
#define TF_CLI_FORMATS_H

#include "report/report.h"

/* The format of that name; the first one of the table if `name` is NULL. NULL after a diagnostic. */
const tf_format *cli_find_format(const tf_format *table, const char *name);

#endif
