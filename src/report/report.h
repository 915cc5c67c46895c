/* What an output holds, told: status, tasks, tables, pages.
 *
 * Process: verbs that read, and the first rank for the failures of its summary; without MPI. Texts of tasks reach
 * terminals and pages with their control characters made visible. */
#ifndef TF_REPORT_H
#define TF_REPORT_H

#include <stdio.h>

#include "store/read/read.h"

typedef enum tf_status_style { TF_STATUS_TEXT, TF_STATUS_JSON, TF_STATUS_JSON_LINE } tf_status_style;

/* Tells how far the campaign is whose output is `path`, by its heartbeat if it runs. Sets whether it does. */
tf_err tf_report_status(FILE *out, const char *path, tf_status_style style, bool *running, tf_error *error);

/* ---- What an output holds ---- */

/* An output that is read, and the campaign that made it as far as it is known: from it come parameters that are not
 * stored, and command lines. */
typedef struct tf_recalled {
    tf_reader *reader;
    const tf_campaign *campaign; /* NULL: it is not known */
    const char *why;             /* why the campaign is not known */
    const char *unopened;        /* what was not opened for it, for want of trust; NULL: there is nothing */
    const tf_load_options *with; /* how it is made of the manifest in the output; NULL: not told */
} tf_recalled;

/* A stage of the output as the campaign has it; NULL if it is not known, or its tasks have other parameters now. */
const tf_stage_spec *tf_recalled_stage(const tf_recalled *from, int stage);

/* Prints the lines of a text, each indented so many steps. */
void tf_report_lines(FILE *out, int steps, const char *text, size_t length);

/* Prints all that is known of a task. */
tf_err tf_report_show(FILE *out, const tf_recalled *from, int stage, int64_t index, bool json, tf_error *error);

/* Formats that are no tables use `path` alone. */
typedef struct tf_export_options {
    const char *path; /* of the output */
    int stage;
    const char *columns; /* names, with commas between; NULL: index, status, parameters and results */
    const char *where;   /* an expression of a task's fields; NULL: all tasks */
    const char *sort;    /* names of columns, see order_new; NULL: by index */
    bool safe;           /* CSV in which spreadsheets find no formulas */
} tf_export_options;

/* What an output may be written as. */
typedef struct tf_format {
    const char *name;
    const char *suffix; /* of the file that `report` writes; NULL: the format is one of `export` */
    bool is_table; /* It has a line for each task of one stage, and takes the same memory for any number of them. Other
                    * formats tell of the whole output. */
    bool reopens;  /* it opens the output itself, which must not be open then */
    tf_err (*write)(FILE *out, const tf_recalled *from, const tf_export_options *options, tf_error *error);
} tf_format;

/* The tables (export_formats.c, report_formats.c). The last row has no name. The first format is the default. */
const tf_format *tf_export_formats(void);
const tf_format *tf_report_formats(void);

#endif
