/* What rank 0 tells all ranks before they begin. */
#ifndef TF_FARM_TERMS_H
#define TF_FARM_TERMS_H

#include <stdbool.h>

/* What ranks do together, and what a rank does for which nobody waits, may take so many times the patience without a
 * sign of life: a slow file system is no lost node. */
#define TOGETHER 10

/* So many times the patience the others wait for rank 0 to begin, since it plans first: an hour, as a rule. */
#define PLANNING 60

/* s for which the master waits beyond the patience: by then a worker that does not hear it has ended what it did. */
#define MARGIN 2.0

/* How long a rank waits for what all do together. Rank 0 speaks for all when it gives up: the others wait a little
 * longer, as the watchman looks every few seconds. */
static inline double limit_together(double patience, int rank) {
    const double later = 6; /* s */
    return TOGETHER * patience + (rank > 0 ? later : 0);
}

typedef struct terms {
    double patience; /* s for which a rank may be silent */
    bool recovers;   /* ranks live on when one of them is lost; else the launcher ends them as soon as it notices */
} terms;

#endif
