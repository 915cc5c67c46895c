/* taskfarm plan: what would be run, and why. Changes nothing. */
#include <string.h>

#include "cli/cli.h"
#include "cli/plan_commands.h"
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

/* A task that has no parameters of its own among others is named by its number. */
static void add_name(const loaded *l, int stage, int64_t index, tf_buf *out) {
    const tf_stage_spec *spec = &l->it.campaign->stage[stage];
    const size_t before = out->length;
    tf_task_name(l->it.campaign, stage, index, out);
    if (strcmp(tf_buf_text(out) + before, spec->name) == 0 && tf_stage_final(spec) > 1)
        tf_buf_addf(out, "[%lld]", (long long)index);
}

/* ---- As text ---- */

static void print_task(const loaded *l, int stage, int64_t index) {
    tf_buf text = {0};
    add_name(l, stage, index, &text);
    tf_buf_adds(&text, ": ");
    tf_graph_explain(l->it.graph, stage, index, &text);
    tf_print(stdout, "  %s\n", tf_buf_text(&text));
    tf_buf_free(&text);
}

/* A stage whose tasks are told with what they run. */
typedef struct telling {
    const loaded *loaded;
    int stage;
    int64_t told; /* tasks so far */
} telling;

static bool is_command(const telling *t) {
    return tf_run_is_command(&t->loaded->it.campaign->stage[t->stage].run);
}

/* Of a command its lines. Of others what runs stands once, and each task has what it is given. */
static void print_command(void *context, const tf_point *point) {
    telling *t = context;
    const tf_stage_spec *spec = &t->loaded->it.campaign->stage[t->stage];
    tf_buf text = {0};
    if (is_command(t)) {
        tf_run_script(spec, point, &text);
    } else if (t->told == 0) {
        tf_print(stdout, "  runs\n");
        tf_run_script(spec, point, &text);
        tf_report_lines(stdout, 2, tf_buf_text(&text), text.length);
        tf_buf_clear(&text);
    }
    if (!is_command(t))
        tf_host_task_json(spec, point, 1, &text);
    print_task(t->loaded, t->stage, point->index);
    tf_report_lines(stdout, 2, tf_buf_text(&text), text.length);
    tf_buf_free(&text);
    t->told++;
}

static void print_each(const loaded *l, int stage) {
    const tf_stage_plan *plan = tf_graph_stage(l->it.graph, stage);
    tf_interval one = {0};
    while (tf_intervals_next(&plan->run, 1, &one))
        print_task(l, stage, one.first);
}

static void print_sums(const loaded *l, int stage) {
    char run[32];
    reason_sums sums;
    reasons_sum_up(l->it.graph, stage, &tf_graph_stage(l->it.graph, stage)->run, &sums);
    for (tf_why w = TF_WHY_NOT; w < TF_WHYS; w++) {
        if (sums.count[w] == 1) {
            print_task(l, stage, sums.first[w]);
        } else if (sums.count[w] > 0) {
            tf_buf first = {0};
            add_name(l, stage, sums.first[w], &first);
            tf_print(stdout, "  %s %s, as %s\n", tf_format_count(sums.count[w], run), reasons_of_many(w),
                     tf_buf_text(&first));
            tf_buf_free(&first);
        }
    }
}

static tf_err print_stage(const options *o, const loaded *l, int stage, tf_error *error) {
    const tf_stage_spec *spec = &l->it.campaign->stage[stage];
    const tf_stage_plan *plan = tf_graph_stage(l->it.graph, stage);
    char run[32], all[32];
    if (enough_of(l, stage) && plan->run.total > 0)
        tf_print(stdout, "stage %s: enough is known after %s of %s tasks: %s\n", spec->name,
                 tf_format_count(enough_of(l, stage), run), tf_format_count(tf_stage_final(spec), all),
                 tf_expr_source(spec->until.expr));
    if (to_run_of(l, stage) == 0)
        return TF_OK;
    tf_print(stdout, "stage %s: %s of %s tasks\n", spec->name, tf_format_count(plan->run.total, run),
             tf_format_count(tf_stage_final(spec), all));
    if (o->commands)
        return plan_commands_tell(&l->it, stage, print_command, &(telling){l, stage, 0}, error);
    if (tf_stage_has_files(spec) && (o->verbose || plan->run.total <= SHOWN))
        print_each(l, stage);
    else
        print_sums(l, stage);
    return TF_OK;
}

/* Prints what there is to say of the output, if anything. */
static void print_about(const loaded *l, tf_buf *text) {
    if (text->length > 0)
        tf_print(stdout, "%s: %s\n", l->it.campaign->output, text->data);
    tf_buf_free(text);
}

static tf_err print_plan(const options *o, const loaded *l, const tf_store_plan *plan, tf_error *error) {
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
        tf_err err = print_stage(o, l, s, error);
        if (err != TF_OK)
            return err;
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
    tf_buf undone = {0}, code = {0}, lost = {0}, dropped = {0};
    tf_store_tell_undone(plan, &undone);
    tf_store_tell_code(plan, "--rerun code", &code);
    tf_store_tell_lost(plan, &lost);
    tf_graph_tell_dropped(l->it.graph, &dropped);
    print_about(l, &undone);
    print_about(l, &code);
    print_about(l, &lost);
    print_about(l, &dropped);
    return TF_OK;
}

/* ---- As JSON ---- */

static cJSON *task_json(const loaded *l, int stage, int64_t index) {
    cJSON *item = cJSON_CreateObject();
    tf_buf text = {0};
    cJSON_AddNumberToObject(item, "index", (double)index);
    add_name(l, stage, index, &text);
    cJSON_AddStringToObject(item, "task", tf_buf_text(&text));
    cJSON_AddStringToObject(item, "why", reasons_word(tf_graph_why(l->it.graph, stage, index)));
    tf_buf_clear(&text);
    tf_graph_explain(l->it.graph, stage, index, &text);
    cJSON_AddStringToObject(item, "reason", tf_buf_text(&text));
    tf_buf_free(&text);
    return item;
}

static cJSON *stage_json(const loaded *l, const tf_store_plan *store, int stage) {
    const tf_stage_plan *plan = tf_graph_stage(l->it.graph, stage);
    cJSON *item = cJSON_CreateObject(), *reasons;
    reason_sums sums;
    reasons_sum_up(l->it.graph, stage, &plan->run, &sums);
    cJSON_AddStringToObject(item, "name", l->it.campaign->stage[stage].name);
    cJSON_AddNumberToObject(item, "tasks", (double)tf_stage_final(&l->it.campaign->stage[stage]));
    cJSON_AddNumberToObject(item, "run", (double)to_run_of(l, stage));
    if (enough_of(l, stage))
        cJSON_AddNumberToObject(item, "enough", (double)enough_of(l, stage));
    cJSON_AddNumberToObject(item, "held_back", (double)plan->withheld);
    cJSON_AddNumberToObject(item, "code_changed",
                            (double)(l->it.past[stage].other_code ? l->it.past[stage].other_code->total : 0));
    if (tf_store_lost(store, stage) > 0)
        cJSON_AddNumberToObject(item, "lost", (double)tf_store_lost(store, stage));
    reasons = cJSON_AddObjectToObject(item, "reasons");
    for (tf_why w = TF_WHY_NEW; w < TF_WHYS; w++)
        if (sums.count[w] && to_run_of(l, stage) > 0)
            cJSON_AddNumberToObject(reasons, reasons_word(w), (double)sums.count[w]);
    return item;
}

/* Prints text before an object and behind it, which may be one that goes on: without its brace. Takes the object. */
static void print_object(const char *before, cJSON *object, bool goes_on, const char *behind) {
    char *text = cJSON_PrintUnformatted(object);
    tf_buf line = {0};
    tf_buf_adds(&line, before);
    tf_buf_add(&line, text, strlen(text) - goes_on);
    tf_buf_adds(&line, behind);
    tf_print_json(stdout, tf_buf_text(&line));
    tf_buf_free(&line);
    cJSON_free(text);
    cJSON_Delete(object);
}

/* As tf_run_script, by member. */
static void add_process(cJSON *item, const tf_run_spec *run, const tf_point *point) {
    tf_buf text = {0};
    if (run->cwd) {
        tf_template_expand(run->cwd, point, &text);
        cJSON_AddStringToObject(item, "cwd", tf_buf_text(&text));
    }
    cJSON *env = run->envc ? cJSON_AddObjectToObject(item, "env") : NULL;
    for (int e = 0; e < run->envc; e++) {
        tf_buf_clear(&text);
        tf_template_expand(run->env[e].value, point, &text);
        cJSON_AddStringToObject(env, run->env[e].name, tf_buf_text(&text));
    }
    if (run->stdin_text) {
        tf_buf_clear(&text);
        tf_template_expand(run->stdin_text, point, &text);
        cJSON_AddStringToObject(item, "stdin", tf_buf_text(&text));
    }
    tf_buf_free(&text);
}

static void print_command_json(void *context, const tf_point *point) {
    telling *t = context;
    const tf_stage_spec *spec = &t->loaded->it.campaign->stage[t->stage];
    cJSON *item = task_json(t->loaded, t->stage, point->index);
    tf_buf text = {0};
    tf_run_text(spec, point, &text);
    cJSON_AddStringToObject(item, is_command(t) ? "command" : "runs", tf_buf_text(&text));
    add_process(item, &spec->run, point);
    tf_buf_clear(&text);
    tf_host_task_json(spec, point, 1, &text);
    if (!is_command(t))
        cJSON_AddRawToObject(item, "given", tf_buf_text(&text));
    tf_buf_free(&text);
    print_object(t->told++ ? "," : "", item, false, "");
}

static tf_err print_list(const options *o, const loaded *l, int stage, tf_error *error) {
    telling t = {l, stage, 0};
    tf_interval one = {0};
    if (to_run_of(l, stage) == 0)
        return TF_OK;
    if (o->commands)
        return plan_commands_tell(&l->it, stage, print_command_json, &t, error);
    while (tf_intervals_next(&tf_graph_stage(l->it.graph, stage)->run, 1, &one))
        print_object(t.told++ ? "," : "", task_json(l, stage, one.first), false, "");
    return TF_OK;
}

/* A line a stage and a line a task: there may be more than fit the memory. */
static tf_err print_json(const options *o, const loaded *l, const tf_store_plan *store, tf_error *error) {
    cJSON *about = cJSON_CreateObject();
    tf_err err = TF_OK;
    cJSON_AddStringToObject(about, "name", l->it.campaign->name);
    print_object("", about, true, ",\"stages\":[");
    for (int s = 0; s < l->it.campaign->stages && err == TF_OK; s++) {
        const bool has_list = o->commands || tf_stage_has_files(&l->it.campaign->stage[s]);
        print_object(s ? "," : "", stage_json(l, store, s), has_list, has_list ? ",\"list\":[" : "");
        if (has_list) {
            err = print_list(o, l, s, error);
            tf_print_json(stdout, "]}");
        }
    }
    tf_print_json(stdout, "]}");
    return err;
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
    int status = plan ? TF_OK : cli_fail(o, &l.it.diags, &error);
    if (plan && (o->json ? print_json : print_plan)(o, &l, plan, &error) != TF_OK) {
        tf_say("%s", error.text);
        status = (int)error.code;
    }
    tf_store_plan_free(plan);
    cli_unload(&l);
    return status;
}
