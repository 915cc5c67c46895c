/* A spectrophotometric standard of IRAF's onedstds, and the slope of its spectrum. Shared by examples/spectra and
 * examples/bootstrap; measure.py does the same operations in the same order, so that its numbers are the same to the
 * bit. */
#ifndef SPECTRUM_H
#define SPECTRUM_H

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SPECTRUM_MOST = 4096 };

typedef struct spectrum {
    int points;
    double wavelength[SPECTRUM_MOST]; /* angstrom */
    /* The fit's coordinates, with their means subtracted: x = log10 wavelength, y = log10 F_lambda. Magnitudes are of
     * F_nu, and F_lambda = F_nu c / lambda^2, so y = -0.4 magnitude - 2 x, but for a constant. */
    double x[SPECTRUM_MOST], y[SPECTRUM_MOST];
} spectrum;

/* Reads lines of wavelength, magnitude, bandpass width; "# units microns" is heeded. Returns why it can't, or NULL. */
static inline const char *spectrum_read(spectrum *s, const char *path) {
    FILE *file = fopen(path, "r");
    if (!file)
        return strerror(errno);
    char line[256];
    double unit = 1, sum_x = 0, sum_y = 0;
    const char *why = NULL;
    s->points = 0;
    while (!why && fgets(line, sizeof line, file)) {
        double wavelength, magnitude, width;
        char more;
        if (strncmp(line, "# units microns", 15) == 0)
            unit = 1e4;
        if (*line == '#' || line[strspn(line, " \t\r\n")] == '\0')
            continue;
        if (sscanf(line, "%lf %lf %lf %c", &wavelength, &magnitude, &width, &more) != 3 || !(wavelength > 0)) {
            why = "a line is not wavelength, magnitude, width";
        } else if (s->points == SPECTRUM_MOST) {
            why = "too many points";
        } else {
            int i = s->points++;
            s->wavelength[i] = wavelength * unit;
            s->x[i] = log10(s->wavelength[i]);
            s->y[i] = -0.4 * magnitude - 2 * s->x[i];
            sum_x += s->x[i];
            sum_y += s->y[i];
        }
    }
    fclose(file);
    for (int i = 0; i < s->points; i++) {
        s->x[i] -= sum_x / s->points;
        s->y[i] -= sum_y / s->points;
    }
    return why ? why : s->points < 3 ? "fewer than three points" : NULL;
}

/* Sums of a straight-line fit. */
typedef struct line_sums {
    double n, x, y, xx, xy;
} line_sums;

static inline void line_add(line_sums *sums, double x, double y) {
    sums->n += 1;
    sums->x += x;
    sums->y += y;
    sums->xx += x * x;
    sums->xy += x * y;
}

/* The least-squares slope, d log F_lambda / d log lambda. NaN if all x are the same. */
static inline double line_slope(const line_sums *sums) {
    return (sums->n * sums->xy - sums->x * sums->y) / (sums->n * sums->xx - sums->x * sums->x);
}

/* The slope of points chosen by index (NULL: of all points once). */
static inline double spectrum_slope(const spectrum *s, const unsigned int *index) {
    line_sums sums = {0};
    for (int i = 0; i < s->points; i++) {
        int k = index ? (int)index[i] : i;
        line_add(&sums, s->x[k], s->y[k]);
    }
    return line_slope(&sums);
}

/* The slope's standard error: from the scatter about the line. */
static inline double spectrum_slope_error(const spectrum *s, double slope) {
    double squares = 0, xx = 0;
    for (int i = 0; i < s->points; i++) {
        double residual = s->y[i] - slope * s->x[i]; /* the line goes through the means, which are 0 */
        squares += residual * residual;
        xx += s->x[i] * s->x[i];
    }
    return sqrt(squares / (s->points - 2) / xx);
}

static inline int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* A quantile of sorted values, linear between order statistics (Hyndman & Fan 1996, Am. Stat. 50, 361, type 7). */
static inline double quantile(const double *sorted, int count, double q) {
    double at = (count - 1) * q;
    int low = (int)floor(at);
    int high = low + 1 < count ? low + 1 : low;
    return sorted[low] + (at - low) * (sorted[high] - sorted[low]);
}

#endif
