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

/* Tasks a second, over the last half minute or so; 0: none yet. And s until all is done, at that rate; negative: nobody
 * knows. */
double tf_progress_rate(const tf_progress *progress);
double tf_progress_left(const tf_farm_progress *now, double rate);

/* Takes the bar away, so that other text can follow. */
void tf_progress_free(tf_progress *progress);

/* ---- Signs of life, and who looks for them ---- */

typedef struct tf_heartbeat tf_heartbeat;
tf_heartbeat *tf_heartbeat_new(const char *output); /* which must outlive it */
void tf_heartbeat_free(tf_heartbeat *heartbeat);

/* May be called as often as one likes. */
void tf_heartbeat_update(tf_heartbeat *heartbeat, const tf_farm_progress *now, double rate);

/* tf_farm_run with both of these: whoever else the options would have told is not told. */
tf_err tf_watch_run(const tf_farm_options *farm, tf_progress_style style, tf_farm_result *result, tf_error *error);

typedef enum tf_status_style { TF_STATUS_TEXT, TF_STATUS_JSON, TF_STATUS_JSON_LINE } tf_status_style;

/* How far the campaign is whose output is `path`, with what its heartbeat says if it is alive, which is told. */
tf_err tf_report_status(FILE *out, const char *path, tf_status_style style, bool *running, tf_error *error);

/* ---- What an output holds ---- */

/* An output that is read, and the campaign that made it as far as it is known: from it come parameters that are not
 * stored, and command lines. */
typedef struct tf_recalled {
    tf_reader *reader;
    const tf_campaign *campaign; /* NULL: it is not known, */
    const char *why;             /* for this reason */
} tf_recalled;

/* A stage of the output as the campaign has it; NULL if it is not known, or its tasks have other parameters now. */
const tf_stage_spec *tf_recalled_stage(const tf_recalled *from, int stage);

/* Adds the command line of a verb about a task, to be copied: "taskfarm show FILE STAGE INDEX". */
void tf_report_hint(const char *verb, const char *file, const char *stage, int64_t index, tf_buf *out);

/* Each line of a text, a little further in. */
void tf_report_lines(FILE *out, const char *text, size_t length);

/* All that is known of a task. */
tf_err tf_report_show(FILE *out, const tf_recalled *from, int stage, int64_t index, bool json, tf_error *error);

typedef enum tf_export_format { TF_EXPORT_CSV, TF_EXPORT_JSONL } tf_export_format;

typedef struct tf_export_options {
    tf_export_format format;
    const char *columns; /* names, with commas between; NULL: index, status, parameters and results */
    const char *where;   /* an expression of a task's fields; NULL: all tasks */
    bool safe;           /* CSV in which spreadsheets find no formulas */
} tf_export_options;

/* The tasks of a stage, a line each. Takes the same memory for any number of them. */
tf_err tf_report_export(FILE *out, const tf_recalled *from, int stage, const tf_export_options *options,
                        tf_error *error);

/* A self-contained page of all there is to see of the campaign whose output is `path`; and its tasks in time as a trace
 * for Perfetto or chrome://tracing. */
tf_err tf_report_page(FILE *out, const tf_recalled *from, const char *path, tf_error *error);
tf_err tf_report_trace(FILE *out, const tf_recalled *from, tf_error *error);

/* How the output came to be, as the metadata file of an RO-Crate. */
tf_err tf_report_crate(FILE *out, const tf_recalled *from, const char *path, tf_error *error);

/* ---- Summary ---- */

/* What became of the tasks, how long it took, and why tasks failed: by message, the most frequent first. */
void tf_report_summary(FILE *out, const tf_campaign *campaign, const tf_farm_result *result);

#endif
