/* Files that come from a pipe: a manifest that another program prints. */
#ifndef TF_CLI_PIPED_H
#define TF_CLI_PIPED_H

#include <stdbool.h>

/* Is it one? "-" is standard input. Such a file has neither a name nor a folder. */
bool cli_is_piped(const char *path);

/* The path to be opened: "/dev/stdin" for "-". */
const char *cli_piped_path(const char *path);

#endif
