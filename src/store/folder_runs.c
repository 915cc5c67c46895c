/* What runs have left in the folder beside the output, and how it goes (see folder.h). */
#include "store/folder.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The rest of a name behind `start`, if there is one and it is digits up to `end`. */
static bool is_numbered(const char *name, const char *start, const char *end) {
    const size_t length = strlen(start);
    if (strncmp(name, start, length) != 0 || !isdigit((unsigned char)name[length]))
        return false;
    name += length;
    return strcmp(name + strspn(name, "0123456789"), end) == 0;
}

bool folder_is_of_mpi(const char *name) {
    return strncmp(name, "mpi-", 4) == 0;
}

static bool is_side_file(const char *name) {
    return is_numbered(name, "rank-", ".text") || folder_is_of_mpi(name);
}

static bool is_run(const char *name) {
    return is_numbered(name, "run-", "");
}

/* Besides journal and lock, which go last. */
static bool is_leftover(const char *name) {
    static const char *const names[] = {"heartbeat",    "heartbeat.new",    "journal.new",
                                        "journal.next", "journal.next.new", "new.h5"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* Goes through the entries of a folder. Returns 0, or what `visit` returned first that is not. */
static int each_entry(int folder, int (*visit)(int folder, const char *name, void *context), void *context) {
    int failure = 0, again = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = again >= 0 ? fdopendir(again) : NULL;
    if (!entries)
        return errno;
    for (const struct dirent *entry; !failure && (entry = readdir(entries));)
        failure = visit(folder, entry->d_name, context);
    closedir(entries);
    return failure;
}

static int remove_side_file(int folder, const char *name, void *context) {
    (void)context;
    return !is_side_file(name) || unlinkat(folder, name, 0) == 0 || errno == ENOENT ? 0 : errno;
}

static int remove_entry(int folder, const char *name, void *keep) {
    if (is_leftover(name))
        return unlinkat(folder, name, 0) == 0 || errno == ENOENT ? 0 : errno;
    if (!is_run(name) || strcmp(name, keep) == 0)
        return 0;
    int run = folder_open_inner(folder, name);
    if (run < 0) /* gone, or nothing that a run makes */
        return errno == ENOENT || errno == ENOTDIR || errno == EPERM ? 0 : errno;
    int failure = each_entry(run, remove_side_file, NULL);
    close(run);
    if (!failure && unlinkat(folder, name, AT_REMOVEDIR) != 0 && errno != ENOTEMPTY && errno != EEXIST)
        failure = errno;
    return failure;
}

static tf_err remove_all_but(const char *output, char *keep, tf_error *error) {
    int folder = folder_open(output, error);
    if (folder < 0)
        return error->code;
    int failure = each_entry(folder, remove_entry, keep);
    close(folder);
    return failure ? folder_failed(output, NULL, failure, error) : TF_OK;
}

tf_err folder_remove_runs(const char *output, int64_t run, tf_error *error) {
    char keep[40];
    folder_run(run, keep);
    return remove_all_but(output, keep, error);
}

static int keep_highest(int folder, const char *name, void *last) {
    (void)folder;
    int64_t number;
    if (is_run(name) && tf_parse_int(name + strlen("run-"), &number) && number > *(int64_t *)last && number < INT64_MAX)
        *(int64_t *)last = number;
    return 0;
}

int64_t folder_last_run(const char *output) {
    int64_t last = 0;
    int folder = folder_open_any(output);
    if (folder < 0)
        return 0;
    each_entry(folder, keep_highest, &last);
    close(folder);
    return last;
}

typedef struct handing {
    const char *other;
    char keep[40];
    int to; /* -1: nothing has been moved yet, and the folder need not be there */
    tf_err err;
    tf_error *error;
} handing;

static int hand_entry(int folder, const char *name, void *context) {
    handing *h = context;
    if (strcmp(name, "journal") != 0 && (!is_run(name) || strcmp(name, h->keep) == 0))
        return 0;
    if (h->to < 0)
        h->to = folder_make(h->other, h->error);
    if (h->to < 0)
        h->err = h->error->code;
    else if (renameat(folder, name, h->to, name) != 0)
        h->err = folder_failed(h->other, name, errno, h->error);
    return h->err == TF_OK ? 0 : ECANCELED;
}

tf_err folder_hand_over(const char *output, int64_t run, const char *other, tf_error *error) {
    handing h = {.other = other, .to = -1, .error = error};
    folder_run(run, h.keep);
    int folder = folder_open(output, error);
    if (folder < 0)
        return error->code;
    const int failure = each_entry(folder, hand_entry, &h);
    close(folder);
    if (h.to >= 0)
        close(h.to);
    return failure && h.err == TF_OK ? folder_failed(output, NULL, failure, error) : h.err;
}

/* Only the lock's own file, which another may have taken the place of. 0 or an errno. */
static int remove_lock(int folder, int lock) {
    struct stat held, named;
    if (fstat(lock, &held) != 0 || fstatat(folder, "lock", &named, AT_SYMLINK_NOFOLLOW) != 0 ||
        held.st_dev != named.st_dev || held.st_ino != named.st_ino)
        return 0;
    return unlinkat(folder, "lock", 0) == 0 ? 0 : errno;
}

/* Not if another run has come meanwhile. 0 or an errno. */
static int remove_folder(const char *output) {
    tf_buf path = {0};
    folder_path(output, NULL, &path);
    const bool good = rmdir(path.data) == 0 || errno == ENOTEMPTY || errno == EEXIST || errno == ENOENT;
    const int failure = good ? 0 : errno;
    tf_buf_free(&path);
    return failure;
}

/* The lock is kept where its file can't be removed. 0 or an errno. */
static int leave(const char *output, int *lock) {
    tf_error error;
    const int folder = folder_open(output, &error);
    const int failure = folder < 0 ? errno : remove_lock(folder, *lock); /* who opens it from now on makes another */
    if (folder >= 0)
        close(folder);
    if (failure)
        return failure;
    close(*lock);
    *lock = -1;
    return remove_folder(output);
}

void folder_leave(const char *output, int *lock) {
    if (*lock < 0)
        return;
    leave(output, lock);
    if (*lock >= 0)
        close(*lock);
    *lock = -1;
}

tf_err folder_remove(const char *output, int *lock, tf_error *error) {
    tf_err err = remove_all_but(output, (char[]){""}, error);
    int folder = err == TF_OK ? folder_open(output, error) : -1;
    if (folder < 0)
        return error->code;
    /* As long as there are texts there is a journal. */
    int failure = unlinkat(folder, "journal", 0) == 0 || errno == ENOENT ? 0 : errno;
    close(folder);
    if (!failure) /* it may have come as far as this before */
        failure = *lock >= 0 ? leave(output, lock) : remove_folder(output);
    return failure ? folder_failed(output, NULL, failure, error) : TF_OK;
}
