/* A group's key is a run of bytes whose order is that of the values: numbers with the highest byte first and the sign
 * turned round, strings with a NUL behind. */
#include "reduce/rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint64_t word_of(const value_source *s, int64_t i) {
    const void *cells = s->cells;
    const uint64_t sign = UINT64_C(1) << 63;
    switch (s->cell) {
    case TF_BOOL:
    case TF_UINT8: return ((const uint8_t *)cells)[i] ^ (s->cell == TF_BOOL ? 0 : sign);
    case TF_INT8: return (uint64_t)((const int8_t *)cells)[i] ^ sign;
    case TF_INT16: return (uint64_t)((const int16_t *)cells)[i] ^ sign;
    case TF_INT32: return (uint64_t)((const int32_t *)cells)[i] ^ sign;
    case TF_INT64: return (uint64_t)((const int64_t *)cells)[i] ^ sign;
    case TF_UINT16: return ((const uint16_t *)cells)[i] ^ sign;
    case TF_UINT32: return ((const uint32_t *)cells)[i] ^ sign;
    case TF_UINT64: return ((const uint64_t *)cells)[i];
    default: return isnan(((const double *)cells)[i]) ? UINT64_MAX : tf_order_of(((const double *)cells)[i]);
    }
}

void key_build(const reducing *r, const cursor *c, int64_t i, tf_buf *out) {
    tf_buf_clear(out);
    for (int k = 0; k < r->spec->keys; k++) {
        const value_source *s = &r->rows->source[r->spec->key[k]];
        if (s->cell == TF_STRING) {
            size_t length;
            const char *text = value_string(r, s, c, i, &length);
            tf_buf_add(out, text, length);
            tf_buf_addc(out, '\0');
            continue;
        }
        uint64_t word = word_of(s, value_cell(r, s, c, i));
        for (int shift = 56; shift >= 0; shift -= 8)
            tf_buf_addc(out, (char)(word >> shift & 0xff));
    }
}

/* Returns where a key of a group begins. */
static const char *find_key(const reducing *r, int64_t group, int key) {
    const char *at = r->keys.data + r->key_at[group];
    for (int k = 0; k < key; k++)
        at += reduce_value_of(r, r->spec->key[k]).type == TF_STRING ? strlen(at) + 1 : 8;
    return at;
}

const char *reduce_key_text(const reducing *r, int64_t group, int key) {
    return find_key(r, group, key);
}

uint64_t reduce_key_word(const reducing *r, int64_t group, int key) {
    const unsigned char *at = (const unsigned char *)find_key(r, group, key);
    tf_type type = reduce_value_of(r, r->spec->key[key]).type;
    uint64_t word = 0;
    for (int b = 0; b < 8; b++)
        word = word << 8 | at[b];
    if (tf_type_is_float(type)) {
        double number = word == UINT64_MAX ? NAN : tf_order_value(word);
        memcpy(&word, &number, sizeof word);
        return word;
    }
    return type == TF_BOOL || type == TF_UINT64 ? word : word ^ UINT64_C(1) << 63;
}

/* ---- Lists of keys ---- */

static int compare_keys(const void *a, const void *b) {
    const group_key *x = a, *y = b;
    int order = memcmp(x->bytes, y->bytes, x->length < y->length ? x->length : y->length);
    return order ? order : x->length < y->length ? -1 : x->length > y->length;
}

void key_append(tf_buf *keys, const group_key *k) {
    tf_buf_add(keys, &k->length, sizeof k->length);
    tf_buf_add(keys, k->bytes, k->length);
}

bool key_next(const tf_buf *keys, size_t *at, group_key *k) {
    if (*at == keys->length)
        return false;
    memcpy(&k->length, keys->data + *at, sizeof k->length);
    k->bytes = keys->data + *at + sizeof k->length;
    *at += sizeof k->length + k->length;
    return true;
}

void keys_sort(const tf_buf *keys, size_t count, tf_buf *sorted) {
    group_key *list = tf_alloc_array(count, sizeof *list);
    size_t n = 0;
    for (size_t at = 0; key_next(keys, &at, &list[n]); n++)
        ;
    if (count)
        qsort(list, count, sizeof *list, compare_keys);
    for (size_t i = 0; i < count; i++)
        key_append(sorted, &list[i]);
    free(list);
}

void keys_merge(void *context, const tf_buf *part) {
    tf_buf *all = context, merged = {0};
    size_t at = 0, part_at = 0;
    group_key a = {0}, b = {0};
    bool more_a = key_next(all, &at, &a), more_b = key_next(part, &part_at, &b);
    while (more_a || more_b) {
        const int order = !more_b ? -1 : !more_a ? 1 : compare_keys(&a, &b);
        key_append(&merged, order <= 0 ? &a : &b);
        more_a = order <= 0 ? key_next(all, &at, &a) : more_a;
        more_b = order >= 0 ? key_next(part, &part_at, &b) : more_b;
    }
    tf_buf_free(all);
    *all = merged;
}
