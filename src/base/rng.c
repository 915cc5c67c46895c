/* Random streams: Philox4x32-10 keyed by (campaign seed, stage, stream number), counting (block, task index).
 * A task has 2^64 blocks of four 32-bit words, and the index has the other half of the counter to itself. */
#include "base/base.h"

#include <math.h>
#include <string.h>

#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#endif
#include <Random123/philox.h>
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

enum { SEED_STREAM = UINT32_MAX - 1 }; /* stream number of {seed}; plugins' numbers start at 0 */

void tf_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
    philox4x32_ctr_t c = {{counter[0], counter[1], counter[2], counter[3]}};
    philox4x32_key_t k = {{key[0], key[1]}};
    philox4x32_ctr_t r = philox4x32(c, k);
    memcpy(out, r.v, sizeof r.v);
}

uint64_t tf_rng_stage_key(uint64_t seed, const char *stage, uint32_t number) {
    return tf_hash(stage, strlen(stage), tf_hash(&number, sizeof number, seed));
}

tf_rng tf_rng_start(uint64_t key, int64_t index) {
    return (tf_rng){.key = {(uint32_t)key, (uint32_t)(key >> 32)},
                    .counter = {0, 0, (uint32_t)index, (uint32_t)((uint64_t)index >> 32)},
                    .used = 4};
}

tf_rng tf_rng_seeded(uint64_t seed) {
    return tf_rng_start(seed, 0);
}

uint64_t tf_rng_seed_key(uint64_t seed, const char *stage) {
    return tf_rng_stage_key(seed, stage, (uint32_t)SEED_STREAM);
}

uint64_t tf_rng_key_seed(uint64_t key, int64_t index) {
    tf_rng rng = tf_rng_start(key, index);
    return tf_rng_u64(&rng);
}

uint64_t tf_rng_task_seed(uint64_t seed, const char *stage, int64_t index) {
    return tf_rng_key_seed(tf_rng_seed_key(seed, stage), index);
}

uint32_t tf_rng_u32(tf_rng *rng) {
    if (rng->used == 4) {
        tf_philox(rng->counter, rng->key, rng->block);
        rng->used = 0;
        if (++rng->counter[0] == 0)
            ++rng->counter[1];
    }
    return rng->block[rng->used++];
}

uint64_t tf_rng_u64(tf_rng *rng) {
    uint64_t low = tf_rng_u32(rng);
    return low | (uint64_t)tf_rng_u32(rng) << 32;
}

double tf_rng_double(tf_rng *rng) {
    return (double)(tf_rng_u64(rng) >> 11) * 0x1p-53;
}

double tf_rng_normal(tf_rng *rng) {
    if (rng->has_normal) {
        rng->has_normal = 0;
        return rng->normal;
    }
    double radius = sqrt(-2 * log(1 - tf_rng_double(rng))); /* 1 - u is never 0 */
    double angle = 6.283185307179586477 * tf_rng_double(rng);
    rng->normal = radius * sin(angle);
    rng->has_normal = 1;
    return radius * cos(angle);
}

static uint32_t below32(tf_rng *rng, uint32_t n) {
    uint64_t product = (uint64_t)tf_rng_u32(rng) * n;
    if ((uint32_t)product < n) {
        uint32_t threshold = -n % n;
        while ((uint32_t)product < threshold)
            product = (uint64_t)tf_rng_u32(rng) * n;
    }
    return (uint32_t)(product >> 32);
}

uint64_t tf_rng_below(tf_rng *rng, uint64_t n) {
    if (n <= UINT32_MAX)
        return below32(rng, (uint32_t)n);
    __extension__ typedef unsigned __int128 uint128;
    uint128 product = (uint128)tf_rng_u64(rng) * n;
    if ((uint64_t)product < n) {
        uint64_t threshold = -n % n;
        while ((uint64_t)product < threshold)
            product = (uint128)tf_rng_u64(rng) * n;
    }
    return (uint64_t)(product >> 64);
}

void tf_rng_shuffle(tf_rng *rng, void *elements, size_t count, size_t size) {
    char *base = elements;
    char swap[256];
    for (size_t i = count; i > 1; i--) {
        char *a = base + (i - 1) * size;
        char *b = base + tf_rng_below(rng, i) * size;
        for (size_t done = 0; a != b && done < size; done += sizeof swap) {
            size_t part = size - done < sizeof swap ? size - done : sizeof swap;
            memcpy(swap, a + done, part);
            memcpy(a + done, b + done, part);
            memcpy(b + done, swap, part);
        }
    }
}

void tf_rng_bootstrap(tf_rng *rng, uint32_t *indices, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        indices[i] = below32(rng, count);
}
