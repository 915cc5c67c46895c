/* What a process has that its functions may change for the tasks after them: what is compared after each batch. How it
 * computes with floats is not in here: that is put back after each task. */
#ifndef TF_HOST_SURROUNDINGS_H
#define TF_HOST_SURROUNDINGS_H

#include <signal.h>
#include <sys/types.h>

#include "base/base.h"

typedef struct surroundings {
    dev_t device; /* of the working folder */
    ino_t inode;
    mode_t umask;
    sigset_t signals; /* blocked ones */
    uint64_t locale, limits, environment;
} surroundings;

void surroundings_read(surroundings *now);

/* In what two differ: bits, 0 if they don't. */
uint32_t surroundings_compare(const surroundings *a, const surroundings *b);

enum { SURROUNDINGS_ALL = 0x3f }; /* the bits that there are */

#endif
