/* Hashes are the same on all machines: outputs and campaigns are compared by them. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <xxhash.h>

#include "base/base.h"

Test(hash, is_xxh3_whatever_instructions_it_uses) {
    enum { MOST = 5000 };
    unsigned char bytes[MOST];
    for (int i = 0; i < MOST; i++)
        bytes[i] = (unsigned char)(i * i / 7);
    for (size_t size = 0; size < MOST - 3; size += size < 300 ? 1 : 61)
        for (uint64_t seed = 0; seed < 3; seed++)
            cr_assert_eq(tf_hash(bytes + seed, size, seed), XXH3_64bits_withSeed(bytes + seed, size, seed), "%zu bytes",
                         size);
}

Test(hash, is_what_it_was) {
    cr_expect_eq(tf_hash("", 0, 0), 0x2d06800538d394c2);
    unsigned char *bytes = calloc(100000, 1);
    cr_expect_eq(tf_hash(bytes, 100000, 7), 0x35f42e276902b7b7);
    free(bytes);
}
