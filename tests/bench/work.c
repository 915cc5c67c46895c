/* What the benchmarks run as tasks: a plugin, and the same functions through the same pointers in bare.c. */
#include <math.h>
#include <stdlib.h>
#include <taskfarm/plugin.h>

TF_PLUGIN;

TF_EXPORT tf_task_fn nothing, arithmetic, wide;
TF_EXPORT tf_setup_fn arithmetic_setup, wide_setup;
TF_EXPORT tf_teardown_fn arithmetic_teardown, wide_teardown;

int nothing(const tf_task *task, tf_row *row) {
    (void)task, (void)row;
    return TF_SUCCESS;
}

static int bind_x(tf_stage *stage, void **state) {
    tf_column *x = malloc(sizeof *x);
    if (!x)
        return TF_FAILURE;
    *x = tf_bind_column(stage, "x", TF_FLOAT64);
    *state = x;
    return TF_SUCCESS;
}

int arithmetic_setup(tf_stage *stage, void **state) {
    return bind_x(stage, state);
}

void arithmetic_teardown(void *state) {
    free(state);
}

/* A recurrence in which every step waits for the one before: about 20 us. */
int arithmetic(const tf_task *task, tf_row *row) {
    enum { STEPS = 2500 };
    const tf_column *column = tf_task_state(task);
    double x = 1 + 1e-9 * (double)tf_task_index(task);
    for (int n = 0; n < STEPS; n++)
        x = 0.9 * sqrt(x + 1);
    tf_set_double(row, *column, x);
    return TF_SUCCESS;
}

int wide_setup(tf_stage *stage, void **state) {
    return bind_x(stage, state);
}

void wide_teardown(void *state) {
    free(state);
}

int wide(const tf_task *task, tf_row *row) {
    enum { WIDTH = 64 };
    const tf_column *column = tf_task_state(task);
    double *x = tf_column_data(row, *column);
    for (int n = 0; n < WIDTH; n++)
        x[n] = (double)(tf_task_index(task) + n);
    return TF_SUCCESS;
}
