/* Trees of files are removed by descriptor: every folder is opened in the one above it, never as a link, and what is in
 * it is removed there. So a name that somebody changes meanwhile leads to nothing else, and what another file system
 * has mounted in the tree stays. */
#include "base/base.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int remove_entry(int folder, const char *name, dev_t device);

/* All that is in an open folder, whose descriptor is closed. The first failure is returned; the rest is removed all the
 * same. */
static int remove_contents(int fd, dev_t device) {
    DIR *listing = fdopendir(fd);
    int failure = listing ? 0 : errno;
    if (!listing) {
        close(fd);
        return failure;
    }
    for (const struct dirent *entry; (entry = readdir(listing));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        int one = remove_entry(fd, entry->d_name, device);
        failure = failure ? failure : one;
    }
    closedir(listing);
    return failure;
}

/* A folder, open so that what is in it can be removed, whatever its mode was: some programs make theirs read-only. */
static int open_folder(int in, const char *name, struct stat *info) {
    enum { HOW = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };
    int fd = openat(in, name, HOW);
    if (fd < 0 && errno == EACCES && fchmodat(in, name, 0700, AT_SYMLINK_NOFOLLOW) == 0)
        fd = openat(in, name, HOW);
    if (fd >= 0 && fstat(fd, info) == 0 && (info->st_mode & 0700) != 0700)
        fchmod(fd, 0700); /* where that fails, so does what is next, with the reason */
    return fd;
}

static int remove_entry(int folder, const char *name, dev_t device) {
    struct stat info = {0};
    if (unlinkat(folder, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR)
        return errno;
    int fd = open_folder(folder, name, &info);
    if (fd < 0)
        return errno == ENOENT ? 0 : errno;
    if (info.st_dev != device) {
        close(fd);
        return EXDEV;
    }
    int failure = remove_contents(fd, device);
    if (!failure && unlinkat(folder, name, AT_REMOVEDIR) != 0 && errno != ENOENT)
        failure = errno;
    return failure;
}

int tf_remove_tree_at(int folder, const char *name) {
    struct stat info;
    if (fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? 0 : errno;
    return remove_entry(folder, name, info.st_dev);
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
        return remove_contents(fd, info.st_dev);
    close(fd);
    return EIO;
}
