/* Where the user stands. */
#ifndef TF_CLI_HERE_H
#define TF_CLI_HERE_H

#include "base/base.h"

/* The path, from where the user stands if it is a relative one; an absolute one stays the caller's. NULL after a
 * diagnostic: that folder is not there any more. */
const char *cli_absolute(tf_arena *arena, const char *path);

#endif
