/* Before MPI starts, on one rank: can the output be made? What an earlier run left under its name, the file and the
 * folder of its side files, is set aside together or stays as it is. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/side.h"
#include "store/store.h"

static bool is_there(const char *path) {
    struct stat info;
    return lstat(path, &info) == 0;
}

/* Renames `from`, if it is there. */
static tf_err move(const char *from, const char *to, tf_error *error) {
    if (!is_there(from) || rename(from, to) == 0)
        return TF_OK;
    return tf_error_set(error, TF_ERR_RUN, "%s: can't be renamed to %s: %s", from, to, strerror(errno));
}

/* To OUTPUT.1, or the first number of which neither file nor folder is there. */
static tf_err set_aside(const char *output, const char *folder, tf_buf *aside, tf_error *error) {
    tf_buf aside_folder = {0};
    for (int n = 1; n == 1 || is_there(tf_buf_text(aside)) || is_there(tf_buf_text(&aside_folder)); n++) {
        tf_buf_clear(aside);
        tf_buf_clear(&aside_folder);
        tf_buf_addf(aside, "%s.%d", output, n);
        side_folder(tf_buf_text(aside), &aside_folder);
    }
    tf_err err = move(folder, tf_buf_text(&aside_folder), error);
    if (err == TF_OK)
        err = move(output, tf_buf_text(aside), error);
    tf_buf_free(&aside_folder);
    return err;
}

/* What stands in the way. TF_OK with `old` if it is only an earlier run's output. */
static tf_err look(const char *output, const char *folder, bool *old, tf_error *error) {
    struct stat info = {0};
    bool there = stat(output, &info) == 0;
    if (there && S_ISDIR(info.st_mode))
        return tf_error_set(error, TF_ERR_RUN, "%s: the output is a folder; choose another name with --output", output);
    if (there && !S_ISREG(info.st_mode))
        return tf_error_set(error, TF_ERR_RUN,
                            "%s: the output is not a regular file; choose another name with --output", output);
    *old = (there && info.st_size > 0) || is_there(folder);
    return TF_OK;
}

tf_err tf_store_prepare(const tf_campaign *campaign, bool fresh, tf_buf *aside, tf_error *error) {
    const char *output = campaign->output;
    tf_buf folder = {0};
    side_folder(output, &folder);
    bool old = false;
    tf_err err = look(output, tf_buf_text(&folder), &old, error);
    if (err == TF_OK && old && !fresh)
        err = tf_error_set(error, TF_ERR_RUN,
                           "%s: is there already, and going on with it is not supported yet; --fresh sets it aside and "
                           "starts anew",
                           is_there(output) ? output : tf_buf_text(&folder));
    else if (err == TF_OK && old)
        err = set_aside(output, tf_buf_text(&folder), aside, error);
    tf_buf_free(&folder);
    if (err != TF_OK)
        return err;
    int fd = open(output, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        return tf_error_set(error, TF_ERR_RUN, "%s: can't be made: %s", output, strerror(errno));
    close(fd);
    return TF_OK;
}
