/* HDF5's ranks change metadata together, and wait for each other in its calls; when one of them can't write its part,
 * for want of room, they do so for ever. A thread keeps watch over each change: one that takes long while the disk is
 * full comes to no end, and the process ends instead. What was written before the change is as safe as after kill -9.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "store/file.h"

#define PATIENCE 10.0 /* s */

struct vigil {
    const char *path;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool over; /* under the mutex */
};

static void *keep_watch(void *context) {
    enum { FULL = 64 << 10 }; /* bytes: no room for metadata */
    struct vigil *v = context;
    const double deadline = tf_now() + PATIENCE;
    pthread_mutex_lock(&v->mutex);
    while (!v->over) {
        struct timespec next;
        clock_gettime(CLOCK_MONOTONIC, &next);
        next.tv_sec++;
        pthread_cond_clockwait(&v->changed, &v->mutex, CLOCK_MONOTONIC, &next);
        if (v->over || tf_now() < deadline || tf_free_bytes(v->path) >= FULL)
            continue;
        tf_say("%s: the disk is full, and a change of the file comes to no end", v->path);
        _exit(TF_ERR_RUN);
    }
    pthread_mutex_unlock(&v->mutex);
    return NULL;
}

void store_begin_vigil(tf_store *s) {
    if (s->ranks == 1 || s->vigil)
        return;
    struct vigil *v = tf_alloc(sizeof *v);
    *v = (struct vigil){.path = s->path};
    pthread_mutex_init(&v->mutex, NULL);
    pthread_cond_init(&v->changed, NULL);
    if (pthread_create(&v->thread, NULL, keep_watch, v) == 0)
        s->vigil = v;
    else
        free(v);
}

void store_end_vigil(tf_store *s) {
    struct vigil *v = s->vigil;
    if (!v)
        return;
    pthread_mutex_lock(&v->mutex);
    v->over = true;
    pthread_cond_signal(&v->changed);
    pthread_mutex_unlock(&v->mutex);
    pthread_join(v->thread, NULL);
    pthread_mutex_destroy(&v->mutex);
    pthread_cond_destroy(&v->changed);
    free(v);
    s->vigil = NULL;
}
