/* Where the user stands (here.h). That folder may have been removed: nothing is found from there any more. */
#include "cli/here.h"

#include <stdlib.h>
#include <string.h>
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

const char *cli_path_from(tf_arena *arena, const char *here, const char *path) {
    char *now = *path == '/' ? NULL : getcwd(NULL, 0);
    if (!now || (here && strcmp(now, here) == 0)) {
        free(now);
        return path;
    }
    const char *whole = tf_arena_printf(arena, "%s/%s", strcmp(now, "/") == 0 ? "" : now, path);
    const size_t length = here && strcmp(here, "/") != 0 ? strlen(here) : 0;
    free(now);
    return here && strncmp(whole, here, length) == 0 && whole[length] == '/' ? whole + length + 1 : whole;
}
