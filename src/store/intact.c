/* Is the output there still? Somebody may remove, replace or cut it while a run is at work: what is written to it then
 * is lost, and the run says so instead of going on. */
#include "base/storage.h"
#include "store/change.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file that was cut and written to again is as long as before; but HDF5 has not put its beginning back. 0, or an
 * errno. */
static int check_signature(int fd, bool *there) {
    static const char signature[8] = "\211HDF\r\n\032\n";
    char found[sizeof signature] = {0};
    size_t read = 0;
    ssize_t got = 1;
    while (read < sizeof found && (got > 0 || (got < 0 && errno == EINTR))) {
        got = pread(fd, found + read, sizeof found - read, (off_t)read);
        read += got > 0 ? (size_t)got : 0;
    }
    *there = read == sizeof found && memcmp(found, signature, sizeof found) == 0;
    return got < 0 ? errno : 0;
}

static tf_err cant_read(const tf_store *s, int failure, tf_error *error) {
    return tf_error_set_as(error, tf_err_of_storage(failure), TF_DIAG_FILE_UNREADABLE, "%s: can't be read: %s", s->path,
                           strerror(failure));
}

tf_err store_check_file(tf_store *s, tf_error *error) {
    struct stat ours, named;
    bool whole = true;
    if (s->fd < 0)
        return TF_OK;
    int failure = fstat(s->fd, &ours) != 0 ? errno : s->size > 0 ? check_signature(s->fd, &whole) : 0;
    if (failure)
        return cant_read(s, failure, error);
    if (stat(s->path, &named) != 0 && errno != ENOENT && errno != ENOTDIR)
        return cant_read(s, errno, error);
    if (stat(s->path, &named) != 0)
        return tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_OUTPUT_REPLACED,
                               "%s: has been removed or renamed while this run was at work", s->path);
    if (ours.st_dev != named.st_dev || ours.st_ino != named.st_ino)
        return tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_OUTPUT_REPLACED, STORE_REPLACED, s->path);
    if (ours.st_size < s->size || !whole)
        return tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_OUTPUT_REPLACED,
                               "%s: has been cut short while this run was at work", s->path);
    if (s->side && !side_is_there(s->side))
        return tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_OUTPUT_REPLACED,
                               "%s.d: has been removed while this run was at work", s->path);
    s->size = ours.st_size;
    return TF_OK;
}

/* When HDF5 has written all that it had to: a file may have become shorter by what was taken out of it. */
void store_note_size(tf_store *s) {
    struct stat ours;
    if (s->fd >= 0 && fstat(s->fd, &ours) == 0)
        s->size = ours.st_size;
}
