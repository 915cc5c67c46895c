/* What the report draws, counted over all tasks: nothing is sampled. */
#ifndef TF_REPORT_FIGURES_H
#define TF_REPORT_FIGURES_H

#include "report/view.h"

enum { FIGURE_BINS = 48, TIME_BINS = 1000, MOST_LANES = 160, MOST_BARS = 4000, MOST_SLOW = 10 };

/* How the values of a field are spread: bins of equal width from `low` to `high`, in the logarithm if `log`. */
typedef struct histogram {
    const char *name, *unit;
    bool log;
    double low, high;
    int64_t count;   /* finite numbers */
    int64_t missing; /* values that are none */
    double sum;
    int64_t bin[FIGURE_BINS];
} histogram;

/* The histogram of tasks that are done, or of all that have ended (`ended`). false: there are no numbers, or there is
 * an error. */
bool histogram_of(view *v, int field, bool ended, histogram *out, tf_error *error);

/* One task in time; seconds since the campaign began, without those between its runs. */
typedef struct bar {
    int lane, stage;
    uint8_t status;
    int64_t index;
    double start, end;
} bar;

/* When slots were at work. A lane is a slot of a worker; of many each is several slots. A task that took several slots
 * is on the lane of the one that ran it. */
typedef struct timeline {
    double seconds;     /* that all runs took together */
    int64_t tasks;      /* how many it is known of when they ran */
    int64_t slots;      /* of the run that had most */
    int lanes;          /* number of lanes */
    int per_lane;       /* slots that a lane stands for */
    int *worker, *slot; /* per lane: the first of its slots */
    int bars;           /* one for each task if there are few; else 0 */
    bar *bar;           /* these bars */
    float *busy;        /* lanes x TIME_BINS: tasks under way */
    uint8_t *kind;      /* lanes x TIME_BINS: the stage that has most of it, and FAILED_BIT if a task failed */
    int stages;
    float *use; /* stages x TIME_BINS: slots at work */
    struct stage_time {
        int64_t tasks;
        double seconds; /* that they took */
    } * spent;          /* per stage */
    int slow;
    bar slowest[MOST_SLOW];
} timeline;

enum { FAILED_BIT = 0x80 };

/* Visits all workers, then each task of which it is known when it ran, stage after stage. */
typedef void on_worker(void *context, int worker);
typedef void on_bar(void *context, const bar *bar, int worker, int slot);
tf_err each_bar(const tf_recalled *from, on_worker *visit_worker, on_bar *visit_bar, void *context, tf_error *error);

tf_err timeline_of(const tf_recalled *from, timeline *out, tf_error *error);
void timeline_free(timeline *t);

#endif
