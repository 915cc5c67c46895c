/* Files and folders that nobody is to write any more. As they are removed (tree.c), by descriptor. */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"

static void close_entry(int folder, const char *name, const dev_t *device);

/* Closes the descriptor, too. */
static void close_contents(int fd, dev_t device) {
    DIR *listing = fdopendir(fd);
    if (!listing) {
        close(fd);
        return;
    }
    for (const struct dirent *entry; (entry = readdir(listing));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            close_entry(fd, entry->d_name, &device);
    closedir(listing);
}

/* `device`: the one that all of the tree is on; NULL: this is the tree's top. */
static void close_entry(int folder, const char *name, const dev_t *device) {
    struct stat info;
    const int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return;
    if (fstat(fd, &info) != 0 || (device && (info.st_dev != *device || tf_is_mounted(fd)))) {
        close(fd);
        return;
    }
    fchmod(fd, info.st_mode & 0555);
    if (S_ISDIR(info.st_mode))
        close_contents(fd, info.st_dev);
    else
        close(fd);
}

void tf_make_read_only_at(int folder, const char *name) {
    close_entry(folder, name, NULL);
}
