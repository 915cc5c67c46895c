/* What becomes of a run of which a rank is lost while all ranks do something together. */
#ifndef TF_FARM_LOST_TOGETHER_H
#define TF_FARM_LOST_TOGETHER_H

#include "farm/pulses.h"
#include "farm/watchman.h"

typedef struct lost_together {
    watchman *watchman;
    int rank; /* this one */
    double patience;
    const char *output; /* on rank 0, once the output is open: its history notes it. NULL: it can't. Atomic */
    bool tells_node;    /* people are told which node the launcher may wait for */
} lost_together;

/* `lost` is the caller's. */
pulses_ends lost_together_ends(lost_together *lost);

/* From now on the history of this output is there. */
void lost_together_note_in(lost_together *lost, const char *path);

#endif
