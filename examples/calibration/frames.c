/* frames FOLDER: a night at a telescope that never was. Bias frames, flat fields in G and R, and science frames of a
 * field of stars whose fluxes are known, with the defects that calibration takes out: a bias with a pattern, dust and
 * vignetting, pixels of unequal sensitivity, cosmic rays, photon and read noise. The same bytes every time. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "image.h"

enum { SIZE = 192, STARS = 20, BIASES = 9, FLATS = 7, FRAMES = 3 };

#define GAIN       1.6   /* electrons per count */
#define READ_NOISE 6.0   /* electrons */
#define SEEING     1.8   /* sigma of a star's image, pixels */
#define DOME       30000 /* electrons per pixel of a flat field */

/* ---- Random numbers: splitmix64 ---- */

static uint64_t state;

static double uniform(void) {
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

static double normal(void) {
    double radius = sqrt(-2 * log(1 - uniform()));
    return radius * cos(2 * 3.14159265358979323846 * uniform());
}

/* ---- The camera ---- */

typedef struct star {
    double x, y;    /* pixels */
    double flux[2]; /* electrons per second in G and R */
} star;

static double bias_of(long x, long y) { /* counts */
    return 1000 + 8 * sin((double)x / 7) + 0.05 * (double)y;
}

/* Of the telescope and of each pixel. */
static double raw_sensitivity(int filter, long x, long y) {
    double u = (double)x / SIZE - 0.5, v = (double)y / SIZE - 0.5;
    double vignetting = 1 - (filter ? 0.5 : 0.8) * (u * u + v * v);
    double dust = 1 - 0.15 * exp(-((u - 0.2) * (u - 0.2) + (v + 0.1) * (v + 0.1)) / 0.002);
    uint64_t own = (uint64_t)(y * SIZE + x) * 0x9e3779b97f4a7c15u >> 40;
    return vignetting * dust * (1 + 0.04 * ((double)own / (1 << 24) - 0.5));
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The same, with 1 as its median. */
static double sensitivity(int filter, long x, long y) {
    static double middle[2];
    static double all[SIZE * SIZE];
    if (middle[filter] == 0) {
        for (long i = 0; i < SIZE * SIZE; i++)
            all[i] = raw_sensitivity(filter, i % SIZE, i / SIZE);
        qsort(all, SIZE * SIZE, sizeof *all, compare);
        middle[filter] = all[SIZE * SIZE / 2];
    }
    return raw_sensitivity(filter, x, y) / middle[filter];
}

/* What is read out: the light with its noise, a few cosmic rays, the bias; whole counts. */
static void expose(const double *electrons, image *frame) {
    for (long i = 0; i < SIZE * SIZE; i++) {
        double light = electrons[i] + sqrt(electrons[i] + READ_NOISE * READ_NOISE) * normal();
        if (uniform() < 3e-4)
            light += 2000 + 20000 * uniform();
        frame->pixel[i] = (float)floor(light / GAIN + bias_of(i % SIZE, i / SIZE) + 0.5);
    }
}

static void save(const image *frame, const char *folder, const char *name) {
    char path[500];
    snprintf(path, sizeof path, "%s/%s.fits", folder, name);
    image_write(frame, path, "count");
}

/* ---- The night ---- */

static void scatter(star *stars) {
    for (int s = 0; s < STARS; s++) { /* on a grid, so that no star lies in another's aperture */
        double column = s % 5, row = (double)(s / 5);
        stars[s] = (star){.x = 28 + 34 * column + 6 * (uniform() - 0.5), .y = 32 + 42 * row + 6 * (uniform() - 0.5)};
        stars[s].flux[0] = 300 * pow(10, uniform());
        stars[s].flux[1] = stars[s].flux[0] * (0.5 + uniform());
    }
}

static void sky(const star *stars, int filter, double exposure, double *electrons) {
    for (long i = 0; i < SIZE * SIZE; i++) {
        double x = (double)(i % SIZE), y = (double)(i / SIZE), light = filter ? 3.0 : 2.0;
        for (int s = 0; s < STARS; s++) {
            double r2 = (x - stars[s].x) * (x - stars[s].x) + (y - stars[s].y) * (y - stars[s].y);
            if (r2 < 400)
                light += stars[s].flux[filter] * exp(-r2 / (2 * SEEING * SEEING)) /
                         (2 * 3.14159265358979323846 * SEEING * SEEING);
        }
        electrons[i] = light * exposure * sensitivity(filter, i % SIZE, i / SIZE);
    }
}

static FILE *create(const char *folder, const char *name) {
    char path[500];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    if (!file) {
        perror(path);
        exit(1);
    }
    return file;
}

int main(int argc, char **argv) {
    static double electrons[SIZE * SIZE];
    star stars[STARS];
    char name[100];
    if (argc != 2) {
        fprintf(stderr, "usage: frames FOLDER\n");
        return 2;
    }
    state = 20261125;
    image frame = image_new(SIZE, SIZE);
    scatter(stars);
    for (int n = 1; n <= BIASES; n++) {
        memset(electrons, 0, sizeof electrons);
        expose(electrons, &frame);
        snprintf(name, sizeof name, "bias_%d", n);
        save(&frame, argv[1], name);
    }
    for (int filter = 0; filter < 2; filter++)
        for (int n = 1; n <= FLATS; n++) {
            for (long i = 0; i < SIZE * SIZE; i++)
                electrons[i] = DOME * (1 + 0.05 * n) * sensitivity(filter, i % SIZE, i / SIZE);
            expose(electrons, &frame);
            snprintf(name, sizeof name, "flat_%c_%d", "GR"[filter], n);
            save(&frame, argv[1], name);
        }
    FILE *frames = create(argv[1], "frames.csv"), *table = create(argv[1], "stars.csv");
    fprintf(frames, "filter,frame,exposure\n");
    for (int filter = 0; filter < 2; filter++)
        for (int n = 1; n <= FRAMES; n++) {
            double exposure = 30 * n;
            sky(stars, filter, exposure, electrons);
            expose(electrons, &frame);
            snprintf(name, sizeof name, "science_%c_%d", "GR"[filter], n);
            save(&frame, argv[1], name);
            fprintf(frames, "%c,%d,%g\n", "GR"[filter], n, exposure);
        }
    fprintf(table, "x,y,G,R\n");
    for (int s = 0; s < STARS; s++)
        fprintf(table, "%.3f,%.3f,%.3f,%.3f\n", stars[s].x, stars[s].y, stars[s].flux[0], stars[s].flux[1]);
    fclose(frames);
    fclose(table);
    return 0;
}
