/* Why a task was not run: what left it out, or what it waited for in vain. */
#ifndef TF_REPORT_NOT_RUN_H
#define TF_REPORT_NOT_RUN_H

#include "report/view.h"

/* A task, and what is known of it. */
typedef struct unrun_task {
    const tf_recalled *from;
    const tf_stage_spec *spec; /* what tf_recalled_stage found */
    view *view;
    int stage;
    int64_t index;
    uint8_t status;
    const view_values *values; /* per field of the view; without a field: it could not be read */
} unrun_task;

/* Adds a line for each reason that is known: "where y > 1", "a[3], which is failed". */
void not_run_add_reasons(const unrun_task *task, tf_buf *out);

#endif
