/* Functions for tests: each does one thing that plugins do, well or badly. */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <taskfarm/plugin.h>
#include <time.h>
#include <unistd.h>

TF_PLUGIN;

/* ---- convert: every kind of parameter in, every kind of column out, by handle ---- */

typedef struct handles {
    tf_param flag, count, number, word;
    tf_column b, i, u, f, s, raw, grid;
    double scale;
    const char *prefix;
} handles;

TF_EXPORT int convert_setup(tf_stage *stage, void **state);
TF_EXPORT int convert(const tf_task *task, tf_row *row);
TF_EXPORT void convert_teardown(void *state);

int convert_setup(tf_stage *stage, void **state) {
    handles *h = calloc(1, sizeof *h);
    *h = (handles){.flag = tf_bind_param(stage, "flag", TF_BOOL),
                   .count = tf_bind_param(stage, "count", TF_INT64),
                   .number = tf_bind_param(stage, "number", TF_FLOAT64),
                   .word = tf_bind_param(stage, "word", TF_STRING),
                   .b = tf_bind_column(stage, "b", TF_BOOL),
                   .i = tf_bind_column(stage, "i", TF_INT32),
                   .u = tf_bind_column(stage, "u", TF_UINT64),
                   .f = tf_bind_column(stage, "f", TF_FLOAT32),
                   .s = tf_bind_column(stage, "s", TF_STRING),
                   .raw = tf_bind_column(stage, "raw", TF_BYTES),
                   .grid = tf_bind_column(stage, "grid", TF_INT16),
                   .scale = tf_arg_double(stage, "scale", 1),
                   .prefix = tf_arg_string(stage, "prefix", "none")};
    *state = h;
    return TF_SUCCESS;
}

int convert(const tf_task *task, tf_row *row) {
    const handles *h = tf_task_state(task);
    char text[100];
    snprintf(text, sizeof text, "%s-%s", h->prefix, tf_param_string(task, h->word));
    tf_set_bool(row, h->b, !tf_param_bool(task, h->flag));
    tf_set_int(row, h->i, -tf_param_int(task, h->count));
    tf_set_uint(row, h->u, UINT64_MAX - (uint64_t)tf_task_index(task));
    tf_set_double(row, h->f, h->scale * tf_param_double(task, h->number));
    tf_set_string(row, h->s, text);
    tf_set_bytes(row, h->raw, "\0\xff", 2);
    int16_t *grid = tf_column_data(row, h->grid);
    for (int64_t k = 0; k < tf_column_size(tf_task_stage(task), h->grid); k++)
        grid[k] = (int16_t)(10 * tf_task_index(task) + k);
    tf_log(task, "task %lld of %lld\n", (long long)tf_task_index(task), (long long)tf_stage_tasks(tf_task_stage(task)));
    return TF_SUCCESS;
}

void convert_teardown(void *state) {
    free(state);
}

/* ---- by_name: the same the slow way ---- */

TF_EXPORT int by_name(const tf_task *task, tf_row *row);

int by_name(const tf_task *task, tf_row *row) {
    tf_put_bool(row, "b", !tf_get_bool(task, "flag"));
    tf_put_int(row, "i", -tf_get_int(task, "count"));
    tf_put_uint(row, "u", UINT64_MAX - (uint64_t)tf_task_index(task));
    tf_put_double(row, "f", 2 * tf_get_double(task, "number"));
    tf_put_string(row, "s", tf_get_string(task, "word"));
    tf_put_bytes(row, "raw", "x", 1);
    memset(tf_column_data(row, 6), 0, 6 * sizeof(int16_t));
    return TF_SUCCESS;
}

/* ---- draw: one random number, alone or in a batch ---- */

TF_EXPORT int draw(const tf_task *task, tf_row *row);
TF_EXPORT int draws_batch(const tf_batch *batch);
TF_EXPORT int leaves_batch(const tf_batch *batch);
TF_EXPORT int strays_setup(tf_stage *stage, void **state);
TF_EXPORT int strays_batch(const tf_batch *batch);

int draw(const tf_task *task, tf_row *row) {
    tf_put_double(row, "x", tf_rng_double(tf_task_rng(task)) + tf_get_double(task, "k"));
    return TF_SUCCESS;
}

TF_EXPORT int draws_setup(tf_stage *stage, void **state);
TF_EXPORT void draws_teardown(void *state);

typedef struct draws_handles {
    tf_param k;
    tf_column x, s;
} draws_handles;

int draws_setup(tf_stage *stage, void **state) {
    draws_handles *h = calloc(1, sizeof *h);
    *h = (draws_handles){tf_bind_param(stage, "k", TF_FLOAT64), tf_bind_column(stage, "x", TF_FLOAT64),
                         tf_bind_column(stage, "s", TF_STRING)};
    *state = h;
    return TF_SUCCESS;
}

/* Fails every seventh task of the stage by itself. */
int draws_batch(const tf_batch *batch) {
    const draws_handles *h = tf_batch_state(batch);
    const double *k = tf_batch_param(batch, h->k);
    double *x = tf_batch_column(batch, h->x);
    for (int64_t row = 0; row < tf_batch_count(batch); row++) {
        tf_rng rng = tf_batch_rng(batch, row);
        x[row] = tf_rng_double(&rng) + k[row];
        char text[40];
        snprintf(text, sizeof text, "row %lld", (long long)(tf_batch_first(batch) + row));
        tf_batch_set_string(batch, row, h->s, text);
        if ((tf_batch_first(batch) + row) % 7 == 3)
            tf_batch_fail(batch, row, "seven");
    }
    return TF_SUCCESS;
}

void draws_teardown(void *state) {
    free(state);
}

/* Leaves the number of task 1, the array of 3 and the optional one of all; sets NaN in 2, and one element of 4. */
int leaves_batch(const tf_batch *batch) {
    float *x = tf_batch_column(batch, 0);
    double *grid = tf_batch_column(batch, 1);
    for (int64_t row = 0; row < tf_batch_count(batch); row++) {
        const int64_t n = tf_batch_first(batch) + row;
        if (n != 1)
            x[row] = n == 2 ? NAN : (float)n;
        for (int64_t i = 0; i < 3 && n != 3; i++)
            if (n != 4 || i == 2)
                grid[3 * row + i] = (double)n;
    }
    return TF_SUCCESS;
}

/* Names a row that the batch does not have, by argument "how". */
int strays_setup(tf_stage *stage, void **state) {
    *state = (void *)(uintptr_t)tf_arg_string(stage, "how", "");
    return TF_SUCCESS;
}

int strays_batch(const tf_batch *batch) {
    const char *how = tf_batch_state(batch);
    const int64_t count = tf_batch_count(batch);
    tf_block block;
    for (int64_t row = 0; row < count; row++)
        tf_batch_set_string(batch, row, 0, "text");
    if (strcmp(how, "text") == 0)
        tf_batch_set_string(batch, count, 0, "of none");
    else if (strcmp(how, "bytes") == 0)
        tf_batch_set_bytes(batch, -1, 0, "of none", 7);
    else if (strcmp(how, "failure") == 0)
        tf_batch_fail(batch, count, "of none");
    else if (strcmp(how, "block") == 0)
        tf_batch_column_block(batch, count, 0, &block);
    else
        tf_batch_array_block(batch, count, 0, &block);
    return TF_SUCCESS;
}

/* ---- misuse: what a task may do wrong, by parameter "how" ---- */

TF_EXPORT int misuse(const tf_task *task, tf_row *row);

int misuse(const tf_task *task, tf_row *row) {
    const char *how = tf_get_string(task, "how");
    tf_put_int(row, "small", 1);
    if (strcmp(how, "too large") == 0)
        tf_put_int(row, "small", 300);
    else if (strcmp(how, "fraction") == 0)
        tf_put_double(row, "small", 0.5);
    else if (strcmp(how, "no such column") == 0)
        tf_put_int(row, "smal", 1);
    else if (strcmp(how, "no such parameter") == 0)
        (void)tf_get_int(task, "what");
    else if (strcmp(how, "string as number") == 0)
        (void)tf_get_double(task, "how");
    else if (strcmp(how, "text in a number") == 0)
        tf_put_string(row, "small", "x");
    else if (strcmp(how, "not UTF-8") == 0)
        tf_put_string(row, "text", "\xff");
    else if (strcmp(how, "says why") == 0)
        return tf_fail(task, "%s, that is why", "because");
    else if (strcmp(how, "says nothing") == 0)
        return 42;
    if (strcmp(how, "unset") != 0 && strcmp(how, "not UTF-8") != 0)
        tf_put_string(row, "text", "fine");
    if (strcmp(how, "unset number") != 0)
        tf_put_double(row, "given", 1);
    return TF_SUCCESS;
}

/* ---- never: setup fails ---- */

TF_EXPORT int never_setup(tf_stage *stage, void **state);
TF_EXPORT int never(const tf_task *task, tf_row *row);

int never_setup(tf_stage *stage, void **state) {
    *state = NULL;
    return tf_stage_fail(stage, "no catalogue %s", tf_arg_string(stage, "catalogue", "?"));
}

int never(const tf_task *task, tf_row *row) {
    (void)task, (void)row;
    abort();
}

/* ---- unbound: setup binds what is not there, and goes on ---- */

TF_EXPORT int unbound_setup(tf_stage *stage, void **state);
TF_EXPORT int unbound(const tf_task *task, tf_row *row);

int unbound_setup(tf_stage *stage, void **state) {
    *state = NULL;
    tf_bind_param(stage, "nowhere", TF_INT64);
    return TF_SUCCESS;
}

int unbound(const tf_task *task, tf_row *row) {
    (void)task, (void)row;
    return TF_SUCCESS;
}

/* ---- tally: setup and teardown leave a line each in a file ---- */

TF_EXPORT int tally_setup(tf_stage *stage, void **state);
TF_EXPORT int tally(const tf_task *task, tf_row *row);
TF_EXPORT void tally_teardown(void *state);

static void leave_line(const char *path, const char *what) {
    FILE *file = fopen(path, "a");
    fprintf(file, "%s %ld\n", what, (long)getpid());
    fclose(file);
}

int tally_setup(tf_stage *stage, void **state) {
    *state = strdup(tf_arg_string(stage, "file", ""));
    leave_line(*state, "setup");
    return TF_SUCCESS;
}

int tally(const tf_task *task, tf_row *row) {
    (void)task, (void)row;
    usleep(2000);
    return TF_SUCCESS;
}

void tally_teardown(void *state) {
    leave_line(state, "teardown");
    free(state);
}

/* ---- fragile: a batch function that one task's row makes crash ---- */

TF_EXPORT int fragile_batch(const tf_batch *batch);

int fragile_batch(const tf_batch *batch) {
    int64_t *y = tf_batch_column(batch, 0);
    for (int64_t row = 0; row < tf_batch_count(batch); row++) {
        if (tf_batch_first(batch) + row == 37) {
            signal(SIGSEGV, SIG_DFL);
            raise(SIGSEGV);
        }
        y[row] = tf_batch_first(batch) + row;
    }
    return TF_SUCCESS;
}

/* ---- slow: a batch function that takes a fifth of a second a task, and for task 7 for ever ---- */

TF_EXPORT int slow_batch(const tf_batch *batch) {
    int64_t *y = tf_batch_column(batch, 0);
    for (int64_t row = 0; row < tf_batch_count(batch); row++) {
        usleep(200000);
        while (tf_batch_first(batch) + row == 7)
            pause();
        y[row] = row;
    }
    return TF_SUCCESS;
}

/* ---- greedy: allocates until there is no more ---- */

TF_EXPORT int greedy(const tf_task *task, tf_row *row);

int greedy(const tf_task *task, tf_row *row) {
    (void)row;
    enum { MIB = 1 << 20 };
    int64_t got = 0;
    for (volatile char *block; got < 4096 && (block = malloc(MIB)); got++)
        for (int i = 0; i < MIB; i += 512) /* a compiler may leave out what is never read, but for this */
            block[i] = 1;
    return got == 4096 ? TF_SUCCESS : tf_fail(task, "no memory after %s MiB", got > 50 ? "enough" : "too few");
}

/* ---- closer: closes whatever is open ---- */

TF_EXPORT int closer(const tf_task *task, tf_row *row);

int closer(const tf_task *task, tf_row *row) {
    (void)task, (void)row;
    for (int fd = 0; fd < 1024; fd++)
        close(fd);
    return TF_SUCCESS;
}

/* The same, and after some quick ones so late that a batch is over before all of its tasks are begun. */
TF_EXPORT int slow_closer(const tf_task *task, tf_row *row);

int slow_closer(const tf_task *task, tf_row *row) {
    if (tf_task_index(task) >= 10)
        nanosleep(&(struct timespec){.tv_nsec = 60000000}, NULL);
    return closer(task, row);
}

int slow_batch(const tf_batch *batch);

/* ---- held_up: on a node that is slow it never ends ---- */

TF_EXPORT int held_up_setup(tf_stage *stage, void **state);
TF_EXPORT int held_up(const tf_task *task, tf_row *row);
TF_EXPORT void held_up_teardown(void *state);

int held_up_setup(tf_stage *stage, void **state) {
    tf_column *y = malloc(sizeof *y);
    *y = tf_bind_column(stage, "y", TF_INT64);
    *state = y;
    return TF_SUCCESS;
}

int held_up(const tf_task *task, tf_row *row) {
    const char *node = getenv("NODE");
    char pid[40];
    snprintf(pid, sizeof pid, "pid_%lld_%d", (long long)tf_task_index(task), (int)getpid());
    if (node && strcmp(node, "slow") == 0) {
        leave_line(pid, pid);
        pause();
    }
    usleep(20000);
    tf_set_int(row, *(const tf_column *)tf_task_state(task), tf_task_index(task));
    return TF_SUCCESS;
}

void held_up_teardown(void *state) {
    free(state);
}

/* ---- stillborn: setup ends its process ---- */

TF_EXPORT int stillborn_setup(tf_stage *stage, void **state);
TF_EXPORT int stillborn(const tf_task *task, tf_row *row);

int stillborn_setup(tf_stage *stage, void **state) {
    (void)stage, (void)state;
    _exit(3);
}

int stillborn(const tf_task *task, tf_row *row) {
    (void)task, (void)row;
    return TF_SUCCESS;
}

/* ---- join: its inputs one after the other in its output; crashes half-way if one of them says so ---- */

TF_EXPORT int join(const tf_task *task, tf_row *row);

int join(const tf_task *task, tf_row *row) {
    (void)row;
    FILE *out = fopen(tf_output(task, "all", 0), "w");
    if (!out)
        return tf_fail(task, "can't write %s", tf_output(task, NULL, 0));
    for (int64_t i = 0; i < tf_input_count(task, NULL); i++) {
        char text[100] = "";
        FILE *in = fopen(tf_input(task, NULL, i), "r");
        if (!in || !fgets(text, sizeof text, in))
            return tf_fail(task, "can't read %s", tf_input(task, NULL, i));
        fclose(in);
        fputs(text, out);
        fflush(out);
        if (strcmp(text, "crash\n") == 0)
            raise(SIGKILL);
    }
    fclose(out);
    if (tf_output_count(task, "all") != 1 || tf_output_count(task, "none") != 0 || tf_output(task, "none", 0))
        return tf_fail(task, "files by name");
    return TF_SUCCESS;
}

/* ---- blur: each element the sum of what is around it, as far as the halo goes; two dimensions ---- */

TF_EXPORT int blur(const tf_task *task, tf_row *row);
TF_EXPORT int blurs_setup(tf_stage *stage, void **state);
TF_EXPORT int blurs_batch(const tf_batch *batch);

static void add_around(const double *x, const tf_block *in, int64_t reach, float *y, const tf_block *out) {
    for (int64_t i = 0; i < out->count[0]; i++) {
        for (int64_t j = 0; j < out->count[1]; j++) {
            double sum = 0;
            for (int64_t k = i + in->before[0] - reach; k <= i + in->before[0] + reach; k++)
                for (int64_t l = j + in->before[1] - reach; l <= j + in->before[1] + reach; l++)
                    if (k >= 0 && k < in->shape[0] && l >= 0 && l < in->shape[1])
                        sum += x[k * in->shape[1] + l];
            y[i * out->count[1] + j] = (float)sum;
        }
    }
}

int blur(const tf_task *task, tf_row *row) {
    tf_block in, out;
    const double *x = tf_array_block(task, 0, &in);
    float *y = tf_column_block(row, 0, &out);
    if (!x || !y || in.start[0] != out.start[0] || in.count[1] != out.count[1])
        return tf_fail(task, "no blocks");
    long long breaks = -1;
    sscanf(tf_args_json(tf_task_stage(task)), "{\"break_at\":%lld", &breaks);
    if (in.start[0] == 0 && in.start[1] == breaks)
        raise(SIGSEGV);
    add_around(x, &in, 1, y, &out);
    return TF_SUCCESS;
}

int blurs_setup(tf_stage *stage, void **state) {
    (void)state;
    return tf_bind_array(stage, "x", TF_FLOAT64) == 0 && tf_bind_column(stage, "y", TF_FLOAT32) == 0 ? TF_SUCCESS
                                                                                                     : TF_FAILURE;
}

int blurs_batch(const tf_batch *batch) {
    for (int64_t row = 0; row < tf_batch_count(batch); row++) {
        tf_block in, out;
        const double *x = tf_batch_array_block(batch, row, 0, &in);
        float *y = tf_batch_column_block(batch, row, 0, &out);
        add_around(x, &in, 1, y, &out);
    }
    return TF_SUCCESS;
}

/* ---- lost: asks for arrays that are not there ---- */

TF_EXPORT int lost_setup(tf_stage *stage, void **state);
TF_EXPORT int lost(const tf_task *task, tf_row *row);

int lost_setup(tf_stage *stage, void **state) {
    (void)state;
    tf_bind_array(stage, "nowhere", TF_ANY);
    return TF_SUCCESS;
}

int lost(const tf_task *task, tf_row *row) {
    (void)task, (void)row;
    return TF_SUCCESS;
}

/* ---- columns: of a table in parts: its longest text, and the sums of its numbers ---- */

TF_EXPORT int columns(const tf_task *task, tf_row *row);

int columns(const tf_task *task, tf_row *row) {
    tf_block block;
    const int64_t *star = tf_get_block(task, "star", &block);
    const double *value = tf_get_block(task, "value", NULL);
    const char *key = tf_get_block(task, "key", NULL), *longest = key;
    const size_t width = tf_array_cell(tf_task_stage(task), 1);
    double sum = 0;
    int64_t stars = 0;
    char text[100] = "";
    for (int64_t i = 0; i < block.count[0]; i++) {
        stars += star[i];
        sum += value[i] == value[i] ? value[i] : 0;
        if (strnlen(key + (size_t)i * width, width) > strnlen(longest, width))
            longest = key + (size_t)i * width;
    }
    memcpy(text, longest, strnlen(longest, width));
    tf_put_string(row, "longest", text);
    tf_put_double(row, "sum", sum);
    tf_put_int(row, "stars", stars);
    return block.start[0] == tf_get_int(task, "t_start") ? TF_SUCCESS : TF_FAILURE;
}

/* ---- untidy: leaves its process another way each time ---- */

TF_EXPORT int untidy(const tf_task *task, tf_row *row);

int untidy(const tf_task *task, tf_row *row) {
    (void)row;
    umask((mode_t)tf_task_index(task) & 077);
    return TF_SUCCESS;
}
