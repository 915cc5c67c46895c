/* What a run says to people: progress while it goes on, a summary at its end. */
#ifndef TF_REPORT_H
#define TF_REPORT_H

#include <stdio.h>

#include "farm/farm.h"

/* ---- Progress ---- */

typedef enum tf_progress_style {
    TF_PROGRESS_AUTO,  /* a bar on a terminal, else lines */
    TF_PROGRESS_BAR,   /* one line, redrawn in place */
    TF_PROGRESS_PLAIN, /* a line now and then, at growing intervals */
    TF_PROGRESS_NONE
} tf_progress_style;

typedef struct tf_progress tf_progress;

/* `out` stays the caller's; stderr as a rule. */
tf_progress *tf_progress_new(tf_progress_style style, FILE *out);

/* May be called as often as one likes. `elapsed` in the argument is the only clock. */
void tf_progress_update(tf_progress *progress, const tf_farm_progress *now);

/* A line of its own, whatever the style. */
void tf_progress_warn(tf_progress *progress, const char *text);

/* Takes the bar away, so that other text can follow. */
void tf_progress_free(tf_progress *progress);

/* ---- Summary ---- */

/* What became of the tasks, how long it took, and the first few failures. */
void tf_report_summary(FILE *out, const tf_campaign *campaign, const tf_farm_result *result);

#endif
