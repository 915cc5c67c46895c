/* resample: one bootstrap replicate a task. The slope of a spectrum whose points are drawn with replacement. */
#include <taskfarm/plugin.h>

#include "../spectra/spectrum.h"

TF_PLUGIN;

typedef struct resample_state {
    tf_column slope;
    uint32_t index[SPECTRUM_MOST];
    spectrum spectrum;
} resample_state;

TF_EXPORT tf_setup_fn resample_setup;
TF_EXPORT tf_task_fn resample;
TF_EXPORT tf_teardown_fn resample_teardown;

/* The spectrum is read once a process, not once a task. */
int resample_setup(tf_stage *stage, void **state) {
    resample_state *r = calloc(1, sizeof *r);
    *state = r;
    if (!r)
        return tf_stage_fail(stage, "no memory");
    r->slope = tf_bind_column(stage, "slope", TF_FLOAT64);
    const char *path = tf_arg_string(stage, "spectrum", "");
    const char *why = spectrum_read(&r->spectrum, path);
    return why ? tf_stage_fail(stage, "%s: %s", path, why) : TF_SUCCESS;
}

int resample(const tf_task *task, tf_row *row) {
    resample_state *r = tf_task_state(task);
    tf_rng_bootstrap(tf_task_rng(task), r->index, (uint32_t)r->spectrum.points);
    tf_set_double(row, r->slope, spectrum_slope(&r->spectrum, r->index));
    return TF_SUCCESS;
}

void resample_teardown(void *state) {
    free(state);
}
