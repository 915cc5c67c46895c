/* Rows that are kept, into a new file that takes the old one's place once it is whole. */
#include "store/carry.h"
#include "store/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool write_params(const tf_store *s, int stage, int64_t first, int64_t count) {
    const tf_stage_spec *spec = &s->campaign->stage[stage];
    void *values = tf_alloc_array(CARRY_CHUNK, 8);
    bool good = true;
    for (int p = 0; spec->store_params && p < tf_space_params(spec->space) && good; p++) {
        if (tf_space_param(spec->space, p)->given)
            continue;
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
            good = store_write_rows(store_part_table(st, part), to, count, data) >= 0;
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
            for (end = first + 1; end < run.end && end - first < CARRY_CHUNK &&
                                  carry_place(ps, end) == carry_place(ps, first) + end - first;
                 end++)
                ;
            err = move_rows(c, s, stage, first, carry_place(ps, first), end - first);
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
    s->carrying = true;
    char now[32];
    store_now(now);
    disk_prepare(path, campaign, store_expected_bytes(campaign), &c->plan->note);
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
    return carry_sync_and_close(fd, path, err, c->error);
}

tf_err carry_move(const carrying *c) {
    const char *path = c->old->path;
    tf_store_plan *plan = c->plan;
    contents next = {.run = plan->contents.run, .elapsed = plan->contents.elapsed};
    contents_set_names(&next, plan->campaign);
    next.runs = plan->contents.runs; /* goes over */
    plan->contents.runs = NULL;
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
