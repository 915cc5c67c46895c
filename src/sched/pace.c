/* How fast workers are, compared with each other: a node may be many times slower than the others, by a fault of its
 * disk, its memory or its cooling, and nothing else tells of it.
 *
 * A worker's pace at a stage is the geometric mean, over its reports, of how long a task took: so one task that took a
 * hundred times as long as the others counts for little. It is compared with the geometric mean of the other workers'
 * paces: a sum is kept, since there may be 10^5 workers, and is brought up to date after some reports at a time, so
 * that most cost no logarithm. Tasks that take long are neighbours, but grants of neighbours go to all workers in turn.
 */
#include "sched/state.h"

#include <math.h>
#include <string.h>

enum { BLOCK = 8 /* reports of a worker that are counted together */ };

#define LOG_SLOW         1.6 /* five times as long as elsewhere */
#define MEASURED_SECONDS 3.0 /* of work in one slot: what takes less may be slow for a moment */

static double mean_log(const pace *p) {
    return p->logs / (double)p->reports;
}

static void make_room(const tf_sched *s, stage *st) {
    st->pace = tf_realloc_array(st->pace, (size_t)s->workers, sizeof *st->pace);
    memset(st->pace + st->paces, 0, (size_t)(s->workers - st->paces) * sizeof *st->pace);
    st->paces = s->workers;
}

/* Counts the worker's last reports; its part of the stage's sum follows. */
static void count_block(stage *st, pace *p) {
    const double before = p->reports > 0 ? mean_log(p) : 0;
    p->uncounted = 0;
    if (!isnormal(p->product)) /* these times can't be true */
        return;
    st->pace_count += p->reports == 0;
    p->logs += log(p->product);
    p->reports += BLOCK;
    st->pace_sum += mean_log(p) - before;
}

static double compare(worker *w, const stage *st, const pace *p) {
    if (p->reports == 0 || p->seconds < MEASURED_SECONDS || st->pace_count < 2)
        return 0;
    const double others = (st->pace_sum - mean_log(p)) / (double)(st->pace_count - 1);
    w->is_slow = mean_log(p) - others >= LOG_SLOW;
    return w->is_slow ? exp(mean_log(p) - others) : 0;
}

double pace_add(tf_sched *s, int worker_id, int stage_id, int64_t count, double seconds) {
    stage *st = &s->stage[stage_id];
    worker *w = &s->worker[worker_id];
    if (w->is_slow || s->up < 2 || !(seconds > 0))
        return 0;
    if (st->paces < s->workers)
        make_room(s, st);
    pace *p = &st->pace[worker_id];
    const double task = seconds / (double)count;
    p->seconds += seconds;
    p->product = p->uncounted == 0 ? task : p->product * task;
    if (++p->uncounted < BLOCK)
        return 0;
    count_block(st, p);
    return compare(w, st, p);
}
