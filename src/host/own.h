/* Is this the process that a function was called in? One that forks may let its child come back from it, which would go
 * on with the host's work: over the same rows, for the same rank. Memory that the kernel clears in children tells, for
 * the price of reading it. */
#ifndef TF_HOST_OWN_H
#define TF_HOST_OWN_H

#include "base/base.h"

const uint8_t *own_mark_new(void);
void own_mark_free(const uint8_t *mark);

/* Says what has happened, and ends the child. */
_Noreturn void own_end_child(const char *stage, const char *function);

/* To be called when a function has come back. */
static inline void own_check(const uint8_t *mark, const char *stage, const char *function) {
    if (__builtin_expect(*mark == 0, 0))
        own_end_child(stage, function);
}

#endif
