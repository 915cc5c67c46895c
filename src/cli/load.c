/* From the command line to a campaign: where the manifest is, what its paths are relative to, and all checks that need
 * no MPI. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/piped.h"
#include "cli/rerun.h"

#define LATENCY 5.0 /* s that other machines may need to see a file */

static char *folder_of(tf_arena *arena, const char *path) {
    const char *slash = strrchr(path, '/');
    return slash == path ? tf_arena_strdup(arena, "/") : tf_arena_strndup(arena, path, (size_t)(slash - path));
}

bool cli_is_hdf5(int fd) {
    static const char signature[8] = "\211HDF\r\n\032\n";
    char found[sizeof signature];
    for (off_t at = 0; pread(fd, found, sizeof found, at) == (ssize_t)sizeof found; at = at ? 2 * at : 512)
        if (memcmp(found, signature, sizeof found) == 0)
            return true;
    return false;
}

/* A pipe is not opened: who opens it must read all of it. */
static bool is_output(const char *path) {
    struct stat info;
    const int fd = stat(path, &info) == 0 && S_ISREG(info.st_mode) ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    const bool is = fd >= 0 && cli_is_hdf5(fd);
    if (fd >= 0)
        close(fd);
    return is;
}

static bool lacks_files(const tf_diags *diags) {
    for (const tf_diag *d = diags->item; d < diags->item + diags->items; d++)
        if (d->id == TF_DIAG_FILE_MISSING || d->id == TF_DIAG_NO_MATCH || d->id == TF_DIAG_PROGRAM_MISSING)
            return true;
    return false;
}

/* Says where a manifest's files were looked for, if it is a link that leads out of that folder. */
static void explain_link(const char *path, const char *workdir, tf_diags *diags) {
    struct stat info;
    char *target = lstat(path, &info) == 0 && S_ISLNK(info.st_mode) ? realpath(path, NULL) : NULL;
    const char *slash = target ? strrchr(target, '/') : NULL;
    const size_t length = slash ? (size_t)(slash - target) : 0;
    if (slash && (strlen(workdir) != length || memcmp(workdir, target, length) != 0))
        tf_diags_add(
            diags, "", TF_DIAG_FILE_MISSING,
            "is a link, and what it names is looked for beside the link, in %s; --workdir names another folder",
            workdir);
    free(target);
}

void cli_load(const options *o, loaded *l) {
    *l = (loaded){.disk = tf_source_disk(), .arena = tf_arena_new()};
    const bool is_piped = cli_is_piped(o->manifest);
    const char *path = cli_absolute(l->arena, cli_piped_path(o->manifest));
    if (!path)
        return;
    char *here = getcwd(NULL, 0);
    l->here = here ? tf_arena_strdup(l->arena, here) : NULL;
    free(here);
    const char *workdir = o->workdir ? o->workdir : is_piped ? "." : folder_of(l->arena, path);
    char *resolved = realpath(workdir, NULL);
    tf_load_options load = {.path = path,
                            .display = o->manifest,
                            .is_piped = is_piped,
                            .workdir = resolved ? tf_arena_strdup(l->arena, resolved) : workdir,
                            .output = o->output,
                            .seed = o->seed,
                            .retries = o->retries,
                            .keep_incomplete = o->keep_incomplete,
                            .latency = o->latency >= 0 ? o->latency
                                       : tf_launched() ? LATENCY
                                                       : 0,
                            .sets = o->sets,
                            .set = o->set};
    free(resolved);
    if (is_output(path)) {
        tf_buf word = {0};
        tf_buf_add_quoted(&word, o->manifest);
        l->it = (tf_loaded){.diags = {.file = o->manifest}};
        tf_diags_add(&l->it.diags, "", TF_DIAG_SYNTAX, "is an output, and no manifest; see: taskfarm status %s",
                     tf_buf_text(&word));
        tf_buf_free(&word);
        return;
    }
    if (access(path, R_OK) == 0 && chdir(load.workdir) == 0) {
        tf_loaded_read(&load, &l->disk, NULL, &l->it);
        if (!o->workdir && lacks_files(&l->it.diags))
            explain_link(path, load.workdir, &l->it.diags);
        return;
    }
    l->it = (tf_loaded){.diags = {.file = o->manifest}};
    if (access(path, R_OK) != 0)
        tf_diags_add(&l->it.diags, "", tf_diag_of_read(errno), "%s", strerror(errno));
    else
        tf_diags_add(&l->it.diags, "", tf_diag_of_read(errno), "can't change to the work folder %s: %s", load.workdir,
                     strerror(errno));
}

tf_store_plan *cli_decide(const options *o, loaded *l, tf_store_mode mode, tf_error *error) {
    tf_wish wish = {
        .touch = o->touch, .forces = o->forces, .force = o->force, .targets = o->targets, .target = o->target};
    *error = (tf_error){.code = TF_ERR_USAGE};
    if (!rerun_parse(o->rerun, &wish, &l->it.diags))
        return NULL;
    wish.remakes_code = o->rerun && wish.by_code;
    return tf_loaded_decide(&l->it, mode, &wish, o->rerun != NULL, error);
}

void cli_name_output(const options *o, tf_error *error) {
    loaded l;
    if (error->id != TF_DIAG_NOT_AN_OUTPUT)
        return;
    cli_load(o, &l);
    if (l.it.campaign) {
        const char *output = l.it.campaign->output, *slash = *output == '/' ? NULL : strrchr(o->manifest, '/');
        tf_error_set_as(error, error->code, error->id, "%s: is a manifest; its output is %.*s%s", o->manifest,
                        slash ? (int)(slash + 1 - o->manifest) : 0, o->manifest, output);
    }
    cli_unload(&l);
}

void cli_unload(loaded *l) {
    tf_loaded_free(&l->it);
    tf_arena_free(l->arena);
    *l = (loaded){0};
}
