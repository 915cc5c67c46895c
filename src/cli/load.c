/* From the command line to a campaign: where the manifest is, what its paths are relative to, and all checks that need
 * no MPI. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

#define LATENCY 5.0 /* s that other machines may need to see a file */

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
    *l = (loaded){
        .disk = tf_source_disk(), .times = tf_disk_real(), .diags = {.file = o->manifest}, .arena = tf_arena_new()};
    const char *path = absolute(l->arena, o->manifest);
    const char *workdir = o->workdir ? absolute(l->arena, o->workdir) : folder_of(l->arena, path);
    char *resolved = realpath(workdir, NULL);
    tf_load_options load = {.path = path,
                            .display = o->manifest,
                            .workdir = resolved ? tf_arena_strdup(l->arena, resolved) : workdir,
                            .output = o->output,
                            .seed = o->seed,
                            .retries = o->retries,
                            .keep_incomplete = o->keep_incomplete,
                            .latency = o->latency >= 0      ? o->latency
                                       : tf_farm_launched() ? LATENCY
                                                            : 0,
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
    tf_store_check_arrays(campaign, &l->diags);
    if (l->diags.count == 0)
        l->graph = tf_graph_new(campaign, &l->times, &l->diags);
    if (l->diags.count == 0)
        l->campaign = campaign;
    else
        tf_campaign_free(campaign);
}

/* "time,code" */
static bool parse_rerun(const char *list, tf_wish *wish, tf_diags *diags) {
    const struct {
        const char *name;
        bool *flag;
    } triggers[] = {{"mtime", &wish->by_time},
                    {"params", &wish->by_params},
                    {"code", &wish->by_code},
                    {"inputs", &wish->by_inputs}};
    for (size_t length; *list; list += length + (list[length] == ',')) {
        length = strcspn(list, ",");
        size_t t = 0;
        while (t < 4 && !(strlen(triggers[t].name) == length && strncmp(triggers[t].name, list, length) == 0))
            t++;
        if (t == 4) {
            tf_diags_add(diags, "",
                         "--rerun %.*s: must be mtime, params, code or inputs, or several with commas between",
                         (int)length, list);
            return false;
        }
        *triggers[t].flag = true;
    }
    return true;
}

/* Looks, and has the graph decide by what it sees. */
static tf_store_plan *look(const options *o, loaded *l, tf_store_mode mode, const tf_wish *wish, tf_error *error) {
    const tf_campaign *c = l->campaign;
    tf_store_plan *plan = tf_store_look(c, mode, o->rerun != NULL, error);
    if (!plan)
        return NULL;
    tf_past *past = tf_arena_array(l->arena, (size_t)c->stages, sizeof *past);
    for (int s = 0; s < c->stages; s++)
        tf_store_past(plan, s, &past[s]);
    if (tf_graph_plan(l->graph, past, wish, &l->diags))
        return plan;
    tf_store_plan_free(plan);
    return NULL;
}

tf_store_plan *cli_decide(const options *o, loaded *l, tf_store_mode mode, tf_error *error) {
    bool all = !o->rerun;
    tf_wish wish = {.by_time = all, .by_params = all, .by_code = all, .by_inputs = all};
    wish.touch = o->touch;
    wish.forces = o->forces;
    wish.force = o->force;
    wish.targets = o->targets;
    wish.target = o->target;
    *error = (tf_error){.code = TF_ERR_USAGE};
    if (o->rerun && !parse_rerun(o->rerun, &wish, &l->diags))
        return NULL;
    if (mode == TF_STORE_FRESH) { /* nothing is set aside for a wish that can't be fulfilled */
        tf_store_plan *trial = look(o, l, TF_STORE_LOOK_FRESH, &wish, error);
        if (!trial)
            return NULL;
        tf_store_plan_free(trial);
    }
    tf_store_plan *plan = look(o, l, mode, &wish, error);
    for (int s = 0; plan && s < l->campaign->stages; s++)
        tf_store_redo(plan, s, &tf_graph_stage(l->graph, s)->redo);
    return plan;
}

void cli_unload(loaded *l) {
    tf_graph_free(l->graph);
    tf_campaign_free(l->campaign);
    tf_recorder_free(&l->recorder);
    tf_diags_free(&l->diags);
    tf_arena_free(l->arena);
    *l = (loaded){0};
}
