/* Why a task was not run: what left it out, or what it waited for in vain. */
#ifndef TF_REPORT_APART_H
#define TF_REPORT_APART_H

#include "report/view.h"

/* Adds a line for each reason that is known: "where y > 1", "a[3] is failed". `status` is the task's; `spec` is what
 * tf_recalled_stage found, `values` has the view's fields of the task. */
void apart_add_reasons(const tf_recalled *from, const tf_stage_spec *spec, view *v, int stage, int64_t index,
                       uint8_t status, const view_values *values, tf_buf *out);

#endif
