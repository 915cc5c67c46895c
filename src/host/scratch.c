/* Scratch folders: one a host below a root that the spawner makes and removes, so that nothing stays behind when a host
 * is killed; and in it one for each attempt that uses {scratch}. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/host.h"

static bool stage_uses_scratch(const tf_stage_spec *spec) {
    const tf_run_spec *run = &spec->run;
    bool uses = run->python || (run->cwd && tf_template_uses_scratch(run->cwd)) ||
                (run->stdin_text && tf_template_uses_scratch(run->stdin_text));
    for (int i = 0; i < run->argc; i++)
        uses = uses || tf_template_uses_scratch(run->argv[i]);
    for (int e = 0; e < run->envc; e++)
        uses = uses || tf_template_uses_scratch(run->env[e].value);
    for (int c = 0; c < spec->columns; c++)
        uses = uses || (spec->column[c].file && tf_template_uses_scratch(spec->column[c].file));
    return uses;
}

void scratch_open(const tf_campaign *campaign, scratch_root *root) {
    struct stat info;
    bool used = false;
    *root = (scratch_root){.fd = -1};
    for (int s = 0; s < campaign->stages; s++)
        used = used || stage_uses_scratch(&campaign->stage[s]);
    if (!used)
        return;
    tf_buf_addf(&root->path, "%s/taskfarm-XXXXXX", tf_temporary_folder());
    const bool made = mkdtemp(root->path.data) != NULL;
    if (made)
        root->fd = open(root->path.data, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (root->fd >= 0 && fstat(root->fd, &info) == 0) {
        root->device = info.st_dev;
        root->inode = info.st_ino;
        return;
    }
    root->failure = errno;
    if (made)
        rmdir(root->path.data); /* empty as it is */
    scratch_close(root);
}

static bool leads_to_it(const scratch_root *root) {
    struct stat info;
    return lstat(root->path.data, &info) == 0 && info.st_dev == root->device && info.st_ino == root->inode;
}

/* Empties the folder by its descriptor, and removes it if its name still leads to it. */
void scratch_close(scratch_root *root) {
    if (root->fd >= 0) {
        int failure = tf_empty_folder(root->fd);
        close(root->fd);
        if (leads_to_it(root)) {
            if (!failure && rmdir(root->path.data) != 0)
                failure = errno;
            if (failure)
                tf_say("%s: can't be removed: %s", root->path.data, strerror(failure));
        }
    }
    root->fd = -1;
    tf_buf_free(&root->path);
}

void scratch_remove_root(int folder) {
    enum { LONGEST = 4096 };
    scratch_root root = {.fd = folder};
    struct stat info;
    char link[64], path[LONGEST];
    snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    const ssize_t length = readlink(link, path, sizeof path);
    tf_buf_addf(&root.path, "%.*s", length > 0 && length < LONGEST ? (int)length : 0, path);
    if (fstat(folder, &info) == 0) {
        root.device = info.st_dev;
        root.inode = info.st_ino;
    }
    scratch_close(&root);
}

/* The name of a scratch folder in the root: the last part of its path. */
static const char *name_of(const tf_buf *path) {
    return strrchr(path->data, '/') + 1;
}

void scratch_add_prefix(const host *h, tf_buf *out) {
    const scratch_root *root = &h->setting->scratch;
    if (root->fd >= 0)
        tf_buf_addf(out, "%s/%d-", root->path.data, h->slot);
}

bool scratch_make(host *h, int64_t index, tf_buf *path) {
    const scratch_root *root = &h->setting->scratch;
    if (!stage_uses_scratch(h->spec))
        return true;
    if (root->fd < 0) {
        host_fail(h, "can't make scratch folders in %s: %s; set TMPDIR to a folder that can be written",
                  tf_temporary_folder(), strerror(root->failure));
        return false;
    }
    scratch_add_prefix(h, path);
    tf_buf_addf(path, "%lld", (long long)index);
    bool made = mkdirat(root->fd, name_of(path), 0700) == 0;
    if (!made && errno == EEXIST) { /* a host that was killed has left it */
        tf_remove_tree_at(root->fd, name_of(path));
        made = mkdirat(root->fd, name_of(path), 0700) == 0;
    }
    if (made)
        return true;
    const int failure = errno;
    host_fail(h, "can't make the scratch folder %s: %s", path->data, strerror(failure));
    host_blame_machine(h, failure);
    tf_buf_clear(path);
    return false;
}

void scratch_remove(const host *h, const tf_buf *path) {
    if (path->length)
        tf_remove_tree_at(h->setting->scratch.fd, name_of(path));
}
