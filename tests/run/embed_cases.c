/* A program with a main of its own, for 41_embedding.py: does what its first argument says, and tells what came of it.
 */
#include <hdf5.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <taskfarm/taskfarm.h>
#include <unistd.h>

/* ---- Functions ---- */

static int describe(const tf_task *task, tf_row *row) {
    char text[100];
    double *pair = tf_column_data(row, 1);
    const char *band = tf_get_string(task, "band");
    pair[0] = tf_get_double(task, "x");
    pair[1] = (double)tf_get_int(task, "n");
    snprintf(text, sizeof text, "%s%lld", band, (long long)tf_get_int(task, "n"));
    tf_put_string(row, "text", text);
    tf_put_bool(row, "even", tf_get_int(task, "n") % 2 == 0);
    return strcmp(band, "bad") == 0 ? tf_fail(task, "%s is bad", text) : TF_SUCCESS;
}

static int start_counting(tf_stage *stage, void **state) {
    int64_t *from = malloc(sizeof *from);
    *from = tf_arg_int(stage, "from", 0);
    *state = from;
    return TF_SUCCESS;
}

static int count_batch(const tf_batch *batch) {
    int64_t *y = tf_batch_column(batch, 0);
    for (int64_t row = 0; row < tf_batch_count(batch); row++)
        y[row] = *(int64_t *)tf_batch_state(batch) + tf_batch_first(batch) + row;
    return TF_SUCCESS;
}

static double divide(const double *x, int count) {
    if (count != 2)
        abort();
    return x[0] / x[1];
}

static double nap(const double *x, int count) {
    (void)count;
    usleep((useconds_t)(1e6 * x[0]));
    return x[0];
}

static const tf_function functions[] = {
    {.name = "describe", .task = describe},
    {.name = "count", .batch = count_batch, .setup = start_counting, .teardown = free},
    {.name = "divide", .call = divide},
    {.name = "nap", .call = nap},
    {.name = NULL}};

/* ---- Cases: each makes a manifest, and prints results on the first rank ---- */

static tf_manifest *make_spaces(void) {
    static const double x[] = {0.5, -1e300};
    static const int64_t n[] = {7, 8, -9};
    static const char *const band[] = {"R", "bad"};
    tf_manifest *m = tf_manifest_new("spaces");
    int stage = tf_manifest_stage(m, "described", "describe");
    tf_manifest_doubles(m, stage, "x", x, 2);
    tf_manifest_strings(m, stage, "band", band, 2);
    tf_manifest_ints(m, stage, "n", n, 3);
    tf_manifest_result(m, stage, "even", TF_BOOL, 0, NULL);
    tf_manifest_result(m, stage, "pair", TF_FLOAT64, 1, (const int64_t[]){2});
    tf_manifest_result(m, stage, "text", TF_STRING, 0, NULL);
    int counted = tf_manifest_stage(m, "counted", "count");
    tf_manifest_rows(m, counted, "i", "described", "n");
    tf_manifest_result(m, counted, "y", TF_INT32, 0, NULL);
    tf_manifest_set(m, counted, "run", "{\"function\": \"program:count\", \"args\": {\"from\": 100}}");
    tf_manifest_set(m, counted, "reduce", "{\"all\": {\"columns\": {\"y\": [\"mean\"]}}}");
    return m;
}

static void print_spaces(tf_results *r) {
    int64_t count, tasks = tf_results_tasks(r, "described");
    double *pair = tf_results_doubles(r, "described", "pair", &count);
    int64_t *even = tf_results_ints(r, "described", "even", NULL),
            *status = tf_results_ints(r, "described", "status", NULL);
    char **text = tf_results_strings(r, "described", "text", NULL),
         **band = tf_results_strings(r, "described", "band", NULL);
    printf("%lld tasks, %lld elements\n", (long long)tasks, (long long)count);
    for (int64_t i = 0; i < tasks; i++)
        printf("%s %s %lld %g %g %lld\n", band[i], text[i], (long long)even[i], pair[2 * i], pair[2 * i + 1],
               (long long)status[i]);
    int64_t *y = tf_results_ints(r, "counted", "y", &count);
    printf("counted %lld, first %lld, last %lld\n", (long long)count, (long long)y[0], (long long)y[count - 1]);
    const char *const wrong[][2] = {{"none", "y"}, {"counted", "z"}, {"described", "text"}, {"counted", "stdout"}};
    for (int i = 0; i < 4; i++) {
        double *none = tf_results_doubles(r, wrong[i][0], wrong[i][1], NULL);
        printf("%s [%s]\n", none ? "there" : tf_results_message(r), tf_results_error_id(r));
        free(none);
    }
    free(tf_results_ints(r, "described", "x", NULL));
    printf("%s\n", tf_results_message(r));
    free(tf_results_strings(r, "described", "n", NULL));
    printf("%s\n", tf_results_message(r));
    free(pair);
    free(even);
    free(status);
    free(text);
    free(band);
    free(y);
}

enum { LEVELS = 12 };

/* A tree of divisions, and one that a failed call keeps from being run. */
static tf_manifest *make_graph(tf_delayed *root) {
    tf_manifest *m = tf_manifest_new("graph");
    tf_delayed value[1 << LEVELS];
    for (int i = 0; i < 1 << LEVELS; i++)
        value[i] = tf_number(i + 1);
    for (int width = 1 << LEVELS; width > 1; width /= 2)
        for (int i = 0; i < width / 2; i++)
            value[i] = tf_call(m, "divide", value[2 * i], value[2 * i + 1]);
    *root = value[0];
    tf_delayed lone = tf_call(m, "divide", tf_number(3));
    tf_call(m, "divide", lone, tf_number(2));
    tf_call(m, "divide", *root, *root);
    return m;
}

static double expected_root(void) {
    double value[1 << LEVELS];
    for (int i = 0; i < 1 << LEVELS; i++)
        value[i] = i + 1;
    for (int width = 1 << LEVELS; width > 1; width /= 2)
        for (int i = 0; i < width / 2; i++)
            value[i] = value[2 * i] / value[2 * i + 1];
    return value[0];
}

static tf_manifest *make_wrong(void) {
    tf_manifest *m = tf_manifest_new("wrong");
    tf_manifest_set(m, 3, "retries", "1");
    tf_manifest_set(m, TF_CAMPAIGN, "seed", "{");
    tf_call(m, "divide", tf_number(NAN));
    tf_call(m, "divide", (tf_delayed){.call = 7});
    tf_manifest_call(m, "divide", NULL, 0);
    return m;
}

static tf_manifest *make_unknown(void) {
    tf_manifest *m = tf_manifest_new("unknown");
    tf_manifest_stage(m, "a", "missing");
    tf_manifest_set(m, 0, "retires", "1");
    return m;
}

static tf_manifest *make_missing(void) {
    tf_manifest *m = tf_manifest_new("missing");
    tf_manifest_stage(m, "a", "missing");
    return m;
}

static tf_manifest *make_stopped(void) {
    return tf_manifest_parse("{\"name\": \"stopped\", \"run\": {\"service\": [\"sh\", \"-c\", \"exit 3\"]}}");
}

static tf_manifest *make_slow(void) {
    tf_manifest *m = tf_manifest_new("slow");
    for (int i = 0; i < 60; i++)
        tf_call(m, "nap", tf_number(0.1 + i * 1e-6));
    return m;
}

/* What a graph can't do: a call of 65 numbers, made by hand, and results that are of no call. */
static tf_manifest *make_odd(void) {
    tf_manifest *m = tf_manifest_new("odd");
    int many = tf_manifest_stage(m, "many", "nap");
    for (int a = 0; a < 65; a++) {
        char name[16];
        snprintf(name, sizeof name, "a%d", a);
        tf_manifest_ints(m, many, name, (const int64_t[]){a}, 1);
    }
    tf_manifest_result(m, many, "y", TF_FLOAT64, 0, NULL);
    int blocks = tf_manifest_stage(m, "blocks", NULL);
    tf_manifest_set(m, blocks, "over", "{\"b\": {\"blocks\": {\"shape\": [4], \"chunk\": [2]}}}");
    tf_manifest_set(m, blocks, "run", "{\"expr\": {\"v\": \"1\"}}");
    tf_manifest_set(m, blocks, "results", "{\"v\": {\"type\": \"float32\", \"array\": \"b\"}}");
    return m;
}

static void print_odd(const tf_manifest *m) {
    tf_results *r = tf_results_open("odd.h5");
    char **why = tf_results_strings(r, "many", "message", NULL);
    puts(why ? why[0] : tf_results_message(r));
    free(why);
    free(tf_results_doubles(r, "blocks", "v", NULL));
    puts(tf_results_message(r));
    tf_results_value(r, m, (tf_delayed){.call = 3});
    puts(tf_results_message(r));
    tf_results_close(r);
}

/* Two runs of one runner, of which the second has nothing to do: what was the process's own before is so after them. */
static int run_twice(tf_runner *runner, int rank) {
    char before[4096], after[4096];
    sigset_t mask_before, mask_after;
    tf_manifest *m = tf_manifest_new("again");
    for (int i = 0; i < 60; i++)
        tf_call(m, "nap", tf_number(1e-4 * i));
    bool folder = getcwd(before, sizeof before) != NULL;
    sigprocmask(SIG_BLOCK, NULL, &mask_before);
    int first = tf_run(runner, m, MPI_COMM_WORLD, NULL), second = tf_run(runner, m, MPI_COMM_WORLD, NULL);
    folder = folder && getcwd(after, sizeof after) && strcmp(before, after) == 0;
    sigprocmask(SIG_BLOCK, NULL, &mask_after);
    bool signals = true;
    for (int s = 1; s < 32; s++)
        signals = signals && sigismember(&mask_before, s) == sigismember(&mask_after, s);
    tf_results *r = tf_results_open("again.h5");
    int64_t count = 0, done = 0, *status = tf_results_ints(r, "call_0", "status", &count);
    for (int64_t i = 0; i < count; i++)
        done += status[i] == 1;
    if (rank == 0)
        printf("folder %s, signals %s, status %d and %d: %lld naps of %lld\n", folder ? "kept" : "lost",
               signals ? "kept" : "lost", first, second, (long long)done, (long long)count);
    free(status);
    tf_results_close(r);
    tf_manifest_free(m);
    return first;
}

/* ---- One campaign after another ---- */

static void describe_command(tf_manifest *m, const char *command) {
    char run[200];
    int stage = tf_manifest_stage(m, "commands", NULL);
    snprintf(run, sizeof run, "{\"command\": \"%s\"}", command);
    tf_manifest_range(m, stage, "i", 0, 24, 1);
    tf_manifest_set(m, stage, "run", run);
    tf_manifest_set(m, stage, "results", "{\"y\": {\"type\": \"int64\", \"from\": \"field:1\"}}");
}

static tf_manifest *make_commands(const char *command) {
    tf_manifest *m = tf_manifest_new("commands");
    describe_command(m, command);
    return m;
}

static void describe_counts(tf_manifest *m) {
    int stage = tf_manifest_stage(m, "counts", NULL);
    tf_manifest_range(m, stage, "i", 0, 5000, 1);
    tf_manifest_set(m, stage, "run", "{\"function\": \"program:count\", \"args\": {\"from\": 7}}");
    tf_manifest_result(m, stage, "y", TF_INT64, 0, NULL);
}

static void describe_naps(tf_manifest *m, int count) {
    for (int i = 0; i < count; i++)
        tf_call(m, "nap", tf_number(1e-3 * (i % 7)));
}

/* Rows of the output that are done, of all stages that it may have. */
static long long count_done(const char *output) {
    static const char *const stages[] = {"commands", "counts", "call_0"};
    long long done = 0;
    tf_results *r = tf_results_open(output);
    for (int s = 0; s < 3; s++) {
        int64_t count = 0, *status = tf_results_ints(r, stages[s], "status", &count);
        for (int64_t i = 0; status && i < count; i++)
            done += status[i] == 1;
        free(status);
    }
    tf_results_close(r);
    return done;
}

static herr_t own_handler(hid_t stack, void *data) {
    (void)stack, (void)data;
    return 0;
}

/* Six, which have nothing in common, in fewer and fewer slots. What this program does with HDF5's errors stays. */
static int run_six(tf_runner *runner, int rank) {
    static const char *const names[] = {"one", "two", "three", "four", "five", "six"};
    static const int slots[] = {4, 3, 3, 2, 1, 1};
    H5E_auto2_t handler;
    void *data;
    int worst = 0;
    H5Eset_auto2(H5E_DEFAULT, own_handler, runner);
    for (int n = 0; n < 6; n++) {
        char output[16];
        tf_manifest *m = tf_manifest_new(names[n]);
        if (n % 3 == 0)
            describe_naps(m, 60 + n);
        else if (n == 1)
            describe_command(m, "cd {scratch} && echo {i} > f && cat f");
        else if (n == 4)
            describe_command(m, "rmdir {scratch} && mkdir {scratch} && echo {i}");
        else
            describe_counts(m);
        int status = tf_run(runner, m, MPI_COMM_WORLD, &(tf_run_options){.slots = slots[n]});
        snprintf(output, sizeof output, "%s.h5", names[n]);
        if (rank == 0)
            printf("%s: status %d, %lld done %s\n", names[n], status, count_done(output), tf_runner_message(runner));
        worst = status > worst ? status : worst;
        tf_manifest_free(m);
    }
    H5Eget_auto2(H5E_DEFAULT, &handler, &data);
    if (rank == 0)
        printf("handler %s\n", handler == own_handler && data == runner ? "kept" : "lost");
    return worst;
}

/* Ranks tell one after the other what they know: the first in any case. */
static void tell(const tf_runner *runner, int status) {
    int rank, ranks;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    char text[2000] = "";
    if (rank == 0 || *tf_runner_message(runner))
        snprintf(text, sizeof text, "rank %d: status %d %s", rank, status, tf_runner_message(runner));
    for (int line = 0; *tf_runner_error_id(runner, line); line++)
        snprintf(text + strlen(text), sizeof text - strlen(text), " [%s]", tf_runner_error_id(runner, line));
    if (*text)
        snprintf(text + strlen(text), sizeof text - strlen(text), "\n");
    if (rank > 0)
        MPI_Send(text, sizeof text, MPI_CHAR, 0, 0, MPI_COMM_WORLD);
    for (int from = 0; rank == 0 && from < ranks; from++) {
        if (from > 0)
            MPI_Recv(text, sizeof text, MPI_CHAR, from, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        fputs(text, stdout);
    }
}

/* On the ranks of odd numbers, in reverse. */
static void run_half(tf_runner *runner, const tf_manifest *m, int rank) {
    MPI_Comm half;
    MPI_Comm_split(MPI_COMM_WORLD, rank % 2, -rank, &half);
    if (rank % 2)
        tf_run(runner, m, half, NULL);
    MPI_Comm_free(&half);
    MPI_Barrier(MPI_COMM_WORLD);
    if (rank > 0)
        return;
    tf_results *r = tf_results_open("spaces.h5");
    printf("%lld tasks\n", (long long)tf_results_tasks(r, "described"));
    tf_results_close(r);
}

int main(int argc, char **argv) {
    tf_runner *runner = tf_runner_start(functions);
    int rank, status = 0;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    const char *what = argc > 1 ? argv[1] : "";
    tf_delayed root = tf_number(0);
    tf_manifest *m = strcmp(what, "graph") == 0     ? make_graph(&root)
                     : strcmp(what, "wrong") == 0   ? make_wrong()
                     : strcmp(what, "unknown") == 0 ? make_unknown()
                     : strcmp(what, "missing") == 0 ? make_missing()
                     : strcmp(what, "stopped") == 0 ? make_stopped()
                     : strcmp(what, "slow") == 0    ? make_slow()
                     : strcmp(what, "odd") == 0     ? make_odd()
                     : strcmp(what, "command") == 0 ? make_commands(argv[2])
                                                    : make_spaces();
    const char *how = argc > 2 ? argv[2] : "";
    tf_run_options options = {
        .fresh = strcmp(how, "fresh") == 0, .salvage = strcmp(how, "salvage") == 0, .shows_progress = true};
    if (strcmp(what, "half") == 0) {
        run_half(runner, m, rank);
    } else if (strcmp(what, "again") == 0) {
        status = run_twice(runner, rank);
    } else if (strcmp(what, "six") == 0) {
        status = run_six(runner, rank);
    } else {
        status = tf_run(runner, m, MPI_COMM_WORLD, &options);
        tell(runner, status);
    }
    tf_results *r = tf_results_open(strcmp(what, "graph") == 0 ? "graph.h5" : "spaces.h5");
    if (rank == 0 && strcmp(what, "spaces") == 0 && status < 2)
        print_spaces(r);
    if (rank == 0 && strcmp(what, "graph") == 0)
        printf("%s\n", tf_results_value(r, m, root) == expected_root() ? "right" : "wrong");
    if (rank == 0 && strcmp(what, "odd") == 0)
        print_odd(m);
    tf_results_close(r);
    tf_manifest_free(m);
    MPI_Finalize();
    tf_runner_end(runner);
    return rank == 0 ? status : 0;
}
