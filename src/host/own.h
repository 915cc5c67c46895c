/* Is this the process in which a function was called? A function that forks may let its child return, which would go on
 * with the host's work: over the same rows, for the same rank. A page that the kernel clears in children tells, for the
 * price of reading it. */
#ifndef TF_HOST_OWN_H
#define TF_HOST_OWN_H

#include "base/base.h"

const uint8_t *own_mark_new(void);
void own_mark_free(const uint8_t *mark);

/* In a child of the host's process: says what has happened, and ends the child. */
_Noreturn void own_end_child(const char *stage, const char *function);

/* To be called whenever a function of the user has returned. */
static inline void own_check(const uint8_t *mark, const char *stage, const char *function) {
    if (__builtin_expect(*mark == 0, 0))
        own_end_child(stage, function);
}

#endif
