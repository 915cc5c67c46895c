/* What verbs say. */
#ifndef TF_CLI_DIAGNOSE_H
#define TF_CLI_DIAGNOSE_H

#include <cJSON.h>

#include "cli/options.h"

/* Says it on stderr, on one rank only, and returns TF_ERR_USAGE. */
int cli_usage_error(const char *format, ...) TF_PRINTF(1, 2);

/* Prints it on stdout, and frees it. */
void cli_print_json(cJSON *json);

/* What is wrong with a manifest, as objects with an id, a severity, a JSON pointer and a text. */
void cli_add_diagnostics(cJSON *list, const tf_diags *diags);

/* Adds what is wrong with a manifest, an error, or both (either may be NULL or without a text) to such a list. */
void cli_add_failure(cJSON *list, const tf_diags *diags, const tf_error *error);

/* Says on stderr why a verb can't do its work: what is wrong with a manifest, an error, or both (either may be NULL or
 * without a text). With --json a document on stdout lists the same, with ids. Returns the exit status. */
int cli_fail(const options *options, const tf_diags *diags, const tf_error *error);

#endif
