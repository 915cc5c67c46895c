/* Which program a name without a slash is: by the PATH of the environment that the task gets, which need not be this
 * process's. So the check before a run, and the start of a process, find the same one. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/process.h"

int program_check(const char *path) {
    struct stat info;
    if (access(path, X_OK) != 0)
        return errno;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode) ? 0 : EACCES;
}

/* Checks a path that is relative to the folder. */
static int check_in(const char *folder, const char *path) {
    if (!*folder || *path == '/')
        return program_check(path);
    tf_buf full = {0};
    tf_buf_addf(&full, "%s/%s", folder, path);
    const int failure = program_check(tf_buf_text(&full));
    tf_buf_free(&full);
    return failure;
}

int program_find(const char *name, const char *path, const char *folder, tf_buf *out) {
    char standard[256];
    tf_buf_clear(out);
    tf_buf_adds(out, name);
    if (!*name || strchr(name, '/'))
        return *name ? 0 : ENOENT;
    if (!path) {
        confstr(_CS_PATH, standard, sizeof standard);
        path = standard;
    }
    int failure = ENOENT;
    for (const char *end;; path = end + 1) {
        end = strchrnul(path, ':');
        tf_buf_clear(out);
        tf_buf_add(out, path, (size_t)(end - path));
        tf_buf_adds(out, end > path ? "/" : "./"); /* nothing is the current folder */
        tf_buf_adds(out, name);
        const int why = check_in(folder, tf_buf_text(out));
        if (why == 0)
            return 0;
        failure = why == EACCES ? EACCES : failure;
        if (!*end)
            return failure;
    }
}
