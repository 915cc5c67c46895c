/* Rows reach the disk in the background: a thread of its own waits for the disk, so that the rank does not. While rows
 * are written the system is asked, every few megabytes, to begin writing them out: else it all waits for the flush at
 * the end of the stage. Now and then rows and side file are synced, and the side file then says up to where. The thread
 * knows two descriptors and nothing of HDF5 or MPI. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/sync.h"

#include "base/storage.h"
#include "store/change.h"

enum { EARLY_BYTES = 4 << 20 };

struct syncing {
    int fd, side_fd;  /* descriptors of the output and of the side file */
    double began;     /* tf_now() when the last sync began */
    int64_t size;     /* length of the side file then */
    int64_t unsynced; /* bytes written since then */
    int64_t early;    /* bytes written since the system was asked last */
    bool under_way;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    /* Under the mutex. */
    bool to_begin, to_sync, to_end; /* what the thread is asked to do */
    bool synced;                    /* a sync has ended */
    int failure;                    /* what came of it: 0 or an errno */
};

tf_err store_cant_sync(const char *path, int failure, tf_error *error) {
    return tf_error_set_as(error, tf_err_of_storage(failure), tf_diag_of_write(failure),
                           "%s: can't be synced to disk: %s", path, strerror(failure));
}

static int sync_both(const struct syncing *y) {
    return fdatasync(y->fd) == 0 && fdatasync(y->side_fd) == 0 ? 0 : errno;
}

static void *run_thread(void *context) {
    struct syncing *y = context;
    pthread_mutex_lock(&y->mutex);
    for (;;) {
        bool begin = y->to_begin, sync = y->to_sync;
        y->to_begin = y->to_sync = false;
        if (!begin && !sync) {
            if (y->to_end)
                break;
            pthread_cond_wait(&y->changed, &y->mutex);
            continue;
        }
        pthread_mutex_unlock(&y->mutex);
        int failure = 0;
        if (sync)
            failure = sync_both(y);
        else
            sync_file_range(y->fd, 0, 0, SYNC_FILE_RANGE_WRITE); /* advice: what fails will fail again */
        pthread_mutex_lock(&y->mutex);
        if (sync) {
            y->failure = failure;
            y->synced = true;
        }
    }
    pthread_mutex_unlock(&y->mutex);
    return NULL;
}

/* Wants something of the thread. */
static void wake_thread(struct syncing *y, bool *what) {
    pthread_mutex_lock(&y->mutex);
    *what = true;
    pthread_cond_signal(&y->changed);
    pthread_mutex_unlock(&y->mutex);
}

static struct syncing *start_thread(const tf_store *s, tf_error *error) {
    struct syncing *y = tf_alloc(sizeof *y);
    *y = (struct syncing){.fd = s->fd, .side_fd = side_fd(s->side), .began = tf_now()};
    pthread_mutex_init(&y->mutex, NULL);
    pthread_cond_init(&y->changed, NULL);
    int failure = pthread_create(&y->thread, NULL, run_thread, y);
    if (failure == 0)
        return y;
    free(y);
    store_cant_sync(s->path, failure, error);
    return NULL;
}

tf_err store_note_written(tf_store *s, int64_t bytes, tf_error *error) {
    struct syncing *y = s->syncing ? s->syncing : start_thread(s, error);
    s->syncing = y;
    if (!y)
        return error->code;
    y->unsynced += bytes;
    y->early += bytes;
    if (y->early >= EARLY_BYTES) {
        y->early = 0;
        wake_thread(y, &y->to_begin);
    }
    return TF_OK;
}

/* What came of the one under way, if it is over. */
static tf_err reap_sync(tf_store *s, tf_error *error) {
    struct syncing *y = s->syncing;
    pthread_mutex_lock(&y->mutex);
    bool over = y->synced;
    int failure = y->failure;
    y->synced = false;
    pthread_mutex_unlock(&y->mutex);
    if (!over)
        return TF_OK;
    y->under_way = false;
    if (failure)
        return store_cant_sync(s->path, failure, error);
    return side_append_synced(s->side, y->size, error);
}

tf_err tf_store_sync(tf_store *s, double interval, tf_error *error) {
    struct syncing *y = s->syncing;
    if (y && y->under_way)
        return reap_sync(s, error);
    if (!y || y->unsynced == 0 || tf_now() - y->began < interval)
        return TF_OK;
    const tf_err there = store_check_file(s, error);
    if (there != TF_OK)
        return there == TF_ERR_STOPPED ? TF_OK : there; /* it can't be looked at now */
    y->size = side_size(s->side);
    y->began = tf_now();
    y->unsynced = 0;
    y->under_way = true;
    wake_thread(y, &y->to_sync);
    return TF_OK;
}

void store_end_sync(tf_store *s) {
    struct syncing *y = s->syncing;
    if (!y)
        return;
    wake_thread(y, &y->to_end);
    pthread_join(y->thread, NULL);
    pthread_mutex_destroy(&y->mutex);
    pthread_cond_destroy(&y->changed);
    free(y);
    s->syncing = NULL;
}
