/* A host runs batches: evaluates the parameters of all rows, runs task after task, and says which row is under way, so
 * that a crash can be blamed on it. */
#include "host/own.h"
#include "host/row.h"
#include "host/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

size_t host_state_size(int stages) {
    return sizeof(host_state) + (size_t)stages * sizeof(host_child);
}

void host_open(host *h, const host_setting *setting, int rank, int slot) {
    const tf_campaign *campaign = setting->campaign;
    *h = (host){.setting = setting, .campaign = campaign, .rank = rank, .slot = slot, .only_stage = -1};
    h->own = own_mark_new();
    tf_floats_read(&h->floats);
    h->runner = tf_alloc_array((size_t)campaign->stages, sizeof *h->runner);
    h->stage = tf_alloc_array((size_t)campaign->stages, sizeof(struct tf_stage *));
    h->exprs = tf_alloc_array((size_t)campaign->stages, sizeof(struct exprs *));
    h->service = tf_alloc_array((size_t)campaign->stages, sizeof *h->service);
    h->warm = tf_alloc_array((size_t)campaign->stages, sizeof *h->warm);
    batch_columns_alloc(&h->columns, campaign);
    h->root = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    h->files = tf_files_new(campaign);
    int most = 0;
    size_t rows = 1;
    bool has_python = false;
    for (int s = 0; s < campaign->stages; s++) {
        const tf_stage_spec *spec = &campaign->stage[s];
        h->runner[s] = runner_find(&spec->run);
        h->warm[s] = setting->warm ? setting->warm[s] : -1;
        most = tf_space_params(spec->space) > most ? tf_space_params(spec->space) : most;
        size_t capacity = (size_t)batch_most_rows(spec);
        rows = capacity > rows ? capacity : rows;
        has_python = has_python || spec->run.python;
    }
    values_open(&h->memory, most, rows, has_python);
    h->values = h->memory.of;
    h->point = tf_alloc_array((size_t)most, sizeof(void *));
    h->upstream_text = tf_alloc_array((size_t)most, sizeof *h->upstream_text);
}

void host_close(host *h) {
    int most = 0;
    for (int s = 0; s < h->campaign->stages; s++) {
        int params = tf_space_params(h->campaign->stage[s].space);
        most = params > most ? params : most;
        if (h->runner[s]->close)
            h->runner[s]->close(h, s);
        exprs_free(h->exprs[s], &h->campaign->stage[s]);
    }
    for (int p = 0; p < most; p++)
        tf_buf_free(&h->upstream_text[p]);
    values_close(&h->memory);
    free(h->own_gpus);
    free(h->answer);
    free(h->upstream_text);
    free(h->point);
    free(h->stage);
    free(h->runner);
    free(h->exprs);
    free(h->service);
    free(h->python);
    free(h->warm);
    batch_columns_free(&h->columns);
    own_mark_free(h->own);
    if (h->root >= 0)
        close(h->root);
    tf_files_free(h->files);
    tf_paths_free(&h->inputs);
    tf_paths_free(&h->outputs);
    tf_table_free(&h->not_staged);
    capture_free(&h->out);
    capture_free(&h->err);
    tf_buf_free(&h->outcome.message);
}

/* ---- Rows ---- */

/* Tells when a batch is to end. Its clock is a coarse one, and as long as that stands still it is read only every
 * STRIDE rows: reading any clock costs as much as a short function. */
typedef struct stopwatch {
    double end, seen; /* by tf_now_coarse() */
    int64_t stride, next;
} stopwatch;

static bool is_time_to_look(const stopwatch *w, int64_t row) {
    return row >= w->next;
}

static void read_stopwatch(stopwatch *w, int64_t row) {
    enum { STRIDE = 16 };
    const double now = tf_now_coarse();
    w->stride = now > w->seen ? 1 : w->stride < STRIDE ? 2 * w->stride : STRIDE;
    w->next = row + w->stride;
    w->seen = now;
}

/* Compares the surroundings with those before the batch. If they are unchanged, true, and the rows that have ended so
 * far are sound. Built-in functions change nothing. */
static bool compare_surroundings(host *h) {
    batch_header *head = h->header;
    surroundings after;
    if (strcmp(h->spec->run.library, "builtin") != 0) {
        surroundings_read(&after);
        head->changed = surroundings_compare(&h->before, &after);
        h->is_spoilt = head->changed != 0;
        h->has_compared = true;
    }
    if (!h->is_spoilt)
        __atomic_store_n(&head->sound, head->ended, __ATOMIC_RELEASE);
    return !h->is_spoilt;
}

/* Is it time to compare the surroundings? They are compared after the first task of a function, where a change shows
 * most often, and whenever the stopwatch has moved, so that no row is kept from the file for longer than a batch takes.
 */
static bool is_time_to_compare(const host *h, const stopwatch *w, int64_t row) {
    return (row == 0 && !h->has_compared) || w->stride == 1;
}

/* Reads the row's parts of tables, all columns of a table at once. false after host_fail. */
static bool read_tables(host *h, int64_t row) {
    const tf_stage_spec *spec = h->spec;
    bool (*reads)(const tf_stage_spec *spec, int array) = h->runner[spec->number]->reads_array;
    tf_error error;
    for (int a = 0; a < spec->arrays; a++) {
        const tf_csv *csv = spec->array[a].csv;
        if (!csv || (a > 0 && spec->array[a - 1].csv == csv))
            continue;
        void **out = tf_alloc_array((size_t)(spec->arrays - a), sizeof *out);
        bool any = false;
        for (int b = a; b < spec->arrays && spec->array[b].csv == csv; b++) {
            if (reads && reads(spec, b))
                out[spec->array[b].field] =
                    (char *)h->columns.arrays[b] + (size_t)row * tf_array_bytes(&spec->array[b]);
            any = any || out[spec->array[b].field];
        }
        tf_err err =
            any ? tf_csv_read(csv, tf_array_part(&spec->array[a], h->header->first + row), out, &error) : TF_OK;
        free(out);
        if (err != TF_OK) {
            host_fail(h, "%s", error.text);
            return false;
        }
    }
    return true;
}

/* Runs a row whose stage has files or tables. */
static void run_row(host *h, const runner *kind, int64_t row) {
    if ((!h->has_files || files_before(h, row)) && (!h->has_tables || read_tables(h, row)))
        kind->run_row(h, row);
    if (h->has_files)
        files_after(h);
}

/* If times are recorded, the end of a row is the start of the next. A function that does nothing takes two nanoseconds:
 * what is the same for all rows is asked before the loop. */
static void run_rows(host *h, const runner *kind) {
    batch_header *head = h->header;
    const bool full = h->spec->record_full;
    const bool is_plain = !h->has_files && !h->has_tables, keeps_stdout = kind->keeps_stdout;
    const bool is_inside = kind->is_inside;
    void (*const run)(host * h, int64_t row) = kind->run_row;
    stopwatch watch = {.end = head->started + BATCH_SECONDS, .seen = tf_now_coarse(), .stride = 1};
    double now = tf_quick_now(&h->clock);
    const double to_wall = tf_wall() - now;
    for (int64_t row = 0; row < head->count && !batch_is_to_stop(head); row++) {
        uint64_t blobs_before = h->blobs_used;
        double started = now;
        if (h->sets_apart && row_is_set_apart(h, row)) {
            row_explain_skipped(h, row);
            head->blobs_size = h->blobs_used;
            __atomic_store_n(&head->ended, row + 1, __ATOMIC_RELEASE);
            continue;
        }
        row_start(h, row, started + to_wall);
        if (is_plain)
            run(h, row);
        else
            run_row(h, kind, row);
        if (h->stopped)
            return;
        row_set_status(h, row);
        if (full) {
            now = tf_quick_now(&h->clock);
            h->columns.duration[row] = now - started;
        }
        if (h->has_blocks)
            batch_spread_blocks(&h->columns, h->spec, row, head->first + row);
        if (h->outcome.message.length || h->err.total || keeps_stdout) {
            row_add_texts(h, row, blobs_before);
            now = full ? tf_quick_now(&h->clock) : now;
        }
        head->blobs_size = h->blobs_used;
        __atomic_store_n(&head->ended, row + 1, __ATOMIC_RELEASE);
        if (h->blobs_used > BATCH_BLOB_BYTES)
            return;
        if (is_time_to_look(&watch, row)) {
            read_stopwatch(&watch, row);
            if (watch.seen > watch.end || (is_inside && is_time_to_compare(h, &watch, row) && !compare_surroundings(h)))
                return;
        }
    }
}

/* Sets h->part and h->part_count to the next rows that are to be run, from h->part on. false: there are none. */
static bool find_part(host *h) {
    const int64_t count = h->header->count;
    while (h->part < count && row_is_set_apart(h, h->part))
        h->part++;
    int64_t end = h->part;
    while (end < count && !row_is_set_apart(h, end))
        end++;
    h->part_count = end - h->part;
    return h->part_count > 0;
}

/* A batch function has all rows at once and says which of them failed. Each row's time is its share of the batch's. */
static void run_together(host *h, const runner *kind) {
    batch_header *head = h->header;
    double wall = tf_wall();
    int64_t included = 0;
    for (int64_t row = 0; row < head->count; row++) {
        if (row_is_set_apart(h, row)) {
            row_explain_skipped(h, row);
            continue;
        }
        row_start(h, row, wall);
        included++;
    }
    __atomic_store_n(&head->calling_end, head->count, __ATOMIC_RELEASE);
    if (h->has_timeout)
        host_watch(h, tf_now());
    for (h->part = 0; find_part(h); h->part += h->part_count)
        kind->run_part(h);
    for (int64_t row = 0; row < head->count; row++)
        if (h->columns.status[row] == TF_STATUS_PENDING)
            h->columns.status[row] = TF_STATUS_DONE;
    double share = included ? (tf_now() - head->started) / (double)included : 0;
    for (int64_t row = 0; row < head->count; row++) {
        if (h->spec->record_full && !row_is_set_apart(h, row))
            h->columns.duration[row] = share;
        if (h->has_blocks)
            batch_spread_blocks(&h->columns, h->spec, row, head->first + row);
        if (tf_status_has_failed(h->columns.status[row]))
            batch_clear_columns(&h->columns, h->spec, row, 1);
    }
    head->blobs_size = h->blobs_used;
    __atomic_store_n(&head->ended, head->count, __ATOMIC_RELEASE);
}

/* Rows that are called together have their parts of tables before. If one can't be read, they are called one by one. */
static void run_all_with_tables(host *h, const runner *kind) {
    batch_header *head = h->header;
    bool all = true;
    for (int64_t row = 0; row < head->count && all; row++)
        all = row_is_set_apart(h, row) || read_tables(h, row);
    if (all) {
        kind->run_all(h);
        return;
    }
    host_notice(h, TF_NOTICE_BATCHES, tf_buf_text(&h->outcome.message));
    row_begin(h);
    __atomic_store_n(&head->calling_end, head->count, __ATOMIC_RELEASE);
}

void host_run_batch(host *h, batch_map *map) {
    batch_header *head = (batch_header *)(void *)map->fixed;
    host_begin_batch(h, map, head->attempt);
    if (h->is_spoilt || (h->only_stage >= 0 && h->only_stage != h->spec->number)) {
        head->refused = 1;
        return;
    }
    const runner *kind = h->runner[h->spec->number];
    process_adopt_place(h);
    process_let_writes_fail(h, !kind->is_inside);
    capture_start(&h->err, h->spec->capture_stderr);
    exprs_set_apart(h);
    if (kind->begin)
        kind->begin(h);
    if (kind->run_all && (!h->has_files || h->shares_inputs) && !h->has_tables)
        kind->run_all(h);
    else if (kind->run_all && host_call(h) > 1)
        run_all_with_tables(h, kind);
    else if (kind->has_batch && kind->has_batch(h) && !h->has_files && !h->has_tables)
        run_together(h, kind);
    else
        run_rows(h, kind);
    tf_floats_restore(&h->floats);
    if (kind->is_inside && !h->is_spoilt)
        compare_surroundings(h);
    head->seconds = tf_now() - head->started;
}
