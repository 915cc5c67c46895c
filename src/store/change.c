/* A change of metadata is announced in the journal before it begins, and noted there after it has been flushed: a file
 * that is found with an announced change is not opened, but its rows are read by the places that the journal names. */
#include "store/change.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/access.h"
#include "store/journal.h"
#include "store/meet.h"
#include "store/stage_tables.h"
#include "store/sync.h"

/* Only the first rank of a run has a journal to keep. */
static bool keeps_journal(const tf_store *s) {
    return s->start && s->team.rank == 0;
}

static tf_err check_file(tf_store *s, void *context, tf_error *error) {
    (void)context;
    return store_check_file(s, error);
}

static tf_err note_dirty(tf_store *s, void *context, tf_error *error) {
    (void)context;
    return journal_add(s->path, &s->start->journal, &s->start->contents, NULL, 0, true, error);
}

tf_err store_begin_change(tf_store *s, tf_error *error) {
    tf_err err = store_patiently(s, check_file, NULL, error);
    if (err == TF_OK && keeps_journal(s) && !s->dirty) {
        err = store_patiently(s, note_dirty, NULL, error);
        s->dirty = true;
    }
    err = store_agree(s, err, error);
    if (err == TF_OK)
        store_guard(s, true);
    tf_crash_point("change.begun");
    return err;
}

/* What has become of a stage, in the file that has been flushed. */
static tf_err read_changed(tf_store *s, hid_t file, const changed_stage *changed, tf_error *error) {
    contents *c = &s->start->contents;
    const int stage = changed->stage;
    const char *name = s->campaign->stage[stage].name;
    contents_open open = {0};
    h5_fault fault = {0};
    bool good = true;
    if (changed->whole) {
        store_list_open(s, stage, &open);
        good = contents_read_stage(c, file, name, s->fingerprint[stage], &s->code[stage], &open, &fault);
        contents_free_open(&open);
    }
    contents_find(c, name)->finished = changed->finished;
    if (good)
        return TF_OK;
    store_blame(s, &fault);
    return store_error(s, error, "can't be read");
}

/* Where ranks have the file together, reads it by itself. What HDF5 remembers of a file that all ranks have open must
 * be the same on all of them: what one has alone it takes the others to have, too, and they wait for each other in
 * different places. A process that has the file for itself must not open it twice: HDF5 would take both for one. */
static tf_err read_changes(tf_store *s, tf_error *error) {
    const bool together = s->team.ranks > 1;
    const hid_t file = together ? store_open_file(s->path, NULL) : s->file;
    tf_err err = file < 0 ? store_error(s, error, "can't be read") : TF_OK;
    for (size_t i = 0; i < s->changes && err == TF_OK; i++)
        err = read_changed(s, file, &s->changed[i], error);
    if (together)
        H5Fclose(file);
    return err;
}

/* Notes what the change under way has changed. */
static tf_err note_changes(tf_store *s, void *context, tf_error *error) {
    (void)context;
    const contents *c = &s->start->contents;
    journal_stage *note = tf_alloc_array(s->changes, sizeof *note);
    tf_err err = s->changes > 0 ? read_changes(s, error) : TF_OK;
    for (size_t i = 0; i < s->changes && err == TF_OK; i++)
        note[i] = (journal_stage){.stage = contents_find(c, s->campaign->stage[s->changed[i].stage].name),
                                  .whole = s->changed[i].whole};
    if (err == TF_OK)
        err = journal_add(s->path, &s->start->journal, c, note, s->changes, false, error);
    free(note);
    return err;
}

/* What the journal is to say of a stage when the change ends. That a stage is finished is all that its end adds. */
static void add_changed(tf_store *s, int stage, bool finished) {
    if (s->changes == s->change_capacity) {
        s->change_capacity = s->change_capacity ? 2 * s->change_capacity : 16;
        s->changed = tf_realloc_array(s->changed, s->change_capacity, sizeof *s->changed);
    }
    s->changed[s->changes++] = (changed_stage){.stage = stage, .finished = finished, .whole = !finished};
}

/* Through MPI-IO a flush brings to disk what it has written; HDF5's serial driver leaves that to the system. A file
 * that rows are moved to is synced as a whole. */
static tf_err flush(tf_store *s, tf_error *error) {
    if (H5Fflush(s->file, H5F_SCOPE_GLOBAL) < 0)
        return store_error(s, error, "can't be flushed");
    if (s->team.ranks == 1 && !s->carrying && fdatasync(s->fd) != 0)
        return store_cant_sync(s->path, errno, error);
    return TF_OK;
}

tf_err store_end_change(tf_store *s, int stage, bool finished, tf_error *error) {
    if (stage >= 0 && keeps_journal(s))
        add_changed(s, stage, finished);
    if (s->holds) {
        s->held = true;
        return TF_OK;
    }
    store_guard(s, true); /* where only rows were written no change has begun */
    tf_err err = flush(s, error);
    if (err == TF_OK && s->uncleared)
        err = tf_error_set_as(error, TF_ERR_RUN, tf_diag_of_write(s->uncleared), "%s: old bytes can't be cleared: %s",
                              s->path, strerror(s->uncleared));
    tf_crash_point("change.flushed");
    err = store_agree(s, err, error); /* a barrier, too: all of it has been written */
    store_note_size(s);
    if (err == TF_OK && keeps_journal(s)) {
        err = store_patiently(s, note_changes, NULL, error);
        s->dirty = false;
    }
    s->changes = 0;
    err = store_agree(s, err, error);
    store_guard(s, false);
    tf_crash_point("change.ended");
    return err;
}

void tf_store_hold(tf_store *s) {
    s->holds = true;
}

tf_err tf_store_release(tf_store *s, tf_error *error) {
    const bool held = s->held;
    s->holds = s->held = false;
    if (!held)
        return TF_OK;
    store_begin_vigil(s);
    const tf_err err = store_end_change(s, -1, false, error);
    store_end_vigil(s);
    return err;
}
