/* One chunk of a large random array, and what is to be known of it: the mean of 2 (sin x + 1). The chunk itself is
 * never there as a whole. */
#include <math.h>
#include <taskfarm/plugin.h>

TF_PLUGIN;

TF_EXPORT int block(const tf_task *task, tf_row *row);
int block(const tf_task *task, tf_row *row) {
    int64_t rows = tf_get_int(task, "b_count_0"), columns = tf_get_int(task, "b_count_1");
    tf_rng *rng = tf_task_rng(task);
    double total = 0;
    for (int64_t i = 0; i < rows; i++) {
        double sum = 0;
        for (int64_t j = 0; j < columns; j++)
            sum += 2 * (sin(tf_rng_double(rng)) + 1);
        total += sum;
    }
    tf_put_double(row, "mean", total / (double)(rows * columns));
    tf_put_int(row, "elements", rows * columns);
    return TF_SUCCESS;
}
