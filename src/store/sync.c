/* Rows and side file reach the disk now and then, in the background: the system's own asynchronous fsync. When both
 * have, the side file says up to where. */
#include <aio.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/file.h"

struct syncing {
    int fd;       /* of the output */
    double began; /* the last one: tf_now() */
    bool under_way;
    int64_t size; /* of the side file, when it began */
    struct aiocb rows, side;
};

static struct syncing *syncing_new(const char *path) {
    struct syncing *y = tf_alloc(sizeof *y);
    y->fd = open(path, O_RDWR | O_CLOEXEC);
    y->began = tf_now();
    return y;
}

static tf_err complain(const tf_store *s, int failure, tf_error *error) {
    return tf_error_set(error, TF_ERR_RUN, "%s: can't be synced to disk: %s", s->path, strerror(failure));
}

static tf_err begin(tf_store *s, tf_error *error) {
    struct syncing *y = s->syncing;
    y->rows = (struct aiocb){.aio_fildes = y->fd};
    y->side = (struct aiocb){.aio_fildes = side_fd(s->side)};
    y->size = side_size(s->side);
    y->began = tf_now();
    if (aio_fsync(O_DSYNC, &y->rows) != 0)
        return complain(s, errno, error);
    if (aio_fsync(O_DSYNC, &y->side) != 0) {
        int failure = errno;
        while (aio_error(&y->rows) == EINPROGRESS)
            aio_suspend((const struct aiocb *const[]){&y->rows}, 1, NULL);
        return complain(s, failure, error);
    }
    y->under_way = true;
    s->unsynced = false;
    return TF_OK;
}

/* What came of the one under way, if it is over. */
static tf_err end(tf_store *s, tf_error *error) {
    struct syncing *y = s->syncing;
    int rows = aio_error(&y->rows), side = aio_error(&y->side);
    if (rows == EINPROGRESS || side == EINPROGRESS)
        return TF_OK;
    y->under_way = false;
    if (rows || side)
        return complain(s, rows ? rows : side, error);
    return side_append_synced(s->side, y->size, error);
}

tf_err tf_store_sync(tf_store *s, double interval, tf_error *error) {
    if (!s->syncing)
        s->syncing = syncing_new(s->path);
    if (s->syncing->under_way)
        return end(s, error);
    return s->unsynced && tf_now() - s->syncing->began >= interval ? begin(s, error) : TF_OK;
}

void store_end_sync(tf_store *s) {
    struct syncing *y = s->syncing;
    if (!y)
        return;
    const struct aiocb *const both[] = {&y->rows, &y->side};
    for (int i = 0; y->under_way && i < 2; i++)
        while (aio_error(both[i]) == EINPROGRESS)
            aio_suspend(&both[i], 1, NULL);
    close(y->fd);
    free(y);
    s->syncing = NULL;
}
