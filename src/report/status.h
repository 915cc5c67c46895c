/* What status says, for who shows it otherwise. */
#ifndef TF_REPORT_STATUS_H
#define TF_REPORT_STATUS_H

#include <cjson/cJSON.h>

#include "report/report.h"

/* As `taskfarm status --json` prints it, of the output that the reader reads; to be deleted. NULL on failure. */
cJSON *status_json(const char *path, tf_reader *reader, tf_error *error);

#endif
