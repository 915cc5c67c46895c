/* Where the user stands. */
#ifndef TF_CLI_HERE_H
#define TF_CLI_HERE_H

#include "base/base.h"

/* The path, from where the user stands if it is a relative one; an absolute one stays the caller's. NULL after a
 * diagnostic: that folder is not there any more. */
const char *cli_absolute(tf_arena *arena, const char *path);

/* A path that is relative to the current folder, or absolute, as somebody may write it who stands in `here`, the
 * absolute path of a folder (NULL: who knows where). */
const char *cli_path_from(tf_arena *arena, const char *here, const char *path);

#endif
