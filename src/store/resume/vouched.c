/* Which rows of an old output are good. A row that a run was killed at is told from one that is done by its status, and
 * by the record in a side file that vouches for it. */
#include "store/resume/plan.h"

#include <stdio.h>
#include <stdlib.h>

#include "store/folder.h"
#include "store/stage_tables.h"

typedef struct vouching {
    const tf_store_plan *plan;
    const old_output *old;
    tf_intervals *good, *torn; /* per stage of the campaign */
} vouching;

/* The hash of rows as they are in the file; false if they are not all there. */
static bool hash_old_rows(const old_output *old, const plan_stage *ps, const tf_stage_spec *spec, int64_t first,
                          int64_t count, uint64_t *hash) {
    row_part *list = tf_alloc_array((size_t)spec->columns + TASK_TABLES, sizeof *list);
    int count_parts = store_row_parts(spec, list);
    bool good = true;
    *hash = 0;
    for (int i = 0; i < count_parts && good; i++) {
        char path[300];
        tf_error ignored;
        snprintf(path, sizeof path, "%s/%s", list[i].folder, list[i].name);
        const contents_table *dataset = contents_table_at(ps->old, path);
        size_t size;
        list[i].bytes = plan_old_bytes(ps, spec, &list[i]);
        good = dataset && dataset->row_bytes == (int64_t)list[i].bytes && count <= dataset->rows &&
               !__builtin_mul_overflow((size_t)count, list[i].bytes, &size);
        if (!good)
            break;
        char *data = tf_alloc(size);
        good = old_read(old, dataset, list[i].bytes, first, count, data, &ignored) == TF_OK;
        *hash = store_hash_rows(&list[i], first, count, data, *hash);
        free(data);
    }
    free(list);
    return good;
}

/* Takes the rows that a record vouches for; where they may not have reached the disk they are looked at. */
static tf_err add_vouched(void *context, const tf_record *record, int number, int64_t at, int64_t synced,
                          tf_error *error) {
    (void)error;
    const vouching *v = context;
    const side_rows *rows = (const side_rows *)(const void *)(record + 1);
    const contents_stage *stage = number >= 0 ? v->plan->stage[number].old : NULL;
    if (record->kind != SIDE_ROWS || record->length != sizeof *rows || !stage || stage->finished || record->index < 0 ||
        rows->count < 1 || rows->count > stage->tasks || record->index > stage->tasks - rows->count)
        return TF_OK;
    uint64_t hash = rows->hash;
    const bool whole = at < synced || (hash_old_rows(v->old, &v->plan->stage[number], &v->plan->campaign->stage[number],
                                                     record->index, rows->count, &hash) &&
                                       hash == rows->hash);
    tf_intervals_add(whole ? &v->good[number] : &v->torn[number], record->index, record->index + rows->count);
    return TF_OK;
}

tf_err plan_read_vouched(const tf_store_plan *plan, const old_output *old, tf_intervals *good, tf_intervals *torn,
                         tf_error *error) {
    return plan_each_record(plan, old, add_vouched, &(vouching){plan, old, good, torn}, error);
}

tf_err plan_keep_done(const old_output *old, plan_stage *ps, const tf_intervals *good, bool failed, tf_error *error) {
    const contents_table *dataset = contents_table_at(ps->old, "task/status");
    if (!dataset)
        return tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_OUTPUT_DAMAGED, "%s: is damaged: stage \"%s\" has no status",
                               old->path, ps->old->name);
    enum { AT_ONCE = 1 << 20 };
    uint8_t *status = tf_alloc(AT_ONCE);
    bool mixed = ps->mixed;
    tf_err err = TF_OK;
    tf_interval run = {0};
    while (err == TF_OK && tf_intervals_next(good, AT_ONCE, &run)) {
        const int64_t first = old_skip_hole(old, dataset, run.first), count = run.end - first;
        if (count <= 0)
            continue;
        err = old_read(old, dataset, 1, first, count, status, error);
        for (int64_t i = 0, end; i < count && err == TF_OK; i = end + 1) {
            const uint8_t *other = status + i;
            while (other < status + count && (failed ? *other != TF_STATUS_PENDING : tf_status_is_good(*other)))
                mixed |= *other++ != TF_STATUS_DONE;
            end = other - status;
            tf_intervals_add(&ps->kept, first + i, first + end);
            if (end < count && tf_status_has_failed(*other))
                tf_intervals_add(&ps->failed, first + end, first + end + 1);
        }
    }
    ps->mixed = mixed;
    free(status);
    return err;
}

static tf_err find_excluded(const old_output *old, const plan_stage *ps, tf_intervals *excluded, int64_t *cancelled,
                            tf_error *error) {
    enum { AT_ONCE = 1 << 20 };
    const contents_table *dataset = ps->old ? contents_table_at(ps->old, "task/status") : NULL;
    if (!dataset || ps->unusable || !ps->mixed)
        return TF_OK;
    uint8_t *status = tf_alloc(AT_ONCE);
    tf_err err = TF_OK;
    tf_interval run = {0};
    while (err == TF_OK && tf_intervals_next(&ps->kept, AT_ONCE, &run)) {
        err = old_read(old, dataset, 1, run.first, run.end - run.first, status, error);
        for (int64_t i = run.first; i < run.end && err == TF_OK; i++) {
            if (!tf_status_counts_as(status[i - run.first], TF_STATUS_EXCLUDED))
                continue;
            tf_intervals_add(excluded, i, i + 1);
            *cancelled += status[i - run.first] == TF_STATUS_CANCELLED;
        }
    }
    free(status);
    return err;
}

tf_err plan_find_excluded(const tf_store_plan *plan, const old_output *old, int stage, tf_intervals *excluded,
                          int64_t *cancelled, tf_error *error) {
    return find_excluded(old, &plan->stage[stage], excluded, cancelled, error);
}

/* ---- Rows for which nothing vouches ---- */

static bool has_blobs(const tf_stage_spec *spec) {
    for (int c = 0; c < spec->columns; c++)
        if (tf_type_size(spec->column[c].type) == 0)
            return true;
    return false;
}

tf_err plan_find_unvouched(const tf_store_plan *plan, const old_output *old, int stage, const tf_intervals *good,
                           const tf_intervals *torn, tf_error *error) {
    plan_stage *ps = &plan->stage[stage], claimed = {.old = ps->old};
    if (!ps->old || ps->old->finished || ps->unusable || plan->keeps_failed)
        return TF_OK;
    tf_intervals rest = {0}, excluded = {0};
    ps->trusted = plan->salvages && !has_blobs(&plan->campaign->stage[stage]);
    tf_intervals_add(&rest, 0, ps->old->tasks);
    tf_intervals_remove_all(&rest, good);
    if (ps->trusted)
        tf_intervals_remove_all(&rest, torn);
    tf_err err = plan_keep_done(old, &claimed, &rest, false, error);
    if (err == TF_OK)
        err = find_excluded(old, &claimed, &excluded, &(int64_t){0}, error);
    ps->unvouched = claimed.kept.total - excluded.total;
    if (ps->trusted) {
        tf_intervals_add_all(&ps->kept, &claimed.kept);
        ps->mixed = ps->mixed || claimed.mixed;
    } else {
        ps->dropped = ps->dropped || (plan->salvages && ps->unvouched > 0);
    }
    tf_intervals_add_all(&ps->failed, &claimed.failed);
    tf_intervals_free(&claimed.kept);
    tf_intervals_free(&claimed.failed);
    tf_intervals_free(&excluded);
    tf_intervals_free(&rest);
    return err;
}

int64_t tf_store_lost(const tf_store_plan *plan, int stage) {
    const plan_stage *ps = &plan->stage[stage];
    return ps->trusted ? 0 : ps->unvouched;
}

static void add_lost(const tf_store_plan *plan, int stage, tf_buf *out) {
    const tf_stage_spec *spec = &plan->campaign->stage[stage];
    const plan_stage *ps = &plan->stage[stage];
    const bool one = ps->unvouched == 1, captures = spec->capture_stdout > 0 || spec->capture_stderr > 0;
    char count[32];
    if (ps->unvouched == 0)
        return;
    tf_buf_addf(out, "%s%s %s task%s of stage \"%s\"", out->length ? ", " : "",
                has_blobs(spec)           ? "texts of"
                : ps->trusted && captures ? "captured output of"
                                          : "what vouches for",
                tf_format_count(ps->unvouched, count), one ? "" : "s", spec->name);
    if (!ps->trusted)
        tf_buf_addf(out, ", which %s again", one ? "runs" : "run");
}

void tf_store_tell_lost(const tf_store_plan *plan, tf_buf *out) {
    tf_buf list = {0}, folder = {0};
    for (int s = 0; s < plan->campaign->stages; s++)
        add_lost(plan, s, &list);
    folder_path(plan->campaign->output, NULL, &folder);
    if (plan->lost)
        tf_buf_addf(out, "lost with %s: %s", folder.data, list.length ? list.data : "nothing");
    else if (list.length)
        tf_buf_addf(out, "%s lacks %s", folder.data, list.data);
    if (out->length && plan->salvages)
        tf_buf_adds(out, "; after a crash of the machine --fresh is safer, since rows may not have reached the disk");
    tf_buf_free(&folder);
    tf_buf_free(&list);
}
