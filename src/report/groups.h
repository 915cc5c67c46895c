/* A reduction of an output, group by group. */
#ifndef TF_REPORT_GROUPS_H
#define TF_REPORT_GROUPS_H

#include "report/view.h"

/* Adds "sq.total by band where x > 0". */
void groups_add_title(const tf_reader *reader, int table, tf_buf *out);

/* Visits the groups of a reduction, some at a time; `values` has one for each field. Those that are not wanted are not
 * read (NULL: all are). */
typedef void on_groups(void *context, const view_values *values, int64_t count);
tf_err groups_each_piece(view *v, const bool *wanted, on_groups *visit, void *context, tf_error *error);

#endif
