/* Clocks, in seconds. */
#include "base/base.h"

#include <math.h>
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

struct timespec tf_time_after(double seconds) {
    const double time = tf_now() + seconds;
    return (struct timespec){.tv_sec = (time_t)time, .tv_nsec = (long)(1e9 * (time - floor(time)))};
}

double tf_utc_parse(const char *text) {
    struct tm utc = {0};
    return text && strptime(text, "%Y-%m-%dT%H:%M:%SZ", &utc) ? (double)timegm(&utc) : 0;
}

static double system_now(void *context) {
    (void)context;
    return tf_now();
}

tf_clock tf_clock_system(void) {
    return (tf_clock){.now = system_now};
}

/* ---- The quick clock ---- */

/* The processor's counter; 0: there is none. It may be read a little early or late, which is far less than the clock's
 * error. */
static uint64_t count_cycles(void) {
#ifdef __x86_64__
    return __builtin_ia32_rdtsc();
#else
    return 0;
#endif
}

static double since(const tf_quick_clock *c, uint64_t cycles) {
    return (double)(int64_t)(cycles - c->base_cycles) * c->rate;
}

/* Compares the clock with the system's, learns the rate, and sets for how long that is trusted: not at all if this
 * process was interrupted meanwhile, and never again if the counter turns out to be unsteady. */
static void synchronize(tf_quick_clock *c) {
    const double apart = 1e-3, learning = 10e-3, error = 2e-6; /* s */
    const uint64_t undisturbed = 4000;
    uint64_t before = count_cycles();
    double now = tf_now();
    bool good = !c->unsteady && before > 0 && count_cycles() - before < undisturbed;
    if (good && c->span > 0)
        c->unsteady = fabs(c->base + since(c, before) - now) > error + 1e-4 * (now - c->base);
    if (good && c->first == 0) {
        c->first = now;
        c->first_cycles = before;
    } else if (good && now - c->first >= learning) {
        c->rate = (now - c->first) / (double)(before - c->first_cycles);
    }
    c->span = good && !c->unsteady && c->rate > 0 ? (uint64_t)(apart / c->rate) : 0;
    c->base = now;
    c->base_cycles = before;
}

double tf_quick_now(tf_quick_clock *c) {
    uint64_t cycles = count_cycles();
    double now;
    if (cycles - c->base_cycles < c->span) {
        now = c->base + since(c, cycles);
    } else {
        synchronize(c);
        now = c->base;
    }
    c->last = now > c->last ? now : c->last;
    return c->last;
}
