/* A graph of delayed calls: inc(1) + inc(2), and the sum of the squares of 1 ... 1000 as a tree. Nothing runs when a
 * call is made; tf_run then runs what needs nothing of each other side by side.
 *
 *     mpirun -n 4 ./delayed
 */
#include <stdio.h>
#include <taskfarm/taskfarm.h>

static double inc(const double *x, int count) {
    (void)count;
    return x[0] + 1;
}

static double add(const double *x, int count) {
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += x[i];
    return sum;
}

static double square(const double *x, int count) {
    (void)count;
    return x[0] * x[0];
}

static const tf_function functions[] = {
    {.name = "inc", .call = inc}, {.name = "add", .call = add}, {.name = "square", .call = square}, {.name = NULL}};

enum { SQUARES = 1000 };

/* Adds pairs until one is left. */
static tf_delayed tree(tf_manifest *manifest, tf_delayed *leaf, int count) {
    for (; count > 1; count = (count + 1) / 2) {
        for (int i = 0; i < count / 2; i++)
            leaf[i] = tf_call(manifest, "add", leaf[2 * i], leaf[2 * i + 1]);
        if (count % 2)
            leaf[count / 2] = leaf[count - 1];
    }
    return leaf[0];
}

int main(int argc, char **argv) {
    tf_runner *runner = tf_runner_start(functions);
    if (!runner) {
        perror("delayed");
        return 1;
    }
    int rank;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);

    tf_manifest *manifest = tf_manifest_new("delayed");
    tf_delayed x = tf_call(manifest, "inc", tf_number(1)), y = tf_call(manifest, "inc", tf_number(2));
    tf_delayed sum = tf_call(manifest, "add", x, y), leaf[SQUARES];
    for (int i = 0; i < SQUARES; i++)
        leaf[i] = tf_call(manifest, "square", tf_number(i + 1));
    tf_delayed squares = tree(manifest, leaf, SQUARES);

    int status = tf_run(runner, manifest, MPI_COMM_WORLD, NULL);
    if (rank == 0 && status == TF_RUN_DONE) {
        tf_results *results = tf_results_open("delayed.h5");
        printf("inc(1) + inc(2) = %g\n", tf_results_value(results, manifest, sum));
        printf("1 + 4 + 9 + ... = %.0f\n", tf_results_value(results, manifest, squares));
        tf_results_close(results);
    } else if (rank == 0) {
        fprintf(stderr, "%s\n", tf_runner_message(runner));
    }
    tf_manifest_free(manifest);
    MPI_Finalize();
    tf_runner_end(runner);
    return rank == 0 ? status : 0;
}
