/* Growing text; and numbers, sizes and durations as text. */
#ifndef TF_BASE_TEXT_H
#define TF_BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "taskfarm/plugin.h"

/* A growing run of bytes, always followed by a NUL that does not count. All zeros is empty; data may be NULL then. */
typedef struct tf_buf {
    char *data;
    size_t length;
    size_t capacity;
} tf_buf;

void tf_buf_add(tf_buf *buf, const void *data, size_t size);
void tf_buf_adds(tf_buf *buf, const char *text);
void tf_buf_addc(tf_buf *buf, char c);
void tf_buf_addf(tf_buf *buf, const char *format, ...) TF_PRINTF(2, 3);
void tf_buf_addv(tf_buf *buf, const char *format, va_list args) TF_PRINTF(2, 0);
void tf_buf_reserve(tf_buf *buf, size_t size); /* room for so many bytes in all */
void tf_buf_clear(tf_buf *buf);                /* keeps the memory */
void tf_buf_free(tf_buf *buf);
const char *tf_buf_text(const tf_buf *buf); /* never NULL */

/* The next of `count` words of a list: "a, b or c". `number` is from 0. */
void tf_buf_add_choice(tf_buf *buf, const char *word, int number, int count);

/* A word for the shell: in quotes, if it needs them. */
void tf_buf_add_quoted(tf_buf *buf, const char *text);

/* A word to be copied from a terminal into a shell: the same, and visible whatever it holds ($'a\033', as bash, zsh and
 * ksh know it); in one line, or with its own ends of lines. */
void tf_buf_add_copyable(tf_buf *buf, const char *word, bool one_line);

/* A JSON string; what is no UTF-8 becomes U+FFFD, what is not seen is escaped. */
void tf_buf_add_json(tf_buf *buf, const char *text, size_t length);

/* The shortest decimal text that reads back as the same double; integral values of modest size without exponent. */
void tf_buf_add_double(tf_buf *buf, double value);

/* The candidate nearest to `name` by edit distance, NULL if none is near enough to be a likely slip. */
const char *tf_suggest(const char *name, const char *const *candidates, size_t count);

/* "64KB" -> 65536: bytes, or KB, MB, GB, TB (powers of 1024; "K" and "KiB" mean the same). false if it is none. */
bool tf_parse_size(const char *text, int64_t *bytes);

/* "30s", "5m", "1.5h", "2d" or "30" -> seconds. false if it is none, or not positive. */
bool tf_parse_duration(const char *text, double *seconds);

/* How a number in a text goes with a type. */
typedef enum tf_fit {
    TF_FITS,
    TF_TOO_LARGE, /* in size: beyond the type's range */
    TF_NOT_WHOLE, /* a fraction, NaN or infinity for an integer */
    TF_NO_NUMBER
} tf_fit;

/* Stores the number that a whole text is as one element of a numeric type at `out`; nothing if it does not fit. Decimal
 * digits with a point and an exponent, and "nan", "inf" and "infinity" for floats. Integers are exact to the last
 * digit, floats the nearest there is. */
tf_fit tf_store_number(tf_type type, const char *text, size_t length, void *out);

/* "is beyond" or "is no": what stands between the text and its type in a message. */
const char *tf_fit_text(tf_fit fit);

/* Would it fit a float64? */
bool tf_is_number(const char *text, size_t length);

/* Is there a double that is this integer? */
bool tf_is_double(int64_t integer);

/* Is the text nothing but digits, with or without a sign? */
bool tf_is_digits(const char *text, size_t length);

/* Whole-text conversions by the same reader; false if anything is left over or the value does not fit. Integers have
 * neither a point nor an exponent. */
bool tf_parse_int(const char *text, int64_t *value);
bool tf_parse_uint(const char *text, uint64_t *value);
bool tf_parse_double(const char *text, double *value);

/* A duration for people: "0.8s", "42s", "3m20s", "5h12m", "3d4h". Returns `out`. */
const char *tf_format_duration(double seconds, char out[32]);

/* A count with thousands set apart: "12 345 678". Returns `out`. */
const char *tf_format_count(int64_t count, char out[32]);

/* A size for people, in powers of 1024: "512 bytes", "64 KB", "1.5 GB". Returns `out`. */
const char *tf_format_size(int64_t bytes, char out[32]);

/* "signal 11 (Segmentation fault)". */
const char *tf_format_signal(int signal, char out[64]);

/* The offset of the first byte that is not valid UTF-8, or -1. */
int64_t tf_utf8_invalid(const char *text, size_t length);

#endif
