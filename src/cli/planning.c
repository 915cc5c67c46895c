#include "cli/planning.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/base.h"
#include "base/stillness.h"
#include "base/ticker.h"

struct planning {
    tf_thread_life planner;
    tf_stillness still;
    double limit, interval; /* s */
    int exit_to;            /* an exit status is written there; -1: it is not */
    tf_ticker *ticker;
};

static void end_process(const planning *p) {
    tf_say(
        "reading what the run needs (manifest, files, the output) takes longer than %g s without a sign of life, and "
        "is not waited for any longer (--patience makes that longer); the same command line goes on",
        p->limit);
    tf_note_exit(p->exit_to, TF_ERR_STOPPED);
    _exit(TF_ERR_STOPPED);
}

static void look(const tf_ticker *ticker, void *context) {
    planning *p = context;
    (void)ticker;
    if (tf_stillness_look(&p->still, tf_thread_signs(&p->planner, 0, true), p->interval) > p->limit)
        end_process(p);
}

planning *planning_begin(double limit, const int *exit_to) {
    const double longest = 5;
    planning *p = tf_alloc(sizeof *p);
    *p = (planning){.planner = tf_thread_life_of_this(),
                    .limit = limit,
                    .interval = tf_stillness_interval(limit, longest),
                    .exit_to = exit_to ? *exit_to : -1};
    p->ticker = tf_ticker_start(p->interval, look, p);
    return p;
}

void planning_end(planning *p) {
    if (!p)
        return;
    tf_ticker_end(p->ticker);
    free(p);
}
