/* What verbs say. */
#ifndef TF_CLI_DIAGNOSE_H
#define TF_CLI_DIAGNOSE_H

#include <cJSON.h>

#include "base/base.h"

/* Says it on stderr, on one rank only, and returns TF_ERR_USAGE. */
int cli_usage_error(const char *format, ...) TF_PRINTF(1, 2);

/* Prints it on stdout, and frees it. */
void cli_print_json(cJSON *json);

#endif
