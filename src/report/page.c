/* The report: a page that holds its figures as JSON, and what draws them (page.html). */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "graph/graph.h"
#include "report/export.h"
#include "report/figures.h"
#include "report/reductions.h"
#include "report/status.h"
#include "report/written_edges.h"

extern const char report_page[]; /* of page.html */

/* ---- JSON ---- */

/* Adds what stands before the next member of an object, or element of a list: nothing before the first. */
static void add_comma(tf_buf *out) {
    const char last = out->length ? out->data[out->length - 1] : '{';
    if (last != '{' && last != '[' && last != ':')
        tf_buf_addc(out, ',');
}

static void add_key(tf_buf *out, const char *key) {
    add_comma(out);
    tf_buf_add_json(out, key, strlen(key));
    tf_buf_addc(out, ':');
}

static void add_text(tf_buf *out, const char *key, const char *text) {
    add_key(out, key);
    tf_buf_add_json(out, text, strlen(text));
}

static void add_number(tf_buf *out, const char *key, double x) {
    if (key)
        add_key(out, key);
    else
        add_comma(out);
    if (isfinite(x))
        tf_buf_add_double(out, x);
    else
        tf_buf_adds(out, "null");
}

/* Takes it. */
static void add_json(tf_buf *out, const char *key, cJSON *json) {
    char *text = cJSON_PrintUnformatted(json);
    add_key(out, key);
    tf_buf_adds(out, text ? text : "[]");
    cJSON_free(text);
    cJSON_Delete(json);
}

/* ---- Why tasks failed, and what was run ---- */

typedef struct command_line {
    const tf_stage_spec *spec;
    tf_buf text;
} command_line;

static void add_command_line(void *context, const tf_point *point) {
    command_line *line = context;
    tf_run_text(line->spec, point, &line->text);
}

static void add_command(const tf_recalled *from, cJSON *failure) {
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(failure, "stage"));
    const cJSON *task = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(failure, "tasks"), 0);
    const int stage = name ? tf_reader_find(from->reader, name) : -1;
    command_line line = {.spec = stage >= 0 ? tf_recalled_stage(from, stage) : NULL};
    if (task)
        view_tell_point(from, line.spec, (int64_t)task->valuedouble, add_command_line, &line);
    cJSON_AddStringToObject(failure, "command", tf_buf_text(&line.text));
    tf_buf_free(&line.text);
}

static void add_failures(const tf_recalled *from, const cJSON *status, tf_buf *out) {
    enum { MOST_COMMANDS = 30 };
    cJSON *list = cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(status, "failures"), true);
    int n = 0;
    for (cJSON *failure = list ? list->child : NULL; failure && n < MOST_COMMANDS; failure = failure->next, n++)
        add_command(from, failure);
    add_json(out, "failures", list);
}

/* ---- Time ---- */

/* Shares of `most`, as bytes. */
static void add_shares(tf_buf *out, const char *key, const float *x, size_t count, double most) {
    char *bytes = tf_alloc(count);
    for (size_t i = 0; i < count; i++) {
        const double share = most > 0 ? 255 * (double)x[i] / most : 0;
        bytes[i] = (char)(uint8_t)(share > 255 ? 255 : share > 0 && share < 1 ? 1 : lrint(share));
    }
    if (key)
        add_key(out, key);
    else
        add_comma(out);
    tf_buf_addc(out, '"');
    view_add_base64(bytes, count, out);
    tf_buf_addc(out, '"');
    free(bytes);
}

static void add_bars(const timeline *t, tf_buf *out) {
    add_key(out, "bars");
    if (!t->bar) {
        tf_buf_adds(out, "null");
        return;
    }
    tf_buf_addc(out, '[');
    for (int i = 0; i < t->bars; i++) {
        const bar *b = &t->bar[i];
        add_comma(out);
        tf_buf_addf(out, "[%d,%d,%d,%" PRId64 ",%.6f,%.6f]", b->lane, b->stage, b->status, b->index, b->start, b->end);
    }
    tf_buf_addc(out, ']');
}

static void add_time(const timeline *t, tf_buf *out) {
    const size_t cells = (size_t)t->lanes * TIME_BINS;
    bool failed = false;
    add_key(out, "time");
    tf_buf_addc(out, '{');
    add_number(out, "seconds", t->seconds);
    add_number(out, "bins", TIME_BINS);
    add_number(out, "tasks", (double)t->tasks);
    add_number(out, "slots", (double)t->slots);
    add_number(out, "per_lane", t->per_lane);
    add_key(out, "lanes");
    tf_buf_addc(out, '[');
    for (int l = 0; l < t->lanes; l++)
        tf_buf_addf(out, "%s[%d,%d]", l ? "," : "", t->worker[l], t->slot[l]);
    tf_buf_addc(out, ']');
    add_key(out, "used");
    tf_buf_addc(out, '[');
    for (int s = 0; s < t->stages; s++)
        if (t->spent[s].tasks)
            add_number(out, NULL, s);
    tf_buf_addc(out, ']');
    for (size_t i = 0; i < cells; i++)
        failed = failed || (t->kind[i] & FAILED_BIT);
    add_key(out, "failed");
    tf_buf_adds(out, failed ? "true" : "false");
    add_bars(t, out);
    add_shares(out, "busy", t->busy, t->bar ? 0 : cells, t->per_lane);
    add_key(out, "kind");
    tf_buf_addc(out, '"');
    view_add_base64((const char *)t->kind, t->bar ? 0 : cells, out);
    tf_buf_addc(out, '"');
    add_key(out, "use");
    tf_buf_addc(out, '[');
    for (int s = 0; s < t->stages; s++)
        add_shares(out, NULL, t->use + s * TIME_BINS, TIME_BINS, (double)t->slots);
    tf_buf_adds(out, "]}");
}

static void add_parameter(view *v, int field, int64_t index, tf_buf *out) {
    view_values values = {0};
    tf_error ignored;
    if (view_read(v, field, index, 1, &values, &ignored) == TF_OK && view_is_known(&values, 0)) {
        add_key(out, view_field(v, field)->name);
        view_add_json(&values, 0, out);
    }
    view_values_free(&values);
}

/* The parameters of a task, as far as they are known. */
static void add_parameters(const tf_recalled *from, int stage, int64_t index, tf_buf *out) {
    view *v = view_new(from, stage);
    add_key(out, "parameters");
    tf_buf_addc(out, '{');
    for (int f = 0; f < view_fields(v); f++)
        if (view_field(v, f)->kind == TF_FIELD_PARAM && !view_field(v, f)->grid)
            add_parameter(v, f, index, out);
    tf_buf_addc(out, '}');
    view_free(v);
}

static void add_slowest(const tf_recalled *from, const timeline *t, tf_buf *out) {
    add_key(out, "slowest");
    tf_buf_addc(out, '[');
    for (int i = 0; i < t->slow; i++) {
        add_comma(out);
        tf_buf_addc(out, '{');
        add_text(out, "stage", tf_reader_stage(from->reader, t->slowest[i].stage));
        add_number(out, "index", (double)t->slowest[i].index);
        add_number(out, "duration", t->slowest[i].end - t->slowest[i].start);
        add_text(out, "status", tf_status_name(t->slowest[i].status));
        add_parameters(from, t->slowest[i].stage, t->slowest[i].index, out);
        tf_buf_addc(out, '}');
    }
    tf_buf_addc(out, ']');
}

static void add_stages(const tf_recalled *from, const timeline *t, tf_buf *out) {
    add_key(out, "stages");
    tf_buf_addc(out, '{');
    for (int s = 0; s < t->stages; s++) {
        add_key(out, tf_reader_stage(from->reader, s));
        tf_buf_addc(out, '{');
        add_number(out, "seconds", t->spent[s].seconds);
        tf_buf_addc(out, '}');
    }
    tf_buf_addc(out, '}');
}

/* ---- Histograms ---- */

static void add_histogram(const char *title, int stage, const histogram *h, tf_buf *out) {
    add_comma(out);
    tf_buf_addc(out, '{');
    add_text(out, "title", title);
    add_number(out, "stage", stage);
    add_text(out, "name", h->name);
    add_text(out, "unit", h->unit ? h->unit : "");
    add_key(out, "log");
    tf_buf_adds(out, h->log ? "true" : "false");
    add_number(out, "low", h->low);
    add_number(out, "high", h->high);
    add_number(out, "mean", h->sum / (double)h->count);
    add_number(out, "count", (double)h->count);
    add_number(out, "missing", (double)h->missing);
    add_key(out, "bins");
    tf_buf_addc(out, '[');
    for (int b = 0; b < FIGURE_BINS; b++)
        tf_buf_addf(out, "%s%" PRId64, b ? "," : "", h->bin[b]);
    tf_buf_adds(out, "]}");
}

/* What tasks took, or what they gave. */
static bool is_wanted(const tf_field *f, bool spent, const char **unit) {
    *unit = NULL;
    if (!spent)
        return f->kind == TF_FIELD_RESULT && tf_type_size(f->type) > 0 && !f->grid;
    if (f->kind != TF_FIELD_TASK)
        return false;
    if (strcmp(f->dataset, "max_rss") == 0)
        *unit = "bytes";
    else if (strcmp(f->dataset, "duration") == 0 || strcmp(f->dataset, "cpu") == 0)
        *unit = "s";
    return *unit != NULL;
}

static void add_histograms(const tf_recalled *from, bool spent, const char *key, tf_buf *out) {
    enum { MOST_FIGURES = 200 };
    tf_error error;
    int figures = 0;
    add_key(out, key);
    tf_buf_addc(out, '[');
    for (int s = 0; s < tf_reader_stages(from->reader); s++) {
        view *v = view_new(from, s);
        for (int f = 0; f < view_fields(v) && figures < MOST_FIGURES; f++) {
            histogram h = {.log = spent};
            if (!is_wanted(view_field(v, f), spent, &h.unit) || !histogram_of(v, f, spent, &h, &error))
                continue;
            if (spent && h.high == 0) /* functions have no processor time of their own */
                continue;
            add_histogram(tf_reader_stage(from->reader, s), s, &h, out);
            figures++;
        }
        view_free(v);
    }
    tf_buf_addc(out, ']');
}

/* ---- Reductions ---- */

/* A list a stage, of those that have any. Of large ones the page has no groups. */
static tf_err add_reductions(const tf_recalled *from, tf_buf *out, tf_error *error) {
    reductions_room left = {.groups = 2000, .numbers = 20000, .fields = 400};
    add_key(out, "reductions");
    tf_buf_addc(out, '{');
    for (int s = 0; s < tf_reader_stages(from->reader); s++) {
        if (tf_reader_reductions(from->reader, s) == 0)
            continue;
        cJSON *list = reductions_json(from, s, &left, error);
        if (!list)
            return error->code;
        add_json(out, tf_reader_stage(from->reader, s), list);
    }
    tf_buf_addc(out, '}');
    return TF_OK;
}

/* The status has those of few groups: they are there already. */
static void drop_reductions(cJSON *status) {
    cJSON *stages = cJSON_GetObjectItemCaseSensitive(status, "stages");
    for (cJSON *stage = stages ? stages->child : NULL; stage; stage = stage->next)
        cJSON_DeleteItemFromObjectCaseSensitive(stage, "reductions");
}

/* ---- The workflow ---- */

typedef struct edges {
    const tf_campaign *campaign;
    tf_buf *out;
} edges;

static void add_named_edge(void *context, const char *from, const char *to, bool order) {
    tf_buf *out = context;
    add_comma(out);
    tf_buf_addc(out, '[');
    tf_buf_add_json(out, from, strlen(from));
    tf_buf_addc(out, ',');
    tf_buf_add_json(out, to, strlen(to));
    tf_buf_addf(out, ",%s]", order ? "true" : "false");
}

static void add_edge(void *context, int from, int to, bool order) {
    const edges *e = context;
    add_named_edge(e->out, e->campaign->stage[from].name, e->campaign->stage[to].name, order);
}

/* Without the campaign those that its manifest's text tells, and what was not opened; where files are gone without what
 * they tell. */
static void add_edges(const tf_recalled *from, tf_buf *out) {
    add_key(out, "edges");
    tf_buf_addc(out, '[');
    if (from->campaign) {
        tf_diags diags = {.file = ""};
        tf_disk disk = tf_disk_real();
        tf_graph_check(from->campaign, &diags);
        tf_graph *graph = diags.count == 0 ? tf_graph_new(from->campaign, &disk, &diags) : NULL;
        tf_graph_edges(graph, from->campaign, add_edge, &(edges){from->campaign, out});
        tf_graph_free(graph);
        tf_diags_free(&diags);
    } else {
        written_edges(tf_reader_text(from->reader, "manifest"), add_named_edge, out);
    }
    tf_buf_addc(out, ']');
    add_text(out, "unopened", from->unopened ? from->unopened : "");
}

/* ---- The whole ---- */

/* Their names, by number. */
static void add_statuses(tf_buf *out) {
    add_key(out, "statuses");
    for (int s = 0; s < TF_STATUSES; s++)
        tf_buf_addf(out, "%s\"%s\"", s ? "," : "[", tf_status_name((uint8_t)s));
    tf_buf_addc(out, ']');
}

static tf_err add_data(const tf_recalled *from, const char *path, tf_buf *out, tf_error *error) {
    cJSON *status = status_json(path, from->reader, error);
    timeline t = {0};
    if (!status)
        return error->code;
    tf_err err = timeline_of(from, &t, error);
    if (err == TF_OK) {
        tf_buf_addc(out, '{');
        add_text(out, "taskfarm", TASKFARM_VERSION);
        add_text(out, "name", tf_reader_text(from->reader, "name"));
        add_text(out, "created", tf_reader_text(from->reader, "created"));
        const char *written = tf_reader_text(from->reader, "manifest_text"); /* which outputs of before lack */
        add_text(out, "manifest", *written ? written : tf_reader_text(from->reader, "manifest"));
        add_key(out, "seed");
        tf_buf_addf(out, "\"%" PRIu64 "\"", tf_reader_seed(from->reader));
        add_failures(from, status, out);
        add_json(out, "runs", cJSON_DetachItemFromObjectCaseSensitive(status, "runs"));
        add_stages(from, &t, out);
        add_slowest(from, &t, out);
        add_time(&t, out);
        add_histograms(from, true, "spent", out);
        add_histograms(from, false, "values", out);
        add_edges(from, out);
        err = add_reductions(from, out, error);
        add_statuses(out);
        drop_reductions(status);
        add_json(out, "status", status);
        tf_buf_addc(out, '}');
        status = NULL;
    }
    cJSON_Delete(status);
    timeline_free(&t);
    return err;
}

/* In a page a text must not end the script that it is in. */
static void print_data(FILE *out, const tf_buf *data) {
    for (size_t i = 0, plain; i < data->length; i += plain + 1) {
        plain = strcspn(data->data + i, "<");
        tf_print_bytes(out, data->data + i, plain);
        if (i + plain < data->length)
            tf_print_bytes(out, "\\u003c", 6);
    }
}

tf_err export_page(FILE *out, const tf_recalled *from, const tf_export_options *options, tf_error *error) {
    static const char here[] = "@DATA@";
    tf_buf data = {0};
    tf_err err = add_data(from, options->path, &data, error);
    if (err == TF_OK) {
        const char *place = strstr(report_page, here);
        tf_print_bytes(out, report_page, (size_t)(place - report_page));
        print_data(out, &data);
        place += sizeof here - 1;
        tf_print_bytes(out, place, strlen(place));
        if (fflush(out) != 0 || ferror(out))
            err = tf_error_set_as(error, TF_ERR_RUN, tf_diag_of_write(errno), "can't be written: %s", strerror(errno));
    }
    tf_buf_free(&data);
    return err;
}
