/* Is what stands under the output's name ours, and whole? */
#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/storage.h"
#include "store/access.h"
#include "store/journal.h"
#include "store/resume/plan.h"

/* ---- Checks ---- */

tf_err old_missing(const char *path, tf_error *error) {
    return tf_error_set_as(error, TF_ERR_USAGE, TF_DIAG_NO_OUTPUT, "%s: there is no such output, or nothing in it",
                           path);
}

static tf_err old_unreadable(const char *path, int failure, tf_error *error) {
    return tf_error_set_as(error, tf_err_of_storage(failure), tf_diag_of_read(failure), "%s: can't be read: %s", path,
                           strerror(failure));
}

tf_err old_damaged(const char *path, const h5_fault *fault, tf_error *error) {
    return fault->failure
               ? old_unreadable(path, fault->failure, error)
               : tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_OUTPUT_DAMAGED, "%s: is damaged: %s", path, fault->text);
}

static bool is_same_table(const contents_table *a, const contents_table *b) {
    return b && a->offset == b->offset && a->rows == b->rows && a->row_bytes == b->row_bytes;
}

/* The file holds what the journal says. */
static bool is_as_noted(const contents *noted, const contents *found) {
    if (noted->stages != found->stages)
        return false;
    for (int s = 0; s < noted->stages; s++) {
        const contents_stage *a = &noted->stage[s], *b = contents_find(found, a->name);
        if (!b || a->tasks != b->tasks || a->tables != b->tables || strcmp(a->fingerprint, b->fingerprint) != 0)
            return false;
        for (int t = 0; t < a->tables; t++)
            if (!is_same_table(&a->table[t], contents_table_at(b, a->table[t].path)))
                return false;
    }
    return true;
}

/* ---- The HDF5 file ---- */

/* `noted`: there is a journal, and so an output was there. */
static tf_err check_format(const char *path, hid_t file, bool noted, tf_error *error) {
    char *format = h5_text_attribute(file, "format", &(h5_fault){0});
    bool ours = format && strcmp(format, "taskfarm") == 0;
    free(format);
    return ours ? TF_OK
                : tf_error_set_as(error, TF_ERR_RUN, noted ? TF_DIAG_OUTPUT_DAMAGED : TF_DIAG_NOT_AN_OUTPUT,
                                  "%s: is another program's file, or damaged", path);
}

static tf_err check_ours(const char *path, hid_t file, bool noted, tf_error *error) {
    if (check_format(path, file, noted, error) != TF_OK)
        return error->code;
    h5_fault fault = {0};
    int64_t version = 0;
    if (!h5_number_attribute(file, "format_version", H5T_NATIVE_INT64, &version, &fault))
        return old_damaged(path, &fault, error);
    if (version != 1)
        return tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_NEWER_OUTPUT,
                               "%s: is of a later taskfarm (format version %lld)", path, (long long)version);
    return TF_OK;
}

static void add_name(contents *c, const char *name) {
    c->name = tf_realloc_array(c->name, (size_t)c->names + 1, sizeof *c->name);
    c->name[c->names++] = strdup(name);
}

/* The order of stages is the manifest's: HDF5 has another. */
static void name_stages(hid_t file, contents *found, h5_fault *fault) {
    char *text = h5_text_attribute(file, "manifest", fault), *name = h5_text_attribute(file, "name", fault);
    cJSON *json = text ? cJSON_Parse(text) : NULL;
    const cJSON *stages = cJSON_GetObjectItemCaseSensitive(json, "stages"), *stage;
    cJSON_ArrayForEach(stage, stages) {
        const char *its = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(stage, "name"));
        if (its)
            add_name(found, its);
    }
    if (!stages && name) {
        tf_buf only = {0};
        tf_single_stage_name(name, &only);
        add_name(found, tf_buf_text(&only));
        tf_buf_free(&only);
    }
    cJSON_Delete(json);
    free(text);
    free(name);
}

/* A journal does not have it. */
static void adopt_until(const contents *noted, const contents *found) {
    for (int s = 0; s < noted->stages; s++) {
        contents_stage *stage = &noted->stage[s], *its = contents_find(found, stage->name);
        stage->enough = its->enough;
        stage->until = its->until;
        its->until = NULL;
    }
}

static tf_err say_lost(const char *path, tf_run_state state, tf_error *error) {
    tf_buf beside = {0};
    const bool has_folder = folder_last_run(path) > 0;
    folder_path(path, has_folder ? "journal" : NULL, &beside);
    tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_OUTPUT_INCOMPLETE, "%s: the last run was %s, and %s%s is missing", path,
                    tf_run_state_name(state == TF_STATE_STOPPED ? state : TF_STATE_INTERRUPTED),
                    has_folder ? "" : "its folder ", beside.data);
    tf_buf_free(&beside);
    return error->code;
}

/* The file without a journal. The run that made it has ended by itself, and all of its stages are finished; or else
 * that is known of a stage only if it says so. */
static tf_err adopt_file(old_output *old, hid_t file, bool salvages, contents *found, tf_error *error) {
    h5_fault fault = {0};
    char *name = h5_text_attribute(file, "state", &fault);
    const tf_run_state state = tf_run_state_of(name);
    const bool over = tf_run_state_is_over(state);
    free(name);
    old->lost = !over && !*fault.text;
    tf_err err = old->lost && !salvages ? say_lost(old->path, state, error) : TF_OK;
    if (err != TF_OK)
        return err;
    h5_number_attribute(file, "elapsed", H5T_NATIVE_DOUBLE, &found->elapsed, &fault);
    found->runs = h5_text_attribute(file, "runs", &fault);
    name_stages(file, found, &fault);
    for (int s = 0; s < found->stages && over; s++)
        found->stage[s].finished = true;
    if (old->lost || state == TF_STATE_SNAPSHOT)
        contents_read_finished(found, file, &fault);
    return *fault.text ? old_damaged(old->path, &fault, error) : TF_OK;
}

static herr_t read_attribute(hid_t object, const char *name, const H5A_info_t *info, void *context) {
    (void)info, (void)context;
    free(h5_text_attribute(object, name, &(h5_fault){0}));
    return 0;
}

static void read_attributes(hid_t object) {
    H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, read_attribute, NULL);
}

static herr_t read_group(hid_t parent, const char *name, const H5L_info_t *info, void *context) {
    h5_fault fault = {0};
    hid_t group = h5_is_hard(parent, name, info, &fault) ? h5_open_group(parent, name, &fault) : 0;
    (void)context;
    if (group > 0) {
        read_attributes(group);
        H5Gclose(group);
    }
    return 0;
}

static void read_stage(hid_t file, const char *name) {
    h5_fault fault = {0};
    hid_t group = h5_open_group(file, name, &fault);
    hid_t reductions = group > 0 ? h5_open_group(group, "reduce", &fault) : 0;
    if (reductions > 0) {
        H5Literate(reductions, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, read_group, NULL);
        H5Gclose(reductions);
    }
    if (group > 0) {
        read_attributes(group);
        H5Gclose(group);
    }
}

/* Reads what read_clean does, and all other texts that are in the same heaps. */
static void read_all(const char *path) {
    contents found = {0};
    hid_t file = store_open_file(path, NULL);
    if (file < 0)
        return;
    h5_fault fault = {0};
    read_attributes(file);
    contents_read_file(&found, file, &fault);
    for (int s = 0; s < found.stages; s++)
        read_stage(file, found.stage[s].name);
    contents_free(&found);
    H5Fclose(file);
}

/* Reading takes milliseconds; of 10 000 stages, which are some 50 MB of metadata, seconds. */
static rlim_t most_seconds(const char *path) {
    enum { LEAST = 10, MOST = 60, BYTES_A_SECOND = 1000000 };
    struct stat info;
    const int64_t seconds = stat(path, &info) == 0 ? LEAST + info.st_size / BYTES_A_SECOND : LEAST;
    return (rlim_t)(seconds < MOST ? seconds : MOST);
}

/* Damage that HDF5 does not notice can crash it, or make it read in circles (1.10: a global heap of zeros). A child of
 * little time goes first. */
static tf_err check_readable(const char *path, tf_error *error) {
    const rlim_t seconds = most_seconds(path);
    fflush(NULL);
    pid_t child = fork();
    if (child < 0)
        return tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_SYSTEM_LIMIT, "can't fork: %s", strerror(errno));
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        setrlimit(RLIMIT_CPU, &(struct rlimit){seconds, seconds});
        read_all(path);
        _exit(0);
    }
    int status = tf_child_wait(child);
    if (status == 0)
        return TF_OK;
    bool infinite = WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL;
    return tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_OUTPUT_DAMAGED, "%s: is damaged: HDF5 %s", path,
                           infinite ? "comes to no end reading it" : "crashes reading it");
}

static tf_err check_hdf5(const char *path, bool noted, tf_error *error) {
    if (H5Fis_hdf5(path) > 0)
        return TF_OK;
    const int failure = h5_failure();
    if (failure)
        return old_unreadable(path, failure, error);
    return tf_error_set_as(error, TF_ERR_RUN, noted ? TF_DIAG_OUTPUT_DAMAGED : TF_DIAG_NOT_AN_OUTPUT,
                           noted ? "%s: is damaged: it is no HDF5 file any more" : "%s: is no HDF5 file", path);
}

/* What HDF5 can't read may be ours. */
tf_err old_is_ours(const char *path, tf_error *error) {
    contents noted = {0};
    bool dirty, there = false;
    tf_err err = journal_read(path, &noted, &dirty, &there, error);
    contents_free(&noted);
    if (err != TF_OK || there)
        return TF_OK;
    if (check_hdf5(path, false, error) != TF_OK)
        return error->code;
    hid_t file = check_readable(path, error) == TF_OK ? store_open_file(path, NULL) : -1;
    if (file < 0)
        return TF_OK;
    err = H5Aexists(file, "format") < 0 ? TF_OK : check_format(path, file, false, error);
    H5Fclose(file);
    return err;
}

static tf_err say_other(const char *path, tf_error *error) {
    tf_buf folder = {0};
    folder_path(path, NULL, &folder);
    tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_OUTPUT_DAMAGED,
                    "%s: was changed since its last run; if another file was put in its place, move the folder %s of "
                    "the old one away",
                    path, folder.data);
    tf_buf_free(&folder);
    return error->code;
}

static tf_err read_clean(old_output *old, bool noted, int may, tf_error *error) {
    if (check_hdf5(old->path, noted, error) != TF_OK)
        return error->code;
    if (!(may & OLD_TRUSTS) && check_readable(old->path, error) != TF_OK)
        return error->code;
    hid_t file = store_open_file(old->path, NULL);
    if (file < 0 && h5_failure())
        return old_unreadable(old->path, h5_failure(), error);
    if (file < 0) {
        char reason[STORE_REASON] = "HDF5 does not say why";
        H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, store_copy_reason, reason);
        return tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_OUTPUT_DAMAGED, "%s: is damaged: %s", old->path, reason);
    }
    contents found = {0};
    h5_fault fault = {0};
    tf_err err = check_ours(old->path, file, noted, error);
    if (err == TF_OK && !contents_read_file(&found, file, &fault))
        err = old_damaged(old->path, &fault, error);
    if (err == TF_OK && noted && !is_as_noted(&old->contents, &found))
        err = say_other(old->path, error);
    if (err == TF_OK && noted)
        adopt_until(&old->contents, &found);
    if (err == TF_OK && !noted)
        err = adopt_file(old, file, may & OLD_SALVAGES, &found, error);
    char *created = err == TF_OK ? h5_text_attribute(file, "created", &fault) : NULL;
    snprintf(old->created, sizeof old->created, "%s", created ? created : "");
    free(created);
    H5Fclose(file);
    if (err != TF_OK || noted)
        contents_free(&found);
    else
        old->contents = found;
    return err;
}

/* ---- Both ---- */

/* A new file that was complete when its run was killed takes its place, one that was not is dropped. */
static void end_replacement(const char *path) {
    tf_error error;
    int folder = folder_open(path, &error);
    if (folder < 0)
        return;
    if (faccessat(folder, "new.h5", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        unlinkat(folder, "journal.next", 0);
    else
        renameat(folder, "journal.next", folder, "journal");
    unlinkat(folder, "new.h5", 0);
    close(folder);
}

tf_err old_open(const char *path, int may, old_output *old, tf_error *error) {
    *old = (old_output){.path = path, .fd = -1};
    if (may & OLD_TIDIES)
        end_replacement(path);
    bool noted = false, salvages = may & OLD_SALVAGES;
    tf_err err = journal_read(path, &old->contents, &old->dirty, &noted, error);
    if (err != TF_OK && noted && salvages) { /* a damaged one is no better than none */
        err = TF_OK;
        noted = false;
    }
    struct stat info = {0};
    const bool there = stat(path, &info) == 0;
    if (err == TF_OK && there && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode))
        return tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_NOT_AN_OUTPUT, "%s: %s", path,
                               tf_read_failure(TF_READ_IRREGULAR));
    if (info.st_size == 0) /* somebody has removed the file, or emptied it */
        contents_drop_stages(&old->contents);
    if (err != TF_OK || info.st_size == 0 || (noted && old->dirty && old->contents.stages == 0))
        return err;
    if (!noted || !old->dirty)
        err = read_clean(old, noted, may, error);
    return err == TF_OK ? old_open_rows(old, error) : err;
}

tf_err old_open_rows(old_output *old, tf_error *error) {
    struct stat info = {0};
    h5_fault fault = {0};
    const int failure = tf_open_regular(old->path, &old->fd);
    if (failure || fstat(old->fd, &info) != 0)
        return tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_FILE_UNREADABLE, "%s: can't be read: %s", old->path,
                               tf_read_failure(failure ? failure : errno));
    return contents_check(&old->contents, info.st_size, &fault) ? TF_OK : old_damaged(old->path, &fault, error);
}

void old_close(old_output *old) {
    if (old->fd >= 0)
        close(old->fd);
    old->fd = -1;
    contents_free(&old->contents);
}
