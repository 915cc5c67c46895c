/* Hashes, and the framed, checksummed records of blobs (see base.h). */
#include "base/base.h"

#include <string.h>
#ifdef XXHASH_HAS_DISPATCH
#include <xxh_x86dispatch.h>
#else
#include <xxhash.h>
#endif

/* All rows go through it. On x86 the library itself uses SSE2 alone; the hashes are the same. */
uint64_t tf_hash(const void *data, size_t size, uint64_t seed) {
#ifdef XXHASH_HAS_DISPATCH
    return XXH3_64bits_withSeed_dispatch(data, size, seed);
#else
    return XXH3_64bits_withSeed(data, size, seed);
#endif
}

size_t tf_record_size(size_t length) {
    return sizeof(tf_record) + ((length + 7) & ~(size_t)7);
}

static uint64_t record_check(const tf_record *record, const void *payload) {
    tf_record header = *record;
    header.check = 0;
    return tf_hash(payload, (size_t)record->length, tf_hash(&header, sizeof header, 0));
}

void tf_record_write(void *out, int32_t stage, int64_t index, int32_t kind, int32_t attempt, const void *data,
                     size_t length) {
    tf_record record = {
        .magic = TF_RECORD_MAGIC, .stage = stage, .index = index, .kind = kind, .attempt = attempt, .length = length};
    record.check = record_check(&record, data);
    char *to = out;
    memcpy(to, &record, sizeof record);
    if (length)
        memcpy(to + sizeof record, data, length);
    memset(to + sizeof record + length, 0, tf_record_size(length) - sizeof record - length);
}

const tf_record *tf_record_at(const void *bytes, size_t size) {
    const tf_record *record = bytes;
    if (size < sizeof *record || record->magic != TF_RECORD_MAGIC || record->length > size - sizeof *record ||
        tf_record_size((size_t)record->length) > size)
        return NULL;
    return record_check(record, record + 1) == record->check ? record : NULL;
}
