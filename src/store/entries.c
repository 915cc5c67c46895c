/* Which blobs of a task count (see entries.h). */
#include "store/entries.h"

#include <stdlib.h>

#define MOST_RECORDS ((int64_t)1 << 40)

/* As far as they are told apart: more is nonsense. */
static int64_t attempt_of(const tf_record *record) {
    enum { MOST = 1 << 20 };
    return record->attempt < 0 ? 0 : record->attempt > MOST ? MOST : record->attempt;
}

void entries_add(entries *list, const tf_record *record, int64_t position) {
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? 2 * list->capacity : 64;
        list->items = tf_realloc_array(list->items, list->capacity, sizeof *list->items);
    }
    list->items[list->count++] = (entry){.index = record->index,
                                         .order = attempt_of(record) * MOST_RECORDS + position,
                                         .bytes = (const char *)(record + 1),
                                         .length = (int64_t)record->length};
}

static int compare_entries(const void *a, const void *b) {
    const entry *x = a, *y = b;
    if (x->index != y->index)
        return x->index < y->index ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

void entries_settle(entries *list) {
    if (list->count == 0)
        return;
    qsort(list->items, list->count, sizeof *list->items, compare_entries);
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (i + 1 == list->count || list->items[i + 1].index != list->items[i].index)
            list->items[kept++] = list->items[i];
    }
    list->count = kept;
}

size_t entries_from(const entries *list, int64_t index) {
    size_t low = 0, high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list->items[middle].index < index)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
