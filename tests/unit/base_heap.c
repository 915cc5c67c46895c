/* The heap against sorting. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/base.h"

typedef struct item {
    int64_t key;
    char padding[5];
} item;

static bool before(const void *a, const void *b) {
    return ((const item *)a)->key < ((const item *)b)->key;
}

static int compare(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

Test(heap, gives_back_in_order_what_it_took_in_any) {
    enum { MOST = 300 };
    tf_rng rng = tf_rng_start(7, 0);
    tf_heap heap = {.size = sizeof(item), .before = before};
    for (int count = 0; count <= MOST; count++) {
        int64_t keys[MOST + 1];
        for (int i = 0; i < count; i++) {
            keys[i] = (int64_t)tf_rng_below(&rng, 100);
            tf_heap_add(&heap, &(item){.key = keys[i]});
        }
        qsort(keys, (size_t)count, sizeof *keys, compare);
        for (int i = 0; i < count; i++) {
            item first;
            cr_assert_eq(((const item *)(const void *)heap.items)->key, keys[i]);
            tf_heap_pop(&heap, &first);
            cr_assert_eq(first.key, keys[i]);
        }
        cr_assert_eq(heap.count, 0);
    }
    tf_heap_free(&heap);
}
