/* Open file description locks (see lock.h): unlike the older kind they are not lost when some other descriptor of the
 * file is closed. */
#include "store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "store/folder.h"
#include "store/lock_note.h"

/* For how long processes of an earlier run, or of the one that is wound up, are waited for, in s. */
static double patience_of(lock_claim claim) {
    return claim == LOCK_OF_RUN ? 5 : 1;
}

static int change_lock(int fd, short type, off_t first, off_t count) {
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = first, .l_len = count};
    int status;
    while ((status = fcntl(fd, F_OFD_SETLK, &lock)) != 0 && errno == EINTR)
        ;
    return status;
}

/* Who has the file open to read it can hold no lock that keeps a run waiting: it is for its owner alone. */
static int open_lock(int folder, int flags) {
    return folder_open_file(folder, "lock", flags);
}

/* The run that had the lock before may have removed the file since we opened it. */
static bool is_current(int folder, int fd) {
    struct stat ours, current;
    return fstat(fd, &ours) == 0 && fstatat(folder, "lock", &current, AT_SYMLINK_NOFOLLOW) == 0 &&
           ours.st_ino == current.st_ino && ours.st_dev == current.st_dev;
}

static bool is_refused(void) {
    return errno == EAGAIN || errno == EACCES;
}

/* One try at the first bytes; 0: at all. -1 with *held if somebody else has it, after an error, or if the run that had
 * it has just removed it. */
static int try_lock(const char *output, off_t bytes, bool *held, bool *failed, tf_error *error) {
    int folder = folder_make(output, error);
    *held = false;
    *failed = folder < 0;
    if (folder < 0)
        return -1;
    int fd = open_lock(folder, O_RDWR | O_CREAT);
    *failed = fd < 0 && errno != ENOENT;
    if (*failed)
        folder_failed(output, "lock", errno, error);
    *held = fd >= 0 && change_lock(fd, F_WRLCK, 0, bytes) != 0 && is_refused();
    if (fd >= 0 && (*held || !is_current(folder, fd))) {
        close(fd);
        fd = -1;
    }
    close(folder);
    return fd;
}

/* The first rank whose byte somebody has; -1: none is any more. */
static int find_holder(int fd) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    const bool is_held = fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    return is_held ? (int)lock.l_start : -1;
}

static void say_in_use(const char *output, tf_error *error) {
    tf_buf holder = {0};
    const int folder = folder_open_any(output), fd = folder >= 0 ? open_lock(folder, O_RDONLY) : -1;
    const int rank = fd >= 0 ? find_holder(fd) : -1;
    if (rank >= 0)
        lock_note_tell(fd, rank, &holder);
    if (fd >= 0)
        close(fd);
    if (folder >= 0)
        close(folder);
    tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_OUTPUT_IN_USE, "%s: is in use by another run of taskfarm%s", output,
                    tf_buf_text(&holder));
    tf_buf_free(&holder);
}

int lock_acquire(const char *output, lock_claim claim, tf_error *error) {
    double deadline = tf_now() + patience_of(claim);
    for (;;) {
        bool held, failed;
        int fd = try_lock(output, 0, &held, &failed, error);
        if (held && claim == LOCK_OF_RELICT && tf_now() > deadline)
            fd = try_lock(output, 1, &held, &failed, error);
        if (fd >= 0)
            lock_note(fd, 0);
        if (fd >= 0 || failed)
            return fd;
        if (held && tf_now() > deadline) {
            say_in_use(output, error);
            return -1;
        }
        poll(NULL, 0, held ? 20 : 0);
    }
}

void lock_share(int fd) {
    change_lock(fd, F_UNLCK, 1, 0);
}

int lock_join(const char *output, int rank) {
    tf_error error;
    int folder = folder_open(output, &error);
    int fd = folder >= 0 ? open_lock(folder, O_RDWR) : -1;
    if (folder >= 0)
        close(folder);
    if (fd >= 0 && change_lock(fd, F_WRLCK, rank, 1) == 0) {
        lock_note(fd, rank);
        return fd;
    }
    if (fd >= 0)
        close(fd);
    return -1;
}

/* Far behind all that is in the file: MPI-IO locks what it writes. On NFS it locks whole files, by which it would wait
 * for us for ever. */
static bool change_file_lock(int fd, short type) {
    const off_t far = (off_t)1 << 62;
    struct statfs system;
    if (fstatfs(fd, &system) == 0 && system.f_type == NFS_SUPER_MAGIC)
        return true;
    return change_lock(fd, type, far, 1) == 0 || !is_refused();
}

tf_err lock_file(int fd, const char *output, lock_claim claim, tf_error *error) {
    double deadline = tf_now() + patience_of(claim);
    while (!change_file_lock(fd, F_WRLCK)) {
        if (tf_now() > deadline && claim == LOCK_OF_RELICT && change_file_lock(fd, F_RDLCK))
            return TF_OK;
        if (tf_now() > deadline)
            return tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_OUTPUT_IN_USE,
                                   "%s: is in use by another run of taskfarm, under another name", output);
        poll(NULL, 0, 20);
    }
    return TF_OK;
}

void lock_file_share(int fd) {
    change_file_lock(fd, F_RDLCK);
}

bool lock_is_free(int fd, int rank) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = rank, .l_len = 1};
    return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type == F_UNLCK;
}

bool lock_is_held(const char *output) {
    int folder = folder_open_any(output);
    int fd = folder >= 0 ? open_lock(folder, O_RDONLY) : -1;
    bool held = fd >= 0 && !lock_is_free(fd, 0);
    if (folder >= 0)
        close(folder);
    if (fd >= 0)
        close(fd);
    return held;
}
