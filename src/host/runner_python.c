/* Runs Python functions, in processes of the user's interpreter: a batch goes to one of these as a whole, and what is
 * left when it has died goes to the next. */
#include "host/frame_run.h"
#include "host/preflight.h"
#include "host/python_pool.h"
#include "host/row.h"
#include "host/runner.h"

/* What is said of rows begins empty. */
static void begin(host *h) {
    capture_start(&h->out, h->spec->capture_stdout);
    capture_start(&h->err, h->spec->capture_stderr);
}

/* Runs rows from `row` to `end` as far as one process comes. Returns the first one that is left. `spoilt` (may be
 * NULL): set if they are to run one by one. */
static int64_t run_frame(host *h, int64_t row, int64_t end, bool is_alone, bool *spoilt) {
    python_slot *s = python_pool_get(h);
    if (!s)
        return row;
    begin(h);
    frame_run f = {.h = h, .s = s, .first = row, .end = end, .settled = row, .is_alone = is_alone};
    frame_run_rows(&f);
    if (f.is_spoilt && spoilt)
        *spoilt = true;
    return f.settled;
}

/* No process could be had: that is the row's failure. */
static void fail_row(host *h, int64_t row) {
    batch_start_row(&h->columns, row, tf_wall());
    if (h->columns.duration)
        h->columns.duration[row] = 0;
    row_set_status(h, row);
    row_add_texts(h, row, h->blobs_used);
    row_begin(h);
    h->header->blobs_size = h->blobs_used;
    __atomic_store_n(&h->header->ended, row + 1, __ATOMIC_RELEASE);
}

/* The rows that are set apart from `row` on need no process. Returns the first one behind them. */
static int64_t pass_over(host *h, int64_t row) {
    const int64_t from = row;
    for (; h->sets_apart && row < h->header->count && row_is_set_apart(h, row); row++)
        row_explain_skipped(h, row);
    if (row == from)
        return row;
    h->header->blobs_size = h->blobs_used;
    __atomic_store_n(&h->header->ended, row, __ATOMIC_RELEASE);
    return row;
}

static bool is_over(const host *h) {
    return h->stopped || host_is_to_stop(h) || h->blobs_used > BATCH_BLOB_BYTES ||
           tf_now() > h->header->started + BATCH_SECONDS;
}

static void run_all(host *h) {
    const int64_t count = h->header->count;
    bool one_by_one = false;
    begin(h);
    for (int64_t row = pass_over(h, 0); row < count && !h->stopped; row = pass_over(h, row)) {
        row = run_frame(h, row, one_by_one ? row + 1 : count, false, &one_by_one);
        if (h->outcome.message.length)
            fail_row(h, row++);
        if (is_over(h))
            return;
    }
}

/* Of a stage with files or tables: the row is settled by who calls. */
static void run_row(host *h, int64_t row) {
    capture_start(&h->out, h->spec->capture_stdout);
    while (run_frame(h, row, row + 1, true, NULL) == row && !h->stopped && h->outcome.message.length == 0)
        h->stopped = host_is_to_stop(h);
}

static bool reads_array(const tf_stage_spec *spec, int array) {
    (void)spec, (void)array;
    return true;
}

const runner runner_python = {.key = "python",
                              .preflight = preflight_python,
                              .run_row = run_row,
                              .run_all = run_all,
                              .reads_array = reads_array,
                              .close = python_pool_close,
                              .keeps_stdout = true};
