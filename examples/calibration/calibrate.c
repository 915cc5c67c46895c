/* What is done to the frames of a CCD camera:
 *     calibrate bias OUT FRAME...             the master bias: the frames' clipped mean
 *     calibrate flat OUT BIAS FRAME...        the master flat: without bias, each frame over its median, clipped mean
 *     calibrate science OUT BIAS FLAT RAW EXPOSURE     electrons per second
 *     calibrate measure IMAGE STARS           each star's flux, as JSON
 * Outliers, such as cosmic rays, are clipped: values further than 4 sigma from the median of a pixel in all frames,
 * where sigma is 1.4826 times their median absolute deviation (but at least that of counting whole numbers). */
#include <math.h>
#include <string.h>

#include "image.h"

#define GAIN     1.6 /* electrons per count */
#define APERTURE 7.0 /* radius, pixels */
#define SKY_FROM 9.0 /* radii of the ring in which the sky is measured */
#define SKY_TO   14.0
#define SEEING   1.8 /* sigma of a star's image, pixels */
#define CLIP     4.0 /* sigma */

enum { MOST_FRAMES = 1000, MOST_STARS = 1000 };

static int compare(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Sorts the values. */
static float median(float *values, long count) {
    qsort(values, (size_t)count, sizeof *values, compare);
    return count % 2 ? values[count / 2] : 0.5f * (values[count / 2 - 1] + values[count / 2]);
}

/* The mean of what is near the median. `least` is the smallest sigma that makes sense. */
static float clipped_mean(float *values, long count, float least) {
    float off[MOST_FRAMES], middle = median(values, count);
    for (long i = 0; i < count; i++)
        off[i] = fabsf(values[i] - middle);
    float sigma = 1.4826f * median(off, count);
    float limit = (float)CLIP * (sigma > least ? sigma : least);
    double sum = 0;
    long kept = 0;
    for (long i = 0; i < count; i++)
        if (fabsf(values[i] - middle) <= limit) {
            sum += values[i];
            kept++;
        }
    return (float)(sum / (double)kept);
}

static void check_size(const image *a, const image *b, const char *path) {
    if (a->width == b->width && a->height == b->height)
        return;
    fprintf(stderr, "%s: %ld x %ld pixels, expected %ld x %ld\n", path, b->width, b->height, a->width, a->height);
    exit(1);
}

static image combine(const image *frame, int frames, float least) {
    image out = image_new(frame->width, frame->height);
    float values[MOST_FRAMES];
    for (long i = 0; i < out.width * out.height; i++) {
        for (int f = 0; f < frames; f++)
            values[f] = frame[f].pixel[i];
        out.pixel[i] = clipped_mean(values, frames, least);
    }
    return out;
}

/* Over the whole image. */
static float median_of(const image *i) {
    size_t bytes = (size_t)(i->width * i->height) * sizeof *i->pixel;
    float *copy = malloc(bytes);
    if (!copy)
        exit(1);
    memcpy(copy, i->pixel, bytes);
    float middle = median(copy, i->width * i->height);
    free(copy);
    return middle;
}

static image *read_all(int count, char **paths) {
    if (count < 1 || count > MOST_FRAMES) {
        fprintf(stderr, "1 to %d frames, not %d\n", MOST_FRAMES, count);
        exit(2);
    }
    image *frame = calloc((size_t)count, sizeof *frame);
    for (int f = 0; frame && f < count; f++) {
        frame[f] = image_read(paths[f]);
        check_size(&frame[0], &frame[f], paths[f]);
    }
    return frame;
}

static int make_bias(char **argv, int argc) {
    image *frame = read_all(argc - 1, argv + 1);
    image out = combine(frame, argc - 1, 0.3f);
    image_write(&out, argv[0], "count");
    return 0;
}

static int make_flat(char **argv, int argc) {
    image bias = image_read(argv[1]);
    image *frame = read_all(argc - 2, argv + 2);
    check_size(&frame[0], &bias, argv[1]);
    for (int f = 0; f < argc - 2; f++) {
        for (long i = 0; i < bias.width * bias.height; i++)
            frame[f].pixel[i] -= bias.pixel[i];
        float middle = median_of(&frame[f]);
        for (long i = 0; i < bias.width * bias.height; i++)
            frame[f].pixel[i] /= middle;
    }
    image out = combine(frame, argc - 2, 1e-4f);
    image_write(&out, argv[0], "");
    return 0;
}

static int make_science(char **argv) {
    image bias = image_read(argv[1]), flat = image_read(argv[2]), raw = image_read(argv[3]);
    double exposure = atof(argv[4]);
    check_size(&raw, &bias, argv[1]);
    check_size(&raw, &flat, argv[2]);
    if (!(exposure > 0)) {
        fprintf(stderr, "an exposure of %s s makes no sense\n", argv[4]);
        return 2;
    }
    for (long i = 0; i < raw.width * raw.height; i++)
        raw.pixel[i] = (float)((raw.pixel[i] - bias.pixel[i]) / flat.pixel[i] * GAIN / exposure);
    image_write(&raw, argv[0], "electron/s");
    printf("calibrated %s, %g s\n", argv[3], exposure);
    return 0;
}

/* Flux within the aperture, without the sky, and with what lies outside of it; cosmic rays on the star stay in. */
static double measure_star(const image *i, double x, double y) {
    float sky[4000];
    long count = 0;
    double sum = 0, pixels = 0;
    for (long v = (long)(y - SKY_TO); v <= (long)(y + SKY_TO) + 1; v++)
        for (long u = (long)(x - SKY_TO); u <= (long)(x + SKY_TO) + 1; u++) {
            double r = hypot((double)u - x, (double)v - y);
            if (u < 0 || v < 0 || u >= i->width || v >= i->height)
                continue;
            float pixel = i->pixel[v * i->width + u];
            if (r <= APERTURE) {
                sum += pixel;
                pixels++;
            } else if (r >= SKY_FROM && r <= SKY_TO) {
                sky[count++] = pixel;
            }
        }
    double inside = 1 - exp(-APERTURE * APERTURE / (2 * SEEING * SEEING));
    float off[4000], middle = median(sky, count);
    for (long n = 0; n < count; n++)
        off[n] = fabsf(sky[n] - middle);
    float limit = (float)CLIP * 1.4826f * median(off, count);
    double mean = 0, kept = 0;
    for (long n = 0; n < count; n++)
        if (fabsf(sky[n] - middle) <= limit) {
            mean += sky[n];
            kept++;
        }
    return (sum - pixels * mean / kept) / inside;
}

static int measure(char **argv) {
    image i = image_read(argv[0]);
    FILE *stars = fopen(argv[1], "r");
    char line[200];
    double x, y;
    if (!stars || !fgets(line, sizeof line, stars)) {
        perror(argv[1]);
        return 1;
    }
    printf("{\"sky\": %.9g, \"flux\": [", median_of(&i));
    for (int s = 0; s < MOST_STARS && fgets(line, sizeof line, stars) && sscanf(line, "%lf,%lf", &x, &y) == 2; s++)
        printf("%s%.9g", s ? ", " : "", measure_star(&i, x, y));
    printf("]}\n");
    fclose(stars);
    return 0;
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "bias") == 0 && argc >= 4)
        return make_bias(argv + 2, argc - 2);
    if (strcmp(what, "flat") == 0 && argc >= 5)
        return make_flat(argv + 2, argc - 2);
    if (strcmp(what, "science") == 0 && argc == 7)
        return make_science(argv + 2);
    if (strcmp(what, "measure") == 0 && argc == 4)
        return measure(argv + 2);
    fprintf(stderr,
            "usage: calibrate bias OUT FRAME... | flat OUT BIAS FRAME... | science OUT BIAS FLAT RAW EXPOSURE |\n"
            "       measure IMAGE STARS\n");
    return 2;
}
