/* Text that grows; and numbers, sizes and durations as text. */
#ifndef TF_BASE_TEXT_H
#define TF_BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "taskfarm/plugin.h"

/* Bytes that grow, always followed by a NUL that does not count. All zeros is empty; `data` may be NULL then. */
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
void tf_buf_reserve(tf_buf *buf, size_t size); /* makes room for `size` bytes in all */
void tf_buf_clear(tf_buf *buf);                /* keeps the memory */
void tf_buf_free(tf_buf *buf);
const char *tf_buf_text(const tf_buf *buf); /* never NULL */

/* Adds the word with this number, from 0, of a list of `count`: "a, b or c". */
void tf_buf_add_choice(tf_buf *buf, const char *word, int number, int count);

/* Adds a word for the shell, in quotes if it needs them. */
void tf_buf_add_quoted(tf_buf *buf, const char *text);

/* Adds a word that is to be copied from a terminal into a shell: quoted, and visible whatever it holds ($'a\033', which
 * bash, zsh and ksh know). With `one_line` its ends of lines are made visible, too. */
void tf_buf_add_copyable(tf_buf *buf, const char *word, bool one_line);

/* Adds a JSON string. What is no UTF-8 becomes U+FFFD; invisible characters are escaped. */
void tf_buf_add_json(tf_buf *buf, const char *text, size_t length);

/* Adds the shortest decimal text that reads back as the same double. Integers that are not very large have no exponent.
 */
void tf_buf_add_double(tf_buf *buf, double value);

/* The candidate nearest to `name` by edit distance; NULL: none is so near that it was probably meant. */
const char *tf_suggest(const char *name, const char *const *candidates, size_t count);

/* Reads a size in bytes, or with KB, MB, GB, TB (powers of 1024; "K" and "KiB" mean the same): "64KB" is 65536. false:
 * it is none. */
bool tf_parse_size(const char *text, int64_t *bytes);

/* Reads a duration as seconds: "30s", "5m", "1.5h", "2d" or "30". false: it is none, or not positive. */
bool tf_parse_duration(const char *text, double *seconds);

/* Reads a duration as clocks and batch systems write it: "1:30:00" is hours, minutes and seconds, "2-12:00:00" has days
 * before them. false: it is none, or zero. */
bool tf_parse_clock(const char *text, double *seconds);

/* The longest time that anybody may ask for, in seconds: 31 years. */
#define TF_LONGEST_TIME 1000000000

/* Does a number in a text fit a type? */
typedef enum tf_fit {
    TF_FITS,
    TF_TOO_LARGE, /* it is beyond the type's range, on either side */
    TF_NOT_WHOLE, /* it is a fraction, NaN or infinity, and the type is of integers */
    TF_NO_NUMBER  /* the text is no number */
} tf_fit;

/* Reads a whole text as a number and stores it as one element of a numeric type at `out`; if it does not fit, nothing
 * is stored. Numbers are decimal, with a point and an exponent if need be; floats may be "nan", "inf" and "infinity".
 * Integers are exact to the last digit; floats are the nearest to the text. */
tf_fit tf_store_number(tf_type type, const char *text, size_t length, void *out);

/* What stands between a text and the type in a message: "is beyond" or "is no". */
const char *tf_fit_text(tf_fit fit);

/* Is the text a number that fits float64? */
bool tf_is_number(const char *text, size_t length);

/* Is the integer exact as a double? */
bool tf_is_double(int64_t integer);

/* Is the text nothing but digits, with or without a sign? */
bool tf_is_digits(const char *text, size_t length);

/* Read a whole text in the same way. false: it is no such number, or does not fit. Integers have neither a point nor an
 * exponent. */
bool tf_parse_int(const char *text, int64_t *value);
bool tf_parse_uint(const char *text, uint64_t *value);
bool tf_parse_double(const char *text, double *value);

/* Writes a duration for people: "0.8s", "42s", "3m20s", "5h12m", "3d4h". Returns `out`. */
const char *tf_format_duration(double seconds, char out[32]);

/* Writes a count with thousands set apart: "12 345 678". Returns `out`. */
const char *tf_format_count(int64_t count, char out[32]);

/* Writes a size for people, in powers of 1024: "512 bytes", "64 KB", "1.5 GB". Returns `out`. */
const char *tf_format_size(int64_t bytes, char out[32]);

/* Writes a signal for people: "signal 11 (Segmentation fault)". Returns `out`. */
const char *tf_format_signal(int signal, char out[64]);

/* "2026-11-30T10:04:17Z"; s since 1970. Returns `out`. */
const char *tf_format_time(double wall, char out[32]);

/* The offset of the first byte that is not valid UTF-8, or -1. */
int64_t tf_utf8_invalid(const char *text, size_t length);

#endif
