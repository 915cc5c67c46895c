/* taskfarm try: one task in the foreground. A function runs in this very process, so that a debugger's breakpoints hold
 * and a crash leaves its core; nothing of MPI is started, and the output is not touched. */
#include <stdlib.h>
#include <string.h>

#include "cli/try.h"
#include "report/failures.h"

static void print_heading(const char *text) {
    tf_print(stdout, "%s\n", text);
}

/* ---- Before it runs ---- */

static void print_params(const trial *t, const tf_point *point) {
    const tf_space *space = t->stage->space;
    tf_buf text = {0};
    if (tf_space_params(space))
        print_heading("parameters");
    for (int p = 0; p < tf_space_params(space); p++) {
        const tf_param_spec *param = tf_space_param(space, p);
        tf_buf_clear(&text);
        if (param->type == TF_STRING)
            tf_buf_adds(&text, *(const char *const *)point->params[p]);
        else
            tf_buf_add_number(&text, param->type, point->params[p]);
        tf_print(stdout, "  %s = %s\n", param->name, tf_buf_text(&text));
    }
    tf_buf_free(&text);
}

static void print_place(const tf_block *block) {
    for (int d = 0; d < block->rank; d++)
        tf_print(stdout, "%s%lld", d ? " x " : "", (long long)block->shape[d]);
    tf_print(stdout, " from ");
    for (int d = 0; d < block->rank; d++)
        tf_print(stdout, "%s%lld", d ? ", " : "", (long long)(block->start[d] - block->before[d]));
    tf_print(stdout, "\n");
}

static void print_arrays(const trial *t) {
    if (t->stage->arrays)
        print_heading("arrays");
    for (int a = 0; a < t->stage->arrays; a++) {
        tf_block block;
        tf_array_place(&t->stage->array[a], t->index, &block);
        tf_print(stdout, "  %s: %s, ", t->stage->array[a].name, tf_type_name(t->stage->array[a].type));
        print_place(&block);
    }
}

static void print_paths(const char *heading, const tf_paths *paths) {
    if (paths->count)
        print_heading(heading);
    tf_buf path = {0};
    for (size_t i = 0; i < paths->count; i++) {
        const char *name = paths->item[i].spec->name;
        tf_buf_clear(&path);
        tf_paths_show(paths, i, &path);
        tf_print(stdout, "  %s%s%s\n", name ? name : "", name ? ": " : "", tf_buf_text(&path));
    }
    tf_buf_free(&path);
}

static void print_point(void *context, const tf_point *point) {
    const trial *t = context;
    tf_buf run = {0};
    tf_print(stdout, "%s, task %lld of %lld, seed %llu\n", t->stage->name, (long long)t->index,
             (long long)tf_stage_so_far(t->stage), (unsigned long long)point->seed);
    print_params(t, point);
    print_arrays(t);
    print_paths("inputs", point->inputs);
    print_paths("outputs", point->outputs);
    print_heading("runs");
    tf_run_text(t->stage, point, &run);
    tf_report_lines(stdout, 1, tf_buf_text(&run), run.length);
    tf_buf_free(&run);
    fflush(stdout);
    tf_store_leave(&t->guest);
}

/* ---- What came of it ---- */

static void print_text(const tf_rows *rows, int32_t kind, const char *heading) {
    const tf_record *record = try_find_text(rows, kind);
    if (!record)
        return;
    print_heading(heading);
    tf_report_lines(stdout, 1, (const char *)(record + 1), (size_t)record->length);
}

/* All elements of a few, the first ones of many. */
static void print_elements(const tf_column_spec *column, const char *cell) {
    enum { MOST = 10 };
    const size_t size = tf_type_size(column->type);
    tf_buf text = {0};
    for (int64_t e = 0; e < column->elements && e < MOST; e++) {
        tf_buf_adds(&text, e ? ", " : "");
        tf_buf_add_number(&text, column->type, cell + (size_t)e * size);
    }
    tf_print(stdout, "%s%s\n", tf_buf_text(&text), column->elements > MOST ? ", ..." : "");
    tf_buf_free(&text);
}

static void print_results(const trial *t, const tf_rows *rows) {
    if (t->stage->columns)
        print_heading("results");
    for (int c = 0; c < t->stage->columns; c++) {
        const tf_column_spec *column = &t->stage->column[c];
        const tf_record *text = try_find_text(rows, TF_RECORD_COLUMN + c);
        tf_print(stdout, "  %s = ", column->name);
        if (tf_type_size(column->type))
            print_elements(column, rows->columns[c]);
        else
            tf_print(stdout, "%.*s\n", text ? (int)text->length : 0, text ? (const char *)(text + 1) : "");
    }
}

static tf_err print_outcome(void *context, int slot, const tf_rows *rows, tf_interval left, tf_error *error) {
    (void)slot, (void)left, (void)error;
    trial *t = context;
    char elapsed[32];
    const uint8_t status = rows->status[0];
    tf_store_init();
    print_text(rows, TF_RECORD_STDOUT, "stdout");
    print_text(rows, TF_RECORD_STDERR, "stderr");
    tf_print(stdout, "%s in %s\n", tf_status_table[status].ended, tf_format_duration(rows->seconds, elapsed));
    if (status == TF_STATUS_DONE)
        print_results(t, rows);
    const tf_record *why = try_find_text(rows, TF_RECORD_MESSAGE);
    if (why)
        tf_report_lines(stdout, 1, (const char *)(why + 1), (size_t)why->length);
    t->outcome = tf_status_is_good(status) ? TF_OK : TF_ERR_TASKS;
    return TF_OK;
}

static const try_style for_people = {.on_point = print_point, .on_rows = print_outcome};

/* ---- The whole ---- */

/* The first task that "where" does not leave out; beyond the last one if it leaves out all. */
static int64_t find_first(const tf_campaign *c, int stage) {
    const int64_t tasks = tf_stage_so_far(&c->stage[stage]);
    int64_t index = 0;
    tf_files *files = tf_files_new(c);
    while (index < tasks && tf_files_leave_out(files, stage, index))
        index++;
    tf_files_free(files);
    return index;
}

/* Is it "first", or "first:N", in its attempt N? So the Python package has the first task tell types. */
static bool means_first(const char *text, int *attempt) {
    enum { MOST = 255 };
    static const char first[] = "first";
    int64_t number;
    if (strncmp(text, first, strlen(first)) != 0)
        return false;
    text += strlen(first);
    if (*text != ':' || !tf_parse_int(text + 1, &number) || number < 1 || number > MOST)
        return *text == '\0';
    *attempt = (int)number;
    return true;
}

/* STAGE INDEX, or INDEX alone where there is one stage. -1 after a diagnostic. */
static int find_task(const options *o, const tf_campaign *c, int64_t *index, int *attempt) {
    const char *text = o->arguments ? o->argument[o->arguments - 1] : NULL;
    if (o->arguments < 1 || o->arguments > 2 || (o->arguments == 1 && c->stages > 1)) {
        tf_buf hint = {0};
        failures_add_hint("try", o->manifest, c->stage[0].name, 0, &hint);
        cli_usage_error("try needs a stage and the index of a task, as in %s", tf_buf_text(&hint));
        tf_buf_free(&hint);
        return -1;
    }
    int stage = o->arguments == 1 ? 0 : tf_campaign_stage(c, o->argument[0], strlen(o->argument[0]));
    if (stage < 0) {
        const char **names = tf_arena_array(o->arena, (size_t)c->stages, sizeof *names);
        for (int s = 0; s < c->stages; s++)
            names[s] = c->stage[s].name;
        const char *near = tf_suggest(o->argument[0], names, (size_t)c->stages);
        cli_usage_error("there is no stage \"%s\"%s%s%s", o->argument[0], near ? "; did you mean \"" : "",
                        near ? near : "", near ? "\"?" : "");
        return -1;
    }
    const int64_t tasks = tf_stage_so_far(&c->stage[stage]);
    if (o->arguments == 1 && tasks && strcmp(text, c->stage[0].name) == 0) {
        cli_usage_error("%s: the task's index is missing; stage \"%s\" has tasks 0 to %lld", text, text,
                        (long long)(tasks - 1));
        return -1;
    }
    const bool is_first = means_first(text, attempt);
    if (is_first)
        *index = find_first(c, stage);
    if ((is_first || tf_parse_int(text, index)) && *index >= 0 && *index < tasks)
        return stage;
    if (tasks && is_first) {
        cli_usage_error("\"where\" leaves out all tasks of stage \"%s\"", c->stage[stage].name);
        return -1;
    }
    if (tasks)
        cli_usage_error("%s: stage \"%s\" has tasks 0 to %lld", text, c->stage[stage].name, (long long)(tasks - 1));
    else
        cli_usage_error("stage \"%s\" has no tasks", c->stage[stage].name);
    return -1;
}

static int try_task(const tf_campaign *campaign, int stage, int64_t index, int attempt, const tf_store_guest *guest,
                    const try_style *style) {
    const tf_stage_spec *spec = &campaign->stage[stage];
    trial t = {.stage = spec, .index = index, .guest = *guest, .out = style->begin ? style->begin() : NULL};
    tf_error error = {0};
    tf_store *store = NULL;
    tf_err err = TF_OK;
    if (tf_stage_takes_rows(spec) || spec->arrays) {
        store = tf_store_open_upstream(campaign, stage, &error);
        err = store ? TF_OK : error.code;
    }
    const tf_task_source source = {.values = tf_store_upstream_values,
                                   .status = tf_store_upstream_status,
                                   .block = tf_store_block,
                                   .context = store};
    if (err == TF_OK)
        err = tf_host_run_here(campaign, stage, index, 1, attempt, store ? &source : NULL, style->on_point,
                               style->on_rows, &t, &error);
    if (err != TF_OK)
        tf_say("%s", error.text);
    tf_store_close_upstream(store, stage);
    tf_buf_free(&t.given);
    if (t.out)
        fclose(t.out);
    return err == TF_OK ? (int)t.outcome : (int)err;
}

int cli_try(const options *o) {
    loaded l;
    int64_t index = 0;
    int status = TF_ERR_USAGE, attempt = 1;
    tf_store_guest guest;
    tf_store_enter(&guest);
    cli_load(o, &l);
    if (!l.it.campaign)
        cli_fail(o, &l.it.diags, NULL);
    int stage = l.it.campaign ? find_task(o, l.it.campaign, &index, &attempt) : -1;
    if (stage >= 0)
        status = try_task(l.it.campaign, stage, index, attempt, &guest, o->json ? &try_for_programs : &for_people);
    cli_unload(&l);
    return status;
}
