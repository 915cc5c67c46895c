/* measure: one spectrum a task. Number of points, wavelength range, spectral slope with its error, and a bootstrap of
 * the slope: the 95 % percentile interval of args.resamples resamples (Efron & Tibshirani 1993, chapter 13). */
#include <taskfarm/plugin.h>

#include "spectrum.h"

TF_PLUGIN;

typedef struct measure_state {
    tf_param path;
    tf_column points, wavelength_min, wavelength_max, slope, slope_error, slope_low, slope_high;
    int resamples;
    double *slopes;
    uint32_t index[SPECTRUM_MOST];
    spectrum spectrum;
} measure_state;

TF_EXPORT tf_setup_fn measure_setup;
TF_EXPORT tf_task_fn measure;
TF_EXPORT tf_teardown_fn measure_teardown;

int measure_setup(tf_stage *stage, void **state) {
    measure_state *m = calloc(1, sizeof *m);
    if (!m)
        return tf_stage_fail(stage, "no memory");
    *state = m;
    m->path = tf_bind_param(stage, "spectrum", TF_STRING);
    m->points = tf_bind_column(stage, "points", TF_INT32);
    m->wavelength_min = tf_bind_column(stage, "wavelength_min", TF_FLOAT64);
    m->wavelength_max = tf_bind_column(stage, "wavelength_max", TF_FLOAT64);
    m->slope = tf_bind_column(stage, "slope", TF_FLOAT64);
    m->slope_error = tf_bind_column(stage, "slope_error", TF_FLOAT64);
    m->slope_low = tf_bind_column(stage, "slope_low", TF_FLOAT64);
    m->slope_high = tf_bind_column(stage, "slope_high", TF_FLOAT64);
    m->resamples = (int)tf_arg_int(stage, "resamples", 10000);
    if (m->resamples < 1 || m->resamples > 100000000)
        return tf_stage_fail(stage, "argument \"resamples\" must be from 1 to 10^8");
    m->slopes = calloc((size_t)m->resamples, sizeof *m->slopes);
    return m->slopes ? TF_SUCCESS : tf_stage_fail(stage, "no memory for %d resamples", m->resamples);
}

int measure(const tf_task *task, tf_row *row) {
    measure_state *m = tf_task_state(task);
    spectrum *s = &m->spectrum;
    const char *path = tf_param_string(task, m->path);
    const char *why = spectrum_read(s, path);
    if (why)
        return tf_fail(task, "%s: %s", path, why);
    double low = s->wavelength[0], high = low, slope = spectrum_slope(s, NULL);
    for (int i = 1; i < s->points; i++) {
        low = s->wavelength[i] < low ? s->wavelength[i] : low;
        high = s->wavelength[i] > high ? s->wavelength[i] : high;
    }
    tf_rng rng = tf_rng_seeded(tf_task_seed(task)); /* the stream that measure.py makes from {seed} */
    for (int r = 0; r < m->resamples; r++) {
        tf_rng_bootstrap(&rng, m->index, (uint32_t)s->points);
        m->slopes[r] = spectrum_slope(s, m->index);
        if (isnan(m->slopes[r]))
            return tf_fail(task, "%s: a resample of one wavelength has no slope", path);
    }
    qsort(m->slopes, (size_t)m->resamples, sizeof *m->slopes, compare_doubles);
    tf_set_int(row, m->points, s->points);
    tf_set_double(row, m->wavelength_min, low);
    tf_set_double(row, m->wavelength_max, high);
    tf_set_double(row, m->slope, slope);
    tf_set_double(row, m->slope_error, spectrum_slope_error(s, slope));
    tf_set_double(row, m->slope_low, quantile(m->slopes, m->resamples, 0.025));
    tf_set_double(row, m->slope_high, quantile(m->slopes, m->resamples, 0.975));
    return TF_SUCCESS;
}

void measure_teardown(void *state) {
    measure_state *m = state;
    if (m)
        free(m->slopes);
    free(m);
}
