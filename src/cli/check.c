/* taskfarm check: is the manifest right, and what would it run? */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "host/run.h"

static const char *run_text(const tf_stage_spec *stage, tf_buf *out) {
    tf_buf_clear(out);
    tf_run_text(stage, NULL, out);
    return tf_buf_text(out);
}

/* ---- Scripts ---- */

/* Whether `option` makes a script of the argument behind it, where `program` gets it: sh -c, python3 -c, perl -ne, ...
 */
static bool takes_script(const char *program, const char *option) {
    static const struct {
        const char *name, *letters;
    } kinds[] = {{"sh", "c"},     {"bash", "c"},    {"dash", "c"},   {"ksh", "c"},  {"zsh", "c"},
                 {"python", "c"}, {"python3", "c"}, {"perl", "eE"},  {"ruby", "e"}, {"Rscript", "e"},
                 {"julia", "eE"}, {"node", "ep"},   {"octave", "e"}, {"lua", "e"}};
    const char *slash = strrchr(program, '/'), *name = slash ? slash + 1 : program;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        if (strcmp(name, kinds[k].name) == 0)
            return *option == '-' && option[1] != '-' && strpbrk(option, kinds[k].letters);
    return false;
}

/* Warns where a placeholder is a part of a script: its text is run as code, whatever it is. Where it is all of the
 * script, that was meant. */
static void warn_of_scripts(const tf_campaign *c, tf_diags *warnings) {
    for (int s = 0; s < c->stages; s++) {
        const tf_run_spec *run = &c->stage[s].run;
        for (int i = 2; i < run->argc && tf_run_is_command(run); i++) {
            const char *program = tf_template_source(run->argv[i - 2]), *name = tf_template_text_name(run->argv[i]);
            const bool is_whole = name && strlen(tf_template_source(run->argv[i])) == strlen(name) + 2;
            if (!name || is_whole || !takes_script(program, tf_template_source(run->argv[i - 1])))
                continue;
            tf_buf pointer = {0};
            tf_buf_addf(&pointer, "%s/run/command/%d", c->stage[s].pointer, i);
            tf_diags_warn(warnings, tf_buf_text(&pointer), TF_DIAG_UNSAFE_PLACEHOLDER,
                          "{%s} becomes a part of the script that %s runs, whatever is in it; give it as an "
                          "argument behind the script (sh -c '... \"$1\"' sh {%s})",
                          name, program, name);
            tf_buf_free(&pointer);
        }
    }
}

/* ---- What is run ---- */

/* May what the stage runs need what other stages make? */
static bool may_need_others(const tf_campaign *c, int stage) {
    bool others_make = false;
    for (int other = 0; other < c->stages; other++)
        others_make = others_make || (other != stage && c->stage[other].outputs > 0);
    return c->stage[stage].afters > 0 || (c->stage[stage].inputs > 0 && others_make);
}

/* What does not start before other stages have run may do so later: that is a warning. */
static void try_start(const tf_campaign *c, int stage, tf_diags *diags, tf_diags *warnings) {
    tf_diags found = {.file = diags->file};
    tf_host_try_start(c, stage, &found);
    for (const tf_diag *d = found.item; d < found.item + found.items; d++) {
        if (d->is_warning || may_need_others(c, stage))
            tf_diags_warn(warnings, d->pointer, d->id, "%s", d->text);
        else
            tf_diags_add(diags, d->pointer, d->id, "%s", d->text);
    }
    tf_diags_free(&found);
}

/* ---- For people ---- */

static void print_files(const tf_campaign *c, const char *what, const tf_file_spec *spec, int count) {
    static const char *const how[] = {[TF_FILE_SPLIT] = " (split)", [TF_FILE_GLOB] = " (glob)"};
    for (int i = 0; i < count; i++) {
        tf_print(stdout, "  %s%s%s: ", what, spec[i].name ? " " : "", spec[i].name ? spec[i].name : "");
        if (spec[i].kind == TF_FILE_OUTPUTS)
            tf_print(stdout, "outputs of %s%s%s\n", c->stage[spec[i].stage].name, spec[i].output ? "." : "",
                     spec[i].output ? spec[i].output : "");
        else
            tf_print(stdout, "%s%s\n", tf_template_source(spec[i].text),
                     spec[i].kind == TF_FILE_PATH ? "" : how[spec[i].kind]);
    }
}

/* Adds why a column of a table is of its type, where that is not plain to see. */
static void print_why(const char *why) {
    if (why)
        tf_print(stdout, " (%s)", why);
    tf_print(stdout, "\n");
}

/* Why an array that is a column of a table is of its type; NULL: that is plain to see. */
static const char *array_why(const tf_array_spec *array) {
    if (!array->csv)
        return NULL;
    const tf_param_spec field = tf_csv_field(array->csv, array->field);
    return tf_param_why(&field);
}

static void print_arrays(const tf_campaign *c, const tf_stage_spec *stage) {
    for (int i = 0; i < stage->arrays; i++) {
        const tf_array_spec *a = &stage->array[i];
        tf_print(stdout, "  array %s: %s, ", a->name, tf_type_name(a->type));
        if (a->csv) {
            tf_print(stdout, "a column of the table %s", a->grid->axis);
            print_why(array_why(a));
        } else if (a->file >= 0)
            tf_print(stdout, "%s:%s\n", tf_template_source(stage->input[a->file].text), a->dataset);
        else
            tf_print(stdout, "column %s of stage %s\n", c->stage[a->stage].column[a->column].name,
                     c->stage[a->stage].name);
    }
}

static void print_results(const tf_stage_spec *stage) {
    for (int k = 0; k < stage->columns; k++) {
        tf_print(stdout, "  result %s: %s", stage->column[k].name, tf_type_name(stage->column[k].type));
        for (int d = 0; d < stage->column[k].rank; d++)
            tf_print(stdout, "%s%lld%s", d ? " x " : " (", (long long)stage->column[k].shape[d],
                     d + 1 == stage->column[k].rank ? ")" : "");
        tf_print(stdout, "\n");
    }
}

/* "by_band by band where n > 3: y.mean, y.std" */
static void print_reductions(const tf_stage_spec *stage) {
    for (const tf_reduce_spec *r = stage->reduction; r < stage->reduction + stage->reductions; r++) {
        tf_print(stdout, "  reduce %s", r->name);
        for (int k = 0; k < r->keys; k++)
            tf_print(stdout, "%s%s", k ? ", " : " by ", tf_stage_value(stage, r->key[k]).name);
        if (r->where)
            tf_print(stdout, " where %s", tf_expr_source(r->where));
        for (int n = 0; n < r->stats; n++)
            tf_print(stdout, "%s%s.%s", n ? ", " : ": ", tf_stage_value(stage, r->stat[n].value).name, r->stat[n].text);
        tf_print(stdout, "\n");
    }
}

static void print_handling(const tf_stage_spec *stage) {
    char text[32];
    if (stage->until.expr)
        tf_print(stdout, "  until %s, looked at first after %s tasks\n", tf_expr_source(stage->until.expr),
                 tf_format_count(stage->until.first, text));
    if (tf_stage_batch(stage) > 1)
        tf_print(stdout, "  batches of %s tasks\n", tf_format_count(tf_stage_batch(stage), text));
    if (stage->timeout > 0)
        tf_print(stdout, "  timeout %s\n", tf_format_duration(stage->timeout, text));
    if (stage->retries > 0)
        tf_print(stdout, "  retries %d", stage->retries);
    if (stage->retries > 0 && stage->retry_delay > 0)
        tf_print(stdout, ", the first after %s", tf_format_duration(stage->retry_delay, text));
    if (stage->retries > 0)
        tf_print(stdout, "\n");
    if (stage->speculative)
        tf_print(stdout, "  speculative: tasks that take too long are started a second time\n");
}

static void print_campaign(const options *o, const tf_campaign *c) {
    tf_print(stdout, "%s: all right\n", o->manifest);
    tf_print(stdout, "campaign %s, seed %llu, output %s\n", c->name, (unsigned long long)c->seed, c->output);
    tf_buf run = {0};
    for (int s = 0; s < c->stages; s++) {
        const tf_stage_spec *stage = &c->stage[s];
        char tasks[32];
        int64_t size = tf_stage_final(stage);
        tf_print(stdout, "stage %s: %s task%s of %s\n", stage->name, tf_format_count(size, tasks), size == 1 ? "" : "s",
                 run_text(stage, &run));
        for (int p = 0; p < tf_space_params(stage->space); p++) {
            const tf_param_spec *param = tf_space_param(stage->space, p);
            tf_print(stdout, "  parameter %s: %s", param->name, tf_type_name(param->type));
            print_why(tf_param_why(param));
        }
        for (int w = 0; w < stage->wheres; w++)
            tf_print(stdout, "  where %s\n", tf_expr_source(stage->where[w]));
        print_arrays(c, stage);
        print_files(c, "input", stage->input, stage->inputs);
        print_files(c, "output", stage->output, stage->outputs);
        print_results(stage);
        print_reductions(stage);
        print_handling(stage);
    }
    tf_buf_free(&run);
}

static void add_named(cJSON *list, const char *name, tf_type type, const char *why) {
    cJSON *item = cJSON_CreateObject();
    cJSON_AddStringToObject(item, "name", name);
    cJSON_AddStringToObject(item, "type", tf_type_name(type));
    if (why)
        cJSON_AddStringToObject(item, "why", why);
    cJSON_AddItemToArray(list, item);
}

static void add_reductions(cJSON *list, const tf_stage_spec *stage) {
    for (const tf_reduce_spec *r = stage->reduction; r < stage->reduction + stage->reductions; r++) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddItemToArray(list, item);
        cJSON_AddStringToObject(item, "name", r->name);
        cJSON *names = cJSON_AddArrayToObject(item, "by");
        for (int k = 0; k < r->keys; k++)
            cJSON_AddItemToArray(names, cJSON_CreateString(tf_stage_value(stage, r->key[k]).name));
        if (r->where)
            cJSON_AddStringToObject(item, "where", tf_expr_source(r->where));
        names = cJSON_AddArrayToObject(item, "statistics");
        tf_buf name = {0};
        for (int n = 0; n < r->stats; n++) {
            tf_buf_clear(&name);
            tf_buf_addf(&name, "%s.%s", tf_stage_value(stage, r->stat[n].value).name, r->stat[n].text);
            cJSON_AddItemToArray(names, cJSON_CreateString(name.data));
        }
        tf_buf_free(&name);
    }
}

/* What a stage has of them. */
static void add_handling(cJSON *item, const tf_stage_spec *stage) {
    if (stage->reductions > 0)
        add_reductions(cJSON_AddArrayToObject(item, "reduce"), stage);
    if (stage->until.expr) {
        cJSON *until = cJSON_AddObjectToObject(item, "until");
        cJSON_AddStringToObject(until, "expr", tf_expr_source(stage->until.expr));
        cJSON_AddNumberToObject(until, "first", (double)stage->until.first);
    }
    if (tf_stage_batch(stage) > 1)
        cJSON_AddNumberToObject(item, "batch", (double)tf_stage_batch(stage));
    if (stage->timeout > 0)
        cJSON_AddNumberToObject(item, "timeout", stage->timeout);
    if (stage->speculative)
        cJSON_AddBoolToObject(item, "speculative", true);
    if (stage->retries > 0) {
        cJSON_AddNumberToObject(item, "retries", stage->retries);
        cJSON_AddNumberToObject(item, "retry_delay", stage->retry_delay);
    }
}

static void add_campaign(cJSON *json, const tf_campaign *c) {
    cJSON_AddStringToObject(json, "name", c->name);
    cJSON_AddStringToObject(json, "output", c->output);
    cJSON *stages = cJSON_AddArrayToObject(json, "stages");
    tf_buf run = {0};
    for (int s = 0; s < c->stages; s++) {
        const tf_stage_spec *stage = &c->stage[s];
        cJSON *item = cJSON_CreateObject();
        cJSON_AddItemToArray(stages, item);
        cJSON_AddStringToObject(item, "name", stage->name);
        cJSON_AddNumberToObject(item, "tasks", (double)tf_stage_final(stage));
        cJSON_AddStringToObject(item, "run", run_text(stage, &run));
        cJSON *list = cJSON_AddArrayToObject(item, "parameters");
        for (int p = 0; p < tf_space_params(stage->space); p++)
            add_named(list, tf_space_param(stage->space, p)->name, tf_space_param(stage->space, p)->type,
                      tf_param_why(tf_space_param(stage->space, p)));
        list = stage->arrays ? cJSON_AddArrayToObject(item, "arrays") : NULL;
        for (int a = 0; a < stage->arrays; a++)
            add_named(list, stage->array[a].name, stage->array[a].type, array_why(&stage->array[a]));
        list = cJSON_AddArrayToObject(item, "results");
        for (int k = 0; k < stage->columns; k++)
            add_named(list, stage->column[k].name, stage->column[k].type, NULL);
        add_handling(item, stage);
    }
    tf_buf_free(&run);
}

static void add_lines(cJSON *list, const tf_diags *diags) {
    char *lines = tf_alloc(diags->lines.length + 1), *rest = lines, *line;
    memcpy(lines, tf_buf_text(&diags->lines), diags->lines.length);
    while ((line = strsep(&rest, "\n")))
        if (*line)
            cJSON_AddItemToArray(list, cJSON_CreateString(line));
    free(lines);
}

static void print_json(const loaded *l, const tf_diags *warnings) {
    cJSON *json = cJSON_CreateObject();
    const bool is_right = l->it.campaign && l->it.diags.count == 0;
    cJSON_AddBoolToObject(json, "right", is_right);
    cJSON *errors = cJSON_AddArrayToObject(json, "errors");
    add_lines(errors, &l->it.diags);
    if (warnings->count)
        add_lines(cJSON_AddArrayToObject(json, "warnings"), warnings);
    cJSON *diagnostics = cJSON_AddArrayToObject(json, "diagnostics");
    cli_add_diagnostics(diagnostics, &l->it.diags);
    cli_add_diagnostics(diagnostics, warnings);
    if (is_right)
        add_campaign(json, l->it.campaign);
    cli_print_json(json);
}

int cli_check(const options *o) {
    loaded l;
    tf_diags warnings = {.file = o->manifest};
    cli_load(o, &l);
    if (l.it.campaign) {
        warn_of_scripts(l.it.campaign, &warnings);
        for (int stage = 0; stage < l.it.campaign->stages && !o->no_start; stage++)
            try_start(l.it.campaign, stage, &l.it.diags, &warnings);
    }
    const int status = l.it.campaign && l.it.diags.count == 0 ? TF_OK : TF_ERR_USAGE;
    if (o->json)
        print_json(&l, &warnings);
    else if (status == TF_OK)
        print_campaign(o, l.it.campaign);
    else
        tf_print_text(stderr, tf_buf_text(&l.it.diags.lines), l.it.diags.lines.length);
    if (!o->json)
        tf_print_text(stderr, tf_buf_text(&warnings.lines), warnings.lines.length);
    tf_diags_free(&warnings);
    cli_unload(&l);
    return status;
}
