/* What the benchmarks run as tasks: a plugin, and the same functions through the same pointers in bare.c. */
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <taskfarm/plugin.h>
#include <unistd.h>

TF_PLUGIN;

TF_EXPORT tf_task_fn nothing, arithmetic, wide, last_fails, last_hangs;
TF_EXPORT tf_setup_fn arithmetic_setup, wide_setup;
TF_EXPORT tf_teardown_fn arithmetic_teardown, wide_teardown;

int nothing(const tf_task *task, tf_row *row) {
    (void)task, (void)row;
    return TF_SUCCESS;
}

/* Where one runs that has "go" in its work folder, the last of 10^8 tasks is like the others; else it fails, */
static bool is_held_back(const tf_task *task) {
    enum { LAST = 100 * 1000 * 1000 - 1 };
    return tf_task_index(task) == LAST && access("go", F_OK) != 0;
}

int last_fails(const tf_task *task, tf_row *row) {
    (void)row;
    return is_held_back(task) ? TF_FAILURE : TF_SUCCESS;
}

/* or hangs and says so by a file. */
int last_hangs(const tf_task *task, tf_row *row) {
    (void)row;
    if (is_held_back(task) && close(creat("hangs", 0666)) == 0)
        for (;;)
            pause();
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
