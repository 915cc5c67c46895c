/* Runs functions, in this very process: loads them, hands rows to them, and looks after what they leave behind. */
#include "host/own.h"
#include "host/plugin_call.h"
#include "host/preflight.h"
#include "host/runner.h"
#include "host/unset.h"
#include "manifest/json_read.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* To be called when a function has returned: ends this process if it is a child that the function forked. */
static void end_forked_child(const host *h, const struct tf_stage *stage) {
    own_check(h->own, stage->spec->name, stage->spec->run.symbol);
}

/* ---- From the first batch to the last ---- */

static int find_memory(const host_setting *setting, int stage) {
    for (int i = 0; i < setting->libraries; i++)
        if (setting->library[i].stage == stage)
            return setting->library[i].fd;
    return -1;
}

static struct tf_stage *load_function(host *h, const tf_stage_spec *spec) {
    struct tf_stage *s = tf_alloc(sizeof *s);
    s->host = h;
    s->spec = spec;
    json_error wrong;
    s->args = json_read(spec->run.args, strlen(spec->run.args), JSON_STRICT, &wrong);
    s->rng_key = tf_rng_stage_key(spec->streams->seed, spec->name, 0);
    s->as_double = tf_alloc_array((size_t)tf_space_params(spec->space), sizeof(double *));
    s->call = tf_alloc(sizeof *s->call);
    s->call->stage = s;
    s->call->host = h;
    s->call->task.call = s->call->row_handle.call = s->call->batch.call = s->call;
    s->call->columns = spec->columns;
    s->call->target = tf_alloc_array((size_t)spec->columns, sizeof(target));
    for (int k = 0; k < spec->columns; k++) {
        const tf_column_spec *column = &spec->column[k];
        s->call->target[k] = (target){.row_bytes = tf_column_bytes(column),
                                      .type = column->type,
                                      .is_number = column->elements == 1 && tf_type_size(column->type),
                                      .is_needed = !column->optional};
        s->call->needs_columns = s->call->needs_columns || !column->optional;
    }
    tf_error error;
    if (plugin_open(&spec->run, h->setting->program, find_memory(h->setting, spec->number), &s->fn, &error) != TF_OK)
        tf_buf_adds(&s->failure, error.text);
    int status = s->failure.length == 0 && s->fn.setup ? s->fn.setup(s, &s->state) : TF_SUCCESS;
    end_forked_child(s->host, s);
    if (status != TF_SUCCESS && s->failure.length == 0)
        tf_buf_addf(&s->failure, "%s_setup returned %d", spec->run.symbol, status);
    tf_floats_read(&s->floats);
    tf_floats_restore(&h->floats);
    return s;
}

/* Points the columns at the batch under way, and computes with floats as the function left it. */
static void enter_function(struct tf_stage *s) {
    for (int k = 0; k < s->call->columns; k++)
        s->call->target[k].cells = s->host->columns.columns[k];
    tf_floats_restore(&s->floats);
}

static void unload_function(struct tf_stage *s) {
    if (s->fn.teardown && s->failure.length == 0)
        s->fn.teardown(s->state);
    end_forked_child(s->host, s);
    for (int p = 0; p < tf_space_params(s->spec->space); p++)
        free(s->as_double[p]);
    free(s->as_double);
    free(s->call->target);
    free(s->call);
    cJSON_Delete(s->args);
    tf_buf_free(&s->failure);
    free(s);
}

/* ---- Running ---- */

/* Fails the row if a column that is not optional was not set. */
static void check_all_set(host *h, const call *c) {
    for (int k = 0; k < c->columns; k++)
        if (c->target[k].is_needed && c->target[k].set_by != c->number)
            host_fail(h, NOT_SET, column_spec(&c->row_handle, k)->name, tf_type_name(c->target[k].type));
}

/* Runs a function of plain numbers, whose result is the stage's first column. */
static void run_call(host *h, struct tf_stage *stage, int64_t row) {
    enum { MOST = 64 };
    double argument[MOST];
    const tf_space *space = stage->spec->space;
    const int count = tf_space_params(space);
    call *c = stage->call;
    c->row = row;
    if (count > MOST || stage->spec->columns < 1) {
        host_fail(h, "a function of numbers has at most %d parameters, and a result", MOST);
        return;
    }
    for (int p = 0; p < count; p++) {
        const tf_type type = tf_space_param(space, p)->type;
        argument[p] = type == TF_FLOAT64 ? tf_param_double(&c->task, p)
                      : type == TF_INT64 ? (double)tf_param_int(&c->task, p)
                                         : (double)tf_param_bool(&c->task, p); /* which fails for a text */
    }
    if (h->outcome.message.length)
        return;
    const double result = stage->fn.call(argument, count);
    end_forked_child(h, stage);
    tf_set_double(&c->row_handle, 0, result);
}

static void fail_unset(void *batch, int64_t row, const tf_column_spec *column) {
    const host *h = ((tf_batch *)batch)->call->host;
    tf_batch_fail(batch, row - h->part, NOT_SET, column->name, tf_type_name(column->type));
}

static void fail_all(const tf_batch *batch, const char *why) {
    for (int64_t row = 0; row < batch->call->host->part_count; row++)
        tf_batch_fail(batch, row, "%s", why);
}

static void run_batch(host *h, struct tf_stage *stage) {
    const int64_t count = h->part_count;
    const uint64_t blobs_before = h->blobs_used;
    call *c = stage->call;
    char why[600] = "";
    for (int p = 0; p < tf_space_params(stage->spec->space); p++) {
        const int64_t *integers = h->values[p];
        for (int64_t i = h->part; stage->as_double[p] && i < h->part + count; i++)
            stage->as_double[p][i] = (double)integers[i];
    }
    unset_mark(&h->columns, stage->spec, h->part, count);
    c->strays = c->fails = false;
    int status = stage->fn.batch(&c->batch);
    end_forked_child(h, stage);
    if (status != TF_SUCCESS)
        snprintf(why, sizeof why, "%s_batch returned %d", stage->spec->run.symbol, status);
    else if (c->strays)
        snprintf(why, sizeof why, "%s_batch names row %" PRId64 " of a batch of %" PRId64 ", whose rows count from 0",
                 stage->spec->run.symbol, c->stray, count);
    unset_find(&h->columns, stage->spec, h->part, count, *why ? NULL : fail_unset, &c->batch);
    if (*why)
        fail_all(&c->batch, why);
    if (c->fails)
        host_drop_columns(h, blobs_before);
}

/* Runs a function that has only a batch form, for one row. */
static void run_batch_of_one(host *h, struct tf_stage *stage, int64_t row) {
    h->part = row;
    h->part_count = 1;
    run_batch(h, stage);
    if (tf_status_has_failed(h->columns.status[row]))
        batch_clear_columns(&h->columns, h->spec, row, 1);
}

/* Runs whatever is no function of one task. It is not inlined into run_row, which is fast because it is short. */
__attribute__((noinline)) static void run_other(host *h, struct tf_stage *stage, int64_t row) {
    if (stage->failure.length)
        host_fail(h, "%s", tf_buf_text(&stage->failure));
    else if (stage->fn.call)
        run_call(h, stage, row);
    else
        run_batch_of_one(h, stage, row);
}

static void run_task(host *h, struct tf_stage *stage, int64_t row) {
    call *c = stage->call;
    c->row = row;
    c->rng_started = false;
    c->number++;
    int status = stage->fn.task(&c->task, &c->row_handle);
    end_forked_child(h, stage);
    if (status != TF_SUCCESS)
        host_fail(h, "%s returned %d", stage->spec->run.symbol, status);
    else if (c->needs_columns && h->outcome.message.length == 0)
        check_all_set(h, c);
}

/* ---- As a kind of run ---- */

/* Prepares a batch, and loads its function before the first one. What a setup changes in the process is meant for the
 * tasks of its own stage, so that no other stage runs here afterwards. */
static void begin(host *h) {
    const int stage = h->spec->number;
    if (h->limited != h->spec) {
        memory_limit_host(h->spec->need.memory);
        h->knows_before = false;
    }
    h->limited = h->spec;
    if (!h->knows_before)
        surroundings_read(&h->before);
    if (!h->stage[stage]) {
        const surroundings at_first = h->before;
        h->stage[stage] = load_function(h, h->spec);
        h->has_compared = false;
        surroundings_read(&h->before);
        if (surroundings_compare(&at_first, &h->before))
            h->only_stage = stage;
    }
    h->knows_before = true;
    h->function = h->stage[stage];
    enter_function(h->function);
}

static void run_row(host *h, int64_t row) {
    struct tf_stage *stage = h->function;
    if (h->has_timeout)
        host_watch(h, tf_now());
    if (stage->fn.task && stage->failure.length == 0)
        run_task(h, stage, row);
    else
        run_other(h, stage, row);
    tf_floats_restore_fast(&stage->floats);
}

static bool has_batch(const host *h) {
    return h->function->fn.batch && h->function->failure.length == 0;
}

static bool reads_array(const tf_stage_spec *spec, int array) {
    (void)spec, (void)array;
    return true;
}

static void run_part(host *h) {
    run_batch(h, h->function);
}

static void close_function(host *h, int stage) {
    if (h->stage[stage])
        unload_function(h->stage[stage]);
}

/* ---- Trying it out ---- */

/* Runs the setup, in a child: it may do anything. What is wrong with it goes to the pipe. */
static void try_setup(host *h, int stage, int out) {
    h->own = own_mark_new(); /* this process is the one that it is called in */
    h->stage[stage] = load_function(h, &h->campaign->stage[stage]);
    const tf_buf *wrong = &h->stage[stage]->failure;
    if (wrong->length && write(out, wrong->data, wrong->length) < 0)
        _exit(1);
    unload_function(h->stage[stage]);
    _exit(0);
}

/* Reads all that the child says, for so long at the most. */
static void listen_to(int in, double seconds, char *text, size_t size) {
    enum { PAUSE = 50 /* ms between looks for a signal */ };
    const double deadline = tf_now() + seconds;
    size_t length = 0;
    while (tf_now() < deadline && !tf_signals_wait()) {
        struct pollfd ready = {in, POLLIN, 0};
        if (poll(&ready, 1, PAUSE) < 0 && errno != EINTR)
            break;
        const ssize_t got = ready.revents ? read(in, text + length, size - 1 - length) : -1;
        if (got == 0 || length == size - 1)
            break;
        length += got > 0 ? (size_t)got : 0;
    }
    text[length] = '\0';
}

/* A setup finds its parameters and columns by name. Built-in ones have been looked at. */
static void try_start(host *h, int stage, tf_diags *diags) {
    const tf_stage_spec *spec = &h->campaign->stage[stage];
    const double longest = 20; /* s */
    char text[1000];
    int channel[2];
    if (strcmp(spec->run.library, TF_PROGRAM) == 0 || pipe2(channel, O_CLOEXEC) != 0)
        return;
    fflush(NULL);
    const pid_t pid = fork();
    if (pid == 0) {
        setpgid(0, 0);
        tf_signals_default();
        try_setup(h, stage, channel[1]);
    }
    close(channel[1]);
    listen_to(channel[0], longest, text, sizeof text);
    close(channel[0]);
    if (pid > 0) {
        kill(-pid, SIGKILL);
        tf_child_wait(pid);
    }
    if (*text)
        preflight_diagnose(diags, spec, "function", TF_DIAG_BAD_LIBRARY, text);
}

const runner runner_function = {.key = "function",
                                .preflight = preflight_function,
                                .begin = begin,
                                .run_row = run_row,
                                .has_batch = has_batch,
                                .run_part = run_part,
                                .try_start = try_start,
                                .reads_array = reads_array,
                                .close = close_function,
                                .is_inside = true};
