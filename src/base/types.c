/* The types of parameters and columns: names, sizes, and storing values into them. */
#include "base/base.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    size_t size;
} types[] = {
    [TF_BOOL] = {"bool", 1},       [TF_INT8] = {"int8", 1},       [TF_INT16] = {"int16", 2},
    [TF_INT32] = {"int32", 4},     [TF_INT64] = {"int64", 8},     [TF_UINT8] = {"uint8", 1},
    [TF_UINT16] = {"uint16", 2},   [TF_UINT32] = {"uint32", 4},   [TF_UINT64] = {"uint64", 8},
    [TF_FLOAT32] = {"float32", 4}, [TF_FLOAT64] = {"float64", 8}, [TF_STRING] = {"string", 0},
    [TF_BYTES] = {"bytes", 0},
};

const char *tf_type_name(tf_type type) {
    return type == TF_ANY ? "any" : types[type].name;
}

bool tf_type_parse(const char *name, tf_type *type) {
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strcmp(types[i].name, name) == 0) {
            *type = (tf_type)i;
            return true;
        }
    }
    return false;
}

/* What types are called elsewhere. */
static const struct {
    const char *word;
    tf_type type;
    bool is_taken;
} other_words[] = {
    {"int", TF_INT64, true},     {"float", TF_FLOAT64, true},   {"double", TF_FLOAT64, false},
    {"real", TF_FLOAT64, false}, {"number", TF_FLOAT64, false}, {"integer", TF_INT64, false},
    {"long", TF_INT64, false},   {"str", TF_STRING, false},     {"text", TF_STRING, false},
    {"boolean", TF_BOOL, false},
};

bool tf_type_read(const char *word, tf_type *type) {
    for (size_t i = 0; i < sizeof other_words / sizeof *other_words; i++)
        if (other_words[i].is_taken && strcmp(other_words[i].word, word) == 0) {
            *type = other_words[i].type;
            return true;
        }
    return tf_type_parse(word, type);
}

const char *tf_type_suggest(const char *word) {
    for (size_t i = 0; i < sizeof other_words / sizeof *other_words; i++)
        if (strcmp(other_words[i].word, word) == 0)
            return tf_type_name(other_words[i].type);
    const char *names[TF_BYTES + 1];
    for (int t = 0; t <= TF_BYTES; t++)
        names[t] = tf_type_name((tf_type)t);
    return tf_suggest(word, names, TF_BYTES + 1);
}

size_t tf_type_size(tf_type type) {
    return type == TF_ANY ? 0 : types[type].size;
}

bool tf_type_is_float(tf_type type) {
    return type == TF_FLOAT32 || type == TF_FLOAT64;
}

bool tf_type_is_integer(tf_type type) {
    return type >= TF_INT8 && type <= TF_UINT64;
}

/* Stores an integer: `low` if it is negative, else `high`. Together they cover int64 and uint64. */
static bool store_integer(tf_type type, bool negative, int64_t low, uint64_t high, void *out) {
    static const uint64_t most[] = {
        [TF_BOOL] = 1,           [TF_INT8] = INT8_MAX,   [TF_INT16] = INT16_MAX,   [TF_INT32] = INT32_MAX,
        [TF_INT64] = INT64_MAX,  [TF_UINT8] = UINT8_MAX, [TF_UINT16] = UINT16_MAX, [TF_UINT32] = UINT32_MAX,
        [TF_UINT64] = UINT64_MAX};
    static const int64_t least[] = {
        [TF_BOOL] = 0,  [TF_INT8] = INT8_MIN, [TF_INT16] = INT16_MIN, [TF_INT32] = INT32_MIN, [TF_INT64] = INT64_MIN,
        [TF_UINT8] = 0, [TF_UINT16] = 0,      [TF_UINT32] = 0,        [TF_UINT64] = 0};
    if (negative ? low < least[type] : high > most[type])
        return false;
    uint64_t bits = negative ? (uint64_t)low : high;
    switch (tf_type_size(type)) {
    case 1: *(uint8_t *)out = (uint8_t)bits; break;
    case 2: memcpy(out, &(uint16_t){(uint16_t)bits}, 2); break;
    case 4: memcpy(out, &(uint32_t){(uint32_t)bits}, 4); break;
    default: memcpy(out, &bits, 8);
    }
    return true;
}

/* Does the value stay finite as a float? */
static inline bool is_in_float(double value) {
    return !isinf((float)value) || isinf(value);
}

static bool store_float(tf_type type, double value, void *out) {
    if (type == TF_FLOAT32 && !is_in_float(value))
        return false;
    if (type == TF_FLOAT32)
        memcpy(out, &(float){(float)value}, sizeof(float));
    else
        memcpy(out, &value, sizeof value);
    return true;
}

bool tf_store_int(tf_type type, int64_t value, void *out) {
    if (tf_type_size(type) == 0)
        return false;
    if (tf_type_is_float(type))
        return store_float(type, (double)value, out);
    return store_integer(type, value < 0, value, (uint64_t)value, out);
}

bool tf_store_uint(tf_type type, uint64_t value, void *out) {
    if (tf_type_size(type) == 0)
        return false;
    if (tf_type_is_float(type))
        return store_float(type, (double)value, out);
    return store_integer(type, false, 0, value, out);
}

bool tf_store_double(tf_type type, double value, void *out) {
    if (tf_type_size(type) == 0)
        return false;
    if (tf_type_is_float(type))
        return store_float(type, value, out);
    const double least = -9223372036854775808.0, beyond = 18446744073709551616.0; /* -2^63, 2^64 */
    if (!(value == floor(value) && value >= least && value < beyond))
        return false;
    /* cppcheck-suppress floatConversionOverflow ; it takes "< 2^64" for "2^64" */
    return value < 0 ? tf_store_int(type, (int64_t)value, out) : tf_store_uint(type, (uint64_t)value, out);
}

void tf_buf_add_double(tf_buf *buf, double value) {
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    tf_buf_adds(buf, text);
}

void tf_buf_add_number(tf_buf *buf, tf_type type, const void *value) {
    char text[40];
    double number = 0;
    float narrow;
    switch (type) {
    case TF_BOOL: tf_buf_adds(buf, *(const uint8_t *)value ? "true" : "false"); return;
    case TF_INT64: tf_buf_addf(buf, "%lld", (long long)*(const int64_t *)value); return;
    case TF_UINT64: tf_buf_addf(buf, "%llu", (unsigned long long)*(const uint64_t *)value); return;
    case TF_FLOAT32:
        memcpy(&narrow, value, sizeof narrow);
        for (int digits = 6; digits <= 9; digits++) {
            snprintf(text, sizeof text, "%.*g", digits, (double)narrow);
            if (strtof(text, NULL) == narrow)
                break;
        }
        tf_buf_adds(buf, text);
        return;
    default: tf_load_doubles(type, value, 0, 1, &number); tf_buf_add_double(buf, number);
    }
}

int64_t tf_store_doubles(tf_type type, const double *values, int64_t count, void *out) {
    const size_t size = tf_type_size(type);
    if (type == TF_FLOAT64) {
        memcpy(out, values, (size_t)count * size);
        return count;
    }
    int64_t i = 0;
    for (; type == TF_FLOAT32 && i < count && is_in_float(values[i]); i++)
        ((float *)out)[i] = (float)values[i];
    while (i < count && tf_store_double(type, values[i], (char *)out + (size_t)i * size))
        i++;
    return i;
}

void tf_load_doubles(tf_type type, const void *cells, int64_t from, int64_t count, double *out) {
#define CONVERT(c_type)                                                                                                \
    for (int64_t i = 0; i < count; i++)                                                                                \
    out[i] = (double)((const c_type *)cells)[from + i]
    switch (type) {
    case TF_BOOL:
    case TF_UINT8: CONVERT(uint8_t); break;
    case TF_INT8: CONVERT(int8_t); break;
    case TF_INT16: CONVERT(int16_t); break;
    case TF_INT32: CONVERT(int32_t); break;
    case TF_INT64: CONVERT(int64_t); break;
    case TF_UINT16: CONVERT(uint16_t); break;
    case TF_UINT32: CONVERT(uint32_t); break;
    case TF_UINT64: CONVERT(uint64_t); break;
    case TF_FLOAT32: CONVERT(float); break;
    case TF_FLOAT64: memcpy(out, (const double *)cells + from, (size_t)count * sizeof *out); break;
    case TF_STRING:
    case TF_BYTES:
    case TF_ANY: break;
    }
#undef CONVERT
}

void tf_store_absent(tf_type type, int64_t count, void *out) {
    if (type == TF_FLOAT32) {
        for (int64_t i = 0; i < count; i++)
            ((float *)out)[i] = NAN;
    } else if (type == TF_FLOAT64) {
        for (int64_t i = 0; i < count; i++)
            ((double *)out)[i] = NAN;
    } else {
        memset(out, 0, (size_t)count * tf_type_size(type));
    }
}
