/* Built-in functions, for tests, benchmarks and first steps. They are plugins like any other. With "every": n one task
 * in n fails, crashes, exits or hangs; with "attempts": n it does so only in its first n attempts. */
#include "host/plugin_call.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Which tasks fail, and in which attempts, by the arguments. */
typedef struct turns {
    int64_t every, attempts;
} turns;

static int turns_setup(tf_stage *stage, void **state) {
    turns *own = tf_alloc(sizeof *own);
    own->every = tf_arg_int(stage, "every", 1);
    own->attempts = tf_arg_int(stage, "attempts", INT64_MAX);
    *state = own;
    return own->every > 0 ? TF_SUCCESS : tf_stage_fail(stage, "argument \"every\" must be positive");
}

static bool is_turn(const tf_task *task) {
    const turns *t = tf_task_state(task);
    return tf_task_index(task) % t->every == 0 && tf_task_attempt(task) <= t->attempts;
}

static int noop(const tf_task *task, tf_row *row) {
    (void)task, (void)row;
    return TF_SUCCESS;
}

/* Sleeps for args.seconds, or for the parameter "seconds". */
static int sleep_for(const tf_task *task, tf_row *row) {
    (void)row;
    const double *constant = tf_task_state(task);
    double seconds = *constant >= 0 ? *constant : tf_get_double(task, "seconds");
    struct timespec left = {.tv_sec = (time_t)seconds, .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
    while (nanosleep(&left, &left) != 0)
        ;
    return TF_SUCCESS;
}

static int sleep_setup(tf_stage *stage, void **state) {
    double *seconds = tf_alloc(sizeof *seconds);
    *seconds = tf_arg_double(stage, "seconds", -1);
    *state = seconds;
    return TF_SUCCESS;
}

/* Estimates pi from args.samples points in a square: column "pi". */
typedef struct pi_state {
    int64_t samples;
    tf_column pi;
} pi_state;

static int pi_setup(tf_stage *stage, void **state) {
    pi_state *own = tf_alloc(sizeof *own);
    own->samples = tf_arg_int(stage, "samples", 1000);
    own->pi = tf_bind_column(stage, "pi", TF_FLOAT64);
    *state = own;
    return own->samples > 0 ? TF_SUCCESS : tf_stage_fail(stage, "argument \"samples\" must be positive");
}

static int pi(const tf_task *task, tf_row *row) {
    const pi_state *own = tf_task_state(task);
    tf_rng *rng = tf_task_rng(task);
    int64_t inside = 0;
    for (int64_t i = 0; i < own->samples; i++) {
        double x = tf_rng_double(rng), y = tf_rng_double(rng);
        inside += x * x + y * y < 1;
    }
    tf_set_double(row, own->pi, 4 * (double)inside / (double)own->samples);
    return TF_SUCCESS;
}

/* Fills every column with what its type takes from the task's stream: integers from 0 to 99, numbers from 0 to 1. */
static int random_row(const tf_task *task, tf_row *row) {
    const tf_stage_spec *spec = tf_task_stage(task)->spec;
    tf_rng *rng = tf_task_rng(task);
    for (int c = 0; c < spec->columns; c++) {
        const tf_column_spec *column = &spec->column[c];
        size_t size = tf_type_size(column->type);
        char text[24];
        if (size == 0) {
            snprintf(text, sizeof text, "%llx", (unsigned long long)tf_rng_u64(rng));
            tf_set_string(row, c, text);
            continue;
        }
        char *cell = tf_column_data(row, c);
        for (int64_t i = 0; i < column->elements; i++) {
            if (tf_type_is_float(column->type))
                tf_store_double(column->type, tf_rng_double(rng), cell + (size_t)i * size);
            else
                tf_store_uint(column->type, tf_rng_below(rng, column->type == TF_BOOL ? 2 : 100),
                              cell + (size_t)i * size);
        }
    }
    return TF_SUCCESS;
}

static int fail(const tf_task *task, tf_row *row) {
    (void)row;
    return is_turn(task) ? tf_fail(task, "told to fail") : TF_SUCCESS;
}

static int crash(const tf_task *task, tf_row *row) {
    (void)row;
    if (is_turn(task)) {
        signal(SIGSEGV, SIG_DFL);
        raise(SIGSEGV);
    }
    return TF_SUCCESS;
}

static int leave(const tf_task *task, tf_row *row) {
    (void)row;
    if (is_turn(task))
        _exit(7);
    return TF_SUCCESS;
}

static int hang(const tf_task *task, tf_row *row) {
    (void)row;
    while (is_turn(task))
        pause();
    return TF_SUCCESS;
}

static const struct {
    const char *name;
    tf_task_fn *function;
    tf_setup_fn *setup;
} builtins[] = {
    {"noop", noop, NULL},         {"sleep", sleep_for, sleep_setup}, {"pi", pi, pi_setup},
    {"random", random_row, NULL}, {"fail", fail, turns_setup},       {"crash", crash, turns_setup},
    {"exit", leave, turns_setup}, {"hang", hang, turns_setup},
};

static int find_builtin(const char *name) {
    for (int i = 0; i < (int)(sizeof builtins / sizeof *builtins); i++)
        if (strcmp(builtins[i].name, name) == 0)
            return i;
    return -1;
}

const char *builtin_suggest(const char *name) {
    enum { COUNT = sizeof builtins / sizeof *builtins };
    const char *names[COUNT];
    for (int i = 0; i < COUNT; i++)
        names[i] = builtins[i].name;
    return tf_suggest(name, names, COUNT);
}

tf_task_fn *builtin_function(const char *name) {
    int i = find_builtin(name);
    return i < 0 ? NULL : builtins[i].function;
}

tf_setup_fn *builtin_setup(const char *name) {
    int i = find_builtin(name);
    return i < 0 ? NULL : builtins[i].setup;
}

void builtin_teardown(void *state) {
    free(state);
}
