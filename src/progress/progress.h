/* What a run says to people: progress while it goes on, a summary at its end; and signs of life for who looks at it
 * from outside.
 *
 * Process: the first rank. Must survive a terminal that is gone: a run goes on unheard. */
#ifndef TF_PROGRESS_H
#define TF_PROGRESS_H

#include <cjson/cJSON.h>
#include <stdio.h>

#include "farm/farm.h"

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

/* Tasks a second, over the last half minute or so; 0: none has ended yet. */
double tf_progress_rate(const tf_progress *progress);

/* Seconds until all tasks have ended at that rate; negative: nobody knows. */
double tf_progress_left(const tf_farm_progress *now, double rate);

/* Takes the bar away, so that other text can follow. */
void tf_progress_free(tf_progress *progress);

/* ---- Signs of life, and who looks for them ---- */

typedef struct tf_heartbeat tf_heartbeat;
tf_heartbeat *tf_heartbeat_new(const tf_campaign *campaign); /* which must outlive it */
void tf_heartbeat_free(tf_heartbeat *heartbeat);

/* May be called as often as one likes. */
void tf_heartbeat_update(tf_heartbeat *heartbeat, const tf_farm_progress *now, double rate);

/* ---- For programs: JSON objects, one a line ---- */

/* All is right, and is about to be run. */
void tf_event_begin(FILE *out);

/* Something that people should know. `about`: a word that says what of. */
void tf_event_say(FILE *out, const char *about, const char *text);

/* What became of a run, without its outcome; to be freed. Without a campaign nothing was run. */
cJSON *tf_event_end(const tf_campaign *campaign, const tf_farm_result *result);

/* Prints an event in a line, and frees it. */
void tf_event_print(FILE *out, cJSON *json);

/* ---- The whole ---- */

/* tf_farm_run with all of these, in place of the callbacks in the options. `events`: where programs are told of
 * progress and warnings; NULL: nowhere. */
tf_err tf_watch_run(const tf_farm_options *farm, tf_progress_style style, FILE *events, tf_farm_result *result,
                    tf_error *error);

/* ---- Summary ---- */

/* What became of the tasks, how long it took, and why tasks failed: by message, the most frequent first. `output` is
 * the output as who reads this may write it. */
void tf_progress_summary(FILE *out, const tf_campaign *campaign, const char *output, const tf_farm_result *result);

/* The reductions of all stages that are finished, as far as there is room for them. The output must be closed. */
void tf_progress_reductions(FILE *out, const tf_campaign *campaign, const char *output);

#endif
