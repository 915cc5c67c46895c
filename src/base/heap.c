/* A binary heap of items of one size: none comes before the first. */
#include "base/base.h"

#include <stdlib.h>
#include <string.h>

static char *item_at(const tf_heap *h, size_t at) {
    return h->items + at * h->size;
}

void tf_heap_add(tf_heap *h, const void *item) {
    if (h->count == h->capacity) {
        h->capacity = h->capacity ? 2 * h->capacity : 64;
        h->items = tf_realloc_array(h->items, h->capacity, h->size);
    }
    size_t at = h->count++;
    for (; at > 0 && h->before(item, item_at(h, (at - 1) / 2)); at = (at - 1) / 2)
        memcpy(item_at(h, at), item_at(h, (at - 1) / 2), h->size);
    memcpy(item_at(h, at), item, h->size);
}

void tf_heap_pop(tf_heap *h, void *item) {
    memcpy(item, h->items, h->size);
    const char *last = item_at(h, --h->count);
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < h->count; at = child) {
        if (child + 1 < h->count && h->before(item_at(h, child + 1), item_at(h, child)))
            child++;
        if (!h->before(item_at(h, child), last))
            break;
        memcpy(item_at(h, at), item_at(h, child), h->size);
    }
    memmove(item_at(h, at), last, h->size);
}

void tf_heap_free(tf_heap *h) {
    free(h->items);
    h->items = NULL;
    h->count = h->capacity = 0;
}
