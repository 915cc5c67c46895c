/* From an old output to one that a run can start from. Either in place, where only what has no worth any more is taken
 * away; or, where rows must move or the old file's metadata can't be trusted, in a new file that takes the old one's
 * place once it is whole. A run that is killed meanwhile leaves either the one or the other. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/journal.h"
#include "store/plan.h"

enum { CHUNK = 1 << 14, STATUS_CHUNK = 1 << 20 }; /* rows at once */

/* What carrying works on. */
typedef struct carrying {
    tf_store_plan *plan;
    const old_output *old;
    side_file *side;
    tf_error *error;
} carrying;

static int64_t place_of(const plan_stage *ps, int64_t index) {
    return ps->place ? ps->place[index] : index;
}

/* ---- Texts ---- */

static tf_err add_text(const carrying *c, int stage, int64_t index, int32_t kind, int32_t attempt, const void *data,
                       size_t length) {
    size_t size = tf_record_size(length);
    void *record = tf_alloc(size);
    tf_record_put(record, stage, place_of(&c->plan->stage[stage], index), kind, attempt, data, length);
    tf_err err = side_append(c->side, record, size, c->error);
    free(record);
    return err;
}

/* A text of an unfinished stage, from an old side file, if its task is kept. */
static tf_err take_text(void *context, const tf_record *record, int number, int64_t at, int64_t synced,
                        tf_error *error) {
    (void)at, (void)synced, (void)error;
    const carrying *c = context;
    const plan_stage *ps = number >= 0 ? &c->plan->stage[number] : NULL;
    if (record->kind < 0 || !ps || !ps->old || ps->old->finished ||
        record->kind >= TF_RECORD_COLUMN + c->plan->campaign->stage[number].columns ||
        !tf_intervals_contain(&ps->kept, record->index, record->index + 1))
        return TF_OK;
    return add_text(c, number, record->index, record->kind, record->attempt, record + 1, (size_t)record->length);
}

static tf_err take_cells(const carrying *c, int stage, int kind, const contents_table *cells) {
    const plan_stage *ps = &c->plan->stage[stage];
    size_t width = (size_t)cells->row_bytes;
    char *rows = tf_alloc_array(CHUNK, width);
    tf_err err = TF_OK;
    tf_interval run = {0};
    while (err == TF_OK && tf_intervals_next(&ps->kept, CHUNK, &run)) {
        int64_t first = run.first, count = run.end - run.first;
        err = old_read(c->old, cells, first, count, rows, c->error);
        for (int64_t i = 0; i < count && err == TF_OK; i++)
            err = add_text(c, stage, first + i, kind, 1, rows + (size_t)i * width,
                           strnlen(rows + (size_t)i * width, width));
    }
    free(rows);
    return err;
}

static tf_err take_heap(const carrying *c, int stage, int kind, const contents_table *heap,
                        const contents_table *index) {
    const plan_stage *ps = &c->plan->stage[stage];
    int64_t(*rows)[2] = tf_alloc_array(CHUNK, sizeof *rows);
    tf_buf text = {0};
    tf_err err = TF_OK;
    tf_interval run = {0};
    while (err == TF_OK && tf_intervals_next(&ps->kept, CHUNK, &run)) {
        int64_t first = old_skip_hole(c->old, index, run.first), count = run.end - first;
        if (count <= 0)
            continue;
        err = old_read(c->old, index, first, count, rows, c->error);
        for (int64_t i = 0; i < count && err == TF_OK; i++) {
            int64_t offset = rows[i][0], length = rows[i][1];
            if (length == 0)
                continue;
            if (offset < 0 || length < 0 || offset > heap->rows - length) {
                err = tf_error_set(c->error, TF_ERR_RUN, "%s: is damaged: %s", c->old->path, index->path);
                break;
            }
            tf_buf_clear(&text);
            tf_buf_reserve(&text, (size_t)length);
            err = old_read(c->old, heap, offset, length, text.data, c->error);
            if (err == TF_OK)
                err = add_text(c, stage, first + i, kind, 1, text.data, (size_t)length);
        }
    }
    free(rows);
    tf_buf_free(&text);
    return err;
}

/* The texts of a stage that was finished, from the old file. */
static tf_err take_finished(const carrying *c, int stage) {
    const tf_stage_spec *spec = &c->plan->campaign->stage[stage];
    const contents_stage *old = c->plan->stage[stage].old;
    tf_err err = TF_OK;
    for (int kind = 0; kind < TF_RECORD_COLUMN + spec->columns && err == TF_OK; kind++) {
        const char *name = store_text_name(spec, kind);
        if (kind >= TF_RECORD_COLUMN && tf_type_size(spec->column[kind - TF_RECORD_COLUMN].type) > 0)
            continue;
        char path[300], index_path[320];
        snprintf(path, sizeof path, "results/%s", name);
        const contents_table *cells = kind >= TF_RECORD_COLUMN ? contents_table_at(old, path) : NULL;
        snprintf(path, sizeof path, "text/%s", name);
        snprintf(index_path, sizeof index_path, "text/%s_index", name);
        const contents_table *heap = contents_table_at(old, path), *index = contents_table_at(old, index_path);
        if (cells && cells->offset >= 0)
            err = take_cells(c, stage, kind, cells);
        else if (heap && index && heap->offset >= 0)
            err = take_heap(c, stage, kind, heap, index);
    }
    return err;
}

/* All that is kept needs someone to vouch for it in the next run, too. */
static tf_err vouch(const carrying *c, int stage) {
    const plan_stage *ps = &c->plan->stage[stage];
    tf_intervals now = {0};
    for (size_t n = 0; n < ps->kept.count; n++) {
        tf_interval run = ps->kept.items[n];
        if (!ps->place)
            tf_intervals_add(&now, run.first, run.end);
        for (int64_t i = run.first; ps->place && i < run.end; i++)
            tf_intervals_add(&now, ps->place[i], ps->place[i] + 1);
    }
    tf_err err = TF_OK;
    for (size_t n = 0; n < now.count && err == TF_OK; n++)
        err = side_append_rows(c->side, NULL, 0, stage, now.items[n].first,
                               (side_rows){.count = now.items[n].end - now.items[n].first}, c->error);
    tf_intervals_free(&now);
    return err;
}

static tf_err carry_texts(carrying *c) {
    tf_store_plan *plan = c->plan;
    c->side = side_open(c->old->path, plan->contents.run, 0, c->error);
    if (!c->side)
        return c->error->code;
    tf_err err = plan_each_record(plan, c->old, take_text, c, c->error);
    for (int s = 0; s < plan->campaign->stages && err == TF_OK; s++) {
        const plan_stage *ps = &plan->stage[s];
        if (!ps->old || ps->finished)
            continue;
        if (ps->old->finished)
            err = take_finished(c, s);
        if (err == TF_OK)
            err = vouch(c, s);
    }
    int64_t size = side_size(c->side);
    if (err == TF_OK && (fdatasync(side_fd(c->side)) != 0 || fdatasync(c->old->fd) != 0))
        err = tf_error_set(c->error, TF_ERR_RUN, "%s: can't be synced to disk: %s", c->old->path, strerror(errno));
    if (err == TF_OK)
        err = side_append_synced(c->side, size, c->error);
    side_close(c->side);
    c->side = NULL;
    return err;
}

/* ---- In place ---- */

/* Failed tasks, and rows that nobody vouches for, are pending from now on. */
static tf_err reset_status(const carrying *c, int stage, int fd) {
    const plan_stage *ps = &c->plan->stage[stage];
    const contents_table *dataset = contents_table_at(ps->old, "task/status");
    const uint8_t pending = TF_STATUS_PENDING;
    uint8_t *status = tf_alloc(STATUS_CHUNK);
    tf_err err = TF_OK;
    tf_interval run = {0};
    while (err == TF_OK && tf_intervals_next(&ps->pending, STATUS_CHUNK, &run)) {
        int64_t first = run.first, count = run.end - run.first;
        err = old_read(c->old, dataset, first, count, status, c->error);
        for (int64_t i = 0; i < count && err == TF_OK; i++)
            if (status[i] && pwrite(fd, &pending, 1, (off_t)(dataset->offset + first + i)) != 1)
                err = tf_error_set(c->error, TF_ERR_RUN, "%s: %s", c->old->path, strerror(errno));
    }
    free(status);
    return err;
}

/* Is it a dataset that is made anew when the stage ends? */
static bool is_text(const tf_stage_spec *spec, const char *path) {
    if (strncmp(path, "text/", 5) == 0)
        return true;
    for (int k = 0; k < spec->columns; k++)
        if (strncmp(path, "results/", 8) == 0 && strcmp(spec->column[k].name, path + 8) == 0)
            return tf_type_size(spec->column[k].type) == 0;
    return false;
}

/* Takes the texts of unfinished stages out of the contents, and of the file if there is one. true if there were any. */
static bool drop_texts(const tf_store_plan *plan, contents *of, hid_t file) {
    bool any = false;
    for (int s = 0; s < plan->campaign->stages; s++) {
        const tf_stage_spec *spec = &plan->campaign->stage[s];
        contents_stage *stage = contents_find(of, spec->name);
        if (!stage || plan->stage[s].finished)
            continue;
        any = any || stage->finished;
        stage->finished = false;
        int kept = 0;
        for (int t = 0; t < stage->tables; t++) {
            contents_table *dataset = &stage->table[t];
            if (!is_text(spec, dataset->path)) {
                stage->table[kept++] = *dataset;
                continue;
            }
            any = true;
            char path[600];
            snprintf(path, sizeof path, "%s/%s", stage->name, dataset->path);
            if (file > 0)
                H5Ldelete(file, path, H5P_DEFAULT);
            free(dataset->path);
        }
        stage->tables = kept;
    }
    return any;
}

static tf_err sync_and_close(int fd, const char *path, tf_err err, tf_error *error) {
    if (err == TF_OK && fdatasync(fd) != 0)
        err = tf_error_set(error, TF_ERR_RUN, "%s: can't be synced to disk: %s", path, strerror(errno));
    close(fd);
    return err;
}

static tf_err stay(const carrying *c) {
    tf_store_plan *plan = c->plan;
    const char *path = c->old->path;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return tf_error_set(c->error, TF_ERR_RUN, "%s: can't be written: %s", path, strerror(errno));
    tf_err err = TF_OK;
    for (int s = 0; s < plan->campaign->stages && err == TF_OK; s++)
        if (plan->stage[s].old && !plan->stage[s].finished)
            err = reset_status(c, s, fd);
    err = sync_and_close(fd, path, err, c->error);
    contents before = {0};
    contents_copy(&before, &plan->contents);
    if (err == TF_OK && drop_texts(plan, &plan->contents, 0)) {
        err = journal_write(path, "journal", &plan->contents, true, c->error);
        tf_crash_point("stay.dirty");
        hid_t file = err == TF_OK ? store_open_file(path, MPI_COMM_NULL, true) : -1;
        if (err == TF_OK && file < 0)
            err = tf_error_set(c->error, TF_ERR_RUN, "%s: can't be opened", path);
        if (file >= 0) {
            drop_texts(plan, &before, file);
            if (H5Fclose(file) < 0)
                err = tf_error_set(c->error, TF_ERR_RUN, "%s: can't be closed", path);
        }
        tf_crash_point("stay.dropped");
    }
    contents_free(&before);
    return err == TF_OK ? journal_write(path, "journal", &plan->contents, false, c->error) : err;
}

/* ---- In a new file ---- */

static bool write_params(const tf_store *s, int stage, int64_t first, int64_t count) {
    const tf_stage_spec *spec = &s->campaign->stage[stage];
    void *values = tf_alloc_array(CHUNK, 8);
    bool good = true;
    for (int p = 0; spec->store_params && p < tf_space_params(spec->space) && good; p++) {
        char *cells = tf_alloc_array((size_t)count, tf_space_cell_size(spec->space, p));
        tf_space_fill(spec->space, p, first, count, values);
        tf_space_cells(spec->space, p, values, count, cells);
        good = store_write_rows(&s->stage[stage].param[p], first, count, cells) >= 0;
        free(cells);
    }
    free(values);
    return good;
}

/* Rows that lie side by side in both files. */
static tf_err move_rows(const carrying *c, tf_store *s, int stage, int64_t from, int64_t to, int64_t count) {
    const store_stage *st = &s->stage[stage];
    tf_err err = TF_OK;
    bool good = write_params(s, stage, to, count);
    for (int i = 0; i < st->parts && good && err == TF_OK; i++) {
        const row_part *part = &st->part[i];
        char path[300];
        snprintf(path, sizeof path, "%s/%s", part->folder, part->name);
        const contents_table *dataset = contents_table_at(c->plan->stage[stage].old, path);
        if (!dataset || dataset->row_bytes != (int64_t)part->bytes)
            return tf_error_set(c->error, TF_ERR_RUN, "%s: is damaged: %s", c->old->path, path);
        char *data = tf_alloc((size_t)count * part->bytes);
        err = old_read(c->old, dataset, from, count, data, c->error);
        if (err == TF_OK)
            good = store_write_rows(part->column >= 0 ? &st->column[part->column] : &st->task[part->task], to, count,
                                    data) >= 0;
        free(data);
    }
    return err == TF_OK && !good ? store_error(s, c->error, "can't be written") : err;
}

static tf_err move_stage(const carrying *c, tf_store *s, int stage) {
    const plan_stage *ps = &c->plan->stage[stage];
    tf_err err = tf_store_layout(s, stage, c->error);
    for (size_t n = 0; n < ps->kept.count && err == TF_OK; n++) {
        tf_interval run = ps->kept.items[n];
        for (int64_t first = run.first, end; first < run.end && err == TF_OK; first = end) {
            for (end = first + 1;
                 end < run.end && end - first < CHUNK && place_of(ps, end) == place_of(ps, first) + end - first; end++)
                ;
            err = move_rows(c, s, stage, first, place_of(ps, first), end - first);
        }
    }
    if (err == TF_OK)
        contents_read_stage(&c->plan->contents, s->file, c->plan->campaign->stage[stage].name, s->fingerprint[stage]);
    store_close_stage(s, stage);
    return err;
}

static tf_err write_new(const carrying *c, const char *path) {
    const tf_campaign *campaign = c->plan->campaign;
    tf_store *s = store_new(campaign, path, MPI_COMM_NULL);
    const char **fingerprint = tf_alloc_array((size_t)campaign->stages, sizeof *fingerprint);
    for (int i = 0; i < campaign->stages; i++)
        fingerprint[i] = plan_fingerprint(c->plan, i);
    s->fingerprint = fingerprint;
    char now[32];
    store_now(now);
    tf_err err = store_create_alone(s, *c->old->created ? c->old->created : now, c->error);
    for (int i = 0; i < campaign->stages && err == TF_OK; i++)
        if (c->plan->stage[i].old)
            err = move_stage(c, s, i);
    if (s->file >= 0 && H5Fclose(s->file) < 0 && err == TF_OK)
        err = store_error(s, c->error, "can't be closed");
    tf_store_abandon(s);
    if (err != TF_OK)
        return err;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return tf_error_set(c->error, TF_ERR_RUN, "%s: %s", path, strerror(errno));
    return sync_and_close(fd, path, err, c->error);
}

static tf_err move(const carrying *c) {
    const char *path = c->old->path;
    tf_store_plan *plan = c->plan;
    contents next = {.run = plan->contents.run, .elapsed = plan->contents.elapsed};
    contents_set_names(&next, plan->campaign);
    contents_free(&plan->contents);
    plan->contents = next;
    tf_buf file = {0}, from = {0}, to = {0};
    journal_path(path, "new.h5", &file);
    journal_path(path, "journal.next", &from);
    journal_path(path, "journal", &to);
    tf_err err = write_new(c, file.data);
    tf_crash_point("move.written");
    if (err == TF_OK)
        err = journal_write(path, "journal.next", &plan->contents, false, c->error);
    tf_crash_point("move.noted");
    if (err == TF_OK && rename(file.data, path) != 0)
        err = tf_error_set(c->error, TF_ERR_RUN, "%s: can't be replaced: %s", path, strerror(errno));
    tf_crash_point("move.renamed");
    if (err == TF_OK && rename(from.data, to.data) != 0)
        err = tf_error_set(c->error, TF_ERR_RUN, "%s: can't be replaced: %s", to.data, strerror(errno));
    tf_buf_free(&file);
    tf_buf_free(&from);
    tf_buf_free(&to);
    return err;
}

/* ---- From nothing ---- */

static tf_err create(const carrying *c) {
    const char *path = c->old->path;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        return tf_error_set(c->error, TF_ERR_RUN, "%s: can't be made: %s", path, strerror(errno));
    close(fd);
    tf_err err = journal_write(path, "journal", &c->plan->contents, true, c->error);
    if (err != TF_OK)
        return err;
    tf_crash_point("create.noted");
    c->plan->dirty = true;
    tf_store *s = store_new(c->plan->campaign, path, MPI_COMM_NULL);
    char now[32];
    store_now(now);
    err = store_create_alone(s, now, c->error);
    if (s->file >= 0 && H5Fclose(s->file) < 0 && err == TF_OK)
        err = store_error(s, c->error, "can't be closed");
    tf_crash_point("create.closed");
    tf_store_abandon(s);
    return err;
}

/* ---- The whole ---- */

tf_err plan_carry_out(tf_store_plan *plan, const old_output *old, tf_error *error) {
    const tf_campaign *campaign = plan->campaign;
    bool moves = old->dirty;
    for (int s = 0; s < campaign->stages; s++)
        moves = moves || plan->stage[s].moves;
    for (int s = 0; s < campaign->stages; s++) {
        plan_stage *ps = &plan->stage[s];
        ps->finished = !moves && ps->old && ps->old->finished && ps->pending.total == 0;
    }
    contents_copy(&plan->contents, &old->contents);
    plan->contents.run = old->contents.run + 1;
    contents_set_names(&plan->contents, campaign);
    tf_err err = journal_remove_runs(old->path, old->fd < 0 ? -1 : old->contents.run, error);
    carrying c = {.plan = plan, .old = old, .error = error};
    if (err != TF_OK || old->fd < 0)
        return err == TF_OK ? create(&c) : err;
    err = carry_texts(&c);
    tf_crash_point("carry.texts");
    if (err == TF_OK)
        err = moves ? move(&c) : stay(&c);
    return err == TF_OK ? journal_remove_runs(old->path, plan->contents.run, error) : err;
}
