/* Formats of `export` and `report`. A format is a file, and a row of the table in export_formats.c or
 * report_formats.c. */
#ifndef TF_REPORT_EXPORT_H
#define TF_REPORT_EXPORT_H

#include "base/sorter.h"
#include "report/filter.h"
#include "report/order.h"

typedef struct exporter exporter;

/* A table's format: what is added to `text` may be written out on the way. */
typedef struct line_format {
    tf_err (*begin)(exporter *e, tf_buf *text, tf_error *error); /* before the first line; NULL: nothing */
    tf_err (*add_row)(exporter *e, int64_t first, int64_t row, tf_buf *text, tf_error *error); /* task first + row */
} line_format;

enum { EXPORT_INDEX = -1 /* the column of tasks' numbers, which is no field */ };

/* A stage on its way into a table. */
struct exporter {
    view *view;
    const tf_export_options *options;
    const line_format *format;
    FILE *out;
    int columns;
    const int *column;   /* fields, or EXPORT_INDEX */
    view_values *values; /* per column */
    row_filter *filter;  /* NULL: all tasks are wanted */
    row_order *order;    /* NULL: that of the tasks */
    tf_sorter *sorter;   /* keeps the lines until all have come; NULL: they are written as they come */
    tf_buf key;          /* of the row under way */
    tf_arena *arena;
};

/* The field of a column; EXPORT_INDEX of "index". */
tf_err export_find_column(view *v, const char *name, int *field, tf_error *error);

/* Writes the stage's tasks. */
tf_err export_table(FILE *out, const tf_recalled *from, const tf_export_options *options, const line_format *format,
                    tf_error *error);

/* ---- What formats ask for ---- */

const char *export_column_name(const exporter *e, int c);
int64_t export_elements(const exporter *e, int c);

/* Writes the text out if there is much of it: rows may be long. */
tf_err export_put_if_long(exporter *e, tf_buf *text, tf_error *error);

/* ---- The formats, each in its file ---- */

tf_err export_csv(FILE *out, const tf_recalled *from, const tf_export_options *options, tf_error *error);
tf_err export_jsonl(FILE *out, const tf_recalled *from, const tf_export_options *options, tf_error *error);
tf_err export_hdf5(FILE *out, const tf_recalled *from, const tf_export_options *options, tf_error *error);
tf_err export_crate(FILE *out, const tf_recalled *from, const tf_export_options *options, tf_error *error);

/* A self-contained page of all there is to see of the campaign. */
tf_err export_page(FILE *out, const tf_recalled *from, const tf_export_options *options, tf_error *error);

/* The campaign's tasks in time, for Perfetto or chrome://tracing. */
tf_err export_trace(FILE *out, const tf_recalled *from, const tf_export_options *options, tf_error *error);

#endif
