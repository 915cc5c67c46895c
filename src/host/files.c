/* The files and folders that tasks declare. Inputs are waited for; outputs are whole, or do not exist: what stands
 * under the name of an output is removed before an attempt, and after one that failed. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/host.h"
#include "host/parent.h"

/* What a file is to a task, and what messages say of it. */
typedef struct file_role {
    const char *name;
    const char *missing;
    bool is_written; /* by the task: then it must not be a folder, unless it is declared as one */
} file_role;

static const file_role input_role = {.name = "input", .missing = "is not there"};
static const file_role output_role = {.name = "output", .missing = "was not made", .is_written = true};

/* Waits for as long as a file of another machine may take to be seen here. false after host_fail. */
static bool wait_for(host *h, const file_role *role, const tf_paths *files, size_t i) {
    const char *path = tf_paths_text(files, i);
    const double interval = 0.05, deadline = tf_now() + h->campaign->latency;
    struct stat info;
    char waited[32];
    while (stat(path, &info) != 0) {
        if (tf_now() >= deadline) {
            host_fail(h, h->campaign->latency > 0 ? "%s %s %s (waited for %s)" : "%s %s %s", role->name, path,
                      role->missing, tf_format_duration(h->campaign->latency, waited));
            return false;
        }
        poll(NULL, 0, (int)(1000 * interval));
    }
    const bool is_folder = S_ISDIR(info.st_mode), must_be = files->item[i].is_folder;
    if (must_be && !is_folder)
        host_fail(h, "%s %s is a file, and must be a folder", role->name, path);
    else if (is_folder && !must_be && role->is_written)
        host_fail(h, "%s %s is a folder, and must be a file; the name of a folder ends in /", role->name, path);
    return !must_be || is_folder;
}

/* Opens the folder that a task is to write a file in. `what`, for messages: "output" or "log". false after host_fail.
 */
static bool open_folder(host *h, const char *what, const char *path, parent_folder *folder) {
    *folder = parent_open(h->campaign, h->root, path, true);
    if (folder->failure == ELOOP)
        host_fail(h, "%s %s can't be made: %.*s has become a link since the run began", what, path, (int)folder->length,
                  path);
    else if (folder->failure == ENOTDIR)
        host_fail(h, "%s %s can't be made: a file stands where its folder is to be", what, path);
    else if (folder->failure)
        host_fail(h, "can't make the folder %.*s: %s", (int)folder->length, path, strerror(folder->failure));
    return folder->failure == 0;
}

/* Removes an output, or with `keep` renames it to PATH.incomplete. If its folder is not what it was at the start of the
 * run, nothing in it is ours, and nothing is done. */
static void discard(const tf_campaign *campaign, int root, const tf_paths *outputs, size_t i, bool keep) {
    parent_folder folder = parent_open(campaign, root, tf_paths_text(outputs, i), false);
    if (folder.fd >= 0 && outputs->item[i].is_folder) {
        parent_remove_folder(&folder, keep);
    } else if (folder.fd >= 0 && keep) {
        tf_buf aside = {0};
        tf_buf_addf(&aside, "%s.incomplete", folder.name);
        renameat(folder.fd, folder.name, folder.fd, aside.data);
        tf_buf_free(&aside);
    } else if (folder.fd >= 0) {
        parent_remove(&folder);
    }
    parent_close(&folder);
}

static void discard_all(const tf_campaign *campaign, int root, const tf_paths *outputs) {
    for (size_t i = 0; i < outputs->count; i++)
        discard(campaign, root, outputs, i, campaign->keep_incomplete);
}

void files_discard(const tf_campaign *campaign, tf_files *files, int stage, int64_t index) {
    tf_paths outputs = {0};
    tf_files_outputs(files, stage, index, &outputs);
    discard_all(campaign, AT_FDCWD, &outputs);
    tf_paths_free(&outputs);
}

bool files_remove_temp(const tf_campaign *campaign, tf_files *files, int stage, int64_t index) {
    tf_paths outputs = {0};
    bool any = false;
    tf_files_outputs(files, stage, index, &outputs);
    for (size_t i = 0; i < outputs.count; i++) {
        if (!outputs.item[i].spec->temp)
            continue;
        discard(campaign, AT_FDCWD, &outputs, i, outputs.item[i].is_folder);
        any = any || outputs.item[i].is_folder;
    }
    tf_paths_free(&outputs);
    return any;
}

void files_remove_aside(const tf_campaign *campaign, tf_files *files, int stage, int64_t index) {
    tf_paths outputs = {0};
    tf_files_outputs(files, stage, index, &outputs);
    tf_crash_point("folder.aside");
    for (size_t i = 0; i < outputs.count; i++) {
        if (!outputs.item[i].spec->temp || !outputs.item[i].is_folder)
            continue;
        parent_folder folder = parent_open(campaign, AT_FDCWD, tf_paths_text(&outputs, i), false);
        if (folder.fd >= 0)
            parent_remove_aside(&folder);
        parent_close(&folder);
    }
    tf_paths_free(&outputs);
}

/* A task that is only tried removes no folder: nobody has looked whose it is. false after host_fail, and then the task
 * has no outputs that might be removed. */
static bool may_remove(host *h, const parent_folder *folder, const char *path) {
    struct stat info;
    if (!h->is_trial || fstatat(folder->fd, folder->name, &info, AT_SYMLINK_NOFOLLOW) != 0)
        return true;
    host_fail(h, "output %s is there already, and a task that is tried removes no folder: move it away", path);
    h->outputs.count = 0;
    return false;
}

/* Removes what stands under the name of an output before the task writes it. false after host_fail. */
static bool clear_output(host *h, const char *path, bool is_folder) {
    parent_folder folder;
    bool ready = open_folder(h, "output", path, &folder);
    ready = ready && (!is_folder || may_remove(h, &folder, path));
    int failure = !ready ? 0 : is_folder ? parent_remove_folder(&folder, false) : parent_remove(&folder);
    if (failure == EEXIST)
        host_fail(h, "output %s is there already, and is not a regular file", path);
    else if (failure)
        host_fail(h, "output %s is there already, and can't be removed: %s", path,
                  failure == EXDEV ? "a file system is mounted in it" : strerror(failure));
    parent_close(&folder);
    return ready && !failure;
}

/* ---- Logs ---- */

static bool is_same(const struct stat *a, const struct stat *b) {
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Is the folder OUTPUT.d, or one that is in it? */
static bool is_of_output(const tf_campaign *c, int folder) {
    struct stat info, above, own;
    tf_buf path = {0};
    tf_follow_links(c->output, &path);
    tf_buf_adds(&path, ".d");
    const bool there = stat(path.data, &own) == 0;
    tf_buf_free(&path);
    return there && ((fstat(folder, &info) == 0 && is_same(&info, &own)) ||
                     (fstatat(folder, "..", &above, 0) == 0 && is_same(&above, &own)));
}

/* Is the file one that the campaign reads or owns? */
static bool is_own(const tf_campaign *c, const parent_folder *folder) {
    struct stat info, own;
    if (is_of_output(c, folder->fd))
        return true;
    if (fstatat(folder->fd, folder->name, &info, AT_SYMLINK_NOFOLLOW) != 0)
        return false;
    for (int r = 0; r <= c->reads; r++)
        if (stat(r < c->reads ? c->read[r] : c->output, &own) == 0 && is_same(&own, &info))
            return true;
    return false;
}

/* A log whose name depends on rows of other stages was not checked at the start: its name is known only here. false
 * after host_fail. */
static bool is_allowed(host *h, const char *path) {
    const bool allowed = tf_files_know_log(h->spec) || h->spec->log->outside || !tf_files_is_outside(path);
    if (!allowed)
        host_fail(h, "can't write the log %s: it is outside the work folder; \"allow_outside\": true allows that",
                  path);
    return allowed;
}

int files_open_log(host *h, const tf_point *point, bool again) {
    enum { HOW = O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC };
    tf_buf text = {0}, path = {0};
    parent_folder folder = {.fd = -1};
    int fd = -1;
    tf_template_expand(h->spec->log->text, point, &text);
    tf_files_normalize(h->campaign, tf_buf_text(&text), &path);
    if (is_allowed(h, tf_buf_text(&path)) && open_folder(h, "log", tf_buf_text(&path), &folder)) {
        int failure = 0;
        if (!tf_files_know_log(h->spec) && is_own(h->campaign, &folder))
            host_fail(h, "can't write the log %s: the campaign reads or owns that file", tf_buf_text(&path));
        else if (!again)
            failure = parent_remove(&folder);
        if (h->outcome.message.length == 0 && !failure) {
            fd = openat(folder.fd, folder.name, HOW | (again ? O_APPEND | O_NONBLOCK : O_EXCL), 0666);
            failure = fd < 0 ? errno : 0;
        }
        if (failure)
            host_fail(h, "can't write the log %s: %s", tf_buf_text(&path), strerror(failure));
    }
    parent_close(&folder);
    tf_buf_free(&text);
    tf_buf_free(&path);
    return fd;
}

/* ---- Before and after an attempt ---- */

bool files_before(host *h, int64_t row) {
    int64_t index = h->header->first + row;
    int stage = h->spec->number;
    tf_files_inputs(h->files, stage, index, &h->inputs);
    tf_files_outputs(h->files, stage, index, &h->outputs);
    bool ready = true;
    for (size_t i = 0; i < h->inputs.count && ready; i++)
        ready = wait_for(h, &input_role, &h->inputs, i);
    for (size_t i = 0; i < h->outputs.count && ready; i++)
        ready = clear_output(h, tf_paths_text(&h->outputs, i), h->outputs.item[i].is_folder);
    if (!ready || h->spec->inputs == 0)
        return ready;
    h->columns.input_set[row] = tf_files_input_set(h->files, stage, index);
    int failure;
    const char *unread =
        h->columns.input_hash ? tf_files_hash(h->files, &h->inputs, &h->columns.input_hash[row], &failure) : NULL;
    if (unread)
        host_fail(h, "input %s can't be read: %s", unread, tf_read_failure(failure));
    return !unread && staging_replace_inputs(h);
}

/* Makes an output read-only. A link is not followed. */
static void protect(host *h, const char *path) {
    parent_folder folder = parent_open(h->campaign, h->root, path, false);
    if (folder.fd >= 0)
        tf_make_read_only_at(folder.fd, folder.name);
    parent_close(&folder);
}

/* Gives a folder the time of its end: its own is that of the last change of what is directly in it. */
static void date_folder(host *h, const char *path) {
    parent_folder folder = parent_open(h->campaign, h->root, path, false);
    if (folder.fd >= 0)
        utimensat(folder.fd, folder.name, NULL, AT_SYMLINK_NOFOLLOW);
    parent_close(&folder);
}

void files_after(host *h) {
    for (size_t i = 0; i < h->outputs.count && h->outcome.message.length == 0 && !h->stopped; i++)
        wait_for(h, &output_role, &h->outputs, i);
    if (h->outcome.message.length || h->stopped) {
        discard_all(h->campaign, h->root, &h->outputs);
        return;
    }
    for (size_t i = 0; i < h->outputs.count; i++) {
        if (h->outputs.item[i].is_folder)
            date_folder(h, tf_paths_text(&h->outputs, i));
        if (h->outputs.item[i].spec->protect)
            protect(h, tf_paths_text(&h->outputs, i));
    }
}
