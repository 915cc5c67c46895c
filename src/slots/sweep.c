/* Temporary folders are removed in the background: that of a Zarr store may take minutes, and the rank does not wait.
 * The thread has a finder of files of its own, and knows nothing of MPI or HDF5. */
#include "slots/inner.h"

#include <pthread.h>
#include <stdlib.h>

typedef struct swept_task {
    int stage;
    int64_t index;
} swept_task;

struct sweep {
    const tf_campaign *campaign;
    tf_files *files; /* the thread's */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    /* Under the mutex. */
    swept_task *task; /* whose folders are to be removed; the thread takes the last one first */
    size_t tasks, capacity;
    bool to_end;
};

static void *run_thread(void *context) {
    struct sweep *w = context;
    pthread_mutex_lock(&w->mutex);
    while (w->tasks > 0 || !w->to_end) {
        if (w->tasks == 0) {
            pthread_cond_wait(&w->changed, &w->mutex);
            continue;
        }
        const swept_task task = w->task[--w->tasks];
        pthread_mutex_unlock(&w->mutex);
        files_remove_aside(w->campaign, w->files, task.stage, task.index);
        pthread_mutex_lock(&w->mutex);
    }
    pthread_mutex_unlock(&w->mutex);
    return NULL;
}

static void free_sweep(struct sweep *w) {
    pthread_mutex_destroy(&w->mutex);
    pthread_cond_destroy(&w->changed);
    tf_files_free(w->files);
    free(w->task);
    free(w);
}

/* NULL: there can be no thread. */
static struct sweep *start_thread(const tf_campaign *campaign) {
    struct sweep *w = tf_alloc(sizeof *w);
    *w = (struct sweep){.campaign = campaign, .files = tf_files_new(campaign)};
    pthread_mutex_init(&w->mutex, NULL);
    pthread_cond_init(&w->changed, NULL);
    if (pthread_create(&w->thread, NULL, run_thread, w) == 0)
        return w;
    free_sweep(w);
    return NULL;
}

static void enqueue(struct sweep *w, swept_task task) {
    pthread_mutex_lock(&w->mutex);
    if (w->tasks == w->capacity) {
        w->capacity = w->capacity ? 2 * w->capacity : 16;
        w->task = tf_realloc_array(w->task, w->capacity, sizeof *w->task);
    }
    w->task[w->tasks++] = task;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->mutex);
}

bool sweep_folders(tf_slots *slots, int stage, int64_t index) {
    if (!slots->sweep)
        slots->sweep = start_thread(slots->campaign);
    if (slots->sweep)
        enqueue(slots->sweep, (swept_task){stage, index});
    return slots->sweep != NULL;
}

void sweep_end(tf_slots *slots) {
    struct sweep *w = slots->sweep;
    if (!w)
        return;
    pthread_mutex_lock(&w->mutex);
    w->to_end = true;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->mutex);
    pthread_join(w->thread, NULL);
    free_sweep(w);
    slots->sweep = NULL;
}
