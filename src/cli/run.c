/* taskfarm run: the campaign. Rank 0 reads the manifest and finds all that is wrong before MPI_Init; the other ranks
 * wait for it in MPI_Init. The spawner comes first, while this process is small and knows nothing of MPI. */
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"
#include "store/store.h"

/* What the output is to record of the run. */
static void tell(const options *o, const tf_campaign *campaign, tf_store_plan *plan) {
    cJSON *about = cJSON_CreateObject(), *command = cJSON_AddArrayToObject(about, "command");
    for (int i = 0; i < o->words; i++)
        cJSON_AddItemToArray(command, cJSON_CreateString(o->word[i]));
    cJSON_AddStringToObject(about, "workdir", campaign->workdir);
    cJSON *sets = cJSON_AddArrayToObject(about, "set");
    for (int i = 0; i < o->sets; i++)
        cJSON_AddItemToArray(sets, cJSON_CreateString(o->set[i]));
    cJSON *env = cJSON_AddObjectToObject(about, "env");
    for (int i = 0; i < campaign->record_envs; i++) {
        const char *value = getenv(campaign->record_env[i]);
        cJSON_AddItemToObject(env, campaign->record_env[i], value ? cJSON_CreateString(value) : cJSON_CreateNull());
    }
    char *text = cJSON_PrintUnformatted(about);
    tf_store_tell(plan, text);
    cJSON_free(text);
    cJSON_Delete(about);
}

static tf_err prepare(const options *o, loaded *l, tf_store_plan **plan, tf_error *error) {
    cli_load(o, l);
    *error = (tf_error){.code = TF_ERR_USAGE};
    if (l->campaign)
        *plan = cli_decide(o, l, o->fresh ? TF_STORE_FRESH : TF_STORE_GO_ON, error);
    if (!*plan) {
        fputs(tf_buf_text(&l->diags.lines), stderr);
        return error->code;
    }
    tell(o, l->campaign, *plan);
    if (tf_store_prepare(*plan, error) != TF_OK)
        return error->code;
    tf_graph_touch(l->graph);
    if (*tf_store_note(*plan))
        fprintf(stderr, "taskfarm: %s\n", tf_store_note(*plan));
    return TF_OK;
}

typedef struct watchers {
    tf_progress *progress;
    tf_heartbeat *heartbeat; /* NULL on other ranks than the first */
} watchers;

static void warn(void *context, const char *text) {
    tf_progress_warn(((const watchers *)context)->progress, text);
}

static void show(void *context, const tf_farm_progress *now) {
    const watchers *w = context;
    tf_progress_update(w->progress, now);
    tf_heartbeat_update(w->heartbeat, now, tf_progress_rate(w->progress));
}

static tf_err run(const options *o, tf_spawner *spawner, loaded *l, tf_store_plan *plan, tf_finisher *finisher,
                  bool *parted, tf_error *error) {
    watchers w = {.progress = tf_progress_new(o->progress, stderr)};
    if (l->campaign)
        w.heartbeat = tf_heartbeat_new(l->campaign->output);
    tf_farm_options farm = {.campaign = l->campaign,
                            .bundle = l->campaign ? &l->recorder.bytes : NULL,
                            .plan = plan,
                            .graph = l->graph,
                            .walltime = o->walltime,
                            .started = o->started,
                            .grace = o->grace,
                            .on_progress = show,
                            .on_warning = warn,
                            .finisher = finisher,
                            .context = &w,
                            .spawner = spawner,
                            .slots = o->slots,
                            .bind = !o->unbound,
                            .sync = o->sync};
    tf_farm_result result = {0};
    tf_err err = tf_farm_run(&farm, &result, error);
    tf_progress_free(w.progress);
    tf_heartbeat_free(w.heartbeat);
    *parted = result.parted;
    if (l->campaign && err != TF_ERR_RUN)
        tf_report_summary(stderr, l->campaign, &result);
    tf_tally_free(&result.failures);
    return err;
}

int cli_run(const options *o) {
    if (o->dry_run)
        return tf_farm_launch_rank() == 0 ? cli_plan(o) : TF_OK;
    tf_error error = {0};
    bool master = tf_farm_launch_rank() == 0;
    loaded l = {0};
    tf_store_plan *plan = NULL;
    tf_spawner *spawner = tf_spawner_fork(&error);
    tf_err err = spawner ? TF_OK : error.code;
    tf_finisher *finisher = NULL;
    bool parted = false;
    if (err == TF_OK && master)
        err = prepare(o, &l, &plan, &error);
    if (err == TF_OK && plan && tf_farm_launched()) {
        finisher = tf_finisher_fork(l.campaign, &error);
        err = finisher ? TF_OK : error.code;
    }
    bool called_off = master && err != TF_OK; /* other ranks that can't fork say so together with all */
    if (!called_off)
        err = run(o, spawner, &l, plan, finisher, &parted, &error);
    tf_finisher_free(finisher);
    if (master && err == TF_ERR_RUN)
        fprintf(stderr, "taskfarm: %s\n", error.text);
    if (called_off)
        tf_farm_call_off();
    tf_spawner_close(spawner);
    tf_store_plan_free(plan);
    if (master)
        cli_unload(&l);
    if (parted) { /* MPI waits for nobody, and says nothing */
        fflush(NULL);
        _exit(master ? (int)err : 0);
    }
    return master ? (int)err : 0; /* a launcher complains about each rank that says more */
}
