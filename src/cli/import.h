/* What is written for another runner becomes a manifest on stdout: one file a kind. */
#ifndef TF_CLI_IMPORT_H
#define TF_CLI_IMPORT_H

#include "cli/cli.h"

typedef struct import_source {
    const char *path;
    const char *name; /* of the campaign, and of stages as far as they have none */
    char *text;       /* NUL-terminated; may be taken apart */
    size_t length;
    tf_arena *arena;
} import_source;

/* Each returns an exit status; what is wrong is said on stderr, with its line. */
int import_commands(const import_source *source);
int import_makeflow(const import_source *source);

/* "FILE: line N: what". Returns TF_ERR_USAGE. */
int import_complain(const import_source *source, int line, const char *format, ...) TF_PRINTF(3, 4);

#endif
