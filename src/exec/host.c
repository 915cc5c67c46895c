/* A host runs batches: evaluates the parameters of all rows, runs task after task, and says which row is under way, so
 * that a crash can be blamed on it. */
#include "exec/host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "exec/own.h"

#define BATCH_SECONDS 0.1        /* a batch ends early after that: what is finished is soon safe in the file */
#define BATCH_TEXTS   (8u << 20) /* or after so many bytes of text */

size_t host_state_size(int stages) {
    return sizeof(host_state) + (size_t)stages * sizeof(int32_t);
}

void host_open(host *h, const host_setting *setting, int rank, int slot) {
    const tf_campaign *campaign = setting->campaign;
    *h = (host){.setting = setting, .campaign = campaign, .rank = rank, .slot = slot, .only = -1};
    h->own = own_mark_new();
    tf_floats_read(&h->floats);
    h->stage = tf_alloc_array((size_t)campaign->stages, sizeof(struct tf_stage *));
    h->exprs = tf_alloc_array((size_t)campaign->stages, sizeof(struct exprs *));
    h->service = tf_alloc_array((size_t)campaign->stages, sizeof *h->service);
    batch_columns_alloc(&h->columns, campaign);
    h->root = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    h->files = tf_files_new(campaign);
    int most = 0;
    size_t rows = 1;
    for (int s = 0; s < campaign->stages; s++) {
        const tf_stage_spec *spec = &campaign->stage[s];
        most = tf_space_params(spec->space) > most ? tf_space_params(spec->space) : most;
        size_t capacity = (size_t)batch_capacity(spec);
        rows = capacity > rows ? capacity : rows;
    }
    h->values = tf_alloc_array((size_t)most, sizeof(void *));
    h->point = tf_alloc_array((size_t)most, sizeof(void *));
    h->given = tf_alloc_array((size_t)most, sizeof *h->given);
    for (int p = 0; p < most; p++)
        h->values[p] = tf_alloc_array(rows, 8);
}

void host_close(host *h) {
    int most = 0;
    for (int s = 0; s < h->campaign->stages; s++) {
        int params = tf_space_params(h->campaign->stage[s].space);
        most = params > most ? params : most;
        if (h->stage[s])
            function_unload(h->stage[s]);
        exprs_free(h->exprs[s], &h->campaign->stage[s]);
        service_close(h->service[s]);
    }
    for (int p = 0; p < most; p++) {
        free(h->values[p]);
        tf_buf_free(&h->given[p]);
    }
    free(h->own_gpus);
    free(h->answer);
    free(h->given);
    free(h->values);
    free(h->point);
    free(h->stage);
    free(h->exprs);
    free(h->service);
    batch_columns_free(&h->columns);
    own_mark_free(h->own);
    if (h->root >= 0)
        close(h->root);
    tf_files_free(h->files);
    tf_paths_free(&h->inputs);
    tf_paths_free(&h->outputs);
    tf_table_free(&h->not_staged);
    capture_free(&h->out);
    capture_free(&h->err);
    tf_buf_free(&h->message);
}

void host_watch(host *h, double start) {
    if (h->spec->timeout > 0)
        h->header->row_started = start;
}

static bool is_to_stop(const batch_header *head) {
    return __atomic_load_n(&head->stop, __ATOMIC_RELAXED) != 0;
}

bool host_is_to_stop(const host *h) {
    return is_to_stop(h->header);
}

void host_add_text(host *h, int64_t row, int32_t kind, const void *data, size_t size) {
    size_t record = tf_record_size(size);
    if (!batch_map_texts(h->map, h->texts_used + record, true)) {
        host_fail(h, "no memory for %zu bytes of text: %s", size, strerror(errno));
        return;
    }
    tf_record_put(h->map->texts + h->texts_used, h->spec->number, h->header->first + row, kind, h->header->attempt,
                  data, size);
    h->texts_used += record;
}

void host_drop_columns(host *h, uint64_t from) {
    uint64_t kept = from, size;
    for (uint64_t at = from; at < h->texts_used; at += size) {
        char *bytes = h->map->texts + at;
        const tf_record *record = tf_record_at(bytes, h->texts_used - at);
        const int64_t row = record ? record->index - h->header->first : -1;
        if (row < 0 || row >= h->header->count) /* the function has written over them, which the rank sees, too */
            return;
        size = tf_record_size((size_t)record->length);
        if (record->kind >= TF_RECORD_COLUMN && tf_status_has_failed(h->columns.status[row]))
            continue;
        memmove(h->map->texts + kept, bytes, size);
        kept += size;
    }
    h->texts_used = kept;
}

void host_fail(host *h, const char *format, ...) {
    if (h->message.length)
        return;
    va_list args;
    va_start(args, format);
    tf_buf_addv(&h->message, format, args);
    va_end(args);
    if (h->message.length == 0)
        tf_buf_adds(&h->message, "failed without saying why");
}

tf_point host_point(host *h, int64_t row) {
    for (int p = 0; p < tf_space_params(h->spec->space); p++) {
        size_t size = tf_space_value_size(tf_space_param(h->spec->space, p)->type);
        h->point[p] = (const char *)h->values[p] + (size_t)row * size;
    }
    int64_t index = h->header->first + row;
    return (tf_point){.index = index,
                      .seed = tf_rng_task_seed(h->campaign->seed, h->spec->name, index),
                      .params = h->point,
                      .inputs = &h->inputs,
                      .outputs = &h->outputs,
                      .folder = h->spec->run.cwd ? h->campaign->workdir : NULL};
}

/* ---- Rows ---- */

/* What the rank has put there, as values. */
static void take_given(host *h, int p, int64_t count) {
    const tf_param_spec *param = tf_space_param(h->spec->space, p);
    const char *cells = h->columns.params[p];
    size_t cell = tf_space_cell_size(h->spec->space, p);
    if (param->type != TF_STRING) {
        memcpy(h->values[p], cells, (size_t)count * cell);
        return;
    }
    tf_buf_clear(&h->given[p]);
    tf_buf_reserve(&h->given[p], (size_t)count * (cell + 1));
    for (int64_t row = 0; row < count; row++) {
        ((const char **)h->values[p])[row] = h->given[p].data + h->given[p].length;
        tf_buf_add(&h->given[p], cells + (size_t)row * cell, strnlen(cells + (size_t)row * cell, cell));
        tf_buf_addc(&h->given[p], '\0');
    }
}

static void store_params(host *h, int64_t count) {
    for (int p = 0; p < tf_space_params(h->spec->space); p++) {
        if (tf_space_param(h->spec->space, p)->given) {
            take_given(h, p, count);
            continue;
        }
        tf_space_fill(h->spec->space, p, h->header->first, count, h->values[p]);
        if (h->columns.params[p])
            tf_space_cells(h->spec->space, p, h->values[p], count, h->columns.params[p]);
    }
}

/* Adds what a task has written to the row's texts, in `keep` bytes. */
static void add_output(host *h, int64_t row, int32_t kind, const capture *from, int64_t keep) {
    if (keep == 0 || from->total == 0)
        return;
    tf_buf text = {0};
    capture_text(from, keep, &text);
    host_add_text(h, row, kind, tf_buf_text(&text), text.length);
    tf_buf_free(&text);
}

static void finish_row(host *h, int64_t row, uint64_t texts_before) {
    bool failed = h->message.length > 0;
    if (failed && h->columns.status[row] == TF_STATUS_DONE)
        h->columns.status[row] = TF_STATUS_FAILED;
    if (failed) {
        batch_clear_columns(&h->columns, h->spec, row, 1);
        h->texts_used = texts_before; /* string columns of a failed task */
    }
    if (tf_run_is_command(&h->spec->run))
        add_output(h, row, TF_RECORD_STDOUT, &h->out, h->spec->capture_stdout);
    add_output(h, row, TF_RECORD_STDERR, &h->err, h->spec->capture_stderr);
    if (failed)
        host_add_text(h, row, TF_RECORD_MESSAGE, tf_buf_text(&h->message), h->message.length);
}

static void start_row(host *h, int64_t row, double start) {
    batch_start_row(&h->columns, row, start);
    if (h->message.length)
        tf_buf_clear(&h->message);
    if (h->err.total)
        capture_start(&h->err, h->spec->capture_stderr);
}

/* When has a batch taken its time? The clock that tells is a coarse one, and while it stands still it is read only
 * every STRIDE rows: any clock costs as much as a short function. */
typedef struct stopwatch {
    double end, seen; /* by tf_now_coarse() */
    int64_t stride, next;
} stopwatch;

static bool is_time_up(stopwatch *w, int64_t row) {
    enum { STRIDE = 16 };
    if (row < w->next)
        return false;
    double now = tf_now_coarse();
    w->stride = now > w->seen ? 1 : w->stride < STRIDE ? 2 * w->stride : STRIDE;
    w->next = row + w->stride;
    w->seen = now;
    return now > w->end;
}

/* Does the function leave the surroundings of tasks as they were? Rows that have ended so far are sound then. What is
 * built in does. */
static bool is_unchanged(host *h) {
    batch_header *head = h->header;
    surroundings after;
    if (strcmp(h->spec->run.library, "builtin") != 0) {
        surroundings_read(&after);
        head->changed = surroundings_compare(&h->before, &after);
        h->spoilt = head->changed != 0;
        h->has_compared = true;
    }
    if (!h->spoilt)
        __atomic_store_n(&head->sound, head->ended, __ATOMIC_RELEASE);
    return !h->spoilt;
}

/* After the first task of all, which tells most often, and when the stopwatch has moved: a task that takes long is not
 * to keep more from the file than that. */
static bool is_time_to_compare(const host *h, const stopwatch *w, int64_t row) {
    return (row == 0 && !h->has_compared) || (w->stride == 1 && w->next == row + 1);
}

/* Does what is run look at the array? */
static bool is_used(const tf_stage_spec *spec, int array) {
    const int name = tf_space_params(spec->space) + array;
    bool used = spec->run.kind == TF_RUN_FUNCTION;
    for (int c = 0; spec->run.kind == TF_RUN_EXPR && c < spec->columns; c++)
        used = used || tf_expr_uses(spec->run.expr[c], name);
    return used;
}

/* The row's parts of tables: of each table all columns at once. */
static bool read_tables(host *h, int64_t row) {
    const tf_stage_spec *spec = h->spec;
    tf_error error;
    for (int a = 0; a < spec->arrays; a++) {
        const tf_csv *csv = spec->array[a].csv;
        if (!csv || (a > 0 && spec->array[a - 1].csv == csv))
            continue;
        void **out = tf_alloc_array((size_t)(spec->arrays - a), sizeof *out);
        bool any = false;
        for (int b = a; b < spec->arrays && spec->array[b].csv == csv; b++) {
            if (is_used(spec, b))
                out[spec->array[b].field] =
                    (char *)h->columns.arrays[b] + (size_t)row * tf_array_bytes(&spec->array[b]);
            any = any || out[spec->array[b].field];
        }
        tf_err err =
            any ? tf_csv_read(csv, tf_array_part(&spec->array[a], h->header->first + row), out, &error) : TF_OK;
        free(out);
        if (err != TF_OK) {
            host_fail(h, "%s", error.text);
            return false;
        }
    }
    return true;
}

static void run_function(host *h, struct tf_stage *function, int64_t row) {
    if (h->has_timeout)
        host_watch(h, tf_now());
    function_run(h, function, row);
}

static void run_any(host *h, struct tf_stage *function, int64_t row) {
    if (function)
        run_function(h, function, row);
    else if (h->spec->run.kind == TF_RUN_EXPR)
        exprs_set_row(h, row);
    else if (h->spec->run.kind == TF_RUN_SERVICE)
        service_run(h, row);
    else
        command_run(h, row);
}

/* With what has to be there before it, and looked at after it. */
static void run_row(host *h, struct tf_stage *function, int64_t row) {
    if ((!h->has_files || files_before(h, row)) && (!h->has_tables || read_tables(h, row)))
        run_any(h, function, row);
    if (h->has_files)
        files_after(h);
}

/* It is not to be run. */
static bool is_set_apart(const host *h, int64_t row) {
    return h->columns.status[row] == TF_STATUS_EXCLUDED || h->columns.status[row] == TF_STATUS_SKIPPED;
}

static void explain_skipped(host *h, int64_t row) {
    static const char why[] = "what it takes from another stage is not done";
    if (h->columns.status[row] == TF_STATUS_SKIPPED)
        host_add_text(h, row, TF_RECORD_MESSAGE, why, sizeof why - 1);
}

/* Where times are recorded the end of a row is the start of the next. A function that does nothing takes two
 * nanoseconds: what is the same for all rows is asked before them. */
static void run_rows(host *h, struct tf_stage *function) {
    batch_header *head = h->header;
    const bool full = h->spec->record_full;
    const bool is_command = tf_run_is_command(&h->spec->run);
    const bool is_plain = function && !h->has_files && !h->has_tables;
    stopwatch watch = {.end = head->started + BATCH_SECONDS, .seen = tf_now_coarse(), .stride = 1};
    double now = tf_quick_now(&h->clock);
    const double to_wall = tf_wall() - now;
    for (int64_t row = 0; row < head->count && !is_to_stop(head); row++) {
        uint64_t texts_before = h->texts_used;
        double started = now;
        if (h->sets_apart && is_set_apart(h, row)) {
            explain_skipped(h, row);
            head->texts_size = h->texts_used;
            __atomic_store_n(&head->ended, row + 1, __ATOMIC_RELEASE);
            continue;
        }
        start_row(h, row, started + to_wall);
        if (is_plain)
            run_function(h, function, row);
        else
            run_row(h, function, row);
        if (h->stopped) {
            h->columns.status[row] = TF_STATUS_PENDING;
            return;
        }
        if (full) {
            now = tf_quick_now(&h->clock);
            h->columns.duration[row] = now - started;
        }
        if (h->has_blocks)
            batch_spread_blocks(&h->columns, h->spec, row, head->first + row);
        if (h->message.length || h->err.total || is_command) {
            finish_row(h, row, texts_before);
            now = full ? tf_quick_now(&h->clock) : now;
        }
        head->texts_size = h->texts_used;
        __atomic_store_n(&head->ended, row + 1, __ATOMIC_RELEASE);
        if (h->texts_used > BATCH_TEXTS || is_time_up(&watch, row))
            return;
        if (function && is_time_to_compare(h, &watch, row) && !is_unchanged(h))
            return;
    }
}

/* The next run of rows that are not left out, from h->part on. */
static bool next_part(host *h) {
    const int64_t count = h->header->count;
    while (h->part < count && is_set_apart(h, h->part))
        h->part++;
    int64_t end = h->part;
    while (end < count && !is_set_apart(h, end))
        end++;
    h->part_count = end - h->part;
    return h->part_count > 0;
}

/* A batch function has all rows at once: it sets their status, and times are the batch's share. */
static void run_together(host *h, struct tf_stage *function) {
    batch_header *head = h->header;
    double wall = tf_wall();
    int64_t included = 0;
    for (int64_t row = 0; row < head->count; row++) {
        if (is_set_apart(h, row)) {
            explain_skipped(h, row);
            continue;
        }
        start_row(h, row, wall);
        included++;
    }
    __atomic_store_n(&head->calling_batch, 1, __ATOMIC_RELEASE);
    if (h->has_timeout)
        host_watch(h, tf_now());
    for (h->part = 0; next_part(h); h->part += h->part_count)
        function_run_batch(h, function);
    double share = included ? (tf_now() - head->started) / (double)included : 0;
    for (int64_t row = 0; row < head->count; row++) {
        if (h->spec->record_full && !is_set_apart(h, row))
            h->columns.duration[row] = share;
        if (h->has_blocks)
            batch_spread_blocks(&h->columns, h->spec, row, head->first + row);
        if (tf_status_has_failed(h->columns.status[row]))
            batch_clear_columns(&h->columns, h->spec, row, 1);
    }
    head->texts_size = h->texts_used;
    __atomic_store_n(&head->calling_batch, 0, __ATOMIC_RELEASE);
    head->ended = head->count;
}

void host_begin_batch(host *h, batch_map *map, int attempt) {
    h->map = map;
    h->header = (batch_header *)(void *)map->fixed;
    h->spec = &h->campaign->stage[h->header->stage];
    h->texts_used = 0;
    h->stopped = h->sets_apart = h->has_blocks = h->has_tables = false;
    h->has_files = tf_stage_has_files(h->spec);
    h->has_timeout = h->spec->timeout > 0;
    for (int a = 0; a < h->spec->arrays; a++)
        h->has_tables = h->has_tables || h->spec->array[a].csv;
    for (int c = 0; c < h->spec->columns; c++)
        h->has_blocks = h->has_blocks || h->spec->column[c].grid;
    h->inputs.count = h->outputs.count = 0;
    h->header->started = tf_now();
    batch_locate(map, h->spec, 0, &h->columns);
    store_params(h, h->header->count);
    batch_prepare(&h->columns, h->spec, h->header->count, attempt, h->rank, h->slot);
}

/* Pins this process, and so all that it starts, to the cores of the batch, and tells it of the batch's GPUs. A batch
 * that asked for none has those that the run itself was given. */
static void take_place(host *h) {
    const batch_header *head = h->header;
    if (CPU_COUNT(&head->cores) > 0 && !CPU_EQUAL(&head->cores, &h->cores)) {
        sched_setaffinity(0, sizeof head->cores, &head->cores);
        h->cores = head->cores;
    }
    if (strcmp(head->gpus, h->gpus) == 0)
        return;
    const char *own = getenv(head->gpu_variable);
    if (!h->gpus[0] && !h->own_gpus && own)
        h->own_gpus = strdup(own);
    snprintf(h->gpus, sizeof h->gpus, "%s", head->gpus);
    if (h->gpus[0] || h->own_gpus)
        setenv(head->gpu_variable, h->gpus[0] ? h->gpus : h->own_gpus, 1);
    else
        unsetenv(head->gpu_variable);
    h->knows_before = false;
}

/* The batch's function, ready to be called. What its setup changes for good is so for its own tasks, and for no others.
 */
static struct tf_stage *prepare_function(host *h) {
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
        h->stage[stage] = function_load(h, h->spec);
        h->has_compared = false;
        surroundings_read(&h->before);
        if (surroundings_compare(&at_first, &h->before))
            h->only = stage;
    }
    h->knows_before = true;
    function_enter(h->stage[stage]);
    return h->stage[stage];
}

/* What this process itself writes (logs, requests, copies) may fail, and is not to end it; functions have signals as
 * any new process has them. */
static void let_writes_fail(host *h, bool fail) {
    static const int number[] = {SIGPIPE, SIGXFSZ};
    if (!h->state || h->lets_writes_fail == fail) /* a process that is no host has set its own */
        return;
    h->lets_writes_fail = fail;
    for (int i = 0; i < 2; i++)
        if (fail)
            sigaction(number[i], &(struct sigaction){.sa_handler = SIG_IGN}, &h->kept[i]);
        else
            sigaction(number[i], &h->kept[i], NULL);
}

void host_run_batch(host *h, batch_map *map) {
    batch_header *head = (batch_header *)(void *)map->fixed;
    host_begin_batch(h, map, head->attempt);
    if (h->spoilt || (h->only >= 0 && h->only != h->spec->number)) {
        head->refused = 1;
        return;
    }
    take_place(h);
    let_writes_fail(h, h->spec->run.kind != TF_RUN_FUNCTION);
    capture_start(&h->err, h->spec->capture_stderr);
    exprs_set_apart(h);
    struct tf_stage *function = NULL;
    if (h->spec->run.kind == TF_RUN_EXPR)
        exprs_evaluate(h);
    if (h->spec->run.kind == TF_RUN_FUNCTION)
        function = prepare_function(h);
    if (function && function_has_batch(function) && !h->has_files && !h->has_tables)
        run_together(h, function);
    else
        run_rows(h, function);
    tf_floats_restore(&h->floats);
    if (function && !h->spoilt)
        is_unchanged(h);
    head->seconds = tf_now() - head->started;
}

/* ---- The process ---- */

/* Either the spawner sees that this host is busy, or the host that it is to leave. */
static bool begin_work(host_state *state) {
    __atomic_store_n(&state->busy, 1, __ATOMIC_SEQ_CST);
    return !__atomic_load_n(&state->leaving, __ATOMIC_SEQ_CST);
}

static void end_work(host_state *state) {
    __atomic_store_n(&state->busy, 0, __ATOMIC_SEQ_CST);
}

void host_main(const host_setting *setting, host_state *state, int rank, int slot, int socket,
               const int buffers[HOST_BUFFERS]) {
    host h;
    batch_map map[HOST_BUFFERS];
    host_open(&h, setting, rank, slot);
    h.state = state;
    size_t fixed = batch_fixed_size(setting->campaign);
    for (int b = 0; b < HOST_BUFFERS; b++) {
        if (!batch_map_open(&map[b], buffers[b], fixed)) {
            tf_say("a host can't map its memory: %s", strerror(errno));
            _exit(TF_ERR_RUN);
        }
    }
    for (;;) {
        host_message message;
        ssize_t got = recv(socket, &message, sizeof message, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got != (ssize_t)sizeof message)
            break; /* the rank has closed its end, or is gone */
        const bool goes_on = begin_work(state);
        if (goes_on)
            host_run_batch(&h, &map[message.buffer]);
        end_work(state);
        if (!goes_on)
            break;
        while (send(socket, &message, sizeof message, MSG_NOSIGNAL) < 0 && errno == EINTR)
            ;
    }
    let_writes_fail(&h, false);
    host_close(&h);
    fflush(NULL);
    _exit(0);
}

/* ---- Without a process ---- */

/* Tells of the tasks of a batch. Their files are looked up again when they start. */
static void tell_points(host *h, batch_map *map, tf_exec_on_point *on_point, void *context) {
    host_begin_batch(h, map, 1);
    for (int64_t row = 0; row < h->header->count; row++) {
        const int64_t index = h->header->first + row;
        tf_files_inputs(h->files, h->header->stage, index, &h->inputs);
        tf_files_outputs(h->files, h->header->stage, index, &h->outputs);
        tf_point point = host_point(h, row);
        point.scratch = "{scratch}";
        on_point(context, &point);
    }
}

tf_err tf_exec_run_here(const tf_campaign *campaign, int stage, int64_t first, int64_t count,
                        const tf_exec_source *source, tf_exec_on_point *on_point, tf_exec_on_rows *on_rows,
                        void *context, tf_error *error) {
    host h;
    batch_map map;
    if (!batch_map_new(&map, batch_fixed_size(campaign)))
        return tf_error_set(error, TF_ERR_RUN, "no shared memory: %s", strerror(errno));
    host_setting setting = {.campaign = campaign, .scratch = {.fd = -1}};
    if (on_rows)
        scratch_open(campaign, &setting.scratch);
    host_open(&h, &setting, 0, 0);
    const tf_stage_spec *spec = &campaign->stage[stage];
    const int64_t most = batch_capacity(spec);
    tf_err err = TF_OK;
    while (count > 0 && err == TF_OK) {
        batch_header *head = (batch_header *)(void *)map.fixed;
        *head = (batch_header){.stage = stage, .attempt = 1, .first = first, .count = count < most ? count : most};
        if (source)
            err = batch_give(&map, spec, &h.columns, source, head->first, head->count, error);
        if (err != TF_OK)
            break;
        if (on_point)
            tell_points(&h, &map, on_point, context);
        if (!on_rows) {
            first += head->count;
            count -= head->count;
            continue;
        }
        host_run_batch(&h, &map);
        h.spoilt = h.knows_before = false; /* there is no other process */
        tf_rows rows;
        batch_part all = {.end = head->ended, .texts_end = head->texts_size, .seconds = head->seconds};
        batch_rows(&map, spec, &h.columns, &all, &rows);
        err = on_rows(context, 0, &rows, (tf_interval){0, 0}, error);
        first += rows.count;
        count -= rows.count;
    }
    host_close(&h);
    scratch_close(&setting.scratch);
    batch_map_close(&map);
    return err;
}
