/* Rows of which some have failed and are to be tried again: these are pending, as if they had not been run. */
#ifndef TF_FARM_REOPENED_H
#define TF_FARM_REOPENED_H

#include "base/base.h"
#include "rows/rows.h"

/* Copies, of the rows that were reopened last. All zeros is empty. */
typedef struct reopened {
    tf_buf status, blobs;
} reopened;

/* Where the rows at the end begin that have failed: behind the last that did well. */
int64_t reopened_find_failed(const tf_rows *rows);

/* The rows, of which those from `from` on that have failed are pending, and have no text. What is returned borrows from
 * `rows`, and from `r` until the next call. */
tf_rows reopened_rows(reopened *r, const tf_rows *rows, int64_t from);

void reopened_free(reopened *r);

#endif
