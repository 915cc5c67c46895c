/* Inputs that many tasks share: the first task of a node that needs one copies it to the node's own disk, and all ranks
 * of the node read it there. Copies lie below $TMPDIR/taskfarm-inputs-UID-OUTPUT, known by the device, number, time and
 * size of what they are copies of; who copies holds a lock on their folder. Each spawner shares a lock on the whole,
 * which ends with it: the last one empties the folder by the descriptor that it has locked, and removes it. What a
 * killed run has left is taken up by the next. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/host.h"

#define WAIT 0.05 /* s between two looks at a lock */

/* ---- The folder of a node ---- */

static bool is_wanted(const tf_campaign *campaign) {
    for (int s = 0; s < campaign->stages; s++)
        for (int i = 0; i < campaign->stage[s].inputs; i++)
            if (campaign->stage[s].input[i].stage_in)
                return true;
    return false;
}

/* Opens a folder to which nobody else can write, and makes it if need be. -1 with errno. */
static int open_own_folder(const char *path) {
    struct stat info;
    int fd;
    do {
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            return -1;
        fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    } while (fd < 0 && errno == ENOENT);
    if (fd < 0 || (fstat(fd, &info) == 0 && info.st_uid == geteuid() && (info.st_mode & 022) == 0))
        return fd;
    close(fd);
    errno = EPERM;
    return -1;
}

/* Opens the folder and takes a shared lock on it. Whoever held it before may have removed it meanwhile: then it is made
 * anew. -1 with errno. */
static int lock_folder(const char *root) {
    struct stat held, there;
    int fd;
    while ((fd = open_own_folder(root)) >= 0) {
        while (flock(fd, LOCK_SH) != 0 && errno == EINTR)
            ;
        if (fstat(fd, &held) == 0 && lstat(root, &there) == 0 && held.st_dev == there.st_dev &&
            held.st_ino == there.st_ino)
            break;
        close(fd);
    }
    return fd;
}

void staging_open(const tf_campaign *campaign, staging *all) {
    *all = (staging){.folder = -1};
    if (!is_wanted(campaign))
        return;
    tf_buf output = {0};
    tf_buf_addf(&output, "%s/%s", *campaign->output == '/' ? "" : campaign->workdir, campaign->output);
    tf_buf_addf(&all->root, "%s/taskfarm-inputs-%u-%016llx", tf_temporary_folder(), (unsigned)geteuid(),
                (unsigned long long)tf_hash(output.data, output.length, 0));
    tf_buf_free(&output);
    all->folder = lock_folder(all->root.data);
    if (all->folder >= 0)
        return;
    tf_say("%s: %s; inputs are read where they are", all->root.data, strerror(errno));
    tf_buf_clear(&all->root);
}

/* A shared lock is given up only by ending: of several that try at once, the last one gets the exclusive lock. */
void staging_close(staging *all) {
    if (all->folder >= 0 && flock(all->folder, LOCK_EX | LOCK_NB) == 0) {
        int failure = tf_empty_folder(all->folder);
        if (!failure && rmdir(all->root.data) != 0)
            failure = errno;
        if (failure)
            tf_say("%s: can't be removed: %s", all->root.data, strerror(failure));
    }
    if (all->folder >= 0)
        close(all->folder);
    all->folder = -1;
    tf_buf_free(&all->root);
}

/* ---- Copies ---- */

static bool copy_bytes(const host *h, int from, int to) {
    enum { AT_ONCE = 4 << 20 };
    char *bytes = tf_alloc(AT_ONCE);
    ssize_t got = 0, put = 0;
    errno = 0;
    while (!host_is_to_stop(h) && put >= 0 && (got = read(from, bytes, AT_ONCE)) > 0)
        for (ssize_t done = 0; done < got && put >= 0; done += put)
            put = write(to, bytes + done, (size_t)(got - done));
    int failure = errno;
    free(bytes);
    errno = failure;
    return got == 0 && put >= 0;
}

/* Copies a file as a whole, or not at all. Returns 0, an errno, or ECANCELED. */
static int copy_file(const host *h, const char *path, const struct stat *info, const char *copy, const char *part) {
    struct stat after;
    int from = open(path, O_RDONLY | O_CLOEXEC), to = -1, failure = 0;
    if (from >= 0)
        to = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (to < 0 || !copy_bytes(h, from, to))
        failure = host_is_to_stop(h) ? ECANCELED : errno;
    if (!failure && (fstat(from, &after) != 0 || after.st_size != info->st_size ||
                     after.st_mtim.tv_sec != info->st_mtim.tv_sec || after.st_mtim.tv_nsec != info->st_mtim.tv_nsec))
        failure = ESTALE; /* it has changed meanwhile */
    const struct timespec times[2] = {info->st_atim, info->st_mtim};
    if (!failure && (fchmod(to, info->st_mode & 0555) != 0 || futimens(to, times) != 0))
        failure = errno;
    if (to >= 0 && close(to) != 0 && !failure)
        failure = errno;
    if (from >= 0)
        close(from);
    if (!failure && rename(part, copy) != 0)
        failure = errno;
    if (failure && to >= 0)
        unlink(part);
    return failure;
}

/* Copies a file as copy_file does, unless another process has copied it: one process at a time. */
static int copy_once(const host *h, const char *path, const struct stat *info, const char *folder, const char *copy) {
    tf_buf lock_name = {0}, part = {0};
    struct stat there;
    tf_buf_addf(&lock_name, "%s.lock", folder);
    tf_buf_addf(&part, "%s.part", folder);
    int failure = mkdir(folder, 0700) == 0 || errno == EEXIST ? 0 : errno;
    int lock = failure ? -1 : open(lock_name.data, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (lock < 0 && !failure)
        failure = errno;
    while (!failure && flock(lock, LOCK_EX | LOCK_NB) != 0) {
        failure = host_is_to_stop(h) ? ECANCELED : errno == EWOULDBLOCK || errno == EINTR ? 0 : errno;
        poll(NULL, 0, (int)(1000 * WAIT));
    }
    if (!failure && stat(copy, &there) != 0)
        failure = copy_file(h, path, info, copy, part.data);
    if (lock >= 0)
        close(lock);
    tf_buf_free(&lock_name);
    tf_buf_free(&part);
    return failure;
}

/* Adds the path of the copy, which is made if need be; or the path itself, if it can't be copied. false after
 * host_fail, or if the task is to be left. */
static bool stage_in(host *h, const char *path, tf_buf *out) {
    struct stat info, there;
    const char *root = tf_buf_text(&h->setting->staging.root), *slash = strrchr(path, '/');
    if (stat(path, &info) != 0 || (!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode))) {
        tf_buf_adds(out, path); /* the task will see to it */
        return true;
    }
    if (S_ISDIR(info.st_mode)) {
        host_fail(h, "input %s is a folder, and \"stage_in\" copies only files", path);
        return false;
    }
    const int64_t key[] = {(int64_t)info.st_dev, (int64_t)info.st_ino, info.st_size, info.st_mtim.tv_sec,
                           info.st_mtim.tv_nsec};
    tf_buf folder = {0}, copy = {0};
    tf_buf_addf(&folder, "%s/%016llx", root, (unsigned long long)tf_hash(key, sizeof key, 0));
    tf_buf_addf(&copy, "%s/%s", folder.data, slash ? slash + 1 : path);
    int failure = 0;
    bool given_up = tf_table_get(&h->not_staged, folder.data, folder.length) != TF_TABLE_NONE;
    if (!given_up && stat(copy.data, &there) != 0)
        failure = copy_once(h, path, &info, folder.data, copy.data);
    if (failure == ECANCELED)
        h->stopped = true;
    if (failure && !h->stopped) {
        tf_say("rank %d, slot %d: %s can't be copied to %s: %s; it is read where it is", h->rank, h->slot, path, root,
               failure == ESTALE ? "it is being changed" : strerror(failure));
        tf_table_add(&h->not_staged, folder.data, folder.length, 0);
        given_up = true;
    }
    tf_buf_adds(out, given_up ? path : copy.data);
    tf_buf_free(&folder);
    tf_buf_free(&copy);
    return !h->stopped;
}

bool staging_replace_inputs(host *h) {
    bool any = false, good = true;
    for (size_t i = 0; i < h->inputs.count; i++)
        any = any || h->inputs.item[i].spec->stage_in;
    if (!any || h->setting->staging.root.length == 0)
        return true;
    tf_buf text = {0};
    for (size_t i = 0; i < h->inputs.count && good; i++) {
        const char *path = tf_paths_text(&h->inputs, i);
        h->inputs.item[i].at = text.length; /* from here on of the new text */
        if (h->inputs.item[i].spec->stage_in)
            good = stage_in(h, path, &text);
        else
            tf_buf_adds(&text, path);
        tf_buf_addc(&text, '\0');
    }
    if (!good)
        h->inputs.count = 0;
    tf_buf_free(&h->inputs.text);
    h->inputs.text = text;
    return good;
}
