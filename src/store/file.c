/* The file: its creation, its opening by all ranks, its root attributes, and its end. */
#include "store/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/storage.h"
#include "store/access.h"
#include "store/attributes.h"
#include "store/change.h"
#include "store/journal.h"
#include "store/lock.h"
#include "store/meet.h"
#include "store/side_index.h"
#include "store/sync.h"

enum { FORMAT_VERSION = 1 };

static void close_side(tf_store *s) {
    store_end_sync(s);
    side_close(s->side);
    s->side = NULL;
    if (s->lock >= 0)
        close(s->lock);
    s->lock = -1;
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}

void tf_store_abandon(tf_store *s) {
    if (!s)
        return;
    store_end_vigil(s);
    close_side(s);
    store_free(s);
}

/* ---- Root attributes ---- */

tf_err store_create_alone(tf_store *s, const char *created, tf_error *error) {
    const int32_t version = FORMAT_VERSION, ranks = 0;
    hid_t access = store_file_access(s->path, s->campaign);
    s->file = H5Fcreate(s->by.length ? s->by.data : s->path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    H5Pclose(access);
    if (s->file < 0)
        return store_error(s, error, "can't be created");
    bool bad = store_attribute_text(s->file, "format", "taskfarm") < 0 ||
               store_attribute(s->file, "format_version", H5T_STD_I32LE, &version) < 0 ||
               store_attribute_text(s->file, "taskfarm_version", TASKFARM_VERSION) < 0 ||
               store_attribute_text(s->file, "name", s->campaign->name) < 0 ||
               store_attribute(s->file, "seed", H5T_STD_U64LE, &s->campaign->seed) < 0 ||
               store_attribute_text(s->file, "created", created) < 0 ||
               store_attribute_text(s->file, "state", tf_run_state_name(TF_STATE_RUNNING)) < 0 ||
               store_attribute(s->file, "elapsed", H5T_IEEE_F64LE, &(double){0}) < 0 ||
               store_attribute(s->file, "ranks", H5T_STD_I32LE, &ranks) < 0 ||
               store_attribute(s->file, "slots", H5T_STD_I64LE, &(int64_t){0}) < 0 ||
               store_attribute_text(s->file, "manifest", s->campaign->text) < 0 ||
               store_attribute_text(s->file, "manifest_text", s->campaign->written) < 0;
    return bad ? store_error(s, error, "attributes") : TF_OK;
}

/* Of an attribute that outputs of earlier versions may lack. */
static herr_t write_text(const tf_store *s, const char *name, const char *text) {
    return H5Aexists(s->file, name) > 0 ? store_change_text(s->file, name, text)
                                        : store_attribute_text(s->file, name, text);
}

static herr_t write_runs(const tf_store *s) {
    return write_text(s, "runs", tf_buf_text(&s->runs));
}

/* What is of this run and not of an earlier one; without slots it only winds one up. */
static herr_t write_run(const tf_store *s, int64_t slots) {
    int32_t ranks = s->team.ranks;
    bool bad = store_change_text(s->file, "taskfarm_version", TASKFARM_VERSION) < 0 ||
               store_change_text(s->file, "state", tf_run_state_name(TF_STATE_RUNNING)) < 0 ||
               store_change_text(s->file, "manifest", s->campaign->text) < 0 ||
               write_text(s, "manifest_text", s->campaign->written) < 0 || write_runs(s) < 0 ||
               (slots > 0 && (store_change_attribute(s->file, "ranks", H5T_NATIVE_INT32, &ranks) < 0 ||
                              store_change_attribute(s->file, "slots", H5T_NATIVE_INT64, &slots) < 0));
    return bad ? -1 : 0;
}

/* ---- Opening and closing ---- */

/* The other ranks are told what only the first has worked out. */
static void share_start(tf_store *s, int64_t *run) {
    uint64_t size = s->start ? s->start->fingerprints.length : 0;
    *run = s->start ? s->start->contents.run : 0;
    store_broadcast(s, run, sizeof *run);
    store_broadcast(s, &size, sizeof size);
    char *bytes = tf_alloc(size);
    if (s->start)
        memcpy(bytes, s->start->fingerprints.data, size);
    store_broadcast(s, bytes, size);
    s->fingerprints = (tf_buf){.data = bytes, .length = size};
    s->fingerprint = tf_alloc_array((size_t)s->campaign->stages, sizeof *s->fingerprint);
    const char **fingerprint = (const char **)(uintptr_t)s->fingerprint;
    for (int i = 0; i < s->campaign->stages; i++, bytes += strlen(bytes) + 1)
        fingerprint[i] = bytes;
}

static void share_code(tf_store *s) {
    tf_buf bytes = {0};
    cJSON *json = cJSON_CreateArray();
    for (int i = 0; s->start && i < s->campaign->stages; i++)
        cJSON_AddItemToArray(json, code_json(&s->start->code[i]));
    char *text = cJSON_PrintUnformatted(json);
    if (s->start)
        tf_buf_add(&bytes, text, strlen(text) + 1);
    store_spread(s, &bytes);
    cJSON_free(text);
    cJSON_Delete(json);
    json = cJSON_Parse(tf_buf_text(&bytes));
    for (int i = 0; i < s->campaign->stages; i++)
        code_parse(cJSON_GetArrayItem(json, i), tf_stage_so_far(&s->campaign->stage[i]), &s->code[i]);
    cJSON_Delete(json);
    tf_buf_free(&bytes);
}

int tf_store_join(const tf_campaign *campaign, const tf_store_start *start, int rank) {
    if (!start)
        return lock_join(campaign->output, rank);
    lock_share(start->lock);
    lock_file_share(start->file);
    return start->lock;
}

/* The name by which MPI opens the output. Open MPI makes a file beside it, whose name begins with its own, or a
 * semaphore that has its last name: one of any user's, and locked for ever if a run dies at the wrong moment. So it
 * gets a name that nobody else has, in a folder that is the run's. */
static void name_for_mpi(const tf_store *s, int64_t run, tf_buf *path) {
    uint64_t number = 0;
    char name[40], run_name[40];
    tf_buf inner = {0};
    if (s->team.rank == 0 && getrandom(&number, sizeof number, 0) == (ssize_t)sizeof number) {
        snprintf(name, sizeof name, "mpi-%016llx", (unsigned long long)number);
        number = folder_link(s->path, run, name) ? number : 0;
    }
    store_broadcast(s, &number, sizeof number);
    tf_buf_addf(&inner, "%s/mpi-%016llx", folder_run(run, run_name), (unsigned long long)number);
    if (number)
        folder_path(s->path, inner.data, path);
    else
        tf_buf_adds(path, s->path);
    tf_buf_free(&inner);
}

/* All ranks have the file open besides HDF5, and share its lock. It must be the one that was prepared, and that which
 * MPI's name for it leads to. */
static tf_err open_beside(tf_store *s, void *context, tf_error *error) {
    const char *path = context;
    struct stat prepared, info, named;
    if (s->fd >= 0)
        close(s->fd); /* of a call that failed */
    s->fd = open(s->path, O_RDWR | O_CLOEXEC);
    if (s->fd < 0 || fstat(s->fd, &info) != 0)
        return tf_error_set_as(error, tf_err_of_storage(errno), tf_diag_of_write(errno), "%s: can't be opened: %s",
                               s->path, strerror(errno));
    if (stat(path, &named) != 0)
        return tf_error_set_as(error, tf_err_of_storage(errno), tf_diag_of_write(errno), "%s: can't be opened: %s",
                               path, strerror(errno));
    if (named.st_dev != info.st_dev || named.st_ino != info.st_ino ||
        (s->start &&
         (fstat(s->start->file, &prepared) != 0 || prepared.st_dev != info.st_dev || prepared.st_ino != info.st_ino)))
        return tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_OUTPUT_REPLACED, STORE_REPLACED, s->path);
    lock_file_share(s->fd);
    return TF_OK;
}

/* Where MPI can't open a file on one rank, Open MPI keeps the others waiting for ever: so each rank opens it first. */
static tf_err open_together(tf_store *s, int64_t run, tf_error *error) {
    const bool together = s->team.ranks > 1;
    tf_buf path = {0};
    if (together)
        name_for_mpi(s, run, &path);
    else
        tf_buf_adds(&path, s->path);
    tf_err err = store_agree(s, store_patiently(s, open_beside, path.data, error), error);
    if (err == TF_OK) {
        s->file =
            together ? store_open_together(path.data, &s->team, s->campaign) : store_open_alone(path.data, s->campaign);
        err = store_agree(s, s->file < 0 ? store_error(s, error, "can't be opened") : TF_OK, error);
    }
    if (err == TF_OK)
        store_guard(s, true);
    tf_buf_free(&path);
    return err;
}

static tf_err open_side(tf_store *s, void *run, tf_error *error) {
    s->side = side_open(s->path, *(const int64_t *)run, s->team.rank, error);
    return s->side ? TF_OK : error->code;
}

tf_store *tf_store_open(const tf_campaign *campaign, const tf_team *team, tf_store_start *start, int lock,
                        int64_t slots, double patience, const tf_store_life *life, tf_error *error) {
    tf_store *s = store_new(campaign, campaign->output);
    int64_t run;
    s->team = *team;
    s->start = start;
    s->life = life;
    s->patience = patience;
    s->lock = start ? -1 : lock;
    s->dirty = start && start->dirty;
    store_begin_vigil(s);
    share_start(s, &run);
    share_code(s);
    store_begin_run(s, slots);
    store_learn_limit(s);
    tf_err err = store_begin_change(s, error);
    if (err == TF_OK)
        err = open_together(s, run, error);
    if (err == TF_OK && write_run(s, slots) < 0)
        err = store_error(s, error, "attributes");
    err = store_agree(s, err, error);
    if (err == TF_OK) {
        err = store_patiently(s, open_side, &run, error);
        err = store_agree(s, err == TF_OK ? side_index_read(s, error) : err, error);
    }
    if (err == TF_OK)
        err = store_end_change(s, -1, false, error);
    store_end_vigil(s);
    if (err == TF_OK)
        return s;
    tf_store_abandon(s);
    return NULL;
}

bool tf_store_is_locked(const tf_store *s) {
    return s->lock >= 0;
}

bool tf_store_has_ended(const tf_store *s, int rank) {
    return lock_is_free(s->start->lock, rank);
}

static tf_err write_journal(tf_store *s, void *context, tf_error *error) {
    (void)context;
    return journal_write(s->path, "journal", &s->start->contents, false, error);
}

static tf_err remove_rest(tf_store *s, void *context, tf_error *error) {
    (void)context;
    return folder_remove(s->path, &s->start->lock, error);
}

tf_err tf_store_close(tf_store *s, tf_run_state state, double elapsed, tf_error *error) {
    store_begin_vigil(s);
    if (s->start)
        elapsed += s->start->contents.elapsed;
    store_broadcast(s, &elapsed, sizeof elapsed);
    store_end_sync(s);
    store_end_run(s, tf_run_state_name(state));
    tf_err err = store_begin_change(s, error);
    if (err == TF_OK && (store_change_text(s->file, "state", tf_run_state_name(state)) < 0 || write_runs(s) < 0 ||
                         store_change_attribute(s->file, "elapsed", H5T_NATIVE_DOUBLE, &elapsed) < 0))
        err = store_error(s, error, "attributes");
    err = store_agree(s, err, error);
    for (int i = 0; err == TF_OK && i < s->campaign->stages; i++)
        if (s->stage[i].group > 0)
            tf_store_close_stage(s, i);
    if (err == TF_OK && H5Fclose(s->file) < 0)
        err = store_error(s, error, "can't be closed");
    tf_crash_point("close.closed");
    err = store_agree(s, err, error);
    store_note_size(s);
    err = store_agree(s, err == TF_OK ? store_check_file(s, error) : err, error);
    if (err == TF_OK && s->start) {
        s->start->contents.elapsed = elapsed;
        err = store_patiently(s, write_journal, NULL, error);
    }
    close_side(s);
    err = store_agree(s, err, error); /* nobody has anything open there any more */
    if (err == TF_OK && s->start && tf_run_state_is_over(state))
        err = store_patiently(s, remove_rest, NULL, error);
    err = store_agree(s, err, error);
    tf_store_abandon(s);
    return err;
}
