/* What functions may change in their process for the tasks after them. It is compared after each batch. How the process
 * computes with floats is not part of it: that is restored after each task. */
#ifndef TF_HOST_SURROUNDINGS_H
#define TF_HOST_SURROUNDINGS_H

#include <signal.h>
#include <sys/types.h>

#include "base/base.h"

typedef struct surroundings {
    dev_t device; /* with `inode`: the working folder */
    ino_t inode;
    mode_t umask;
    sigset_t signals;                     /* the blocked signals */
    uint64_t locale, limits, environment; /* hashes */
} surroundings;

void surroundings_read(surroundings *now);

/* What differs, as bits; 0: nothing does. tf_host_name_changes names them. */
uint32_t surroundings_compare(const surroundings *a, const surroundings *b);

enum { SURROUNDINGS_ALL = 0x3f }; /* all bits that surroundings_compare may set */

#endif
