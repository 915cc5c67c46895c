/* Runs Python functions, in processes of the user's interpreter: a batch goes to one of these as a whole, and what is
 * left when it has died goes to the next. */
#include "host/frame_run.h"
#include "host/preflight.h"
#include "host/python_files.h"
#include "host/python_pool.h"
#include "host/row.h"
#include "host/runner.h"

/* What is said of rows begins empty. */
static void begin(host *h) {
    capture_start(&h->out, h->spec->capture_stdout);
    capture_start(&h->err, h->spec->capture_stderr);
}

/* Runs rows from `row` to `end` as far as one process comes. */
static frame_run run_frame(host *h, int64_t row, int64_t end, bool is_alone) {
    frame_run f = {.h = h, .s = python_pool_get(h), .first = row, .end = end, .settled = row, .is_alone = is_alone};
    if (!f.s || !python_files_give(h, f.s))
        return f;
    begin(h);
    frame_run_rows(&f);
    return f;
}

/* The row has failed before its function was called. */
static void fail_row(host *h, int64_t row, int exit_code) {
    batch_start_row(&h->columns, row, tf_wall());
    if (h->columns.duration) {
        h->columns.duration[row] = 0;
        h->columns.exit_code[row] = exit_code;
    }
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

/* Inputs that all rows share are looked at once a frame, and noted for all that it may run. false after host_fail. */
static bool look_at_inputs(host *h, int64_t row) {
    const batch_columns *c = &h->columns;
    if (h->has_files && !files_before(h, row))
        return false;
    for (int64_t r = row + 1; h->has_files && r < h->header->count; r++) {
        if (h->sets_apart && row_is_set_apart(h, r))
            continue;
        c->input_set[r] = c->input_set[row];
        if (c->input_hash)
            c->input_hash[r] = c->input_hash[row];
    }
    return true;
}

static bool is_over(const host *h) {
    return h->stopped || host_is_to_stop(h) || h->blobs_used > BATCH_BLOB_BYTES ||
           tf_now() > h->header->started + BATCH_SECONDS;
}

static void run_rows(host *h) {
    const int64_t count = h->header->count;
    bool one_by_one = false;
    for (int64_t row = pass_over(h, 0); row < count && !h->stopped; row = pass_over(h, row)) {
        if (look_at_inputs(h, row)) {
            const frame_run f = run_frame(h, row, one_by_one ? row + 1 : count, false);
            one_by_one = one_by_one || f.is_spoilt;
            row = f.settled;
            if (h->outcome.message.length) /* no process could be had */
                fail_row(h, row++, -1);
        } else {
            fail_row(h, row++, 0);
        }
        if (is_over(h))
            return;
    }
}

/* Says up to where rows are called together, should this process end, or its batch. */
static void say_calling(const host *h, int64_t end) {
    __atomic_store_n(&h->header->calling_end, end, __ATOMIC_RELEASE);
}

/* Calls of several rows each. Where one comes to nothing, for whatever reason, the rank has its rows run one by one. */
static void run_calls(host *h) {
    const int64_t count = h->header->count, call = host_call(h);
    for (int64_t row = 0; row < count && !is_over(h);) {
        say_calling(h, count);
        const frame_run f = run_frame(h, row, count, false);
        row = f.settled;
        if (f.is_in_vain || f.is_spoilt || h->outcome.message.length || (row < count && row % call != 0)) {
            if (h->outcome.message.length)
                host_notice(h, TF_NOTICE_BATCHES, tf_buf_text(&h->outcome.message));
            row_begin(h);
            return;
        }
        say_calling(h, 0);
    }
}

static void run_all(host *h) {
    begin(h);
    if (host_call(h) > 1)
        run_calls(h);
    else
        run_rows(h);
}

/* Of a stage with files or tables: the row is settled by who calls. */
static void run_row(host *h, int64_t row) {
    capture_start(&h->out, h->spec->capture_stdout);
    while (run_frame(h, row, row + 1, true).settled == row && !h->stopped && h->outcome.message.length == 0)
        h->stopped = host_is_to_stop(h);
}

static bool reads_array(const tf_stage_spec *spec, int array) {
    (void)spec, (void)array;
    return true;
}

const runner runner_python = {.key = "python",
                              .preflight = preflight_python,
                              .try_start = python_try_start,
                              .run_row = run_row,
                              .run_all = run_all,
                              .reads_array = reads_array,
                              .close = python_pool_close,
                              .keeps_stdout = true};
