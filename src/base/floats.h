/* How this thread computes with floating-point numbers: rounding, exceptions, flags. User code may change it, and runs
 * millions of times a second: to restore it takes a nanosecond, to read whether it has changed takes ten. */
#ifndef TF_BASE_FLOATS_H
#define TF_BASE_FLOATS_H

#include <fenv.h>
#include <stdint.h>

typedef struct tf_floats {
    fenv_t all;
    uint32_t sse;
    uint16_t x87;
} tf_floats;

static inline void tf_floats_read(tf_floats *floats) {
    fegetenv(&floats->all);
#ifdef __x86_64__
    floats->sse = __builtin_ia32_stmxcsr();
    __asm__ volatile("fnstcw %0" : "=m"(floats->x87));
#endif
}

/* Restores all of it. */
static inline void tf_floats_restore(const tf_floats *floats) {
    fesetenv(&floats->all);
}

/* On x86 restores all but the flags that arithmetic of long double raises; elsewhere restores all of it. */
static inline void tf_floats_restore_fast(const tf_floats *floats) {
#ifdef __x86_64__
    __asm__ volatile("ldmxcsr %0\n\tfldcw %1" : : "m"(floats->sse), "m"(floats->x87));
#else
    fesetenv(&floats->all);
#endif
}

#endif
