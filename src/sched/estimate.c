/* Runtime estimates: how long a stage's tasks take, and how many of them take a given time. */
#include "sched/sched.h"

#include <math.h>

void tf_estimate_add(tf_estimate *estimate, int64_t tasks, double seconds) {
    enum { MEMORY_TASKS = 4096, MEMORY_SECONDS = 30 };
    estimate->seen += tasks;
    estimate->tasks += (double)tasks;
    estimate->seconds += seconds;
    if (estimate->tasks > MEMORY_TASKS && estimate->seconds > MEMORY_SECONDS) {
        estimate->tasks /= 2;
        estimate->seconds /= 2;
    }
}

double tf_estimate_mean(const tf_estimate *estimate) {
    return estimate->seen ? estimate->seconds / estimate->tasks : INFINITY;
}

int64_t tf_estimate_count(const tf_estimate *estimate, double seconds) {
    if (estimate->seen == 0)
        return 1;
    double mean = tf_estimate_mean(estimate);
    double most = 2 * (double)estimate->seen;
    double count = mean * most > seconds ? seconds / mean : most;
    return count < 1 ? 1 : (int64_t)count;
}
