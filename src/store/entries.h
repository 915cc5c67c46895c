/* Blobs of side files by task: of each task and kind the one that counts. */
#ifndef TF_STORE_ENTRIES_H
#define TF_STORE_ENTRIES_H

#include "base/base.h"

typedef struct entry {
    int64_t index;
    int64_t order;     /* the highest of a task counts: the last blob of its last attempt */
    const char *bytes; /* in the mapped side file */
    int64_t length;
    int64_t offset; /* in the byte heap */
} entry;

/* All blobs of one kind. */
typedef struct entries {
    entry *items;
    size_t count, capacity;
} entries;

/* Adds a record, the `position`-th of all. Entries are in no order then. */
void entries_add(entries *list, const tf_record *record, int64_t position);

/* Sorts entries by task, and keeps one of each. */
void entries_settle(entries *list);

/* The first of task `index` or a later one, of settled entries. */
size_t entries_from(const entries *list, int64_t index);

#endif
