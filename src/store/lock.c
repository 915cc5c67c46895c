/* Open file description locks (see lock.h): unlike the older kind they are not lost when some other descriptor of the
 * file is closed. */
#include "store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/journal.h"

#define PATIENCE 5.0 /* s that a run waits for the processes of an earlier one to end */

static int change_lock(int fd, short type, off_t first, off_t count) {
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = first, .l_len = count};
    int status;
    while ((status = fcntl(fd, F_OFD_SETLK, &lock)) != 0 && errno == EINTR)
        ;
    return status;
}

static int open_lock(const char *output) {
    tf_buf path = {0};
    journal_path(output, "lock", &path);
    int fd = open(path.data, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    tf_buf_free(&path);
    return fd;
}

/* The run that had the lock before may have removed the file since we opened it. */
static bool is_current(const char *output, int fd) {
    struct stat ours, current;
    tf_buf path = {0};
    journal_path(output, "lock", &path);
    bool same = fstat(fd, &ours) == 0 && stat(path.data, &current) == 0 && ours.st_ino == current.st_ino &&
                ours.st_dev == current.st_dev;
    tf_buf_free(&path);
    return same;
}

int lock_take(const char *output, tf_error *error) {
    double deadline = tf_now() + PATIENCE;
    tf_buf folder = {0};
    journal_folder(output, &folder);
    for (;;) {
        bool there = mkdir(folder.data, 0777) == 0 || errno == EEXIST;
        int fd = there ? open_lock(output) : -1;
        if (fd < 0 && there && errno == ENOENT) /* the run that had it has just removed it */
            continue;
        if (fd < 0) {
            tf_error_set(error, TF_ERR_RUN, "%s: can't be made: %s", there ? output : folder.data, strerror(errno));
            break;
        }
        bool held = change_lock(fd, F_WRLCK, 0, 0) != 0 && (errno == EAGAIN || errno == EACCES);
        if (!held && is_current(output, fd)) {
            tf_buf_free(&folder);
            return fd;
        }
        close(fd);
        if (held && tf_now() > deadline) {
            tf_error_set(error, TF_ERR_RUN, "%s: is in use by another run of taskfarm", output);
            break;
        }
        poll(NULL, 0, 20);
    }
    tf_buf_free(&folder);
    return -1;
}

void lock_share(int fd) {
    change_lock(fd, F_UNLCK, 1, 0);
}

int lock_join(const char *output, int rank) {
    int fd = open_lock(output);
    if (fd >= 0 && change_lock(fd, F_WRLCK, rank, 1) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

bool lock_is_free(int fd, int rank) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = rank, .l_len = 1};
    return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type == F_UNLCK;
}

bool lock_is_held(const char *output) {
    tf_buf path = {0};
    journal_path(output, "lock", &path);
    int fd = open(path.data, O_RDWR | O_CLOEXEC);
    bool held = fd >= 0 && !lock_is_free(fd, 0);
    if (fd >= 0)
        close(fd);
    tf_buf_free(&path);
    return held;
}
