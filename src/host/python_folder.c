/* Where the engine's own Python package is (see python_folder.h). */
#include "host/python_folder.h"

#include <string.h>
#include <unistd.h>

/* Cuts the last part off a path. false: it has none. */
static bool cut_name(char *path) {
    char *slash = strrchr(path, '/');
    if (slash)
        *slash = '\0';
    return slash;
}

void python_folder_add(tf_buf *out) {
    char prefix[4096] = "";
    tf_buf installed = {0};
    const bool is_known =
        readlink("/proc/self/exe", prefix, sizeof prefix - 1) > 0 && cut_name(prefix) && cut_name(prefix);
    tf_buf_addf(&installed, "%s/share/taskfarm/python", prefix);
    const bool is_installed = is_known && access(tf_buf_text(&installed), R_OK) == 0;
    tf_buf_adds(out, is_installed ? tf_buf_text(&installed) : TASKFARM_PYTHON);
    tf_buf_free(&installed);
}
