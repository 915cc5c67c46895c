/* Light curves of stars as FITS tables, through CFITSIO: `make` makes one as a survey could have taken it, `measure`
 * finds its scatter, in a way that does not mind the few points that are wrong. One star in ten is variable. */
#include <fitsio.h>
#include <math.h>
#include <stdlib.h>
#include <taskfarm/plugin.h>

TF_PLUGIN;

enum { POINTS = 300, EVERY = 10 }; /* points of a curve; one star of so many is variable */

#define NIGHTS       90.0   /* days that the survey lasts */
#define WRONG        0.02   /* share of points that are off by a magnitude */
#define TO_SIGMA     1.4826 /* standard deviations in the median absolute deviation of a normal distribution */
#define TWO_PI       6.283185307179586
#define LEAST_NOISE  0.004 /* magnitudes */
#define MOST_NOISE   0.02
#define LEAST_CHANGE 0.2 /* amplitude of a variable star, magnitudes */
#define MOST_CHANGE  0.6
#define LEAST_PERIOD 0.3 /* days */
#define MOST_PERIOD  20.0

static int fail_with(const tf_task *task, const char *path, int status) {
    char text[FLEN_STATUS];
    fits_get_errstatus(status, text);
    return tf_fail(task, "%s: %s", path, text);
}

static double between(tf_rng *rng, double least, double most) {
    return least + (most - least) * tf_rng_double(rng);
}

/* ---- make ---- */

static int write_curve(const char *path, int variable, double *time, double *magnitude) {
    char *names[] = {"TIME", "MAG"}, *forms[] = {"D", "D"}, *units[] = {"d", "mag"};
    int status = 0;
    fitsfile *file;
    fits_create_diskfile(&file, path, &status);
    fits_create_tbl(file, BINARY_TBL, POINTS, 2, names, forms, units, "CURVE", &status);
    fits_write_key(file, TLOGICAL, "VARIABLE", &variable, "what was put in", &status);
    fits_write_col(file, TDOUBLE, 1, 1, 1, POINTS, time, &status);
    fits_write_col(file, TDOUBLE, 2, 1, 1, POINTS, magnitude, &status);
    fits_close_file(file, &status);
    return status;
}

TF_EXPORT int make(const tf_task *task, tf_row *row);
int make(const tf_task *task, tf_row *row) {
    (void)row;
    tf_rng *rng = tf_task_rng(task);
    int variable = tf_get_int(task, "star") % EVERY == 0;
    double mean = between(rng, 12, 18), noise = between(rng, LEAST_NOISE, MOST_NOISE);
    double amplitude = variable ? between(rng, LEAST_CHANGE, MOST_CHANGE) : 0;
    double period = between(rng, LEAST_PERIOD, MOST_PERIOD), time[POINTS], magnitude[POINTS];
    for (int i = 0; i < POINTS; i++) {
        time[i] = (i + tf_rng_double(rng)) * NIGHTS / POINTS;
        magnitude[i] = mean + amplitude * sin(TWO_PI * time[i] / period) + noise * tf_rng_normal(rng);
        if (tf_rng_double(rng) < WRONG)
            magnitude[i] += tf_rng_double(rng) < 0.5 ? -1 : 1;
    }
    const char *path = tf_output(task, NULL, 0);
    int status = write_curve(path, variable, time, magnitude);
    return status ? fail_with(task, path, status) : TF_SUCCESS;
}

/* ---- measure ---- */

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts. */
static double median(double *x, long count) {
    qsort(x, (size_t)count, sizeof *x, compare);
    return count % 2 ? x[count / 2] : (x[count / 2 - 1] + x[count / 2]) / 2;
}

TF_EXPORT int measure(const tf_task *task, tf_row *row);
int measure(const tf_task *task, tf_row *row) {
    const char *path = tf_input(task, NULL, 0);
    double x[POINTS], sum = 0, squares = 0;
    long count = 0;
    int status = 0, variable = 0;
    fitsfile *file;
    if (fits_open_table(&file, path, READONLY, &status))
        return fail_with(task, path, status);
    fits_get_num_rows(file, &count, &status);
    count = count > POINTS ? POINTS : count;
    fits_read_key(file, TLOGICAL, "VARIABLE", &variable, NULL, &status);
    fits_read_col(file, TDOUBLE, 2, 1, 1, count, NULL, x, NULL, &status);
    fits_close_file(file, &status);
    if (status || count < 2)
        return status ? fail_with(task, path, status) : tf_fail(task, "%s: has %ld points", path, count);
    for (long i = 0; i < count; i++)
        sum += x[i];
    for (long i = 0; i < count; i++)
        squares += (x[i] - sum / (double)count) * (x[i] - sum / (double)count);
    double middle = median(x, count);
    for (long i = 0; i < count; i++)
        x[i] = fabs(x[i] - middle);
    tf_put_double(row, "median", middle);
    tf_put_double(row, "rms", TO_SIGMA * median(x, count));
    tf_put_double(row, "std", sqrt(squares / (double)(count - 1)));
    tf_put_int(row, "points", count);
    tf_put_bool(row, "variable", variable != 0);
    return TF_SUCCESS;
}
