/* Where a blob goes in the byte heap depends on the lengths of all before it, which are spread over the ranks: in
 * windows of the index, each rank owns a block of tasks, is told their lengths, and answers with offsets. So the bytes
 * do not depend on who ran what, and no rank holds more than its own blobs and one block. */
#include "store/blob_offsets.h"

#include <stdlib.h>
#include <string.h>

#include "store/meet.h"
#include "store/row_writer.h"

enum {
    BLOCK_TASKS = 1 << 18, /* that a rank owns in a window */
    PIECE_TASKS = 1 << 10  /* of the byte heap's index; pieces without blobs are not written */
};

/* What one window needs. Counts and displacements are of int64_t. */
typedef struct window {
    int64_t first; /* task; rank r owns first + r * BLOCK_TASKS ... */
    int *send, *send_at, *receive, *receive_at;
    int64_t *sent; /* (index, length) pairs; then offsets come back */
    int64_t *received;
    int64_t *rows; /* BLOCK_TASKS x (offset, length) */
} window;

static void exchange_lengths(const tf_store *s, window *w, const entry *items, size_t count) {
    memset(w->send, 0, (size_t)s->team.ranks * sizeof *w->send);
    for (size_t i = 0; i < count; i++)
        w->send[(items[i].index - w->first) / BLOCK_TASKS] += 2;
    store_exchange_counts(s, w->send, w->receive);
    int sends = 0, receives = 0;
    for (int r = 0; r < s->team.ranks; r++) {
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
    store_exchange(s, w->sent, w->send, w->send_at, w->received, w->receive, w->receive_at);
}

/* Gives offsets to the tasks of this rank's block, from `base` on. Returns the bytes of the whole window. */
static int64_t place_block(const tf_store *s, window *w, int64_t base) {
    const int64_t block = w->first + (int64_t)s->team.rank * BLOCK_TASKS;
    int receives = w->receive_at[s->team.ranks - 1] + w->receive[s->team.ranks - 1];
    memset(w->rows, 0, 2 * BLOCK_TASKS * sizeof *w->rows);
    int64_t mine = 0;
    for (int i = 0; i < receives; i += 2) {
        w->rows[2 * (w->received[i] - block) + 1] = w->received[i + 1];
        mine += w->received[i + 1];
    }
    int64_t offset = base + store_sum_before(s, mine);
    for (int64_t i = 0; i < BLOCK_TASKS; i++) {
        if (w->rows[2 * i + 1] == 0)
            continue;
        w->rows[2 * i] = offset;
        offset += w->rows[2 * i + 1];
    }
    for (int i = 0; i < receives; i += 2)
        w->received[i + 1] = w->rows[2 * (w->received[i] - block)];
    return store_sum(s, mine);
}

/* Writes the block's rows of the index; what holds no blob stays as it was laid out: zero. */
static bool write_block(const tf_store *s, const window *w, const table *index) {
    const int64_t block = w->first + (int64_t)s->team.rank * BLOCK_TASKS;
    row_writer out = {.to = index, .width = 2 * sizeof(int64_t)};
    for (int64_t piece = 0; piece < BLOCK_TASKS; piece += PIECE_TASKS) {
        int64_t tasks = (int64_t)index->shape[0] - block - piece, any = 0;
        tasks = tasks < PIECE_TASKS ? tasks : PIECE_TASKS;
        for (int64_t i = 0; i < tasks; i++)
            any |= w->rows[2 * (piece + i) + 1];
        if (!any)
            continue;
        row_writer_seek(&out, block + piece);
        tf_buf_add(&out.rows, &w->rows[2 * piece], (size_t)tasks * out.width);
    }
    return row_writer_end(&out);
}

bool blob_offsets_place(const tf_store *s, entries *list, const table *index) {
    size_t ranks = (size_t)s->team.ranks;
    window w = {.send = tf_alloc_array(ranks, sizeof(int)),
                .send_at = tf_alloc_array(ranks, sizeof(int)),
                .receive = tf_alloc_array(ranks, sizeof(int)),
                .receive_at = tf_alloc_array(ranks, sizeof(int)),
                .rows = tf_alloc_array(2 * BLOCK_TASKS, sizeof(int64_t))};
    size_t done = 0;
    int64_t base = 0;
    bool written = true;
    for (;;) {
        int64_t next = done < list->count ? list->items[done].index : INT64_MAX;
        w.first = store_min(s, next);
        if (w.first == INT64_MAX)
            break;
        int64_t end = w.first + (int64_t)s->team.ranks * BLOCK_TASKS;
        size_t count = 0;
        while (done + count < list->count && list->items[done + count].index < end)
            count++;
        exchange_lengths(s, &w, &list->items[done], count);
        base += place_block(s, &w, base);
        written = write_block(s, &w, index) && written;
        store_exchange(s, w.received, w.receive, w.receive_at, w.sent, w.send, w.send_at);
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
    return written;
}
