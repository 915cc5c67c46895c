#include "cli/planning.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/base.h"
#include "base/stillness.h"

struct planning {
    tf_thread_life planner;
    tf_stillness still;
    double limit; /* s */
    int exit_to;  /* an exit status is written there; -1: it is not */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool over; /* under the mutex */
};

static void end_process(const planning *p) {
    tf_say(
        "reading what the run needs (manifest, files, the output) takes longer than %g s without a sign of life, and "
        "is not waited for any longer (--patience makes that longer); the same command line goes on",
        p->limit);
    tf_note_exit(p->exit_to, TF_ERR_STOPPED);
    _exit(TF_ERR_STOPPED);
}

static void *keep_watch(void *context) {
    planning *p = context;
    const double longest = 5, interval = fmin(longest, p->limit / 12);
    pthread_mutex_lock(&p->mutex);
    while (!p->over) {
        const struct timespec next = tf_time_after(interval);
        if (pthread_cond_clockwait(&p->changed, &p->mutex, CLOCK_MONOTONIC, &next) == 0)
            continue;
        if (tf_stillness_look(&p->still, tf_thread_signs(&p->planner, 0, true), interval) > p->limit)
            end_process(p);
    }
    pthread_mutex_unlock(&p->mutex);
    return NULL;
}

planning *planning_begin(double limit, const int *exit_to) {
    planning *p = tf_alloc(sizeof *p);
    *p = (planning){.planner = tf_thread_life_of_this(), .limit = limit, .exit_to = exit_to ? *exit_to : -1};
    pthread_mutex_init(&p->mutex, NULL);
    pthread_cond_init(&p->changed, NULL);
    if (pthread_create(&p->thread, NULL, keep_watch, p) == 0)
        return p;
    free(p);
    return NULL;
}

void planning_end(planning *p) {
    if (!p)
        return;
    pthread_mutex_lock(&p->mutex);
    p->over = true;
    pthread_cond_signal(&p->changed);
    pthread_mutex_unlock(&p->mutex);
    pthread_join(p->thread, NULL);
    pthread_mutex_destroy(&p->mutex);
    pthread_cond_destroy(&p->changed);
    free(p);
}
