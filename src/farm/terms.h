/* What rank 0 tells all ranks before they begin. */
#ifndef TF_FARM_TERMS_H
#define TF_FARM_TERMS_H

#include <stdbool.h>

/* What ranks do together, and what a rank does for which nobody waits, may take so many times the patience without a
 * sign of life: a slow file system is no lost node. */
#define TOGETHER 10

/* So many times the patience the others wait for rank 0 to begin, since it plans first: an hour, as a rule. */
#define PLANNING 60

typedef struct terms {
    double patience; /* s for which a rank may be silent */
    bool recovers;   /* ranks live on when one of them is lost; else the launcher ends them as soon as it notices */
} terms;

#endif
