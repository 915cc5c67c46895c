/* Rows that are kept, into a new file that takes the old one's place once it is whole. */
#include "store/resume/aside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/attributes.h"
#include "store/disk.h"
#include "store/file.h"
#include "store/lock.h"
#include "store/resume/carry.h"
#include "store/stage_tables.h"
#include "store/sync.h"

static bool write_params(const tf_store *s, int stage, int64_t first, int64_t count) {
    const tf_stage_spec *spec = &s->campaign->stage[stage];
    void *values = tf_alloc_array(CARRY_CHUNK, 8);
    bool good = true;
    for (int p = 0; spec->store_params && p < tf_space_params(spec->space) && good; p++) {
        if (tf_space_param(spec->space, p)->upstream)
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
    const plan_stage *ps = &c->plan->stage[stage];
    const tf_stage_spec *spec = &s->campaign->stage[stage];
    tf_err err = TF_OK;
    bool good = write_params(s, stage, to, count);
    for (int i = 0; i < st->parts && good && err == TF_OK; i++) {
        const row_part *part = &st->part[i];
        char path[300];
        snprintf(path, sizeof path, "%s/%s", part->folder, part->name);
        const contents_table *dataset = contents_table_at(ps->old, path);
        const size_t bytes = plan_old_bytes(ps, spec, part);
        if (!dataset || dataset->row_bytes != (int64_t)bytes)
            return tf_error_set_as(c->error, TF_ERR_RUN, TF_DIAG_OUTPUT_DAMAGED, "%s: is damaged: %s", c->old->path,
                                   path);
        char *data = tf_alloc((size_t)count * bytes);
        err = old_read(c->old, dataset, bytes, from, count, data, c->error);
        if (err == TF_OK)
            err = plan_widen(c->old, ps, spec, part->column, from, count, &data, c->error);
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
    h5_fault fault = {0};
    if (err == TF_OK && !contents_read_stage(&c->plan->start.contents, s->file, c->plan->campaign->stage[stage].name,
                                             s->fingerprint[stage], &s->code[stage], NULL, &fault)) {
        store_blame(s, &fault);
        err = store_error(s, c->error, "can't be read");
    }
    tf_store_close_stage(s, stage);
    return err;
}

/* Opens the new file, whose readers and writers are the old one's. */
static int open_new(const carrying *c, int folder, const char *path) {
    struct stat old;
    const tf_campaign *campaign = c->plan->campaign;
    unlinkat(folder, "new.h5", 0); /* of a run that was killed */
    disk_prepare(path, campaign, store_expected_bytes(campaign), &c->plan->note);
    int fd = folder_open_file(folder, "new.h5", O_RDWR | O_CREAT);
    if (fd >= 0 && fstat(c->old->fd, &old) == 0) {
        const bool same_group = fchown(fd, (uid_t)-1, old.st_gid) == 0; /* else it is none of ours */
        fchmod(fd, old.st_mode & (same_group ? 0777 : 0707));
    }
    return fd;
}

static tf_err write_new(const carrying *c, int fd, const char *path) {
    const tf_campaign *campaign = c->plan->campaign;
    tf_store *s = store_new(campaign, path);
    const char **fingerprint = tf_alloc_array((size_t)campaign->stages, sizeof *fingerprint);
    for (int i = 0; i < campaign->stages; i++) {
        fingerprint[i] = plan_fingerprint(c->plan, i);
        code_copy(&s->code[i], &c->plan->start.code[i]);
    }
    s->fingerprint = fingerprint;
    s->carrying = true;
    char now[32];
    store_now(now);
    store_open_by(s, fd);
    tf_err err = store_create_alone(s, *c->old->created ? c->old->created : now, c->error);
    for (int i = 0; i < campaign->stages && err == TF_OK; i++)
        if (c->plan->stage[i].old)
            err = move_stage(c, s, i);
    if (s->file >= 0 && H5Fclose(s->file) < 0 && err == TF_OK)
        err = store_error(s, c->error, "can't be closed");
    tf_store_abandon(s);
    if (err == TF_OK && fdatasync(fd) != 0)
        err = store_cant_sync(path, errno, c->error);
    return err;
}

/* The new file in the old one's place, and the new journal in the old one's. */
static tf_err replace_output(const carrying *c, int folder) {
    const char *path = c->old->path;
    tf_buf real = {0}; /* the output's name may be a link, and stays one */
    if (c->old->lost && aside_keep(path, c->plan->start.contents.run, &c->plan->note, c->error) != TF_OK)
        return c->error->code;
    int failure = tf_follow_links(path, &real);
    if (!failure && renameat(folder, "new.h5", AT_FDCWD, real.data) != 0)
        failure = errno;
    tf_buf_free(&real);
    if (failure)
        return tf_error_set_as(c->error, TF_ERR_RUN, tf_diag_of_write(failure), "%s: can't be replaced: %s", path,
                               strerror(failure));
    tf_crash_point("move.renamed");
    return renameat(folder, "journal.next", folder, "journal") == 0 ? TF_OK
                                                                    : folder_failed(path, "journal", errno, c->error);
}

tf_err carry_move(const carrying *c) {
    const char *path = c->old->path;
    tf_store_plan *plan = c->plan;
    contents next = {.run = plan->start.contents.run, .elapsed = plan->start.contents.elapsed};
    contents_set_names(&next, plan->campaign);
    next.runs = plan->start.contents.runs; /* goes over */
    plan->start.contents.runs = NULL;
    contents_free(&plan->start.contents);
    plan->start.contents = next;
    int folder = folder_open(path, c->error);
    if (folder < 0)
        return c->error->code;
    tf_buf file = {0};
    folder_path(path, "new.h5", &file);
    int fd = open_new(c, folder, file.data);
    tf_err err =
        fd < 0 ? folder_failed(path, "new.h5", errno, c->error) : lock_file(fd, file.data, LOCK_OF_RUN, c->error);
    if (err == TF_OK)
        err = write_new(c, fd, file.data);
    tf_crash_point("move.written");
    if (err == TF_OK)
        err = journal_write(path, "journal.next", &plan->start.contents, false, c->error);
    tf_crash_point("move.noted");
    if (err == TF_OK)
        err = replace_output(c, folder);
    if (err == TF_OK) {
        close(plan->start.file);
        plan->start.file = fd;
    } else if (fd >= 0) {
        close(fd);
    }
    close(folder);
    tf_buf_free(&file);
    return err;
}
