/* One call runs the tasks of a batch together, always the same ones, even if some of them were done before. The rows of
 * those are dropped here: only what was asked for is passed on. */
#include "slots/inner.h"

#include <stdlib.h>

/* Rows are passed on piece by piece: each is a run of tasks that were asked for. */
typedef struct piece {
    tf_interval tasks;
    tf_buf blobs; /* of its rows */
} piece;

/* The piece that the task is in, of pieces in order; NULL: it is in none. */
static piece *find_piece(piece *pieces, size_t count, int64_t task) {
    size_t low = 0, high = count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (task >= pieces[middle].tasks.end)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && task >= pieces[low].tasks.first ? &pieces[low] : NULL;
}

/* The parts of `wanted` within the tasks. Returns how many; *pieces is the caller's. */
static size_t cut_pieces(const tf_intervals *wanted, tf_interval within, piece **pieces) {
    size_t count = 0;
    *pieces = tf_alloc_array(wanted->count, sizeof **pieces);
    for (size_t i = 0; i < wanted->count; i++) {
        const tf_interval *item = &wanted->items[i];
        const int64_t first = item->first > within.first ? item->first : within.first;
        const int64_t end = item->end < within.end ? item->end : within.end;
        if (first < end)
            (*pieces)[count++].tasks = (tf_interval){first, end};
    }
    return count;
}

static void share_out_blobs(const tf_rows *rows, piece *pieces, size_t count) {
    const char *bytes = rows->blobs;
    for (size_t at = 0, size; at < rows->blobs_size; at += size) {
        const tf_record *record = (const tf_record *)(const void *)(bytes + at);
        size = tf_record_size((size_t)record->length);
        piece *p = find_piece(pieces, count, record->index);
        if (p)
            tf_buf_add(&p->blobs, record, size);
    }
}

static const void *cell(const void *cells, int64_t row, size_t size) {
    return cells ? (const char *)cells + (size_t)row * size : NULL;
}

/* Pointers to the row's cells of all parameters and columns. */
typedef struct row_cells {
    const void **params, **columns;
} row_cells;

static void point_at_cells(const tf_stage_spec *spec, const tf_rows *rows, int64_t row, const row_cells *out) {
    for (int p = 0; rows->params && p < tf_space_params(spec->space); p++)
        out->params[p] = cell(rows->params[p], row, tf_space_cell_size(spec->space, p));
    for (int c = 0; c < spec->columns; c++)
        out->columns[c] = cell(rows->columns[c], row, tf_column_bytes(&spec->column[c]));
}

/* The rows of a piece. What it points to is that of `rows`, of `cells` and of the piece. */
static tf_rows rows_of(const tf_stage_spec *spec, const tf_rows *rows, const piece *p, const row_cells *cells) {
    const int64_t row = p->tasks.first - rows->first;
    tf_rows some = *rows;
    point_at_cells(spec, rows, row, cells);
    some.first = p->tasks.first;
    some.count = p->tasks.end - p->tasks.first;
    some.seconds = rows->seconds * (double)some.count / (double)rows->count;
    some.params = rows->params ? cells->params : NULL;
    some.columns = cells->columns;
    some.status = cell(rows->status, row, sizeof *rows->status);
    some.attempts = cell(rows->attempts, row, sizeof *rows->attempts);
    some.input_set = cell(rows->input_set, row, sizeof *rows->input_set);
    some.input_hash = cell(rows->input_hash, row, sizeof *rows->input_hash);
    some.start = cell(rows->start, row, sizeof *rows->start);
    some.duration = cell(rows->duration, row, sizeof *rows->duration);
    some.exit_code = cell(rows->exit_code, row, sizeof *rows->exit_code);
    some.signal = cell(rows->signal, row, sizeof *rows->signal);
    some.cpu = cell(rows->cpu, row, sizeof *rows->cpu);
    some.max_rss = cell(rows->max_rss, row, sizeof *rows->max_rss);
    some.blobs = p->blobs.data;
    some.blobs_size = p->blobs.length;
    some.failed = some.excluded = some.skipped = 0;
    batch_count_rows(&some);
    return some;
}

static tf_err pass_on_rows(const tf_stage_spec *spec, int slot_id, const tf_rows *rows, const tf_intervals *wanted,
                           const delivery *d) {
    piece *pieces;
    const row_cells cells = {
        .params = tf_alloc_array((size_t)tf_space_params(spec->space), sizeof *cells.params),
        .columns = tf_alloc_array((size_t)spec->columns, sizeof *cells.columns),
    };
    const size_t count = cut_pieces(wanted, (tf_interval){rows->first, rows->first + rows->count}, &pieces);
    tf_err err = TF_OK;
    share_out_blobs(rows, pieces, count);
    for (size_t i = 0; i < count; i++) {
        tf_rows some = rows_of(spec, rows, &pieces[i], &cells);
        if (i > 0)
            some.calls = 0;
        if (err == TF_OK)
            err = d->on_rows(d->context, slot_id, &some, (tf_interval){0, 0}, d->error);
        tf_buf_free(&pieces[i].blobs);
    }
    free(pieces);
    free(cells.params);
    free(cells.columns);
    return err;
}

static tf_rows none_of(const tf_rows *rows) {
    tf_rows none = *rows;
    none.count = none.failed = none.excluded = none.skipped = none.calls = 0;
    none.blobs_size = 0;
    return none;
}

/* What is noticed goes before all rows, of which there may be none. */
static tf_err pass_on_notices(int slot_id, tf_rows *rows, const delivery *d) {
    const tf_rows none = none_of(rows);
    rows->notices = 0;
    return none.notices > 0 ? d->on_rows(d->context, slot_id, &none, (tf_interval){0, 0}, d->error) : TF_OK;
}

/* What is left is told from its end on: what is told last is run first. */
static tf_err pass_on_left(int slot_id, const tf_rows *rows, const tf_intervals *wanted, tf_interval left,
                           const delivery *d) {
    piece *pieces;
    size_t count = cut_pieces(wanted, left, &pieces);
    const tf_rows none = none_of(rows);
    tf_err err = TF_OK;
    while (count-- > 0 && err == TF_OK)
        err = d->on_rows(d->context, slot_id, &none, pieces[count].tasks, d->error);
    free(pieces);
    return err;
}

tf_err wanted_pass_on(const tf_slots *slots, int slot_id, const batch_order *order, const tf_rows *rows,
                      tf_interval left, const delivery *d) {
    tf_intervals wanted = {0};
    if (order->wanted.total == 0)
        return d->on_rows(d->context, slot_id, rows, left, d->error);
    tf_intervals_add_all(&wanted, &order->wanted); /* whoever gets the rows may submit more */
    tf_rows all = *rows;
    tf_err err = pass_on_notices(slot_id, &all, d);
    if (err == TF_OK)
        err = pass_on_rows(&slots->campaign->stage[order->stage], slot_id, &all, &wanted, d);
    if (err == TF_OK)
        err = pass_on_left(slot_id, &all, &wanted, left, d);
    tf_intervals_free(&wanted);
    return err;
}
