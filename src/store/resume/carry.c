/* From an old output to one that a run can start from. Either in place, where only what has no worth any more is taken
 * away; or, where rows must move or the old file's metadata can't be trusted, in a new file that takes the old one's
 * place once it is whole. A run that is killed meanwhile leaves either the one or the other. */
#include "store/resume/carry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/access.h"
#include "store/attributes.h"
#include "store/disk.h"
#include "store/file.h"
#include "store/lock.h"
#include "store/stage_tables.h"
#include "store/sync.h"

enum { STATUS_CHUNK = 1 << 20 }; /* rows at once */

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
        err = old_read(c->old, dataset, 1, first, count, status, c->error);
        for (int64_t i = 0; i < count && err == TF_OK; i++)
            if (status[i] && pwrite(fd, &pending, 1, (off_t)(dataset->offset + first + i)) != 1)
                err = tf_error_set_as(c->error, TF_ERR_RUN, tf_diag_of_read(errno), "%s: %s", c->old->path,
                                      strerror(errno));
    }
    free(status);
    return err;
}

/* Is it a dataset that is made anew when the stage ends? */
static bool is_blob(const tf_stage_spec *spec, const char *path) {
    if (strncmp(path, "text/", 5) == 0)
        return true;
    for (int k = 0; k < spec->columns; k++)
        if (strncmp(path, "results/", 8) == 0 && strcmp(spec->column[k].name, path + 8) == 0)
            return tf_type_size(spec->column[k].type) == 0;
    return false;
}

/* Takes the blobs of unfinished stages out of the contents, and of the file if there is one. true if there were any. */
static bool drop_blobs(const tf_store_plan *plan, contents *of, hid_t file) {
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
            if (!is_blob(spec, dataset->path)) {
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

/* Notes of which code rows are, in the contents and in the file if there is one. true if that is not as it was. */
static bool set_code(const tf_store_plan *plan, contents *of, hid_t file, bool *good) {
    bool any = false;
    for (int s = 0; s < plan->campaign->stages; s++) {
        contents_stage *stage = contents_find(of, plan->campaign->stage[s].name);
        if (!stage || code_equal(&stage->code, &plan->start.code[s]))
            continue;
        any = true;
        code_free(&stage->code);
        code_copy(&stage->code, &plan->start.code[s]);
        if (file <= 0)
            continue;
        hid_t group = H5Gopen2(file, stage->name, H5P_DEFAULT);
        *good = group >= 0 && code_write(group, &stage->code, true) >= 0 && *good;
        H5Gclose(group);
    }
    return any;
}

tf_err carry_sync_and_close(int fd, const char *path, tf_err err, tf_error *error) {
    if (err == TF_OK && fdatasync(fd) != 0)
        err = store_cant_sync(path, errno, error);
    close(fd);
    return err;
}

/* The file says that it is not whole any more, and its stages that they are not finished, before anything is taken out
 * of it: whoever has lost the journal has nothing else to go by. */
static bool open_again(const tf_store_plan *plan, const contents *before, hid_t file) {
    bool good = store_change_text(file, "state", tf_run_state_name(TF_STATE_RUNNING)) >= 0;
    for (int s = 0; s < plan->campaign->stages; s++) {
        const char *name = plan->campaign->stage[s].name;
        if (contents_find(before, name) && !plan->stage[s].finished &&
            H5Aexists_by_name(file, name, CONTENTS_FINISHED, H5P_DEFAULT) > 0)
            good = H5Adelete_by_name(file, name, CONTENTS_FINISHED, H5P_DEFAULT) >= 0 && good;
    }
    return H5Fflush(file, H5F_SCOPE_GLOBAL) >= 0 && good;
}

static tf_err carry_in_place(const carrying *c) {
    tf_store_plan *plan = c->plan;
    const char *path = c->old->path;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return tf_error_set_as(c->error, TF_ERR_RUN, tf_diag_of_write(errno), "%s: can't be written: %s", path,
                               strerror(errno));
    tf_err err = TF_OK;
    for (int s = 0; s < plan->campaign->stages && err == TF_OK; s++)
        if (plan->stage[s].old && !plan->stage[s].finished)
            err = reset_status(c, s, fd);
    err = carry_sync_and_close(fd, path, err, c->error);
    contents before = {0};
    contents_copy(&before, &plan->start.contents);
    bool good = true;
    bool changes = drop_blobs(plan, &plan->start.contents, 0);
    changes = set_code(plan, &plan->start.contents, 0, &good) || changes;
    if (err == TF_OK && changes) {
        err = journal_write(path, "journal", &plan->start.contents, true, c->error);
        tf_crash_point("stay.dirty");
        hid_t file = err == TF_OK ? store_open_file(path, plan->campaign) : -1;
        if (err == TF_OK && file < 0)
            err = tf_error_set_as(c->error, TF_ERR_RUN, TF_DIAG_FILE_UNWRITABLE, "%s: can't be opened", path);
        if (file >= 0) {
            good = open_again(plan, &before, file);
            tf_crash_point("stay.opened");
            if (good) {
                drop_blobs(plan, &before, file);
                set_code(plan, &before, file, &good);
            }
            if (H5Fclose(file) < 0 || !good)
                err = tf_error_set_as(c->error, TF_ERR_RUN, TF_DIAG_FILE_UNWRITABLE, "%s: can't be closed", path);
        }
        tf_crash_point("stay.dropped");
    }
    contents_free(&before);
    return err == TF_OK ? journal_write(path, "journal", &plan->start.contents, false, c->error) : err;
}

/* ---- From nothing ---- */

/* The file that is to be the output. What is there of it holds nothing (see old_open). */
static tf_err open_empty(tf_store_plan *plan, const char *path, tf_error *error) {
    if (plan->start.file >= 0)
        return TF_OK;
    plan->start.file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (plan->start.file < 0)
        return folder_unmade(path, errno, error);
    return lock_file(plan->start.file, path, LOCK_OF_RUN, error);
}

static tf_err carry_to_new_file(const carrying *c) {
    const char *path = c->old->path;
    disk_prepare(path, c->plan->campaign, store_expected_bytes(c->plan->campaign), &c->plan->note);
    tf_err err = open_empty(c->plan, path, c->error);
    if (err == TF_OK)
        err = journal_write(path, "journal", &c->plan->start.contents, true, c->error);
    if (err != TF_OK)
        return err;
    tf_crash_point("create.noted");
    c->plan->start.dirty = true;
    tf_store *s = store_new(c->plan->campaign, path);
    char now[32];
    store_now(now);
    store_open_by(s, c->plan->start.file);
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
    bool moves = old->dirty || old->lost;
    for (int s = 0; s < campaign->stages; s++)
        moves = moves || plan->stage[s].moves;
    for (int s = 0; s < campaign->stages; s++) {
        plan_stage *ps = &plan->stage[s];
        const bool looks = campaign->stage[s].until.expr != NULL; /* by another "until" fewer rows may be enough */
        ps->finished = !moves && !looks && ps->old && ps->old->finished && ps->pending.total == 0;
    }
    contents_copy(&plan->start.contents, &old->contents);
    plan->start.contents.run = (old->lost ? folder_last_run(old->path) : old->contents.run) + 1;
    contents_set_names(&plan->start.contents, campaign);
    tf_err err = old->lost ? TF_OK : folder_remove_runs(old->path, old->fd < 0 ? -1 : old->contents.run, error);
    carrying c = {.plan = plan, .old = old, .error = error};
    if (err != TF_OK || old->fd < 0)
        return err == TF_OK ? carry_to_new_file(&c) : err;
    err = carry_blobs(&c);
    tf_crash_point("carry.texts");
    if (err == TF_OK)
        err = moves ? carry_move(&c) : carry_in_place(&c);
    return err == TF_OK ? folder_remove_runs(old->path, plan->start.contents.run, error) : err;
}
