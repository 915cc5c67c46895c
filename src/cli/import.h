/* What is written for another runner becomes a manifest on stdout: one file a kind. */
#ifndef TF_CLI_IMPORT_H
#define TF_CLI_IMPORT_H

#include "cli/cli.h"

typedef struct import_source {
    const char *path;
    const char *name; /* name of the campaign, and of stages that have none of their own */
    char *text;       /* NUL-terminated; may be taken apart */
    size_t length;
    tf_arena *arena;
} import_source;

typedef struct import_kind_spec {
    const char *name;
    int (*import)(const import_source *source);
} import_kind_spec;

/* The table; its end has no name. */
const import_kind_spec *import_kinds(void);

/* Each returns an exit status; what is wrong is said on stderr, with its line. */
int import_commands(const import_source *source);
int import_makeflow(const import_source *source);

/* "FILE: line N: what". Returns TF_ERR_USAGE. */
int import_diagnose(const import_source *source, int line, const char *format, ...) TF_PRINTF(3, 4);

#endif
