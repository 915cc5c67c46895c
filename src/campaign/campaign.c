/* What comes before a run, on the first rank alone and without MPI. */
#include <cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "campaign/campaign.h"
#include "host/run.h"

void tf_loaded_read(const tf_load_options *options, tf_source *source, const tf_function *program, tf_loaded *l) {
    *l = (tf_loaded){.times = tf_disk_real(), .diags = {.file = options->display}};
    tf_recorder_start(&l->recorder, options, source);
    tf_campaign *campaign = tf_campaign_load(options, &l->recorder.source, &l->diags);
    if (!campaign)
        return;
    tf_graph_check(campaign, &l->diags);
    tf_host_preflight(campaign, program, &l->diags);
    tf_store_check_arrays(campaign, &l->diags);
    if (l->diags.count == 0)
        l->graph = tf_graph_new(campaign, &l->times, &l->diags);
    if (l->graph) {
        campaign->links = tf_graph_move_links(l->graph);
        tf_recorder_add_links(&l->recorder, &campaign->links);
    }
    if (l->diags.count == 0)
        l->campaign = campaign;
    else
        tf_campaign_free(campaign);
}

void tf_loaded_free(tf_loaded *l) {
    tf_graph_free(l->graph);
    tf_campaign_free(l->campaign);
    free(l->past);
    tf_recorder_free(&l->recorder);
    tf_diags_free(&l->diags);
    *l = (tf_loaded){0};
}

/* What interpreters have answered: stages of one module ask the same. */
typedef struct answers {
    const tf_campaign *campaign;
    int count;
    struct {
        int stage; /* the first that has asked */
        char *modules, *answer;
    } * item;
} answers;

static bool ask_code(void *context, int stage, const char *modules, tf_buf *answer) {
    answers *known = context;
    const tf_stage_spec *spec = known->campaign->stage;
    for (int n = 0; n < known->count; n++)
        if (strcmp(known->item[n].modules, modules) == 0 &&
            tf_host_has_same_python(&spec[known->item[n].stage], &spec[stage])) {
            tf_buf_adds(answer, known->item[n].answer);
            return true;
        }
    if (!tf_host_ask_code(known->campaign, stage, modules, answer))
        return false;
    known->item = tf_realloc_array(known->item, (size_t)known->count + 1, sizeof *known->item);
    known->item[known->count].stage = stage;
    known->item[known->count].modules = strdup(modules);
    known->item[known->count++].answer = strdup(tf_buf_text(answer));
    return true;
}

static void free_answers(answers *known) {
    for (int n = 0; n < known->count; n++) {
        free(known->item[n].modules);
        free(known->item[n].answer);
    }
    free(known->item);
}

/* Looks, and has the graph decide by what it sees. */
static tf_store_plan *plan_by_output(tf_loaded *l, tf_store_mode mode, const tf_wish *wish, bool allows_change,
                                     tf_error *error) {
    const tf_campaign *c = l->campaign;
    answers known = {.campaign = c};
    const tf_code_asker asker = {.ask = ask_code, .context = &known};
    tf_store_plan *plan = tf_store_plan_new(c, mode, allows_change, &asker, error);
    free_answers(&known);
    if (!plan)
        return NULL;
    tf_past *past = tf_alloc_array((size_t)c->stages, sizeof *past);
    for (int s = 0; s < c->stages; s++)
        tf_store_past(plan, s, &past[s]);
    bool decided = tf_graph_plan(l->graph, past, wish, &l->diags);
    free(l->past); /* the graph holds on to the new one */
    l->past = past;
    if (decided)
        return plan;
    tf_store_plan_free(plan);
    return NULL;
}

tf_store_plan *tf_loaded_decide(tf_loaded *l, tf_store_mode mode, const tf_wish *wish, bool allows_change,
                                tf_error *error) {
    if (mode == TF_STORE_FRESH) { /* nothing is set aside for a wish that can't be fulfilled */
        tf_store_plan *trial = plan_by_output(l, TF_STORE_LOOK_FRESH, wish, allows_change, error);
        if (!trial)
            return NULL;
        tf_store_plan_free(trial);
    }
    tf_store_plan *plan = plan_by_output(l, mode, wish, allows_change, error);
    for (int s = 0; plan && s < l->campaign->stages; s++) {
        if (tf_store_redo(plan, s, &tf_graph_stage(l->graph, s)->redo, error) == TF_OK)
            continue;
        tf_store_plan_free(plan);
        plan = NULL;
    }
    if (plan)
        tf_recorder_add_settled(&l->recorder, l->campaign);
    return plan;
}

static cJSON *json_list(const char *const *text, int count) {
    cJSON *list = cJSON_CreateArray();
    for (int i = 0; i < count; i++)
        cJSON_AddItemToArray(list, cJSON_CreateString(text[i]));
    return list;
}

/* The interpreters of Python functions, by stage. */
static void add_interpreters(cJSON *about, const tf_loaded *l, const tf_store_plan *plan) {
    cJSON *python = cJSON_CreateObject();
    for (int s = 0; s < l->campaign->stages; s++) {
        cJSON *interpreter = tf_code_interpreter(tf_store_code(plan, s));
        if (interpreter)
            cJSON_AddItemToObject(python, l->campaign->stage[s].name, interpreter);
    }
    if (python->child)
        cJSON_AddItemToObject(about, "python", python);
    else
        cJSON_Delete(python);
}

void tf_loaded_tell(const tf_loaded *l, tf_store_plan *plan, const char *const *word, int words, const char *const *set,
                    int sets) {
    const tf_campaign *campaign = l->campaign;
    cJSON *about = cJSON_CreateObject();
    cJSON_AddItemToObject(about, "command", json_list(word, words));
    cJSON_AddStringToObject(about, "workdir", campaign->workdir);
    cJSON_AddItemToObject(about, "set", json_list(set, sets));
    cJSON *env = cJSON_AddObjectToObject(about, "env");
    for (int i = 0; i < campaign->record_envs; i++) {
        const char *value = getenv(campaign->record_env[i]);
        cJSON_AddItemToObject(env, campaign->record_env[i], value ? cJSON_CreateString(value) : cJSON_CreateNull());
    }
    add_interpreters(about, l, plan);
    char *text = cJSON_PrintUnformatted(about);
    tf_store_tell(plan, text);
    cJSON_free(text);
    cJSON_Delete(about);
}
