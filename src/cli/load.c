/* From the command line to a campaign: where the manifest is, what its paths are relative to, and all checks that need
 * no MPI. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "graph/graph.h"

static char *absolute(tf_arena *arena, const char *path) {
    if (*path == '/')
        return tf_arena_strdup(arena, path);
    char *here = getcwd(NULL, 0);
    char *joined = tf_arena_printf(arena, "%s/%s", here ? here : ".", path);
    free(here);
    return joined;
}

static char *folder_of(tf_arena *arena, const char *path) {
    const char *slash = strrchr(path, '/');
    return slash == path ? tf_arena_strdup(arena, "/") : tf_arena_strndup(arena, path, (size_t)(slash - path));
}

void cli_load(const options *o, loaded *l) {
    *l = (loaded){.disk = tf_source_disk(), .diags = {.file = o->manifest}, .arena = tf_arena_new()};
    const char *path = absolute(l->arena, o->manifest);
    const char *workdir = o->workdir ? absolute(l->arena, o->workdir) : folder_of(l->arena, path);
    char *resolved = realpath(workdir, NULL);
    tf_load_options load = {.path = path,
                            .display = o->manifest,
                            .workdir = resolved ? tf_arena_strdup(l->arena, resolved) : workdir,
                            .output = o->output,
                            .seed = o->seed,
                            .retries = o->retries,
                            .sets = o->sets,
                            .set = o->set};
    free(resolved);
    tf_recorder_start(&l->recorder, &load, &l->disk);
    if (access(path, R_OK) != 0 || chdir(load.workdir) != 0) {
        if (access(path, R_OK) != 0)
            tf_diags_add(&l->diags, "", "%s", strerror(errno));
        else
            tf_diags_add(&l->diags, "", "can't change to the work folder %s: %s", load.workdir, strerror(errno));
        return;
    }
    tf_campaign *campaign = tf_campaign_load(&load, &l->recorder.source, &l->diags);
    if (!campaign)
        return;
    tf_graph_check(campaign, &l->diags);
    tf_exec_preflight(campaign, &l->diags);
    if (l->diags.count == 0)
        l->campaign = campaign;
    else
        tf_campaign_free(campaign);
}

void cli_unload(loaded *l) {
    tf_campaign_free(l->campaign);
    tf_recorder_free(&l->recorder);
    tf_diags_free(&l->diags);
    tf_arena_free(l->arena);
    *l = (loaded){0};
}
