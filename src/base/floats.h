/* How this thread computes with floating-point numbers: rounding, exceptions, flags. Reading it and, where nothing has
 * changed, putting it back takes a few nanoseconds: user code runs between the two, millions of times a second. */
#ifndef TF_BASE_FLOATS_H
#define TF_BASE_FLOATS_H

#include <fenv.h>
#include <stdint.h>

typedef struct tf_floats {
    fenv_t all;
    uint32_t sse;
    uint16_t x87_control, x87_flags;
} tf_floats;

#ifdef __x86_64__
static inline uint16_t tf_floats_x87_control(void) {
    uint16_t word;
    __asm__ volatile("fnstcw %0" : "=m"(word));
    return word;
}

static inline uint16_t tf_floats_x87_flags(void) {
    uint16_t word;
    __asm__ volatile("fnstsw %0" : "=m"(word));
    return word & 0xff; /* without the results of comparisons, and where its stack begins */
}
#endif

static inline void tf_floats_read(tf_floats *floats) {
    fegetenv(&floats->all);
#ifdef __x86_64__
    floats->sse = __builtin_ia32_stmxcsr();
    floats->x87_control = tf_floats_x87_control();
    floats->x87_flags = tf_floats_x87_flags();
#endif
}

static inline void tf_floats_restore(const tf_floats *floats) {
#ifdef __x86_64__
    if (tf_floats_x87_control() != floats->x87_control || tf_floats_x87_flags() != floats->x87_flags)
        fesetenv(&floats->all);
    if (__builtin_ia32_stmxcsr() != floats->sse)
        __builtin_ia32_ldmxcsr(floats->sse);
#else
    fesetenv(&floats->all);
#endif
}

#endif
