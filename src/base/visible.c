/* Text that is not ours, as it may be shown: names, paths, values, and what tasks print or answer may hold escape
 * sequences, which a terminal obeys, and controls that reverse what is read. */
#include "base/base.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- UTF-8 ---- */

int64_t tf_utf8_invalid(const char *text, size_t length) {
    const unsigned char *bytes = (const unsigned char *)text;
    for (size_t i = 0; i < length;) {
        unsigned char lead = bytes[i];
        size_t more = lead < 0x80 ? 0 : lead < 0xC2 ? 9 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : lead < 0xF5 ? 3 : 9;
        if (more > 3 || more >= length - i + (more == 0))
            return (int64_t)i;
        for (size_t k = 1; k <= more; k++)
            if ((bytes[i + k] & 0xC0) != 0x80)
                return (int64_t)i;
        if (more > 1) { /* overlong forms, surrogates, beyond U+10FFFF */
            unsigned char second = bytes[i + 1];
            if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) || (lead == 0xF0 && second < 0x90) ||
                (lead == 0xF4 && second > 0x8F))
                return (int64_t)i;
        }
        i += more + 1;
    }
    return -1;
}

/* ---- Characters that are not seen ---- */

/* Controls of the terminal and of the direction of text, ends of lines that only some programs know, and characters
 * without a width. Joiners (U+200C, U+200D) are not in it: scripts and emoji are written with them. */
static bool is_hidden(uint32_t c) {
    static const struct {
        uint32_t first, last;
    } ranges[] = {{0x00, 0x1F},     {0x7F, 0x9F},     {0xAD, 0xAD},     {0x61C, 0x61C},
                  {0x180E, 0x180E}, {0x200B, 0x200B}, {0x200E, 0x200F}, {0x2028, 0x202E},
                  {0x2060, 0x206F}, {0xFEFF, 0xFEFF}, {0xFFF9, 0xFFFB}, {0xE0000, 0xE0FFF}};
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges && c >= ranges[i].first; i++)
        if (c <= ranges[i].last)
            return true;
    return false;
}

/* The character at the start of valid UTF-8; `size` gets its bytes. */
static uint32_t decode(const char *text, size_t *size) {
    const unsigned char *bytes = (const unsigned char *)text;
    *size = bytes[0] < 0x80 ? 1 : bytes[0] < 0xE0 ? 2 : bytes[0] < 0xF0 ? 3 : 4;
    uint32_t c = *size == 1 ? bytes[0] : bytes[0] & (0x7Fu >> *size);
    for (size_t i = 1; i < *size; i++)
        c = c << 6 | (bytes[i] & 0x3Fu);
    return c;
}

static void add_escaped(tf_buf *out, uint32_t c) {
    if (c == '\n' || c == '\r')
        tf_buf_adds(out, c == '\n' ? "\\n" : "\\r");
    else
        tf_buf_addf(out, c < 0x80 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x", (unsigned)c);
}

static void add_escaped_json(tf_buf *out, uint32_t c) {
    if (c == '"' || c == '\\')
        tf_buf_addf(out, "\\%c", (char)c);
    else if (c == '\n')
        tf_buf_adds(out, "\\n");
    else if (c < 0x10000)
        tf_buf_addf(out, "\\u%04x", (unsigned)c);
    else
        tf_buf_addf(out, "\\u%04x\\u%04x", 0xD800 + (unsigned)((c - 0x10000) >> 10), 0xDC00 + (unsigned)(c & 0x3FF));
}

typedef enum escape {
    ESCAPE_LINE,   /* for people: escapes all that is invisible but tabs */
    ESCAPE_LINES,  /* likewise, but leaves ends of lines, too */
    ESCAPE_STRING, /* escapes what a JSON string must not hold, and what is invisible */
    ESCAPE_JSON    /* escapes what is invisible in JSON; white space between its tokens stays */
} escape;

static bool is_plain(uint32_t c, escape how) {
    switch (how) {
    case ESCAPE_LINE: return c == '\t' || !is_hidden(c);
    case ESCAPE_LINES: return c == '\t' || c == '\n' || !is_hidden(c);
    case ESCAPE_STRING: return c != '"' && c != '\\' && !is_hidden(c);
    case ESCAPE_JSON: return c < 0x20 || !is_hidden(c);
    }
    return false;
}

static void add(tf_buf *out, const char *text, size_t length, escape how) {
    const bool is_json = how == ESCAPE_STRING || how == ESCAPE_JSON;
    while (length > 0) {
        const int64_t bad = tf_utf8_invalid(text, length);
        const size_t sound = bad < 0 ? length : (size_t)bad;
        size_t plain = 0, size;
        for (size_t i = 0; i < sound; i += size) {
            const uint32_t c = decode(text + i, &size);
            if (is_plain(c, how))
                continue;
            tf_buf_add(out, text + plain, i - plain);
            plain = i + size;
            if (is_json)
                add_escaped_json(out, c);
            else
                add_escaped(out, c);
        }
        tf_buf_add(out, text + plain, sound - plain);
        if (bad >= 0 && is_json)
            tf_buf_adds(out, "\xEF\xBF\xBD");
        else if (bad >= 0)
            tf_buf_addf(out, "\\x%02x", (unsigned char)text[sound]);
        text += sound + (bad >= 0);
        length -= sound + (bad >= 0);
    }
}

void tf_buf_add_json(tf_buf *out, const char *text, size_t length) {
    tf_buf_addc(out, '"');
    add(out, text, length, ESCAPE_STRING);
    tf_buf_addc(out, '"');
}

bool tf_is_visible(const char *text, bool one_line) {
    tf_buf shown = {0};
    add(&shown, text, strlen(text), one_line ? ESCAPE_LINE : ESCAPE_LINES);
    const bool same = strcmp(tf_buf_text(&shown), text) == 0;
    tf_buf_free(&shown);
    return same;
}

void tf_buf_add_visible(tf_buf *out, const char *text, size_t length) {
    add(out, text, length, ESCAPE_LINE);
}

void tf_buf_add_visible_lines(tf_buf *out, const char *text, size_t length) {
    add(out, text, length, ESCAPE_LINES);
}

void tf_buf_add_visible_json(tf_buf *out, const char *text) {
    add(out, text, strlen(text), ESCAPE_JSON);
}

/* ---- Formats ---- */

/* A conversion of a format: "%-*.3lld". */
typedef struct conversion {
    bool left, zeros;
    int width, precision; /* precision < 0: none */
    char size;            /* 'l', 'L' of ll, 'z'; 0: none */
    char letter;
} conversion;

static const char *read_number(const char *at, va_list *args, int *number) {
    if (*at == '*') {
        *number = va_arg(*args, int);
        return at + 1;
    }
    for (*number = 0; *at >= '0' && *at <= '9'; at++)
        *number = 10 * *number + (*at - '0');
    return at;
}

/* Reads a conversion. Returns what is behind it. */
static const char *read_conversion(const char *at, va_list *args, conversion *c) {
    *c = (conversion){.precision = -1};
    for (; *at == '-' || *at == '0'; at++) {
        c->left = c->left || *at == '-';
        c->zeros = c->zeros || *at == '0';
    }
    at = read_number(at, args, &c->width);
    c->left = c->left || c->width < 0;
    c->width = abs(c->width);
    if (*at == '.')
        at = read_number(at + 1, args, &c->precision);
    for (; *at == 'l' || *at == 'z'; at++)
        c->size = *at == 'l' && c->size ? 'L' : *at;
    c->letter = *at;
    return at + 1;
}

static void add_text(tf_buf *out, const conversion *c, const char *text, size_t length) {
    tf_buf shown = {0};
    tf_buf_add_visible(&shown, text, length);
    tf_buf_addf(out, "%*s", c->left ? -c->width : c->width, tf_buf_text(&shown));
    tf_buf_free(&shown);
}

/* Adds a number, as text, in a conversion's width. */
static void add_digits(tf_buf *out, const conversion *c, const char *digits) {
    const size_t length = strlen(digits), sign = *digits == '-';
    if (!c->zeros || c->left || (size_t)c->width <= length) {
        add_text(out, c, digits, length);
        return;
    }
    tf_buf_add(out, digits, sign);
    for (size_t i = length; i < (size_t)c->width; i++)
        tf_buf_addc(out, '0');
    tf_buf_adds(out, digits + sign);
}

static long long read_signed(const conversion *c, va_list *args) {
    return c->size == 'L' ? va_arg(*args, long long) : c->size ? va_arg(*args, long) : va_arg(*args, int);
}

static unsigned long long read_unsigned(const conversion *c, va_list *args) {
    return c->size == 'L' ? va_arg(*args, unsigned long long)
           : c->size      ? va_arg(*args, unsigned long)
                          : va_arg(*args, unsigned);
}

static void add_conversion(tf_buf *out, const conversion *c, va_list *args) {
    tf_buf digits = {0};
    const char *text;
    switch (c->letter) {
    case '%': tf_buf_addc(out, '%'); return;
    case 's':
        text = va_arg(*args, const char *);
        add_text(out, c, text, c->precision < 0 ? strlen(text) : strnlen(text, (size_t)c->precision));
        return;
    case 'c': add_text(out, c, &(char){(char)va_arg(*args, int)}, 1); return;
    case 'd':
    case 'i': tf_buf_addf(&digits, "%.*lld", c->precision, read_signed(c, args)); break;
    case 'u': tf_buf_addf(&digits, "%.*llu", c->precision, read_unsigned(c, args)); break;
    case 'x': tf_buf_addf(&digits, "%.*llx", c->precision, read_unsigned(c, args)); break;
    case 'g': tf_buf_addf(&digits, "%.*g", c->precision, va_arg(*args, double)); break;
    case 'f': tf_buf_addf(&digits, "%.*f", c->precision, va_arg(*args, double)); break;
    default: assert(false); /* a conversion that is not among these */
    }
    add_digits(out, c, tf_buf_text(&digits));
    tf_buf_free(&digits);
}

void tf_buf_addv_visible(tf_buf *out, const char *format, va_list args) {
    va_list rest;
    va_copy(rest, args);
    while (*format) {
        const size_t plain = strcspn(format, "%");
        tf_buf_add(out, format, plain);
        format += plain;
        if (*format) {
            conversion c;
            format = read_conversion(format + 1, &rest, &c);
            add_conversion(out, &c, &rest);
        }
    }
    va_end(rest);
}
