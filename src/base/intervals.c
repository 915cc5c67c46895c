/* Sets of task indices. A campaign of 10^9 tasks is a handful of these, so a sorted array with binary search does:
 * what costs is the number of intervals, which is the number of grants under way. */
#include "base/base.h"

#include <stdlib.h>
#include <string.h>

/* The first interval that ends after `value`; `count` if there is none. */
static size_t first_ending_after(const tf_intervals *set, int64_t value) {
    size_t low = 0, high = set->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (set->items[middle].end > value)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Makes room for `size` items. */
static void make_room(tf_intervals *set, size_t size) {
    size_t taken = set->block ? (size_t)(set->items - set->block) : 0;
    if (taken + size <= set->capacity)
        return;
    if (set->count && taken)
        memmove(set->block, set->items, set->count * sizeof *set->items);
    if (2 * size > set->capacity) { /* else the space of those taken will do for a while */
        set->capacity = size < 8 ? 8 : 2 * size;
        set->block = tf_realloc_array(set->block, set->capacity, sizeof *set->items);
    }
    set->items = set->block;
}

/* Replaces items [from, to) by `count` new ones. */
static void splice(tf_intervals *set, size_t from, size_t to, const tf_interval *items, size_t count) {
    size_t size = set->count - (to - from) + count;
    make_room(set, size);
    if (set->count > to)
        memmove(set->items + from + count, set->items + to, (set->count - to) * sizeof *items);
    if (count)
        memcpy(set->items + from, items, count * sizeof *items);
    set->count = size;
}

void tf_intervals_add(tf_intervals *set, int64_t first, int64_t end) {
    if (first >= end)
        return;
    size_t from = first_ending_after(set, first);
    if (from > 0 && set->items[from - 1].end == first)
        from--; /* touches the one before */
    tf_interval merged = {first, end};
    size_t to = from;
    int64_t replaced = 0;
    for (; to < set->count && set->items[to].first <= end; to++) {
        tf_interval item = set->items[to];
        replaced += item.end - item.first;
        merged.first = item.first < merged.first ? item.first : merged.first;
        merged.end = item.end > merged.end ? item.end : merged.end;
    }
    splice(set, from, to, &merged, 1);
    set->total += merged.end - merged.first - replaced;
}

void tf_intervals_remove(tf_intervals *set, int64_t first, int64_t end) {
    if (first >= end)
        return;
    size_t from = first_ending_after(set, first);
    size_t to = from;
    tf_interval left[2];
    size_t count = 0;
    for (; to < set->count && set->items[to].first < end; to++) {
        tf_interval item = set->items[to];
        set->total -= item.end - item.first;
        if (item.first < first)
            left[count++] = (tf_interval){item.first, first};
        if (item.end > end)
            left[count++] = (tf_interval){end, item.end};
    }
    for (size_t i = 0; i < count; i++)
        set->total += left[i].end - left[i].first;
    if (to > from)
        splice(set, from, to, left, count);
}

void tf_intervals_add_all(tf_intervals *set, const tf_intervals *other) {
    for (size_t i = 0; i < other->count; i++)
        tf_intervals_add(set, other->items[i].first, other->items[i].end);
}

void tf_intervals_remove_all(tf_intervals *set, const tf_intervals *other) {
    for (size_t i = 0; i < other->count; i++)
        tf_intervals_remove(set, other->items[i].first, other->items[i].end);
}

bool tf_intervals_contain(const tf_intervals *set, int64_t first, int64_t end) {
    if (first >= end)
        return true;
    size_t at = first_ending_after(set, first);
    return at < set->count && set->items[at].first <= first && set->items[at].end >= end;
}

int64_t tf_intervals_same_until(const tf_intervals *set, int64_t first, int64_t end) {
    const size_t n = first_ending_after(set, first);
    if (n == set->count)
        return end;
    const tf_interval *next = &set->items[n];
    const int64_t until = next->first <= first ? next->end : next->first;
    return until < end ? until : end;
}

tf_interval tf_intervals_pop(tf_intervals *set, int64_t most) {
    if (set->count == 0 || most <= 0)
        return (tf_interval){0, 0};
    tf_interval *front = &set->items[0];
    tf_interval taken = *front;
    if (taken.end - taken.first > most) {
        taken.end = taken.first + most;
        front->first = taken.end;
    } else {
        set->items++;
        set->count--;
    }
    set->total -= taken.end - taken.first;
    return taken;
}

bool tf_intervals_next(const tf_intervals *set, int64_t most, tf_interval *piece) {
    size_t at = first_ending_after(set, piece->end);
    if (at == set->count)
        return false;
    tf_interval item = set->items[at];
    piece->first = item.first > piece->end ? item.first : piece->end;
    piece->end = item.end - piece->first > most ? piece->first + most : item.end;
    return true;
}

void tf_intervals_free(tf_intervals *set) {
    free(set->block);
    *set = (tf_intervals){0};
}
