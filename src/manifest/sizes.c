/* How large the output of a campaign would be. Numbers of tasks, rows times their bytes, offsets in the file and all
 * sums of these are computed as int64_t everywhere: a campaign that would leave them by far is refused here, so that
 * none of them can wrap. What no file system holds goes with it. */
#include "manifest/load.h"

/* Bytes, of all stages together: an eighth of what int64_t holds, and more than any machine. */
#define MOST_BYTES ((int64_t)1 << 60)

/* What a row has at most besides its columns and parameters: status, attempts, and a full record of times. */
enum { RECORD_BYTES = 64, INDEX_BYTES = 16, CAPTURED = 3 /* texts a row: stdout, stderr, message */ };

/* Adds a * b to the sum. false: int64_t can't hold it. */
static bool add_product(int64_t *sum, int64_t a, int64_t b) {
    int64_t product;
    return !__builtin_mul_overflow(a, b, &product) && !__builtin_add_overflow(*sum, product, sum);
}

static bool add_grid(int64_t *sum, const tf_column_spec *column) {
    int64_t elements = 1;
    for (int d = 0; d < column->grid->rank; d++)
        if (__builtin_mul_overflow(elements, column->grid->shape[d], &elements))
            return false;
    return add_product(sum, elements, (int64_t)tf_type_size(column->type));
}

/* Adds the bytes of the stage's datasets. Strings without a fixed length are left out: their bytes are as many as tasks
 * give. false: int64_t can't hold the sum. */
static bool add_stage(int64_t *sum, const tf_stage_spec *stage) {
    const int64_t tasks = tf_space_size(stage->space);
    int64_t row = RECORD_BYTES + CAPTURED * INDEX_BYTES;
    bool fits = true;
    for (int p = 0; p < tf_space_params(stage->space) && stage->store_params && fits; p++)
        fits = add_product(&row, 1, (int64_t)tf_space_cell_size(stage->space, p));
    for (int c = 0; c < stage->columns && fits; c++) {
        const tf_column_spec *column = &stage->column[c];
        const int64_t bytes = (int64_t)tf_column_bytes(column);
        fits = column->grid ? add_grid(sum, column) : add_product(&row, 1, bytes ? bytes : INDEX_BYTES);
    }
    return fits && add_product(sum, tasks, row);
}

void check_sizes(struct loader *l, const tf_campaign *campaign) {
    int64_t sum = 0;
    for (int s = 0; s < campaign->stages; s++) {
        if (add_stage(&sum, &campaign->stage[s]) && sum <= MOST_BYTES)
            continue;
        tf_diags_add(
            l->diags, campaign->stage[s].pointer, TF_DIAG_TOO_LARGE,
            "with %lld tasks here the output would have more than 2^60 bytes: choose a smaller space, or smaller "
            "columns",
            (long long)tf_space_size(campaign->stage[s].space));
        return;
    }
}
