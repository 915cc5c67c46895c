/* Tasks by their parameters. */
#ifndef TF_REPORT_FIND_H
#define TF_REPORT_FIND_H

#include "report/view.h"

enum { FIND_SHOWN = 20 };

typedef struct found {
    int64_t count;             /* tasks that have the parameters */
    int64_t index[FIND_SHOWN]; /* the first of these */
    int64_t nearest;           /* the first of those that come nearest, where none has them; -1: no task is known */
    int64_t unknown;           /* tasks of which nothing tells what parameters they have */
} found;

/* Finds the tasks of a view that have all of "a=0.3, b=R". Numbers are compared as numbers, of 12 digits if they are no
 * integers, texts by their bytes. A text may hold commas. */
tf_err find_tasks(view *v, const char *wanted, found *out, tf_error *error);

/* Adds a task as it is named: "fit[3] (a=0.3, b=R)". */
void find_add_task(view *v, const char *stage, int64_t index, tf_buf *out);

/* Prints the first of several tasks that have the parameters: an index, a status and parameters each. */
void find_print(FILE *out, view *v, const char *stage, const found *tasks, bool json);

#endif
