/* Where the user stands (here.h). That folder may have been removed: nothing is found from there any more. */
#include "cli/here.h"

#include <stdlib.h>
#include <unistd.h>

#include "cli/diagnose.h"

const char *cli_absolute(tf_arena *arena, const char *path) {
    char *here = *path == '/' ? NULL : getcwd(NULL, 0);
    const char *whole = *path == '/' ? path : here ? tf_arena_printf(arena, "%s/%s", here, path) : NULL;
    if (!whole)
        cli_usage_error("%s: is relative to the current folder, which is not there any more; give a path from / on",
                        path);
    free(here);
    return whole;
}
