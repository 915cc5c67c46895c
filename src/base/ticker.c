#include "base/ticker.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/base.h"

struct tf_ticker {
    double interval; /* s */
    tf_on_tick *on_tick;
    void *context;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool is_up; /* under the mutex: the thread has begun */
    bool over;  /* atomic, and changed under the mutex */
};

/* false: it is over. */
static bool wait_for_tick(tf_ticker *t) {
    const struct timespec next = tf_time_after(t->interval);
    int failure = 0;
    pthread_mutex_lock(&t->mutex);
    while (!t->over && failure == 0)
        failure = pthread_cond_clockwait(&t->changed, &t->mutex, CLOCK_MONOTONIC, &next);
    const bool is_over = t->over;
    pthread_mutex_unlock(&t->mutex);
    return !is_over;
}

static void *run_thread(void *context) {
    tf_ticker *t = context;
    pthread_mutex_lock(&t->mutex);
    t->is_up = true;
    pthread_cond_signal(&t->changed);
    pthread_mutex_unlock(&t->mutex);
    while (wait_for_tick(t))
        t->on_tick(t, t->context);
    return NULL;
}

/* A thread that begins may hold locks of the allocator: a child that is forked just then would wait for these. */
static void wait_for_thread(tf_ticker *t) {
    pthread_mutex_lock(&t->mutex);
    while (!t->is_up)
        pthread_cond_wait(&t->changed, &t->mutex);
    pthread_mutex_unlock(&t->mutex);
}

static void free_ticker(tf_ticker *t) {
    pthread_mutex_destroy(&t->mutex);
    pthread_cond_destroy(&t->changed);
    free(t);
}

tf_ticker *tf_ticker_start(double interval, tf_on_tick *on_tick, void *context) {
    tf_ticker *t = tf_alloc(sizeof *t);
    *t = (tf_ticker){.interval = interval, .on_tick = on_tick, .context = context};
    pthread_mutex_init(&t->mutex, NULL);
    pthread_cond_init(&t->changed, NULL);
    if (pthread_create(&t->thread, NULL, run_thread, t) != 0) {
        free_ticker(t);
        return NULL;
    }
    wait_for_thread(t);
    return t;
}

bool tf_ticker_is_over(const tf_ticker *t) {
    return __atomic_load_n(&t->over, __ATOMIC_ACQUIRE);
}

void tf_ticker_end(tf_ticker *t) {
    if (!t)
        return;
    pthread_mutex_lock(&t->mutex);
    __atomic_store_n(&t->over, true, __ATOMIC_RELEASE);
    pthread_cond_signal(&t->changed);
    pthread_mutex_unlock(&t->mutex);
    pthread_join(t->thread, NULL);
    free_ticker(t);
}
