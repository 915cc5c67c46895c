/* Numbers from text, wherever they stand: JSON, a csv file, a command's output, an option. A text is parsed as decimal
 * digits and becomes an integer only if it is one to the last digit, a float only if it is within its range.
 * Nothing passes through a double on its way to an integer. */
#include "base/base.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The parts of a decimal number: the digits from `digits` to `end`, without a point, times 10 to the `exponent`. */
typedef struct decimal {
    const char *text;
    size_t length;
    const char *digits, *end; /* a point may stand between them */
    bool negative;
    bool special;     /* it is nan, inf or infinity */
    int64_t exponent; /* of the last digit */
} decimal;

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_special(const char *text, size_t length) {
    static const char *const names[] = {"nan", "inf", "infinity"};
    if (length == 0 || is_digit(*text))
        return false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i]) == length && strncasecmp(text, names[i], length) == 0)
            return true;
    return false;
}

/* Adds the exponent that a text is. One that is beyond all numbers is cut off at FAR. */
static bool parse_exponent(const char *c, const char *end, int64_t *exponent) {
    enum { FAR = 1000000000 };
    const bool negative = c < end && *c == '-';
    int64_t value = 0;
    c += c < end && (*c == '-' || *c == '+');
    if (c == end)
        return false;
    for (; c < end; c++) {
        if (!is_digit(*c))
            return false;
        value = value < FAR ? 10 * value + (*c - '0') : value;
    }
    *exponent += negative ? -value : value;
    return true;
}

/* false: the text is no decimal number. */
static bool parse_decimal(const char *text, size_t length, decimal *d) {
    const char *c = text, *end = text + length, *point = NULL;
    int64_t digits = 0;
    *d = (decimal){.text = text, .length = length, .negative = length > 0 && *text == '-'};
    c += c < end && (*c == '-' || *c == '+');
    d->special = is_special(c, (size_t)(end - c));
    if (d->special)
        return true;
    d->digits = c;
    for (; c < end && (is_digit(*c) || (*c == '.' && !point)); c++) {
        if (*c == '.')
            point = c;
        else
            digits++;
    }
    d->end = c;
    d->exponent = point ? -(int64_t)(c - point - 1) : 0;
    if (digits == 0)
        return false;
    return c == end || ((*c == 'e' || *c == 'E') && parse_exponent(c + 1, end, &d->exponent));
}

/* Its absolute value as an integer. TF_TOO_LARGE: it is beyond 2^64 - 1; TF_NOT_WHOLE: it is a fraction. */
static tf_fit integer_of(const decimal *d, uint64_t *size) {
    const char *first = d->digits, *last = d->end;
    int64_t exponent = d->exponent;
    *size = 0;
    while (first < last && (*first == '0' || *first == '.'))
        first++;
    for (; last > first && (last[-1] == '0' || last[-1] == '.'); last--)
        exponent += last[-1] == '0';
    if (first == last)
        return TF_FITS;
    if (exponent < 0)
        return TF_NOT_WHOLE;
    for (const char *c = first; c < last; c++)
        if (*c != '.' &&
            (__builtin_mul_overflow(*size, 10, size) || __builtin_add_overflow(*size, (uint64_t)(*c - '0'), size)))
            return TF_TOO_LARGE;
    for (; exponent > 0; exponent--)
        if (__builtin_mul_overflow(*size, 10, size))
            return TF_TOO_LARGE;
    return TF_FITS;
}

/* Stores the nearest float. strtod needs a NUL behind the text, so that it is copied. */
static tf_fit store_nearest(tf_type type, const decimal *d, void *out) {
    char room[64], *copy = d->length < sizeof room ? room : tf_alloc(d->length + 1);
    memcpy(copy, d->text, d->length);
    copy[d->length] = '\0';
    const float narrow = type == TF_FLOAT32 ? strtof(copy, NULL) : 0;
    const double wide = type == TF_FLOAT32 ? (double)narrow : strtod(copy, NULL);
    if (copy != room)
        free(copy);
    if (isinf(wide) && !d->special)
        return TF_TOO_LARGE;
    if (type == TF_FLOAT32)
        memcpy(out, &narrow, sizeof narrow);
    else
        memcpy(out, &wide, sizeof wide);
    return TF_FITS;
}

tf_fit tf_store_number(tf_type type, const char *text, size_t length, void *out) {
    decimal d;
    uint64_t size;
    if (!parse_decimal(text, length, &d) || tf_type_size(type) == 0)
        return TF_NO_NUMBER;
    if (tf_type_is_float(type))
        return store_nearest(type, &d, out);
    if (d.special)
        return TF_NOT_WHOLE;
    const tf_fit fit = integer_of(&d, &size);
    if (fit != TF_FITS)
        return fit;
    const uint64_t lowest = (uint64_t)INT64_MAX + 1; /* of int64, without its sign */
    if (d.negative && size > lowest)
        return TF_TOO_LARGE;
    const bool stored =
        d.negative && size > 0 ? tf_store_int(type, (int64_t)(0 - size), out) : tf_store_uint(type, size, out);
    return stored ? TF_FITS : TF_TOO_LARGE;
}

const char *tf_fit_text(tf_fit fit) {
    return fit == TF_FITS ? "fits" : fit == TF_TOO_LARGE ? "is beyond" : "is no";
}

bool tf_is_number(const char *text, size_t length) {
    enum { SMALL = 300 }; /* digits and exponent of what is far from the ends of double */
    decimal d;
    double number;
    if (!parse_decimal(text, length, &d))
        return false;
    return d.special || (length < SMALL && d.exponent < SMALL - (int64_t)length) ||
           store_nearest(TF_FLOAT64, &d, &number) == TF_FITS;
}

bool tf_is_double(int64_t integer) {
    const double nearest = (double)integer;
    return nearest < 0x1p63 && (int64_t)nearest == integer;
}

bool tf_parse_int(const char *text, int64_t *value) {
    return tf_is_digits(text, strlen(text)) && tf_store_number(TF_INT64, text, strlen(text), value) == TF_FITS;
}

bool tf_parse_uint(const char *text, uint64_t *value) {
    return *text != '-' && tf_is_digits(text, strlen(text)) &&
           tf_store_number(TF_UINT64, text, strlen(text), value) == TF_FITS;
}

bool tf_parse_double(const char *text, double *value) {
    return tf_store_number(TF_FLOAT64, text, strlen(text), value) == TF_FITS;
}

bool tf_is_digits(const char *text, size_t length) {
    size_t i = length > 0 && (*text == '-' || *text == '+');
    if (i == length)
        return false;
    while (i < length && is_digit(text[i]))
        i++;
    return i == length;
}
