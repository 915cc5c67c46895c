/* What is kept are rows as they came in, copied; there are few at a time (see sched/health.c). */
#include "farm/kept_rows.h"

#include <stdlib.h>
#include <string.h>

#include "farm/rows_part.h"

typedef struct kept {
    tf_rows rows; /* what it points to is the arena's */
    tf_arena *arena;
    tf_intervals left; /* tasks that are still kept */
} kept;

struct kept_rows {
    const tf_campaign *campaign;
    kept *item;
    size_t items, capacity;
};

kept_rows *kept_rows_new(const tf_campaign *campaign) {
    kept_rows *k = tf_alloc(sizeof *k);
    *k = (kept_rows){.campaign = campaign};
    return k;
}

static void free_item(kept *item) {
    tf_arena_free(item->arena);
    tf_intervals_free(&item->left);
}

void kept_rows_free(kept_rows *k) {
    if (!k)
        return;
    for (size_t n = 0; n < k->items; n++)
        free_item(&k->item[n]);
    free(k->item);
    free(k);
}

/* Rows that have all failed. */
static tf_rows take_failed(const rows_part *p, const tf_stage_spec *spec, const tf_rows *rows, const void **pointers) {
    tf_rows out = rows_part_take(p, spec, rows, pointers);
    out.failed = p->count;
    out.pending = out.excluded = out.skipped = 0;
    return out;
}

/* ---- What is kept ---- */

void kept_rows_add(kept_rows *k, const tf_rows *rows, int64_t from) {
    const tf_stage_spec *spec = &k->campaign->stage[rows->stage];
    const rows_part all = {.from = from, .count = rows->count - from, .arena = tf_arena_new()};
    const void **pointers = tf_arena_array(all.arena, rows_part_pointers(spec), sizeof *pointers);
    tf_buf blobs = {0};
    if (k->items == k->capacity) {
        k->capacity = k->capacity ? 2 * k->capacity : 8;
        k->item = tf_realloc_array(k->item, k->capacity, sizeof *k->item);
    }
    kept *item = &k->item[k->items++];
    *item = (kept){.rows = take_failed(&all, spec, rows, pointers), .arena = all.arena};
    rows_part_add_blobs(rows, item->rows.first, item->rows.first + all.count, &blobs);
    item->rows.blobs = blobs.length ? memcpy(tf_arena_alloc(all.arena, blobs.length), blobs.data, blobs.length) : NULL;
    item->rows.blobs_size = blobs.length;
    tf_buf_free(&blobs);
    tf_intervals_add(&item->left, item->rows.first, item->rows.first + all.count);
}

static tf_err write_run(const kept_rows *k, const kept *item, tf_interval run,
                        tf_err (*write)(void *context, const tf_rows *rows, tf_error *error), void *context,
                        tf_error *error) {
    const tf_stage_spec *spec = &k->campaign->stage[item->rows.stage];
    const rows_part some = {.from = run.first - item->rows.first, .count = run.end - run.first};
    const void **pointers = tf_alloc_array(rows_part_pointers(spec), sizeof *pointers);
    tf_rows rows = take_failed(&some, spec, &item->rows, pointers);
    tf_buf blobs = {0};
    rows_part_add_blobs(&item->rows, run.first, run.end, &blobs);
    rows.blobs = blobs.data;
    rows.blobs_size = blobs.length;
    const tf_err err = write(context, &rows, error);
    tf_buf_free(&blobs);
    free(pointers);
    return err;
}

/* Which of the tasks are kept in the item. */
static tf_intervals find_kept(const kept *item, tf_interval tasks) {
    tf_intervals found = {0};
    for (size_t n = 0; n < item->left.count; n++) {
        const tf_interval run = item->left.items[n];
        const int64_t first = run.first > tasks.first ? run.first : tasks.first;
        const int64_t end = run.end < tasks.end ? run.end : tasks.end;
        if (first < end)
            tf_intervals_add(&found, first, end);
    }
    return found;
}

tf_err kept_rows_settle(kept_rows *k, int stage, tf_interval tasks,
                        tf_err (*write)(void *context, const tf_rows *rows, tf_error *error), void *context,
                        tf_error *error) {
    tf_err err = TF_OK;
    for (size_t at = k->items; at-- > 0 && err == TF_OK;) {
        kept *item = &k->item[at];
        if (item->rows.stage != stage)
            continue;
        tf_intervals found = find_kept(item, tasks);
        for (size_t n = 0; write && n < found.count && err == TF_OK; n++)
            err = write_run(k, item, found.items[n], write, context, error);
        tf_intervals_remove_all(&item->left, &found);
        tf_intervals_free(&found);
        if (item->left.total > 0)
            continue;
        free_item(item);
        *item = k->item[--k->items];
    }
    return err;
}
