/* The run's folder (see folder.h). */
#include "store/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/storage.h"

void folder_path(const char *output, const char *name, tf_buf *path) {
    tf_follow_links(output, path);
    tf_buf_adds(path, ".d");
    if (name)
        tf_buf_addf(path, "/%s", name);
}

const char *folder_run(int64_t run, char name[40]) {
    snprintf(name, 40, "run-%lld", (long long)run);
    return name;
}

/* ---- Whose it is ---- */

/* Where the file system does not keep owners apart, as root's are not on many servers, what we make has this one, too.
 */
static bool is_given_to_us(const char *path, uid_t owner) {
    tf_buf trial = {0};
    struct stat info;
    tf_buf_addf(&trial, "%s.%d", path, (int)getpid());
    bool same = mkdir(trial.data, 0700) == 0;
    if (same) {
        same = lstat(trial.data, &info) == 0 && info.st_uid == owner;
        rmdir(trial.data);
    }
    tf_buf_free(&trial);
    return same;
}

static tf_err refuse(const char *path, const char *what, tf_error *error) {
    return tf_error_set_as(
        error, TF_ERR_RUN, TF_DIAG_NOT_AN_OUTPUT,
        "%s: is %s, where the run needs a folder of its own; remove it, or choose another name with --output", path,
        what);
}

static const char *user_name(uid_t user, char text[64]) {
    const struct passwd *entry = getpwuid(user);
    if (entry)
        snprintf(text, 64, "%s", entry->pw_name);
    else
        snprintf(text, 64, "number %lu", (unsigned long)user);
    return text;
}

static int open_folder(const char *path) {
    return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* -1 after an error; with `*gone` if somebody has removed it just now. */
static int open_ours(const char *path, bool *gone, tf_error *error) {
    struct stat info;
    char user[64];
    int folder = open_folder(path), failure = errno;
    *gone = false;
    if (folder >= 0 ? fstat(folder, &info) != 0 : lstat(path, &info) != 0) {
        *gone = errno == ENOENT;
        tf_error_set_as(error, TF_ERR_RUN, tf_diag_of_write(errno), "%s: %s", path, strerror(errno));
    } else if (!S_ISDIR(info.st_mode)) {
        refuse(path, S_ISLNK(info.st_mode) ? "a link" : "no folder", error);
    } else if (info.st_uid != geteuid() && !is_given_to_us(path, info.st_uid)) {
        tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_OTHER_USER,
                        "%s: belongs to another user (%s), who alone can go on with the run that has left it; choose "
                        "another name with --output",
                        path, user_name(info.st_uid, user));
    } else if (folder < 0) {
        tf_error_set_as(error, TF_ERR_RUN, tf_diag_of_write(failure), "%s: %s", path, strerror(failure));
    } else {
        if (info.st_mode & 077) /* where that can't be done the file system knows no modes */
            fchmod(folder, info.st_mode & 07700);
        return folder;
    }
    if (folder >= 0)
        close(folder);
    return -1;
}

int folder_open(const char *output, tf_error *error) {
    tf_buf path = {0};
    bool gone;
    folder_path(output, NULL, &path);
    int folder = open_ours(path.data, &gone, error);
    tf_buf_free(&path);
    return folder;
}

tf_err folder_unmade(const char *path, int failure, tf_error *error) {
    tf_buf why = {0};
    tf_buf_add_unmade(&why, path, failure);
    tf_error_set_as(error, TF_ERR_RUN, tf_diag_of_write(failure), "%s: can't be made: %s", path, why.data);
    tf_buf_free(&why);
    return error->code;
}

int folder_make(const char *output, tf_error *error) {
    tf_buf path = {0};
    tf_error reason;
    int folder = -1;
    folder_path(output, NULL, &path);
    for (bool gone = true; gone && folder < 0;) { /* a run that ends removes it */
        const bool there = mkdir(path.data, 0700) == 0 || errno == EEXIST;
        gone = false;
        if (there)
            folder = open_ours(path.data, &gone, &reason);
        else
            folder_unmade(path.data, errno, &reason);
    }
    if (folder < 0)
        *error = reason;
    tf_buf_free(&path);
    return folder;
}

int folder_open_any(const char *output) {
    tf_buf path = {0};
    folder_path(output, NULL, &path);
    int folder = open_folder(path.data), failure = errno;
    tf_buf_free(&path);
    errno = failure;
    return folder;
}

tf_err folder_failed(const char *output, const char *name, int failure, tf_error *error) {
    tf_buf path = {0};
    struct stat info;
    char user[64];
    folder_path(output, name, &path);
    if (!name && failure == EACCES && lstat(path.data, &info) == 0)
        tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_OTHER_USER,
                        "%s: belongs to another user (%s), who alone can see how far a run is before it has ended",
                        path.data, user_name(info.st_uid, user));
    else if (name && (failure == EPERM || failure == ELOOP))
        tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_FILE_UNREADABLE, "%s: is no file of the run's; remove it",
                        path.data);
    else
        tf_error_set_as(error, tf_err_of_storage(failure), tf_diag_of_read(failure), "%s: %s", path.data,
                        strerror(failure));
    tf_buf_free(&path);
    return error->code;
}

/* ---- What is in it ---- */

static int open_entry(int folder, const char *name, int flags, mode_t kind) {
    struct stat whole = {0}, info = {0};
    int fd = openat(folder, name, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    int failure = fstat(fd, &info) != 0 || fstat(folder, &whole) != 0 ? errno : 0;
    if (!failure && ((info.st_mode & S_IFMT) != kind || info.st_uid != whole.st_uid))
        failure = EPERM;
    if (!failure)
        return fd;
    close(fd);
    errno = failure;
    return -1;
}

int folder_open_file(int folder, const char *name, int flags) {
    return open_entry(folder, name, flags, S_IFREG);
}

int folder_open_inner(int folder, const char *name) {
    return open_entry(folder, name, O_RDONLY | O_DIRECTORY, S_IFDIR);
}

int folder_make_inner(int folder, const char *name) {
    return mkdirat(folder, name, 0700) == 0 || errno == EEXIST ? folder_open_inner(folder, name) : -1;
}

int folder_read(int folder, const char *name, tf_buf *out) {
    enum { MOST = 1 << 30, AT_ONCE = 1 << 16 };
    const size_t before = out->length;
    int fd = folder_open_file(folder, name, O_RDONLY);
    int failure = fd < 0 ? errno : 0;
    for (ssize_t got = 1; !failure && got != 0;) {
        tf_buf_reserve(out, out->length + AT_ONCE);
        got = read(fd, out->data + out->length, AT_ONCE);
        if (got > 0)
            out->length += (size_t)got;
        else if (got < 0 && errno != EINTR)
            failure = errno;
        if (out->length - before > MOST)
            failure = EFBIG;
    }
    if (failure)
        out->length = before;
    if (out->data)
        out->data[out->length] = '\0';
    if (fd >= 0)
        close(fd);
    return failure;
}

static int write_all(int fd, const char *bytes, size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t put = write(fd, bytes + done, size - done);
        if (put > 0)
            done += (size_t)put;
        else if (put == 0 || errno != EINTR)
            return put == 0 ? ENOSPC : errno;
    }
    return 0;
}

int folder_replace(int folder, const char *name, const void *bytes, size_t size, bool to_disk) {
    char next[64];
    snprintf(next, sizeof next, "%s.new", name);
    unlinkat(folder, next, 0); /* of a run that was killed */
    int fd = folder_open_file(folder, next, O_WRONLY | O_CREAT | O_EXCL);
    if (fd < 0)
        return errno;
    int failure = write_all(fd, bytes, size);
    if (!failure && to_disk && fdatasync(fd) != 0)
        failure = errno;
    if (close(fd) != 0 && !failure)
        failure = errno;
    if (!failure && renameat(folder, next, folder, name) != 0)
        failure = errno;
    if (failure)
        unlinkat(folder, next, 0);
    return failure;
}

static folder_end end_of(const struct stat *info) {
    return (folder_end){.device = info->st_dev, .inode = info->st_ino, .size = info->st_size};
}

folder_end folder_find_end(int folder, const char *name) {
    struct stat info = {0};
    if (fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) != 0)
        return (folder_end){0};
    return end_of(&info);
}

static bool is_same_end(const folder_end *a, const folder_end *b) {
    return a->device == b->device && a->inode == b->inode && a->size == b->size;
}

int folder_append(int folder, const char *name, folder_end *end, const void *bytes, size_t size) {
    struct stat info;
    int fd = end->size > 0 ? folder_open_file(folder, name, O_WRONLY | O_APPEND) : -1;
    int failure = end->size == 0 || (fd < 0 && errno == ENOENT) ? ESTALE : fd < 0 || fstat(fd, &info) != 0 ? errno : 0;
    folder_end now = {0};
    if (!failure) {
        now = end_of(&info);
        failure = is_same_end(&now, end) ? write_all(fd, bytes, size) : ESTALE;
    }
    if (!failure && fdatasync(fd) != 0)
        failure = errno;
    if (fd >= 0 && close(fd) != 0 && !failure)
        failure = errno;
    *end = (folder_end){0};
    if (failure)
        return failure;
    *end = now;
    end->size += (int64_t)size;
    return 0;
}

bool folder_link(const char *output, int64_t run, const char *name) {
    char run_name[40];
    tf_error ignored;
    tf_buf file = {0}, to = {0};
    tf_follow_links(output, &file);
    const char *slash = strrchr(tf_buf_text(&file), '/');
    const int folder = folder_open(output, &ignored);
    const int inner = folder >= 0 ? folder_make_inner(folder, folder_run(run, run_name)) : -1;
    tf_buf_addf(&to, "../../%s", slash ? slash + 1 : tf_buf_text(&file));
    const bool made = inner >= 0 && symlinkat(to.data, inner, name) == 0;
    tf_buf_free(&file);
    tf_buf_free(&to);
    if (inner >= 0)
        close(inner);
    if (folder >= 0)
        close(folder);
    return made;
}
