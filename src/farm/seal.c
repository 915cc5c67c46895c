/* SipHash-2-4: words of eight bytes are mixed into a state of four, by two rounds each, and by four at the end. The
 * last word has what is left of the bytes, and how many there were. Words are little-endian. */
#include "farm/seal.h"

enum { WORD = sizeof(uint64_t), ROUNDS = 2, LAST_ROUNDS = 4 };

typedef struct state {
    uint64_t v0, v1, v2, v3;
} state;

static uint64_t rotate(uint64_t word, int bits) {
    return word << bits | word >> (64 - bits);
}

static void mix(state *s, int rounds) {
    for (int round = 0; round < rounds; round++) {
        s->v0 += s->v1;
        s->v2 += s->v3;
        s->v1 = rotate(s->v1, 13) ^ s->v0;
        s->v3 = rotate(s->v3, 16) ^ s->v2;
        s->v0 = rotate(s->v0, 32) + s->v3;
        s->v2 += s->v1;
        s->v1 = rotate(s->v1, 17) ^ s->v2;
        s->v3 = rotate(s->v3, 21) ^ s->v0;
        s->v2 = rotate(s->v2, 32);
    }
}

static void add_word(state *s, uint64_t word) {
    s->v3 ^= word;
    mix(s, ROUNDS);
    s->v0 ^= word;
}

static uint64_t read_word(const uint8_t *bytes, size_t count) {
    uint64_t word = 0;
    for (size_t i = 0; i < count; i++)
        word |= (uint64_t)bytes[i] << (8 * i);
    return word;
}

uint64_t seal_of(const seal_key *key, const void *bytes, size_t size) {
    const uint8_t *from = bytes;
    const uint64_t *k = key->word;
    state s = {.v0 = k[0] ^ 0x736f6d6570736575,
               .v1 = k[1] ^ 0x646f72616e646f6d,
               .v2 = k[0] ^ 0x6c7967656e657261,
               .v3 = k[1] ^ 0x7465646279746573};
    size_t at = 0;
    for (; at + WORD <= size; at += WORD)
        add_word(&s, read_word(from + at, WORD));
    add_word(&s, read_word(from + at, size - at) | (uint64_t)size << 56);
    s.v2 ^= 0xff;
    mix(&s, LAST_ROUNDS);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
