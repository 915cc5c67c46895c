/* Where verbs write (see destination.h). */
#include "cli/destination.h"
#include "manifest/relaxed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHOOSE "choose another name with --output"

/* Has somebody written it to describe a campaign? It may have changed since that one was run. */
static bool is_manifest(const char *text) {
    cJSON *json = cJSON_Parse(text);
    const cJSON *stages = cJSON_GetObjectItemCaseSensitive(json, "stages");
    const bool is = cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(json, "run")) ||
                    (cJSON_IsArray(stages) && cJSON_IsObject(cJSON_GetArrayItem(stages, 0)));
    cJSON_Delete(json);
    return is;
}

static const char *which_manifest(int fd, off_t size, const char *ours) {
    enum { MOST = 64 << 20 };
    const char *which = NULL;
    if (size == 0 || size > MOST)
        return NULL;
    char *text = tf_alloc((size_t)size + 1);
    if (pread(fd, text, (size_t)size, 0) == (ssize_t)size) {
        text[size] = '\0';
        relaxed_blank(text, (size_t)size);
        which = strcmp(text, ours) == 0 ? "the campaign's manifest" : is_manifest(text) ? "a manifest" : NULL;
    }
    free(text);
    return which;
}

/* Is it a file that the campaign has read (with --trust), by which the rows that are exported were made? */
static bool is_read(const tf_campaign *campaign, const struct stat *there) {
    struct stat info;
    for (int r = 1; campaign && r < campaign->reads; r++)
        if (stat(campaign->read[r], &info) == 0 && info.st_dev == there->st_dev && info.st_ino == there->st_ino)
            return true;
    return false;
}

/* Refuses to replace what is not to be lost. */
static tf_err refuse(const destination *to, int fd, const struct stat *there, const recalled *from, tf_error *error) {
    struct stat input;
    if (stat(from->path, &input) == 0 && input.st_dev == there->st_dev && input.st_ino == there->st_ino)
        return tf_error_set_as(error, TF_ERR_USAGE, TF_DIAG_BAD_DESTINATION, "%s: is the output that is read; " CHOOSE,
                               to->name);
    if (cli_is_hdf5(fd))
        return tf_error_set_as(error, TF_ERR_USAGE, TF_DIAG_BAD_DESTINATION,
                               "%s: is an HDF5 file, which is not overwritten; " CHOOSE, to->name);
    const char *manifest = which_manifest(fd, there->st_size, tf_reader_text(from->it.reader, "manifest"));
    if (manifest)
        return tf_error_set_as(error, TF_ERR_USAGE, TF_DIAG_BAD_DESTINATION, "%s: is %s; " CHOOSE, to->name, manifest);
    if (is_read(from->campaign, there))
        return tf_error_set_as(error, TF_ERR_USAGE, TF_DIAG_BAD_DESTINATION,
                               "%s: is a file that the campaign reads; " CHOOSE, to->name);
    return TF_OK;
}

/* Is this OUTPUT.d, where a run has its own files, of some output? */
static bool is_run_folder(const char *folder, size_t length, struct stat *output) {
    tf_buf path = {0};
    int fd = -1;
    if (length > 2 && memcmp(folder + length - 2, ".d", 2) == 0) {
        tf_buf_add(&path, folder, length - 2);
        fd = open(path.data, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    }
    const bool is_output = fd >= 0 && fstat(fd, output) == 0 && S_ISREG(output->st_mode) && cli_is_hdf5(fd);
    if (fd >= 0)
        close(fd);
    tf_buf_free(&path);
    return is_output;
}

/* Refuses to write below an OUTPUT.d: what is there belongs to a run. */
static tf_err refuse_folder(const destination *to, const recalled *from, tf_error *error) {
    struct stat input = {0}, output = {0};
    tf_buf parent = {0};
    const char *path = tf_buf_text(&to->path), *slash = strrchr(path, '/');
    tf_buf_add(&parent, slash ? path : "./", slash ? (size_t)(slash - path) + 1 : 2);
    char *folder = realpath(parent.data, NULL), *end = folder ? folder + strlen(folder) : NULL;
    while (end && end > folder && !is_run_folder(folder, (size_t)(end - folder), &output))
        for (end--; *end != '/'; end--)
            ;
    if (end && end > folder) {
        stat(from->path, &input);
        const bool same = input.st_dev == output.st_dev && input.st_ino == output.st_ino;
        tf_error_set_as(error, TF_ERR_USAGE, TF_DIAG_BAD_DESTINATION, "%s: is in the folder of %s; " CHOOSE, to->name,
                        same ? "the output that is read" : "an output");
    }
    const bool refused = end && end > folder;
    free(folder);
    tf_buf_free(&parent);
    return refused ? error->code : TF_OK;
}

static tf_err cant_open(const destination *to, int failure, tf_error *error) {
    return tf_error_set_as(error, TF_ERR_RUN, tf_diag_of_write(failure), "%s: %s", to->name, strerror(failure));
}

static tf_err cant_make(const destination *to, int failure, tf_error *error) {
    tf_buf why = {0};
    tf_buf_add_unmade(&why, tf_buf_text(&to->path), failure);
    tf_error_set_as(error, TF_ERR_RUN, tf_diag_of_write(failure), "%s: can't be made: %s", to->name, why.data);
    tf_buf_free(&why);
    return error->code;
}

/* A file without a name, in the folder of what it is to replace: it goes with its process. -1 where the file system,
 * or what is mounted, can't do that. */
static int open_nameless(const char *path, size_t folder) {
    tf_buf name = {0};
    tf_buf_add(&name, folder ? path : ".", folder ? folder : 1);
    int fd = access("/proc/self/fd", X_OK) == 0 ? open(name.data, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666) : -1;
    tf_buf_free(&name);
    return fd;
}

/* Makes a file beside what is to be replaced, or gives one that is open without a name (`nameless`) a name there. Files
 * of others that have such a name stay. */
static int open_named(destination *to, int nameless) {
    enum { MOST_NAMES = 100, LONGEST = 200 /* of NAME_MAX */ };
    const char *path = tf_buf_text(&to->path), *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    char descriptor[40];
    int result = -1;
    snprintf(descriptor, sizeof descriptor, "/proc/self/fd/%d", nameless);
    for (int n = 0; result < 0 && n < MOST_NAMES; n++) {
        tf_buf_clear(&to->growing);
        tf_buf_add(&to->growing, path, (size_t)(name - path));
        tf_buf_addf(&to->growing, "%.*s.part-%d", LONGEST, name, (int)getpid() + n);
        const char *part = to->growing.data;
        result = nameless < 0 ? open(part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666)
                              : linkat(AT_FDCWD, descriptor, AT_FDCWD, part, AT_SYMLINK_FOLLOW);
        if (result < 0 && errno != EEXIST)
            break;
    }
    if (result < 0)
        tf_buf_clear(&to->growing);
    return result;
}

/* Opens the file that is to replace the old one, with its mode. */
static tf_err start_growing(destination *to, bool has_name, const struct stat *old, tf_error *error) {
    const char *path = tf_buf_text(&to->path), *slash = strrchr(path, '/');
    int fd = has_name ? -1 : open_nameless(path, slash ? (size_t)(slash - path) + 1 : 0);
    if (fd < 0)
        fd = open_named(to, -1);
    if (fd < 0)
        return cant_make(to, errno, error);
    if (old)
        fchmod(fd, old->st_mode & 0777);
    to->file = fdopen(fd, "w");
    return TF_OK;
}

static bool is_stdout(const struct stat *there) {
    struct stat out;
    return fstat(STDOUT_FILENO, &out) == 0 && out.st_dev == there->st_dev && out.st_ino == there->st_ino;
}

/* A file that somebody else has opened, perhaps to add to it. */
static bool is_descriptor(const char *path) {
    return strncmp(path, "/dev/fd/", 8) == 0 || strncmp(path, "/proc/", 6) == 0;
}

tf_err destination_open(destination *to, const char *name, const char *path, bool has_name, const recalled *from,
                        tf_error *error) {
    struct stat old;
    *to = (destination){.file = path ? NULL : stdout, .name = name};
    if (!path)
        return TF_OK;
    const bool there = stat(path, &old) == 0;
    if (there && S_ISREG(old.st_mode)) {
        int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        tf_err err = fd < 0 ? cant_open(to, errno, error) : refuse(to, fd, &old, from, error);
        if (fd >= 0)
            close(fd);
        if (err != TF_OK)
            return err;
    }
    if (there && (!S_ISREG(old.st_mode) || is_stdout(&old) || is_descriptor(path))) {
        to->file = is_stdout(&old) ? stdout : fopen(path, S_ISREG(old.st_mode) ? "ae" : "we");
        return to->file ? TF_OK : cant_open(to, errno, error);
    }
    int failure = tf_follow_links(path, &to->path);
    tf_err err = failure ? cant_open(to, failure, error) : TF_OK;
    if (err == TF_OK)
        err = refuse_folder(to, from, error);
    if (err == TF_OK)
        err = start_growing(to, has_name, there ? &old : NULL, error);
    if (err != TF_OK) {
        tf_buf_free(&to->path);
        tf_buf_free(&to->growing);
    }
    return err;
}

tf_err destination_close(destination *to, tf_err err, tf_error *error) {
    const bool is_nameless = to->path.length && to->growing.length == 0;
    int fd = is_nameless ? dup(fileno(to->file)) : -1;
    if (to->file != stdout && fclose(to->file) != 0 && err == TF_OK)
        err = tf_error_set_as(error, TF_ERR_RUN, tf_diag_of_write(errno), "%s: can't be written: %s", to->name,
                              strerror(errno));
    tf_crash_point("destination.whole");
    if (is_nameless && err == TF_OK && (fd < 0 || open_named(to, fd) < 0))
        err = cant_make(to, errno, error);
    if (to->path.length && err == TF_OK && rename(to->growing.data, to->path.data) != 0)
        err = cant_open(to, errno, error);
    if (to->growing.length && err != TF_OK)
        unlink(to->growing.data);
    if (fd >= 0)
        close(fd);
    tf_buf_free(&to->path);
    tf_buf_free(&to->growing);
    return err;
}
