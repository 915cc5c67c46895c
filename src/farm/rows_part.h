/* Parts of rows, and copies: rows that have come back are a slot's again as soon as they have been passed on. */
#ifndef TF_FARM_ROWS_PART_H
#define TF_FARM_ROWS_PART_H

#include "manifest/manifest.h"
#include "rows/rows.h"

typedef struct rows_part {
    int64_t from, count; /* rows */
    tf_arena *arena;     /* that a copy is to be in; NULL: the part borrows from the rows */
} rows_part;

/* The part, but for its blobs, and with the counts of all. `pointers` has room for so many as rows_part_pointers says.
 */
tf_rows rows_part_take(const rows_part *part, const tf_stage_spec *spec, const tf_rows *rows, const void **pointers);
size_t rows_part_pointers(const tf_stage_spec *spec);

/* Adds the blobs of tasks first .. end - 1. */
void rows_part_add_blobs(const tf_rows *rows, int64_t first, int64_t end, tf_buf *out);

#endif
