/* The descriptors that a rank needs for its slots. */
#ifndef TF_SLOTS_DESCRIPTORS_H
#define TF_SLOTS_DESCRIPTORS_H

#include "base/base.h"

/* As tf_slots_check_descriptors, and lets this process have them. `*before` is the soft limit that there was, for
 * descriptors_lower; 0 after an error. */
tf_err descriptors_raise(int slots, uint64_t *before, tf_error *error);
void descriptors_lower(uint64_t before);

#endif
