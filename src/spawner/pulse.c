/* A rank that is stopped, or stuck in the kernel, can't end what it has started, and others are given its tasks after a
 * while. Its spawner has no other sign of that: sockets to a process that stands still stay open. Nor has a rank of a
 * spawner that stands still: it would wait for hosts that nobody starts. */
#include "spawner/pulse.h"

#include <sys/mman.h>

pulse *pulse_new(void) {
    void *memory = mmap(NULL, sizeof(pulse), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory != MAP_FAILED ? memory : NULL;
}

void pulse_free(pulse *p) {
    if (p)
        munmap(p, sizeof *p);
}

void pulse_beat(unsigned *beats) {
    __atomic_add_fetch(beats, 1, __ATOMIC_RELAXED);
}

double pulse_interval(double patience) {
    const double longest = 0.25; /* s */
    return patience > 0 ? tf_stillness_interval(patience, longest) : longest;
}

double pulse_feel(tf_stillness *s, const unsigned *beats, double interval) {
    return tf_stillness_look(s, __atomic_load_n(beats, __ATOMIC_RELAXED), interval);
}
