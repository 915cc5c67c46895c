/* A change of metadata is announced in the journal before it begins, and noted there after it has been flushed: a file
 * that is found with an announced change is not opened, but its rows are read by the places that the journal names. */
#include "store/change.h"

#include <string.h>

#include "store/journal.h"
#include "store/meet.h"
#include "store/stage_tables.h"

/* Only the first rank of a run has a journal to keep. */
static bool keeps_journal(const tf_store *s) {
    return s->start && s->rank == 0;
}

tf_err store_begin_change(tf_store *s, tf_error *error) {
    tf_err err = store_check_file(s, error);
    if (err == TF_OK && keeps_journal(s) && !s->dirty) {
        err = journal_write(s->path, "journal", &s->start->contents, true, error);
        s->dirty = true;
    }
    err = store_agree(s, err, error);
    if (err == TF_OK)
        store_guard(s, true);
    tf_crash_point("change.begun");
    return err;
}

/* What has become of the stage, for the journal. */
static tf_err note_stage(tf_store *s, int stage, bool finished, tf_error *error) {
    contents *c = &s->start->contents;
    const char *name = s->campaign->stage[stage].name;
    contents_open open = {0};
    h5_fault fault = {0};
    store_list_open(s, stage, &open);
    const bool good = contents_read_stage(c, s->file, name, s->fingerprint[stage], &s->code[stage], &open, &fault);
    contents_free_open(&open);
    contents_find(c, name)->finished = finished;
    if (good)
        return TF_OK;
    store_blame(s, &fault);
    return store_error(s, error, "can't be read");
}

tf_err store_end_change(tf_store *s, int stage, bool finished, tf_error *error) {
    tf_err err = TF_OK;
    store_guard(s, true); /* where only rows were written no change has begun */
    if (H5Fflush(s->file, H5F_SCOPE_GLOBAL) < 0)
        err = store_error(s, error, "can't be flushed");
    if (err == TF_OK && s->uncleared)
        err = tf_error_set_as(error, TF_ERR_RUN, tf_diag_of_write(s->uncleared), "%s: old bytes can't be cleared: %s",
                              s->path, strerror(s->uncleared));
    tf_crash_point("change.flushed");
    err = store_agree(s, err, error); /* a barrier, too: all of it has been written */
    store_note_size(s);
    if (err == TF_OK && keeps_journal(s)) {
        if (stage >= 0)
            err = note_stage(s, stage, finished, error);
        if (err == TF_OK)
            err = journal_write(s->path, "journal", &s->start->contents, false, error);
        s->dirty = false;
    }
    err = store_agree(s, err, error);
    store_guard(s, false);
    tf_crash_point("change.ended");
    return err;
}
