/* Services that do not start, and commands that a machine can't start. A service that ended before it had read a task
 * has failed as such, and the task is not to blame: it is run again. When a few starts that follow each other, in any
 * slots, have come to nothing, the stage can't be run here; one is enough if the process itself says that it can't run
 * the stage, as a module that can't be imported. */
#include "slots/inner.h"

#include <stdlib.h>

enum { MOST_STARTS = 3 }; /* in a row that come to nothing */

/* What the host says of why; NULL: nothing. */
static char *copy_why(const batch_map *map) {
    tf_buf why = {0};
    rows_back_why(map, &why);
    return why.data;
}

void starts_count(tf_slots *slots, int stage, const batch_claim *claim, const batch_map *map) {
    start_record *r = &slots->start[stage];
    const bool fails = claim->service & BATCH_SERVICE_FAILS, refuses = claim->service & BATCH_SERVICE_REFUSES;
    if (claim->service & BATCH_SERVICE_READS) {
        r->in_vain = 0;
        r->has_worked = true;
    }
    if (claim->ended > 0 && !r->has_worked) /* commands were started */
        r->in_vain = 0;
    r->in_vain += fails;
    if (fails && !r->refusal)
        r->is_sick = claim->service & BATCH_UNSTARTED;
    if (fails && !r->refusal && (refuses || r->in_vain >= MOST_STARTS))
        r->refusal = copy_why(map);
}

const char *tf_slots_refusal(const tf_slots *slots, int stage) {
    return slots->start[stage].refusal;
}

bool tf_slots_is_sick(const tf_slots *slots, int stage) {
    return slots->start[stage].refusal && slots->start[stage].is_sick;
}

void starts_free(tf_slots *slots) {
    for (int s = 0; s < slots->campaign->stages; s++)
        free(slots->start[s].refusal);
    free(slots->start);
}
