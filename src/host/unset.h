/* Columns that a batch function leaves as they are. It writes into arrays, so nobody notes what it sets: its floats are
 * a NaN before that no computation makes, which is looked for afterwards. Integers have no such value. Of a row of
 * several elements the first is marked: it is unset if that is as it was and the others are NaN. */
#ifndef TF_HOST_UNSET_H
#define TF_HOST_UNSET_H

#include "batch/batch.h"

/* Marks all rows of columns that must be set. `columns` are located at row 0. */
void unset_mark(const batch_columns *columns, const tf_stage_spec *stage, int64_t row, int64_t count);

typedef void unset_found(void *context, int64_t row, const tf_column_spec *column);

/* Tells of those that are marked still, unless nobody wants to know (NULL), and leaves no mark. */
void unset_find(const batch_columns *columns, const tf_stage_spec *stage, int64_t row, int64_t count,
                unset_found *found, void *context);

#endif
