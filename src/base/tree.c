/* Trees of files are removed by descriptor: every folder is opened in the one above it, never as a link, and what is in
 * it is removed there. So a name that somebody changes meanwhile leads to nothing else, and what another file system
 * has mounted in the tree stays.
 *
 * A tree may be deeper than a process may have files open. A folder that lies too deep is moved up to the top of the
 * tree, and its turn comes there: from one open folder of the tree to another, so it can't leave it. To go back up by
 * ".." would need no moving, but somebody who moves folders meanwhile would decide where that leads. */
#include "base/base.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEEPEST = 16 }; /* folders below the top that are open at once */

typedef struct removal {
    int top;        /* descriptor of the tree's topmost folder */
    dev_t device;   /* the device that all of the tree is on */
    int64_t lifted; /* folders that were moved to the top */
    int64_t names;  /* names that were tried for such folders */
} removal;

static int remove_entry(removal *r, int folder, int depth, const char *name);

/* Removes all that is in an open folder, and closes its descriptor. Returns the first failure, after removing what can
 * be removed. */
static int remove_contents(removal *r, int fd, int depth) {
    DIR *listing = fdopendir(fd);
    int failure = listing ? 0 : errno;
    if (!listing) {
        close(fd);
        return failure;
    }
    int64_t seen;
    do {
        seen = r->lifted;
        rewinddir(listing);
        for (const struct dirent *entry; (entry = readdir(listing));) {
            if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                continue;
            const int one = remove_entry(r, fd, depth, entry->d_name);
            failure = failure ? failure : one;
        }
    } while (depth == 0 && r->lifted > seen);
    closedir(listing);
    return failure;
}

/* Opens a folder so that what is in it can be removed, whatever its mode is: some programs make theirs read-only. */
static int open_folder(int in, const char *name, struct stat *info) {
    enum { HOW = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };
    int fd = openat(in, name, HOW);
    if (fd < 0 && errno == EACCES && fchmodat(in, name, 0700, AT_SYMLINK_NOFOLLOW) == 0)
        fd = openat(in, name, HOW);
    if (fd >= 0 && fstat(fd, info) == 0 && (info->st_mode & 0700) != 0700)
        fchmod(fd, 0700); /* where that fails, so does what is next, with the reason */
    return fd;
}

/* A folder that is mounted a second time has the device that it is on in either place. */
bool tf_is_mounted(int folder) {
    struct statx info = {0};
    const bool known = statx(folder, "", AT_EMPTY_PATH, STATX_TYPE, &info) == 0;
    return known && (info.stx_attributes & info.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT);
}

/* Moves a folder to the top of the tree. false if it can't be moved: some file systems do not move what lies in another
 * layer of theirs. */
static bool lift(removal *r, int folder, const char *name) {
    enum { TRIES = 100 };
    char at_top[40];
    for (int i = 0; i < TRIES; i++) { /* a name that is taken is one of the tree's own */
        snprintf(at_top, sizeof at_top, "lifted-%lld", (long long)r->names++);
        if (renameat(folder, name, r->top, at_top) == 0) {
            r->lifted++;
            return true;
        }
        if (errno != EEXIST && errno != ENOTEMPTY && errno != ENOTDIR)
            break;
    }
    return false;
}

/* Removes what is no folder, and opens what is one. 0 with `fd` -1: nothing is left. */
static int remove_or_open(int in, const char *name, int *fd, struct stat *info) {
    *fd = -1;
    if (unlinkat(in, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR)
        return errno;
    *fd = open_folder(in, name, info);
    return *fd < 0 && errno != ENOENT ? errno : 0;
}

static int remove_emptied(int in, const char *name) {
    return unlinkat(in, name, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : errno;
}

/* Removes an entry of a folder that is `depth` below the top. */
static int remove_entry(removal *r, int folder, int depth, const char *name) {
    struct stat info = {0};
    int fd, failure = remove_or_open(folder, name, &fd, &info);
    if (fd < 0)
        return failure;
    const bool elsewhere = info.st_dev != r->device || tf_is_mounted(fd);
    if (elsewhere || (depth == DEEPEST && lift(r, folder, name))) {
        close(fd);
        return elsewhere ? EXDEV : 0;
    }
    failure = remove_contents(r, fd, depth + 1);
    return failure ? failure : remove_emptied(folder, name);
}

int tf_remove_tree_at(int folder, const char *name) {
    struct stat info = {0};
    int fd, failure = remove_or_open(folder, name, &fd, &info);
    if (fd < 0)
        return failure;
    if (tf_is_mounted(fd)) {
        close(fd);
        return EXDEV;
    }
    failure = remove_contents(&(removal){.top = fd, .device = info.st_dev}, fd, 0);
    return failure ? failure : remove_emptied(folder, name);
}

int tf_remove_tree(const char *path) {
    return tf_remove_tree_at(AT_FDCWD, path);
}

int tf_empty_folder(int folder) {
    struct stat info;
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* with a position of its own */
    if (fd < 0)
        return errno;
    if (fstat(fd, &info) == 0)
        return remove_contents(&(removal){.top = fd, .device = info.st_dev}, fd, 0);
    close(fd);
    return EIO;
}
