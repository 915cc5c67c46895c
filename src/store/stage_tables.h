/* Which datasets a stage has, in the order in which they are laid out. */
#ifndef TF_STORE_STAGE_TABLES_H
#define TF_STORE_STAGE_TABLES_H

#include "store/state.h"

/* Visits each table of a stage that has been laid out, with its place in the stage's group. */
typedef void table_visit(void *context, const char *folder, const char *name, table *table);
void store_each_table(const tf_store *store, int stage, table_visit *visit, void *context);

/* Lists the stage's datasets that are open. */
void store_list_open(const tf_store *store, int stage, contents_open *open);

/* At most so many datasets are laid out for a stage. */
int store_most_tables(const tf_stage_spec *stage);

/* The arrays that make a row of the stage: up to columns + TASK_TABLES. Returns how many. */
int store_row_parts(const tf_stage_spec *stage, row_part *parts);

/* Bytes that rows and parameters of all stages take in the file; blobs are not counted. */
int64_t store_expected_bytes(const tf_campaign *campaign);

/* The table that a part is. */
static inline const table *store_part_table(const store_stage *stage, const row_part *part) {
    return part->column >= 0 ? &stage->column[part->column] : &stage->task[part->task];
}

#endif
