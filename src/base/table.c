/* Numbers by the hash of a text: open addressing with linear probing, at most three quarters full. */
#include <stdlib.h>
#include <xxhash.h>

#include "base/base.h"

struct tf_table_slot {
    uint64_t hash;
    uint32_t more; /* of the hash */
    uint32_t value;
};

static struct tf_table_slot hash_of(const char *text, size_t length) {
    XXH128_hash_t hash = XXH3_128bits(text, length);
    return (struct tf_table_slot){.hash = hash.low64, .more = (uint32_t)hash.high64, .value = TF_TABLE_NONE};
}

/* The text's slot, or the empty one where it would be. */
static struct tf_table_slot *find(const tf_table *t, const struct tf_table_slot *key) {
    size_t at = key->hash & (t->capacity - 1);
    for (;; at = (at + 1) & (t->capacity - 1)) {
        struct tf_table_slot *slot = &t->slots[at];
        if (slot->value == TF_TABLE_NONE || (slot->hash == key->hash && slot->more == key->more))
            return slot;
    }
}

static void grow(tf_table *t) {
    tf_table old = *t;
    t->capacity = old.capacity ? 2 * old.capacity : 64;
    t->slots = tf_alloc_array(t->capacity, sizeof *t->slots);
    for (size_t i = 0; i < t->capacity; i++)
        t->slots[i].value = TF_TABLE_NONE;
    for (size_t i = 0; i < old.capacity; i++)
        if (old.slots[i].value != TF_TABLE_NONE)
            *find(t, &old.slots[i]) = old.slots[i];
    free(old.slots);
}

uint32_t tf_table_get(const tf_table *t, const char *text, size_t length) {
    if (t->count == 0)
        return TF_TABLE_NONE;
    struct tf_table_slot key = hash_of(text, length);
    return find(t, &key)->value;
}

uint32_t tf_table_add(tf_table *t, const char *text, size_t length, uint32_t value) {
    if (4 * (t->count + 1) > 3 * t->capacity)
        grow(t);
    struct tf_table_slot key = hash_of(text, length), *slot = find(t, &key);
    if (slot->value != TF_TABLE_NONE)
        return slot->value;
    key.value = value;
    *slot = key;
    t->count++;
    return value;
}

void tf_table_free(tf_table *t) {
    free(t->slots);
    *t = (tf_table){0};
}
