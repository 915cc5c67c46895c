/* Backfilling (Lifka 1995, LNCS 949, 295): a worker that is reserved for a task gets others all the same, if they are
 * over long before those that it has to wait for. */
#include "sched/state.h"

#include <math.h>

#define SHARE 0.1 /* such tasks may take this part of the time of those that the worker holds */

/* How long one call takes, of a task or a batch, as far as is known. */
static double call_seconds(const stage *st) {
    return tf_estimate_mean(&st->estimate) * (double)stage_batch(st);
}

/* How long the longest of the tasks that the worker holds takes, in seconds, as far as is known. */
static double longest_held(const tf_sched *s, const worker *w) {
    double longest = 0;
    for (int n = 0; n < s->opens; n++) {
        const tf_estimate *estimate = &s->stage[s->open[n]].estimate;
        if (w->holds[s->open[n]].total > 0 && estimate->seen > 0)
            longest = fmax(longest, call_seconds(&s->stage[s->open[n]]));
    }
    return longest;
}

/* How many of the stage's tasks the worker may have: they run at once, and take no more than `limit` seconds (the
 * backfill limit). Of a stage of which nothing is known a single task is tried. */
static int64_t count_short_tasks(const tf_sched *s, const worker *w, const stage *st, double limit) {
    const bool is_trial = st->estimate.seen == 0 && stage_running(st) == 0;
    if (st->queues == 0 || (!is_trial && call_seconds(st) > limit))
        return 0;
    const int64_t idle = worker_room(s, w, st->class_id) - w->held_of_class[st->class_id];
    return is_trial && idle > 1 ? 1 : idle;
}

backfill backfill_choose(const tf_sched *s, const worker *w) {
    const double limit = SHARE * longest_held(s, w);
    backfill best = {.stage_id = -1};
    for (int n = 0; n < s->opens; n++) {
        const int stage_id = s->open[n];
        const int64_t tasks = count_short_tasks(s, w, &s->stage[stage_id], limit);
        if (tasks > 0 && (best.stage_id < 0 || stage_goes_before(s, stage_id, best.stage_id)))
            best = (backfill){.stage_id = stage_id, .count = tasks};
    }
    return best;
}
