/* Tasks of a stage of which an expression is true. */
#ifndef TF_REPORT_FILTER_H
#define TF_REPORT_FILTER_H

#include "report/view.h"

typedef struct row_filter row_filter;

/* An expression of the view's fields that are single numbers or texts, of "index", and of "status" as a text. Both must
 * outlive the filter. NULL on failure. */
row_filter *filter_new(view *v, const char *expression, tf_error *error);
void filter_free(row_filter *f);

/* keep[i] becomes whether it is true of task first + i. Returns whether it is of any in `any`. A value that a task has
 * not is no number, or an empty text. */
tf_err filter_rows(row_filter *f, int64_t first, int64_t count, bool *keep, bool *any, tf_error *error);

#endif
