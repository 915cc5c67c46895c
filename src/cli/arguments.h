/* From the words of a command line to options. */
#ifndef TF_CLI_ARGUMENTS_H
#define TF_CLI_ARGUMENTS_H

#include "cli/verbs.h"

/* Fills in the options of the verb. `is_given`: the command line names it. Returns an exit status, or -1 to go on. */
int arguments_parse(options *o, const verb *v, bool is_given, int argc, char **argv);

#endif
