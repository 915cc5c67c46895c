/* Texts move from the side files into the file when their stage ends. HDF5 can't write values of varying length in
 * parallel, so a kind of text becomes either cells of a fixed length, or a heap of bytes in task order with an index of
 * (offset, length). Where a text goes in the heap depends on the lengths of all before it, which are spread over the
 * ranks: in windows of the index, each rank owns a block of tasks, is told their lengths, and answers with offsets. So
 * the bytes do not depend on who ran what, and no rank holds more than its own texts and one block. */
#include "store/file.h"

#include <stdlib.h>
#include <string.h>

enum {
    LONGEST_CELL = 1024,   /* longer strings make a heap */
    BLOCK_TASKS = 1 << 18, /* that a rank owns in a window */
    PIECE_TASKS = 1 << 10, /* of the heap's index; pieces without texts are not written */
    WRITE_BYTES = 16 << 20 /* at most, in one write */
};

typedef struct entry {
    int64_t index;
    int64_t order; /* of two texts of one task the later attempt counts, then the later one */
    int64_t at;    /* offset of the payload in the side file */
    int64_t length;
    int64_t offset; /* in the heap */
} entry;

/* All texts of one kind that this rank has, by task. */
typedef struct entries {
    entry *items;
    size_t count, capacity;
} entries;

/* ---- Reading the side file ---- */

static void add_entry(entries *list, entry item) {
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? 2 * list->capacity : 64;
        list->items = tf_realloc_array(list->items, list->capacity, sizeof *list->items);
    }
    list->items[list->count++] = item;
}

static int compare_entries(const void *a, const void *b) {
    const entry *x = a, *y = b;
    if (x->index != y->index)
        return x->index < y->index ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

/* By task, one each: the last. */
static void settle(entries *list) {
    if (list->count == 0)
        return;
    qsort(list->items, list->count, sizeof *list->items, compare_entries);
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (i + 1 == list->count || list->items[i + 1].index != list->items[i].index)
            list->items[kept++] = list->items[i];
    }
    list->count = kept;
}

static tf_err scan(const tf_store *s, int stage, const char *bytes, size_t size, entries *lists, tf_error *error) {
    size_t at = (size_t)s->stage[stage].texts_from;
    int64_t position = 0;
    while (at < size) {
        const tf_record *record = tf_record_at(bytes + at, size - at);
        if (!record)
            return tf_error_set(error, TF_ERR_RUN, "%s: the side file of rank %d is damaged at byte %zu",
                                s->campaign->output, s->rank, at);
        if (record->stage == stage)
            add_entry(&lists[record->kind], (entry){.index = record->index,
                                                    .order = ((int64_t)record->attempt << 40) + position++,
                                                    .at = (int64_t)(at + sizeof *record),
                                                    .length = (int64_t)record->length});
        at += tf_record_size((size_t)record->length);
    }
    for (int k = 0; k < TF_RECORD_COLUMN + s->campaign->stage[stage].columns; k++)
        settle(&lists[k]);
    return TF_OK;
}

/* ---- Writing ---- */

/* Collects adjacent rows of `width` bytes each into large writes. */
typedef struct writer {
    const table *to;
    size_t width;
    int64_t first;
    tf_buf rows;
    bool failed;
} writer;

static void writer_flush(writer *w) {
    if (w->rows.length && !w->failed)
        w->failed = store_write_rows(w->to, w->first, (int64_t)(w->rows.length / w->width), w->rows.data) < 0;
    tf_buf_clear(&w->rows);
}

/* Starts row `row`; its bytes are added to w->rows then. */
static void writer_seek(writer *w, int64_t row) {
    bool adjacent = w->first + (int64_t)(w->rows.length / w->width) == row;
    if (!adjacent || w->rows.length >= WRITE_BYTES)
        writer_flush(w);
    if (w->rows.length == 0)
        w->first = row;
}

static bool writer_end(writer *w) {
    writer_flush(w);
    tf_buf_free(&w->rows);
    return !w->failed;
}

/* ---- Cells ---- */

static tf_err write_cells(tf_store *s, int stage, int column, const entries *list, size_t longest, const char *bytes,
                          tf_error *error) {
    static const char zeros[LONGEST_CELL];
    const tf_stage_spec *spec = &s->campaign->stage[stage];
    store_stage *st = &s->stage[stage];
    const char *name = spec->column[column].name;
    table *t = &st->column[column];
    *t = (table){.type = store_string_type(longest), .rank = 1, .shape = {(hsize_t)tf_space_size(spec->space)}};
    if (!store_create_table(st->results, name, st->scale, t))
        return store_error(s, error, "can't create column \"%s\"", name);
    writer w = {.to = t, .width = longest ? longest : 1};
    for (size_t i = 0; i < list->count; i++) {
        const entry *e = &list->items[i];
        writer_seek(&w, e->index);
        tf_buf_add(&w.rows, bytes + e->at, (size_t)e->length);
        tf_buf_add(&w.rows, zeros, w.width - (size_t)e->length);
    }
    return writer_end(&w) ? TF_OK : store_error(s, error, "can't write column \"%s\"", name);
}

/* ---- Offsets ---- */

/* What one window needs. Counts and displacements are of int64_t. */
typedef struct window {
    int64_t first; /* task; rank r owns first + r * BLOCK_TASKS ... */
    int *send, *send_at, *receive, *receive_at;
    int64_t *sent; /* (index, length) pairs; then offsets come back */
    int64_t *received;
    int64_t *rows; /* BLOCK_TASKS x (offset, length) */
} window;

static void exchange_lengths(const tf_store *s, window *w, const entry *items, size_t count) {
    memset(w->send, 0, (size_t)s->ranks * sizeof *w->send);
    for (size_t i = 0; i < count; i++)
        w->send[(items[i].index - w->first) / BLOCK_TASKS] += 2;
    MPI_Alltoall(w->send, 1, MPI_INT, w->receive, 1, MPI_INT, s->comm);
    int sends = 0, receives = 0;
    for (int r = 0; r < s->ranks; r++) {
        w->send_at[r] = sends;
        w->receive_at[r] = receives;
        sends += w->send[r];
        receives += w->receive[r];
    }
    w->sent = tf_realloc_array(w->sent, (size_t)sends + 1, sizeof *w->sent);
    w->received = tf_realloc_array(w->received, (size_t)receives + 1, sizeof *w->received);
    for (size_t i = 0; i < count; i++) {
        w->sent[2 * i] = items[i].index;
        w->sent[2 * i + 1] = items[i].length;
    }
    MPI_Alltoallv(w->sent, w->send, w->send_at, MPI_INT64_T, w->received, w->receive, w->receive_at, MPI_INT64_T,
                  s->comm);
}

/* Gives offsets to the tasks of this rank's block, from `base` on. Returns the bytes of the whole window. */
static int64_t place_block(const tf_store *s, window *w, int64_t base) {
    const int64_t block = w->first + (int64_t)s->rank * BLOCK_TASKS;
    int receives = w->receive_at[s->ranks - 1] + w->receive[s->ranks - 1];
    memset(w->rows, 0, 2 * BLOCK_TASKS * sizeof *w->rows);
    int64_t mine = 0, before = 0, total;
    for (int i = 0; i < receives; i += 2) {
        w->rows[2 * (w->received[i] - block) + 1] = w->received[i + 1];
        mine += w->received[i + 1];
    }
    MPI_Exscan(&mine, &before, 1, MPI_INT64_T, MPI_SUM, s->comm);
    MPI_Allreduce(&mine, &total, 1, MPI_INT64_T, MPI_SUM, s->comm);
    int64_t offset = base + (s->rank ? before : 0);
    for (int64_t i = 0; i < BLOCK_TASKS; i++) {
        if (w->rows[2 * i + 1] == 0)
            continue;
        w->rows[2 * i] = offset;
        offset += w->rows[2 * i + 1];
    }
    for (int i = 0; i < receives; i += 2)
        w->received[i + 1] = w->rows[2 * (w->received[i] - block)];
    return total;
}

/* Writes the block's rows of the index; what holds no text stays as it was laid out: zero. */
static bool write_block(const tf_store *s, const window *w, const table *index) {
    const int64_t block = w->first + (int64_t)s->rank * BLOCK_TASKS;
    writer out = {.to = index, .width = 2 * sizeof(int64_t)};
    for (int64_t piece = 0; piece < BLOCK_TASKS; piece += PIECE_TASKS) {
        int64_t tasks = (int64_t)index->shape[0] - block - piece, any = 0;
        tasks = tasks < PIECE_TASKS ? tasks : PIECE_TASKS;
        for (int64_t i = 0; i < tasks; i++)
            any |= w->rows[2 * (piece + i) + 1];
        if (!any)
            continue;
        writer_seek(&out, block + piece);
        tf_buf_add(&out.rows, &w->rows[2 * piece], (size_t)tasks * out.width);
    }
    return writer_end(&out);
}

/* Collective: sets the offsets of all entries, writes the index. Returns the heap's size. */
static int64_t place_entries(const tf_store *s, entries *list, const table *index, bool *written) {
    size_t ranks = (size_t)s->ranks;
    window w = {.send = tf_alloc_array(ranks, sizeof(int)),
                .send_at = tf_alloc_array(ranks, sizeof(int)),
                .receive = tf_alloc_array(ranks, sizeof(int)),
                .receive_at = tf_alloc_array(ranks, sizeof(int)),
                .rows = tf_alloc_array(2 * BLOCK_TASKS, sizeof(int64_t))};
    size_t done = 0;
    int64_t base = 0;
    for (;;) {
        int64_t next = done < list->count ? list->items[done].index : INT64_MAX;
        MPI_Allreduce(&next, &w.first, 1, MPI_INT64_T, MPI_MIN, s->comm);
        if (w.first == INT64_MAX)
            break;
        int64_t end = w.first + (int64_t)s->ranks * BLOCK_TASKS;
        size_t count = 0;
        while (done + count < list->count && list->items[done + count].index < end)
            count++;
        exchange_lengths(s, &w, &list->items[done], count);
        base += place_block(s, &w, base);
        *written = write_block(s, &w, index) && *written;
        MPI_Alltoallv(w.received, w.receive, w.receive_at, MPI_INT64_T, w.sent, w.send, w.send_at, MPI_INT64_T,
                      s->comm);
        for (size_t i = 0; i < count; i++)
            list->items[done + i].offset = w.sent[2 * i + 1];
        done += count;
    }
    free(w.send);
    free(w.send_at);
    free(w.receive);
    free(w.receive_at);
    free(w.sent);
    free(w.received);
    free(w.rows);
    return base;
}

/* ---- Heaps ---- */

static bool write_heap_bytes(const table *heap, const entries *list, const char *bytes) {
    writer w = {.to = heap, .width = 1};
    for (size_t i = 0; i < list->count; i++) {
        const entry *e = &list->items[i];
        for (int64_t done = 0; done < e->length;) {
            int64_t part = e->length - done < WRITE_BYTES ? e->length - done : WRITE_BYTES;
            writer_seek(&w, e->offset + done);
            tf_buf_add(&w.rows, bytes + e->at + done, (size_t)part);
            done += part;
        }
    }
    return writer_end(&w);
}

static tf_err write_heap(tf_store *s, int stage, const char *name, entries *list, const char *bytes, tf_error *error) {
    store_stage *st = &s->stage[stage];
    tf_buf index_name = {0};
    tf_buf_addf(&index_name, "%s_index", name);
    table index = {.type = H5Tcopy(H5T_STD_I64LE),
                   .rank = 2,
                   .shape = {(hsize_t)tf_space_size(s->campaign->stage[stage].space), 2}};
    table heap = {.type = H5Tcopy(H5T_STD_U8LE), .rank = 1};
    tf_err err = TF_OK;
    bool good = true;
    if (!store_create_table(st->text, tf_buf_text(&index_name), st->scale, &index))
        err = store_error(s, error, "can't create the index of \"%s\"", name);
    err = tf_store_agree(s->comm, err, error);
    if (err == TF_OK) {
        heap.shape[0] = (hsize_t)place_entries(s, list, &index, &good);
        heap.dataset = store_dataset(st->text, name, heap.type, 1, heap.shape);
        good = good && heap.dataset >= 0 && write_heap_bytes(&heap, list, bytes);
        if (!good)
            err = store_error(s, error, "can't write \"%s\"", name);
    }
    if (heap.dataset > 0)
        H5Dclose(heap.dataset);
    if (index.dataset > 0)
        H5Dclose(index.dataset);
    H5Tclose(heap.type);
    H5Tclose(index.type);
    tf_buf_free(&index_name);
    return err;
}

/* ---- A stage's texts ---- */

static tf_err write_kind(tf_store *s, int stage, int kind, entries *list, const char *bytes, tf_error *error) {
    static const char *const names[] = {
        [TF_RECORD_STDOUT] = "stdout", [TF_RECORD_STDERR] = "stderr", [TF_RECORD_MESSAGE] = "message"};
    int64_t mine[2] = {(int64_t)list->count, 0}, most[2];
    for (size_t i = 0; i < list->count; i++)
        mine[1] = list->items[i].length > mine[1] ? list->items[i].length : mine[1];
    MPI_Allreduce(mine, most, 2, MPI_INT64_T, MPI_MAX, s->comm);
    if (kind < TF_RECORD_COLUMN)
        return most[0] ? write_heap(s, stage, names[kind], list, bytes, error) : TF_OK;
    int column = kind - TF_RECORD_COLUMN;
    const tf_column_spec *spec = &s->campaign->stage[stage].column[column];
    if (tf_type_size(spec->type) > 0)
        return TF_OK;
    if (spec->type == TF_STRING && most[1] <= LONGEST_CELL)
        return write_cells(s, stage, column, list, (size_t)most[1], bytes, error);
    return write_heap(s, stage, spec->name, list, bytes, error);
}

tf_err store_texts(tf_store *s, int stage, tf_error *error) {
    int kinds = TF_RECORD_COLUMN + s->campaign->stage[stage].columns;
    entries *lists = tf_alloc_array((size_t)kinds, sizeof *lists);
    const char *bytes;
    size_t size;
    tf_err err = side_map(s->side, &bytes, &size, error);
    if (err == TF_OK)
        err = scan(s, stage, bytes, size, lists, error);
    err = tf_store_agree(s->comm, err, error);
    for (int k = 0; k < kinds && err == TF_OK; k++)
        err = tf_store_agree(s->comm, write_kind(s, stage, k, &lists[k], bytes, error), error);
    side_unmap(bytes, size);
    for (int k = 0; k < kinds; k++)
        free(lists[k].items);
    free(lists);
    return err;
}
