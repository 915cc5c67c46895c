/* taskfarm plan: what would be run, and why. Changes nothing. */
#include "cli/cli.h"
#include "cli/reasons.h"

enum { SHOWN = 10 }; /* tasks of a stage one by one; more are summed up */

/* The number of tasks of which the stage's "until" was true, where these stay: no more are run. 0: the rest is run. */
static int64_t enough_of(const loaded *l, int stage) {
    const int64_t enough = l->it.past[stage].enough;
    const tf_intervals *run = &tf_graph_stage(l->it.graph, stage)->run;
    return run->count > 0 && run->items[0].first < enough ? 0 : enough;
}

static int64_t to_run_of(const loaded *l, int stage) {
    return enough_of(l, stage) ? 0 : tf_graph_stage(l->it.graph, stage)->run.total;
}

/* ---- As text ---- */

static void print_task(const loaded *l, int stage, int64_t index) {
    tf_buf text = {0};
    tf_task_name(l->it.campaign, stage, index, &text);
    tf_buf_adds(&text, ": ");
    tf_graph_explain(l->it.graph, stage, index, &text);
    tf_print(stdout, "  %s\n", tf_buf_text(&text));
    tf_buf_free(&text);
}

static void print_stage(const options *o, const loaded *l, int stage) {
    const tf_stage_spec *spec = &l->it.campaign->stage[stage];
    const tf_stage_plan *plan = tf_graph_stage(l->it.graph, stage);
    char run[32], all[32];
    if (enough_of(l, stage) && plan->run.total > 0)
        tf_print(stdout, "stage %s: enough is known after %s of %s tasks: %s\n", spec->name,
                 tf_format_count(enough_of(l, stage), run), tf_format_count(tf_stage_final(spec), all),
                 tf_expr_source(spec->until.expr));
    if (to_run_of(l, stage) == 0)
        return;
    tf_print(stdout, "stage %s: %s of %s tasks\n", spec->name, tf_format_count(plan->run.total, run),
             tf_format_count(tf_stage_final(spec), all));
    if (tf_stage_has_files(spec) && (o->verbose || plan->run.total <= SHOWN)) {
        tf_interval one = {0};
        while (tf_intervals_next(&plan->run, 1, &one))
            print_task(l, stage, one.first);
        return;
    }
    reason_sums sums;
    reasons_sum_up(l->it.graph, stage, &plan->run, &sums);
    for (tf_why w = TF_WHY_NOT; w < TF_WHYS; w++) {
        if (sums.count[w] == 1) {
            print_task(l, stage, sums.first[w]);
        } else if (sums.count[w] > 0) {
            tf_buf first = {0};
            tf_task_name(l->it.campaign, stage, sums.first[w], &first);
            tf_print(stdout, "  %s %s, as %s\n", tf_format_count(sums.count[w], run), reasons_of_many(w),
                     tf_buf_text(&first));
            tf_buf_free(&first);
        }
    }
}

/* Prints what there is to say of the output, if anything. */
static void print_about(const loaded *l, tf_buf *text) {
    if (text->length > 0)
        tf_print(stdout, "%s: %s\n", l->it.campaign->output, text->data);
    tf_buf_free(text);
}

static void print_plan(const options *o, const loaded *l, const tf_store_plan *plan) {
    char run[32], all[32];
    int64_t tasks = 0, to_run = 0, left = 0, held = 0;
    tf_left_out left_out = {0};
    tf_buf not_run = {0};
    for (int s = 0; s < l->it.campaign->stages; s++) {
        tasks += tf_stage_final(&l->it.campaign->stage[s]);
        to_run += to_run_of(l, s);
        left += tf_graph_stage(l->it.graph, s)->run.total - to_run_of(l, s);
        held += tf_graph_stage(l->it.graph, s)->withheld;
        const tf_left_out of_stage = tf_store_left_out(plan, s);
        left_out.total += of_stage.total;
        left_out.cancelled += of_stage.cancelled;
        print_stage(o, l, s);
    }
    if (to_run > 0)
        tf_print(stdout, "%s: %s of %s tasks %s to be run", l->it.campaign->name, tf_format_count(to_run, run),
                 tf_format_count(tasks, all), to_run == 1 ? "is" : "are");
    else
        tf_print(stdout, "%s: nothing is to be run: %s of %s tasks are done", l->it.campaign->name,
                 tf_format_count(tasks - held - left > left_out.total ? tasks - held - left - left_out.total : 0, run),
                 tf_format_count(tasks, all));
    tf_store_tell_left_out(&left_out, &not_run);
    if (held > 0)
        tf_buf_addf(&not_run, ", %s %s not selected", tf_format_count(held, run), held == 1 ? "is" : "are");
    tf_print(stdout, "%s\n", tf_buf_text(&not_run));
    tf_buf_free(&not_run);
    tf_buf code = {0}, lost = {0}, dropped = {0};
    tf_store_tell_code(plan, &code);
    tf_store_tell_lost(plan, &lost);
    tf_graph_tell_dropped(l->it.graph, &dropped);
    print_about(l, &code);
    print_about(l, &lost);
    print_about(l, &dropped);
}

/* ---- As JSON ---- */

static cJSON *task_json(const loaded *l, int stage, int64_t index) {
    cJSON *item = cJSON_CreateObject();
    tf_buf text = {0};
    cJSON_AddNumberToObject(item, "index", (double)index);
    tf_task_name(l->it.campaign, stage, index, &text);
    cJSON_AddStringToObject(item, "task", tf_buf_text(&text));
    cJSON_AddStringToObject(item, "why", reasons_word(tf_graph_why(l->it.graph, stage, index)));
    tf_buf_clear(&text);
    tf_graph_explain(l->it.graph, stage, index, &text);
    cJSON_AddStringToObject(item, "reason", tf_buf_text(&text));
    tf_buf_free(&text);
    return item;
}

static void print_json(const loaded *l, const tf_store_plan *store) {
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "name", l->it.campaign->name);
    cJSON *stages = cJSON_AddArrayToObject(json, "stages");
    for (int s = 0; s < l->it.campaign->stages; s++) {
        const tf_stage_plan *plan = tf_graph_stage(l->it.graph, s);
        cJSON *item = cJSON_CreateObject(), *reasons;
        reason_sums sums;
        reasons_sum_up(l->it.graph, s, &plan->run, &sums);
        cJSON_AddItemToArray(stages, item);
        cJSON_AddStringToObject(item, "name", l->it.campaign->stage[s].name);
        cJSON_AddNumberToObject(item, "tasks", (double)tf_stage_final(&l->it.campaign->stage[s]));
        cJSON_AddNumberToObject(item, "run", (double)to_run_of(l, s));
        if (enough_of(l, s))
            cJSON_AddNumberToObject(item, "enough", (double)enough_of(l, s));
        cJSON_AddNumberToObject(item, "held_back", (double)plan->withheld);
        cJSON_AddNumberToObject(item, "code_changed",
                                (double)(l->it.past[s].other_code ? l->it.past[s].other_code->total : 0));
        if (tf_store_lost(store, s) > 0)
            cJSON_AddNumberToObject(item, "lost", (double)tf_store_lost(store, s));
        reasons = cJSON_AddObjectToObject(item, "reasons");
        for (tf_why w = TF_WHY_NEW; w < TF_WHYS; w++)
            if (sums.count[w] && to_run_of(l, s) > 0)
                cJSON_AddNumberToObject(reasons, reasons_word(w), (double)sums.count[w]);
        if (!tf_stage_has_files(&l->it.campaign->stage[s]))
            continue;
        cJSON *list = cJSON_AddArrayToObject(item, "list");
        tf_interval one = {0};
        while (to_run_of(l, s) > 0 && tf_intervals_next(&plan->run, 1, &one))
            cJSON_AddItemToArray(list, task_json(l, s, one.first));
    }
    cli_print_json(json);
}

int cli_plan(const options *o) {
    loaded l;
    tf_error error = {.code = TF_ERR_USAGE};
    tf_store_plan *plan = NULL;
    cli_load(o, &l);
    if (l.it.campaign)
        plan = cli_decide(o, &l,
                          o->fresh     ? TF_STORE_LOOK_FRESH
                          : o->salvage ? TF_STORE_LOOK_SALVAGE
                                       : TF_STORE_LOOK,
                          &error);
    int status = TF_OK;
    if (!plan)
        status = cli_fail(o, &l.it.diags, &error);
    else if (o->json)
        print_json(&l, plan);
    else
        print_plan(o, &l, plan);
    tf_store_plan_free(plan);
    cli_unload(&l);
    return status;
}
