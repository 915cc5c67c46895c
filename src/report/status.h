/* What status says, for who shows it otherwise. */
#ifndef TF_REPORT_STATUS_H
#define TF_REPORT_STATUS_H

#include <cjson/cJSON.h>

#include "report/report.h"

/* As `taskfarm status --json` prints it; to be deleted. NULL on failure. */
cJSON *status_json(const char *path, tf_error *error);

#endif
