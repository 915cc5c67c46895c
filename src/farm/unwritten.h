/* Rows that could not be written because storage fails: they wait, in the order in which they came. */
#ifndef TF_FARM_UNWRITTEN_H
#define TF_FARM_UNWRITTEN_H

#include "manifest/manifest.h"
#include "rows/rows.h"

typedef struct unwritten_rows {
    tf_rows rows;      /* what it points to is the arena's */
    tf_interval left;  /* tasks of their batch that were not started */
    bool is_of_a_slot; /* else of tasks that are not run */
    tf_arena *arena;
} unwritten_rows;

/* All zeros is empty. */
typedef struct unwritten {
    unwritten_rows *item;
    size_t first, count, capacity; /* items first .. first + count - 1 */
} unwritten;

/* Adds a copy of all that the rows point to. */
void unwritten_add(unwritten *u, const tf_campaign *campaign, const tf_rows *rows, tf_interval left, bool is_of_a_slot);

/* The first one; there must be one. */
const unwritten_rows *unwritten_first(const unwritten *u);
void unwritten_drop_first(unwritten *u);
void unwritten_free(unwritten *u);

#endif
