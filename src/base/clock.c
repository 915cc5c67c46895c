/* Clocks, in seconds. */
#include "base/base.h"

#include <time.h>

static double read_clock(clockid_t id) {
    struct timespec t;
    clock_gettime(id, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double tf_now(void) {
    return read_clock(CLOCK_MONOTONIC);
}

double tf_now_coarse(void) {
    return read_clock(CLOCK_MONOTONIC_COARSE);
}

double tf_wall(void) {
    return read_clock(CLOCK_REALTIME);
}
