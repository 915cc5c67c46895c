/* The files that tasks declare: inputs are waited for, outputs are whole or not there. What an earlier attempt has left
 * under the name of an output is taken away before the next one, and after an attempt that failed. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exec/host.h"

/* Where another machine sees a file late. `after`: what comes in the message behind the path. */
static bool wait_for(host *h, const char *what, const char *path, const char *after) {
    const double interval = 0.05, deadline = tf_now() + h->campaign->latency;
    struct stat info;
    char waited[32];
    while (stat(path, &info) != 0) {
        if (tf_now() >= deadline) {
            host_fail(h, h->campaign->latency > 0 ? "%s %s %s (waited for %s)" : "%s %s %s", what, path, after,
                      tf_format_duration(h->campaign->latency, waited));
            return false;
        }
        poll(NULL, 0, (int)(1000 * interval));
    }
    if (S_ISDIR(info.st_mode) && *what == 'o')
        host_fail(h, "%s %s is a folder, and must be a file", what, path);
    return true;
}

bool files_make_parents(host *h, const char *path) {
    tf_buf folder = {0};
    int failure = 0;
    for (const char *slash = strchr(path + 1, '/'); slash && !failure; slash = strchr(slash + 1, '/')) {
        tf_buf_clear(&folder);
        tf_buf_add(&folder, path, (size_t)(slash - path));
        failure = mkdir(folder.data, 0777) == 0 || errno == EEXIST ? 0 : errno;
    }
    if (failure)
        host_fail(h, "can't make the folder %s: %s", folder.data, strerror(failure));
    tf_buf_free(&folder);
    return failure == 0;
}

static void discard(const tf_campaign *campaign, const tf_paths *outputs) {
    tf_buf aside = {0};
    for (size_t i = 0; i < outputs->count; i++) {
        const char *path = tf_paths_text(outputs, i);
        if (campaign->keep_incomplete) {
            tf_buf_clear(&aside);
            tf_buf_addf(&aside, "%s.incomplete", path);
            rename(path, aside.data);
        } else {
            unlink(path);
        }
    }
    tf_buf_free(&aside);
}

void files_discard(const tf_campaign *campaign, tf_files *files, int stage, int64_t index) {
    tf_paths outputs = {0};
    tf_files_outputs(files, stage, index, &outputs);
    discard(campaign, &outputs);
    tf_paths_free(&outputs);
}

void tf_exec_remove_temp(tf_exec *exec, int stage, int64_t index) {
    tf_paths outputs = {0};
    tf_files_outputs(exec_files(exec), stage, index, &outputs);
    for (size_t i = 0; i < outputs.count; i++)
        if (outputs.item[i].spec->temp)
            unlink(tf_paths_text(&outputs, i));
    tf_paths_free(&outputs);
}

bool files_before(host *h, int64_t row) {
    int64_t index = h->header->first + row;
    int stage = h->spec->number;
    tf_files_inputs(h->files, stage, index, &h->inputs);
    tf_files_outputs(h->files, stage, index, &h->outputs);
    bool ready = true;
    for (size_t i = 0; i < h->inputs.count && ready; i++)
        ready = wait_for(h, "input", tf_paths_text(&h->inputs, i), "is not there");
    for (size_t i = 0; i < h->outputs.count && ready; i++) {
        const char *path = tf_paths_text(&h->outputs, i);
        ready = files_make_parents(h, path);
        if (ready && unlink(path) != 0 && errno != ENOENT) {
            if (errno == ENOTDIR)
                host_fail(h, "output %s can't be made: a file stands where its folder is to be", path);
            else
                host_fail(h, "output %s is there already, and can't be removed: %s", path, strerror(errno));
            ready = false;
        }
    }
    if (!ready || h->spec->inputs == 0)
        return ready;
    h->columns.input_set[row] = tf_files_input_set(h->files, stage, index);
    if (h->columns.input_hash)
        h->columns.input_hash[row] = tf_files_hash(h->files, &h->inputs);
    return staging_take(h);
}

void files_after(host *h) {
    struct stat info;
    for (size_t i = 0; i < h->outputs.count && h->message.length == 0 && !h->stopped; i++)
        wait_for(h, "output", tf_paths_text(&h->outputs, i), "was not made");
    if (h->message.length || h->stopped) {
        discard(h->campaign, &h->outputs);
        return;
    }
    for (size_t i = 0; i < h->outputs.count; i++) {
        const char *path = tf_paths_text(&h->outputs, i);
        if (h->outputs.item[i].spec->protect && stat(path, &info) == 0)
            chmod(path, info.st_mode & 0555);
    }
}
