/* What the files of this folder share of the slots. */
#ifndef TF_SLOTS_INNER_H
#define TF_SLOTS_INNER_H

#include "slots/slots.h"

/* The rank's own finder of files. */
tf_files *slots_files(tf_slots *slots);

#endif
