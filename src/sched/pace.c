/* What a worker decides by itself: how many tasks make a batch, from an estimate of how long a stage's tasks take, and
 * when to report. */
#include "sched/sched.h"

#include <math.h>

void tf_pace_add(tf_pace *pace, int64_t tasks, double seconds) {
    enum { MEMORY_TASKS = 4096, MEMORY_SECONDS = 30 };
    pace->seen += tasks;
    pace->tasks += (double)tasks;
    pace->seconds += seconds;
    if (pace->tasks > MEMORY_TASKS && pace->seconds > MEMORY_SECONDS) {
        pace->tasks /= 2;
        pace->seconds /= 2;
    }
}

double tf_pace_mean(const tf_pace *pace) {
    return pace->seen ? pace->seconds / pace->tasks : INFINITY;
}

int64_t tf_pace_count(const tf_pace *pace, double seconds) {
    if (pace->seen == 0)
        return 1;
    double mean = tf_pace_mean(pace);
    double most = 2 * (double)pace->seen;
    double count = mean * most > seconds ? seconds / mean : most;
    return count < 1 ? 1 : (int64_t)count;
}

static bool may_speak(const tf_standing *s) {
    return s->since >= s->workers * TF_SERVICE_SECONDS;
}

bool tf_should_report(const tf_standing *s) {
    const double most = 0.05; /* s */
    if (s->ended == 0 || !may_speak(s))
        return false;
    bool starving = s->queue_empty && s->idle > 0 && s->idle >= s->slots / 8;
    bool much = 4 * s->ended >= s->ended + s->held;
    return starving || much || s->since >= most;
}

bool tf_should_complain(const tf_standing *s, int known) {
    return s->ended == 0 && s->queue_empty && s->idle > known && s->idle < s->slots && may_speak(s);
}
