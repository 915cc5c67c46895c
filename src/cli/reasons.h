/* Why tasks are run, summed up for people and programs. */
#ifndef TF_CLI_REASONS_H
#define TF_CLI_REASONS_H

#include "campaign/campaign.h"

/* Of some tasks of a stage, by reason. */
typedef struct reason_sums {
    int64_t count[TF_WHYS];
    int64_t first[TF_WHYS]; /* the first task that has it */
} reason_sums;

void reasons_sum_up(const tf_graph *graph, int stage, const tf_intervals *tasks, reason_sums *sums);

const char *reasons_word(tf_why why);    /* in JSON */
const char *reasons_of_many(tf_why why); /* what several tasks do, or are */

/* Says, as a run begins, why tasks that were done run again, but for those that the user forces. */
void reasons_say_again(const tf_loaded *loaded);

#endif
