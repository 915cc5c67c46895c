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

/* The path of the program that runs. false: it is not known. */
static bool find_program(char *path, size_t size) {
    const ssize_t length = readlink("/proc/self/exe", path, size - 1);
    path[length > 0 ? length : 0] = '\0';
    return length > 0;
}

void python_folder_add(tf_buf *out) {
    char prefix[4096];
    tf_buf installed = {0};
    const bool is_known = find_program(prefix, sizeof prefix) && cut_name(prefix) && cut_name(prefix);
    tf_buf_addf(&installed, "%s/share/taskfarm/python", prefix);
    const bool is_installed = is_known && access(tf_buf_text(&installed), R_OK) == 0;
    tf_buf_adds(out, is_installed ? tf_buf_text(&installed) : TASKFARM_PYTHON);
    tf_buf_free(&installed);
}

void python_engine_add(tf_buf *out) {
    char program[4096];
    tf_buf_addf(out, "%s (%s)", find_program(program, sizeof program) ? program : "taskfarm", TASKFARM_VERSION);
}
