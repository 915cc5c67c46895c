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
    int64_t count, missing; /* numbers, and what is none */
    double sum;
    int64_t bin[FIGURE_BINS];
} histogram;

/* Of tasks that are done, or have ended (`ended`). false: there are no numbers, or an error. */
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
    double seconds; /* of all */
    int64_t tasks;  /* of which it is known when they ran */
    int64_t slots;  /* of the run that had most */
    int lanes, per_lane;
    int *worker, *slot; /* per lane, of its first */
    int bars;           /* all tasks, if they are few; else none: */
    bar *bar;           /* otherwise the bins say it */
    float *busy;        /* lanes x TIME_BINS: tasks under way */
    uint8_t *kind;      /* likewise: the stage that most of it is, and FAILED_BIT if a task failed */
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

/* Each task that is known to have been run, stage after stage; before them the workers that there are. */
typedef void on_worker(void *context, int worker);
typedef void on_bar(void *context, const bar *bar, int worker, int slot);
tf_err each_bar(const tf_recalled *from, on_worker *visit_worker, on_bar *visit_bar, void *context, tf_error *error);

tf_err timeline_of(const tf_recalled *from, timeline *out, tf_error *error);
void timeline_free(timeline *t);

#endif
