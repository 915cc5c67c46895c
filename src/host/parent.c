/* Folders by descriptor (see parent.h). */
#include "host/parent.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FLAGS = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

/* Opens a folder in another one, which is made if it does not exist and `make` says so. -1 with errno: ELOOP at a link.
 */
static int step(int from, const char *name, bool make) {
    struct stat info;
    int fd = openat(from, name, FLAGS);
    if (fd < 0 && errno == ENOENT && make && (mkdirat(from, name, 0777) == 0 || errno == EEXIST))
        fd = openat(from, name, FLAGS);
    if (fd < 0 && errno == ENOTDIR && fstatat(from, name, &info, AT_SYMLINK_NOFOLLOW) == 0)
        errno = S_ISLNK(info.st_mode) ? ELOOP : ENOTDIR;
    return fd;
}

/* Opens the folder that the first `length` bytes of the path name. `links`: those that are followed; NULL: none are. */
static int walk(const tf_links *links, int root, const char *path, size_t length, bool make, size_t *failed) {
    tf_buf name = {0};
    int fd = *path == '/' ? open("/", FLAGS) : openat(root, ".", FLAGS);
    for (size_t from = *path == '/'; from < length && fd >= 0;) {
        const char *slash = memchr(path + from, '/', length - from);
        const size_t end = slash ? (size_t)(slash - path) : length;
        tf_buf_clear(&name);
        tf_buf_add(&name, path + from, end - from);
        int next = step(fd, name.data, make);
        const char *target = next < 0 && errno == ELOOP && links ? tf_links_find(links, path, end) : NULL;
        if (target)
            next = walk(NULL, root, target, strlen(target), false, failed);
        const int failure = errno;
        close(fd);
        errno = failure;
        fd = next;
        *failed = end;
        from = end + 1;
    }
    tf_buf_free(&name);
    return fd;
}

parent_folder parent_open(const tf_campaign *campaign, int root, const char *path, bool make) {
    const char *slash = strrchr(path, '/');
    parent_folder folder = {.name = slash ? slash + 1 : path};
    const size_t length = !slash ? 0 : slash == path ? 1 : (size_t)(slash - path);
    folder.fd = walk(&campaign->links, root, path, length, make, &folder.length);
    folder.failure = folder.fd < 0 ? errno : 0;
    return folder;
}

void parent_close(parent_folder *folder) {
    if (folder->fd >= 0)
        close(folder->fd);
    folder->fd = -1;
}

int parent_remove(const parent_folder *folder) {
    struct stat info;
    if (fstatat(folder->fd, folder->name, &info, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? 0 : errno;
    if (!S_ISREG(info.st_mode) && !S_ISLNK(info.st_mode))
        return S_ISDIR(info.st_mode) ? EISDIR : EEXIST;
    return unlinkat(folder->fd, folder->name, 0) == 0 || errno == ENOENT ? 0 : errno;
}

static tf_buf name_aside(const parent_folder *folder) {
    tf_buf aside = {0};
    tf_buf_addf(&aside, "%s.incomplete", folder->name);
    return aside;
}

int parent_remove_aside(const parent_folder *folder) {
    tf_buf aside = name_aside(folder);
    const int failure = tf_remove_tree_at(folder->fd, aside.data);
    tf_buf_free(&aside);
    return failure;
}

static int set_aside(const parent_folder *folder) {
    struct stat info;
    if (fstatat(folder->fd, folder->name, &info, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? 0 : errno;
    if (!S_ISREG(info.st_mode) && !S_ISLNK(info.st_mode) && !S_ISDIR(info.st_mode))
        return EEXIST;
    tf_buf aside = name_aside(folder);
    const int failure = renameat(folder->fd, folder->name, folder->fd, aside.data) == 0 ? 0 : errno;
    tf_buf_free(&aside);
    return failure;
}

int parent_remove_folder(const parent_folder *folder, bool keep) {
    struct stat info;
    if (keep && fstatat(folder->fd, folder->name, &info, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT)
        return 0;
    int failure = parent_remove_aside(folder);
    if (!failure)
        failure = set_aside(folder);
    return failure || keep ? failure : parent_remove_aside(folder);
}
