/* Sizes, durations, counts and signals as people write and read them. */
#include "base/base.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

bool tf_parse_size(const char *text, int64_t *bytes) {
    static const char units[] = "KMGTP";
    char *end;
    double value = strtod(text, &end);
    if (end == text || !isfinite(value) || value < 0)
        return false;
    while (*end == ' ')
        end++;
    const char *unit = *end ? strchr(units, *end) : NULL;
    if (unit) {
        value *= pow(1024, (double)(unit - units + 1));
        end++;
        if (*end == 'i')
            end++;
    }
    if (*end == 'B')
        end++;
    if (*end || value > 9e18)
        return false;
    *bytes = (int64_t)value;
    return true;
}

bool tf_parse_duration(const char *text, double *seconds) {
    static const struct {
        char unit;
        double seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    char *end;
    double value = strtod(text, &end);
    if (end == text || !isfinite(value) || value <= 0 || strchr(" \t\n\v\f\r", *text))
        return false;
    for (size_t i = 0; *end && i < sizeof units / sizeof *units; i++) {
        if (*end == units[i].unit && end[1] == '\0') {
            *seconds = value * units[i].seconds;
            return true;
        }
    }
    *seconds = value;
    return *end == '\0';
}

/* Reads digits, at most `most` of them. Returns the number; -1: there are none, or more. */
static int64_t read_digits(const char **text, int most) {
    int64_t number = 0;
    int digits = 0;
    for (; **text >= '0' && **text <= '9'; ++*text, digits++)
        number = digits < most ? 10 * number + (**text - '0') : -1;
    return digits > 0 && digits <= most ? number : -1;
}

bool tf_parse_clock(const char *text, double *seconds) {
    const char *dash = strchr(text, '-');
    const int64_t days = dash ? read_digits(&text, 6) : 0;
    if (dash && text++ != dash)
        return false;
    const int64_t hours = read_digits(&text, dash ? 2 : 8);
    int64_t of_hour[2]; /* minutes, seconds */
    for (int i = 0; i < 2; i++) {
        const char *from = text + 1;
        if (*text++ != ':' || (of_hour[i] = read_digits(&text, 2)) < 0 || text != from + 2 || of_hour[i] > 59)
            return false;
    }
    if (*text || days < 0 || hours < 0 || (dash && hours > 23))
        return false;
    *seconds = (double)(((days * 24 + hours) * 60 + of_hour[0]) * 60 + of_hour[1]);
    return *seconds > 0;
}

const char *tf_format_duration(double seconds, char out[32]) {
    if (!(seconds < 1e9))
        return strcpy(out, "?");
    int64_t s = (int64_t)(seconds + 0.5);
    if (seconds < 1e-6)
        strcpy(out, "0s");
    else if (seconds < 0.0995)
        snprintf(out, 32, "%.2gms", seconds * 1e3);
    else if (seconds < 0.995)
        snprintf(out, 32, "%.2gs", seconds);
    else if (seconds < 9.95)
        snprintf(out, 32, "%.1fs", seconds);
    else if (s < 60)
        snprintf(out, 32, "%" PRId64 "s", s);
    else if (s < 3600)
        snprintf(out, 32, "%" PRId64 "m%02" PRId64 "s", s / 60, s % 60);
    else if (s < 86400)
        snprintf(out, 32, "%" PRId64 "h%02" PRId64 "m", s / 3600, s / 60 % 60);
    else
        snprintf(out, 32, "%" PRId64 "d%02" PRId64 "h", s / 86400, s / 3600 % 24);
    return out;
}

const char *tf_format_count(int64_t count, char out[32]) {
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRId64, count);
    char *to = out;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0 && digits[i - 1] != '-')
            *to++ = ' ';
        *to++ = digits[i];
    }
    *to = '\0';
    return out;
}

const char *tf_format_size(int64_t bytes, char out[32]) {
    static const char *const units[] = {"bytes", "KB", "MB", "GB", "TB"};
    double value = (double)bytes;
    size_t unit = 0;
    for (; value >= 1024 && unit + 1 < sizeof units / sizeof *units; unit++)
        value /= 1024;
    snprintf(out, 32, "%.4g %s", value, units[unit]);
    return out;
}

const char *tf_format_signal(int signal, char out[64]) {
    const char *name = sigdescr_np(signal);
    snprintf(out, 64, "signal %d (%s)", signal, name ? name : "unknown");
    return out;
}

const char *tf_format_time(double wall, char out[32]) {
    const time_t seconds = (time_t)wall;
    struct tm utc;
    gmtime_r(&seconds, &utc);
    strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return out;
}
