/* Where files are, and what room there is. */
#include "base/base.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

int tf_follow_links(const char *path, tf_buf *out) {
    enum { MOST = 40 }; /* as the system's own limit */
    const size_t start = out->length;
    char target[PATH_MAX];
    tf_buf_adds(out, path);
    for (int links = 0; links < MOST; links++) {
        const ssize_t length = readlink(tf_buf_text(out) + start, target, sizeof target - 1);
        if (length < 0) /* no link (EINVAL), or nothing there, which is for others to say */
            return 0;
        target[length] = '\0';
        size_t keep = *target == '/' ? start : out->length;
        while (keep > start && out->data[keep - 1] != '/')
            keep--;
        out->length = keep;
        tf_buf_adds(out, target);
    }
    return ELOOP;
}

/* The first folder on the way to a file that is not there, or is none, into `folder`. false: all are. */
static bool find_lost_folder(const char *path, tf_buf *folder) {
    struct stat info;
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        tf_buf_clear(folder);
        tf_buf_add(folder, path, slash == path ? 1 : (size_t)(slash - path));
        if (stat(folder->data, &info) != 0 || !S_ISDIR(info.st_mode))
            return true;
    }
    return false;
}

void tf_buf_add_unmade(tf_buf *out, const char *path, int failure) {
    const char *slash = strrchr(path, '/');
    tf_buf folder = {0};
    if ((failure == ENOENT || failure == ENOTDIR) && find_lost_folder(path, &folder)) {
        tf_buf_addf(out, access(folder.data, F_OK) == 0 ? "%s is a file, not a folder" : "the folder %s is not there",
                    folder.data);
        tf_buf_free(&folder);
        return;
    }
    tf_buf_clear(&folder);
    tf_buf_add(&folder, slash ? path : ".", slash ? (size_t)(slash - path) + (slash == path) : 1);
    switch (failure) {
    case EACCES:
    case EPERM: tf_buf_addf(out, "nothing may be made in the folder %s: %s", folder.data, strerror(failure)); break;
    case EROFS: tf_buf_addf(out, "the folder %s is on a disk that can only be read", folder.data); break;
    case ENOSPC: tf_buf_addf(out, "there is no room left on the disk of the folder %s", folder.data); break;
    case EDQUOT: tf_buf_addf(out, "the quota on the disk of the folder %s is used up", folder.data); break;
    case ENAMETOOLONG: tf_buf_adds(out, "the name is too long"); break;
    default: tf_buf_addf(out, "in the folder %s: %s", folder.data, strerror(failure)); break;
    }
    tf_buf_free(&folder);
}

const char *tf_temporary_folder(void) {
    const char *folder = getenv("TMPDIR");
    return folder && *folder ? folder : "/tmp";
}

int64_t tf_free_bytes(const char *path) {
    struct statvfs disk;
    if (statvfs(path, &disk) != 0 || disk.f_blocks == 0)
        return INT64_MAX;
    return (int64_t)((uint64_t)(geteuid() == 0 ? disk.f_bfree : disk.f_bavail) * disk.f_frsize);
}

int tf_memory_file(const char *name, const tf_buf *bytes) {
    int fd = memfd_create(name, MFD_CLOEXEC);
    for (size_t done = 0; fd >= 0 && done < bytes->length;) {
        ssize_t put = pwrite(fd, bytes->data + done, bytes->length - done, (off_t)done);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0) {
            int failure = put < 0 ? errno : ENOSPC;
            close(fd);
            errno = failure;
            return -1;
        }
        done += (size_t)put;
    }
    return fd;
}
