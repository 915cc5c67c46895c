/* Files that come from a pipe: "-", and what a shell makes of <(...). A fifo has a name of its own. */
#include <string.h>

#include "cli/piped.h"

bool cli_is_piped(const char *path) {
    return strcmp(path, "-") == 0 || strcmp(path, "/dev/stdin") == 0 || strncmp(path, "/dev/fd/", 8) == 0 ||
           strncmp(path, "/proc/", 6) == 0;
}

const char *cli_piped_path(const char *path) {
    return strcmp(path, "-") == 0 ? "/dev/stdin" : path;
}
