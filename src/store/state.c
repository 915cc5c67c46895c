/* The open output in memory, and how HDF5 says what went wrong with it. */
#include "store/state.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/storage.h"

/* ---- Errors ---- */

/* "file write failed: time = ..., error message = '...', ...": of all that HDF5's serial driver tells what failed, and
 * what the system said. */
static bool copy_system_reason(const char *text, char *reason) {
    static const char before[] = "error message = '";
    const char *said = strstr(text, before), *what = strchr(text, ':');
    const char *end = said ? strchr(said + sizeof before - 1, '\'') : NULL;
    if (!end || !what || what > said)
        return false;
    said += sizeof before - 1;
    snprintf(reason, STORE_REASON, "%.*s: %.*s", (int)(what - text), text, (int)(end - said), said);
    return true;
}

/* Of HDF5's error stack the innermost entry says what happened; the others say who called. */
herr_t store_copy_reason(unsigned n, const H5E_error2_t *entry, void *reason) {
    if (n == 0 && entry->desc && !copy_system_reason(entry->desc, reason))
        snprintf(reason, STORE_REASON, "%s", entry->desc);
    return 0;
}

/* HDF5 calls this when one of its functions fails; by its next call it has forgotten why. The first failure counts. */
static herr_t remember_reason(hid_t stack, void *reason) {
    if (*(char *)reason == '\0')
        H5Ewalk2(stack, H5E_WALK_UPWARD, store_copy_reason, reason);
    return 0;
}

/* MPI-IO does not pass on why a write failed; a full disk can be seen afterwards. */
static bool is_disk_full(const char *path) {
    enum { FULL = 1 << 20 }; /* bytes: less than one write */
    return tf_free_bytes(path) < FULL;
}

tf_err store_error(tf_store *store, tf_error *error, const char *format, ...) {
    char what[400];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    const int failure = tf_storage_failure_in(store->reason);
    const bool is_full = !failure && is_disk_full(store->path);
    if (failure)
        tf_error_set_as(error, tf_err_of_storage(failure), tf_diag_of_write(failure), "%s: %s: %s", store->path, what,
                        strerror(failure));
    else
        tf_error_set_as(error, TF_ERR_RUN, is_full ? TF_DIAG_DISK_FULL : TF_DIAG_HDF5, "%s: %s: %s%s", store->path,
                        what, *store->reason ? store->reason : "HDF5 does not say why",
                        is_full ? " (the disk is full)" : "");
    *store->reason = '\0';
    return error->code;
}

void store_blame(tf_store *store, const h5_fault *fault) {
    if (fault->failure)
        snprintf(store->reason, sizeof store->reason, "%s", strerror(fault->failure));
    else if (*fault->text)
        snprintf(store->reason, sizeof store->reason, "it is damaged: %.*s", STORE_REASON - 20, fault->text);
}

tf_err store_patiently(tf_store *s, store_call *call, void *context, tf_error *error) {
    tf_patience waits = {.limit = s->patience};
    tf_err err = call(s, context, error);
    while (err != TF_OK && tf_patience_wait(&waits, error))
        err = call(s, context, error);
    tf_patience_end(&waits, err, s->path);
    return err;
}

/* ---- The store ---- */

tf_store *store_new(const tf_campaign *campaign, const char *path) {
    tf_store *s = tf_alloc(sizeof *s);
    *s = (tf_store){.campaign = campaign, .path = path, .team = {.ranks = 1}, .fd = -1, .lock = -1, .limit = INT64_MAX};
    s->stage = tf_alloc_array((size_t)campaign->stages, sizeof *s->stage);
    s->code = tf_alloc_array((size_t)campaign->stages, sizeof *s->code);
    H5Eset_auto2(H5E_DEFAULT, remember_reason, s->reason);
    return s;
}

void store_open_by(tf_store *s, int fd) {
    tf_buf_addf(&s->by, "/proc/self/fd/%d", fd);
    if (access(s->by.data, F_OK) != 0)
        tf_buf_free(&s->by);
}

void store_free(tf_store *s) {
    for (int i = 0; i < s->campaign->stages; i++) {
        free(s->stage[i].param);
        free(s->stage[i].column);
        free(s->stage[i].part);
        code_free(&s->code[i]);
    }
    free(s->code);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    free((void *)(uintptr_t)s->fingerprint);
    tf_buf_free(&s->fingerprints);
    tf_buf_free(&s->runs);
    tf_buf_free(&s->by);
    tf_buf_free(&s->worker);
    tf_buf_free(&s->slot);
    tf_buf_free(&s->zeros);
    free(s->changed);
    free(s->stage);
    free(s);
}
