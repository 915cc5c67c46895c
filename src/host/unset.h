/* Columns that a batch function has not set. It writes into arrays, so nobody notes what it sets: before the call each
 * float is a NaN that no computation makes, which is looked for afterwards. Integers have no such value. Of a row of
 * several elements the first is marked: the row is unset if that has its mark and the others are NaN. */
#ifndef TF_HOST_UNSET_H
#define TF_HOST_UNSET_H

#include "batch/batch.h"

/* Marks all rows of columns that must be set. `columns` are located at row 0. */
void unset_mark(const batch_columns *columns, const tf_stage_spec *stage, int64_t row, int64_t count);

/* Gets a cell that was not set. */
typedef void unset_found(void *context, int64_t row, const tf_column_spec *column);

/* Calls `found` (NULL: nobody) for each cell that still has its mark, and removes the marks. */
void unset_find(const batch_columns *columns, const tf_stage_spec *stage, int64_t row, int64_t count,
                unset_found *found, void *context);

#endif
