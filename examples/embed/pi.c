/* Estimates pi: a thousand tasks throw darts on all ranks, and the first rank reads back how many hit.
 *
 *     mpirun -n 4 ./pi
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <taskfarm/taskfarm.h>

enum { TASKS = 1000, DARTS = 100000 };

/* One task: its random numbers are its own, and the same in every run. */
static int throw_darts(const tf_task *task, tf_row *row) {
    tf_rng *rng = tf_task_rng(task);
    int64_t hits = 0;
    for (int i = 0; i < DARTS; i++) {
        double x = tf_rng_double(rng), y = tf_rng_double(rng);
        hits += x * x + y * y < 1;
    }
    tf_put_int(row, "hits", hits);
    return TF_SUCCESS;
}

static const tf_function functions[] = {{.name = "throw_darts", .task = throw_darts}, {.name = NULL}};

static int print_pi(void) {
    tf_results *results = tf_results_open("pi.h5");
    int64_t tasks, sum = 0, *hits = tf_results_ints(results, "darts", "hits", &tasks);
    if (!hits) {
        fprintf(stderr, "%s\n", tf_results_message(results));
        tf_results_close(results);
        return 1;
    }
    for (int64_t i = 0; i < tasks; i++)
        sum += hits[i];
    double darts = (double)tasks * DARTS, p = (double)sum / darts;
    printf("pi = %.5f +- %.5f\n", 4 * p, 4 * sqrt(p * (1 - p) / darts));
    free(hits);
    tf_results_close(results);
    return 0;
}

int main(int argc, char **argv) {
    tf_runner *runner = tf_runner_start(functions);
    if (!runner) {
        perror("pi");
        return 1;
    }
    int rank;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);

    tf_manifest *manifest = tf_manifest_new("pi");
    tf_manifest_set(manifest, TF_CAMPAIGN, "seed", "314159");
    int darts = tf_manifest_stage(manifest, "darts", "throw_darts");
    tf_manifest_range(manifest, darts, "throw", 0, TASKS, 1);
    tf_manifest_result(manifest, darts, "hits", TF_INT64, 0, NULL);

    int status = tf_run(runner, manifest, MPI_COMM_WORLD, NULL);
    if (rank == 0 && status == TF_RUN_DONE)
        status = print_pi();
    else if (rank == 0)
        fprintf(stderr, "%s\n", tf_runner_message(runner));
    tf_manifest_free(manifest);
    MPI_Finalize();
    tf_runner_end(runner);
    return rank == 0 ? status : 0;
}
