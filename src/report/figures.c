/* Counting for the report (see figures.h): columns are gone through in pieces, twice where it takes the range of their
 * values first. */
#include "report/figures.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PIECE_BYTES = 1 << 20, MOST_LANES_KNOWN = 1 << 26 /* slots of all ranks */ };

static bool has_ended(uint8_t status) {
    return status == TF_STATUS_DONE || tf_status_has_failed(status);
}

/* ---- Histograms ---- */

/* Numbers of some tasks, element behind element. */
typedef void add_numbers(histogram *h, const double *x, int64_t count);

static tf_err each_number(view *v, int field, bool ended, add_numbers *add, histogram *h, tf_error *error) {
    const tf_field *f = view_field(v, field);
    const int64_t tasks = view_tasks(v), most = PIECE_BYTES / 8 / f->elements + 1;
    view_values values = {0}, status = {0};
    double *x = tf_alloc_array((size_t)(most * f->elements), sizeof *x);
    tf_err err = TF_OK;
    for (int64_t first = 0; first < tasks && err == TF_OK; first += most) {
        const int64_t count = tasks - first < most ? tasks - first : most;
        err = view_read(v, view_record(v, "status"), first, count, &status, error);
        if (err == TF_OK)
            err = view_read(v, field, first, count, &values, error);
        if (err != TF_OK)
            break;
        tf_load_doubles(f->type, values.numbers, 0, count * f->elements, x);
        const uint8_t *is = status.numbers;
        int64_t kept = 0;
        for (int64_t i = 0; i < count; i++)
            if (is[i] == TF_STATUS_DONE || (ended && has_ended(is[i])))
                memmove(x + kept++ * f->elements, x + i * f->elements, (size_t)f->elements * sizeof *x);
        add(h, x, kept * f->elements);
    }
    view_values_free(&values);
    view_values_free(&status);
    free(x);
    return err;
}

static void widen_range(histogram *h, const double *x, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        if (!isfinite(x[i])) {
            h->missing++;
            continue;
        }
        h->low = h->count == 0 || x[i] < h->low ? x[i] : h->low;
        h->high = h->count == 0 || x[i] > h->high ? x[i] : h->high;
        h->sum += x[i];
        h->count++;
    }
}

static void count_in_bins(histogram *h, const double *x, int64_t count) {
    const double low = h->log ? log(h->low) : h->low, high = h->log ? log(h->high) : h->high;
    const double scale = high > low ? FIGURE_BINS / (high - low) : 0;
    for (int64_t i = 0; i < count; i++) {
        if (!isfinite(x[i]))
            continue;
        const double y = fmin(fmax(x[i], h->low), h->high); /* a run may have added some */
        const int bin = (int)(((h->log ? log(y) : y) - low) * scale);
        h->bin[bin < FIGURE_BINS ? bin : FIGURE_BINS - 1]++;
    }
}

bool histogram_of(view *v, int field, bool ended, histogram *out, tf_error *error) {
    const char *unit = out->unit;
    const bool may_be_log = out->log;
    *out = (histogram){.name = view_field(v, field)->name, .unit = unit};
    if (each_number(v, field, ended, widen_range, out, error) != TF_OK || out->count == 0)
        return false;
    out->log = may_be_log && out->low > 0 && out->high > 30 * out->low;
    return each_number(v, field, ended, count_in_bins, out, error) == TF_OK;
}

/* ---- Time ---- */

/* The runs of a campaign, between which nothing happened: when each began, and where it is on the axis. */
typedef struct run_window {
    double begin;       /* s since 1970-01-01 */
    double first, last; /* when its first task began and its last one ended */
    double offset;
} run_window;

typedef struct clockwork {
    int windows;
    run_window *window;
    int workers, slots; /* one more than the highest number of each */
    int *lane;          /* by worker and slot: the lane; -1: none */
    timeline *t;
    double width;       /* s of a bin */
    int64_t slots_each; /* slots of a task of the stage that is counted */
    float *best;        /* per cell: the share of the stage that has most of it */
    float *now;         /* per cell: the share of the stage that is counted */
    on_bar *visit_bar;  /* for each_bar: called with each task */
    void *context;
} clockwork;

static void find_windows(const tf_recalled *from, clockwork *c) {
    cJSON *runs = cJSON_Parse(tf_reader_text(from->reader, "runs"));
    c->window = tf_alloc_array((size_t)cJSON_GetArraySize(runs) + 1, sizeof *c->window);
    for (const cJSON *run = runs ? runs->child : NULL; run; run = run->next) {
        const cJSON *slots = cJSON_GetObjectItemCaseSensitive(run, "slots");
        c->window[c->windows++] =
            (run_window){.begin = tf_utc_parse(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(run, "start"))),
                         .first = INFINITY};
        if (cJSON_IsNumber(slots) && slots->valuedouble > (double)c->t->slots)
            c->t->slots = (int64_t)slots->valuedouble;
    }
    if (c->windows == 0)
        c->window[c->windows++] = (run_window){.first = INFINITY};
    cJSON_Delete(runs);
}

static run_window *window_of(const clockwork *c, double start) {
    int w = c->windows - 1;
    while (w > 0 && start < c->window[w].begin)
        w--;
    return &c->window[w];
}

/* What is recorded of some tasks. */
typedef struct records {
    view_values status, worker, slot, start, duration;
} records;

typedef void on_task(clockwork *c, int stage, int64_t index, const records *r, int64_t row);

static const char *const record_names[] = {"status", "worker", "slot", "start", "duration"};

enum { RECORDS = sizeof record_names / sizeof *record_names };

static bool has_times(const view *v) {
    bool all = true;
    for (int i = 0; i < RECORDS; i++)
        all = all && view_record(v, record_names[i]) >= 0;
    return all;
}

/* It ended, and is known to have been run, at a time and in a place that there can be: the record may be damaged. */
static bool is_plausible(const records *r, int64_t row) {
    enum { MOST_PLACES = 1 << 24 };
    const double longest = 1e11; /* s: 3000 years */
    const double start = ((const double *)r->start.numbers)[row], duration = ((const double *)r->duration.numbers)[row];
    const int worker = ((const int32_t *)r->worker.numbers)[row], slot = ((const int32_t *)r->slot.numbers)[row];
    return has_ended(((const uint8_t *)r->status.numbers)[row]) && start > 0 && start < longest && duration >= 0 &&
           duration < longest && worker >= 0 && worker < MOST_PLACES && slot >= 0 && slot < MOST_PLACES;
}

/* Tasks that ended and are known to have been run. */
static tf_err each_task(const tf_recalled *from, int stage, on_task *visit, clockwork *c, tf_error *error) {
    enum { PIECE = PIECE_BYTES / 8 };
    view *v = view_new(from, stage);
    records r = {0};
    view_values *const values[] = {&r.status, &r.worker, &r.slot, &r.start, &r.duration};
    const int64_t tasks = has_times(v) ? view_tasks(v) : 0;
    tf_err err = TF_OK;
    for (int64_t first = 0; first < tasks && err == TF_OK; first += PIECE) {
        const int64_t count = tasks - first < PIECE ? tasks - first : PIECE;
        for (int i = 0; i < RECORDS && err == TF_OK; i++)
            err = view_read(v, view_record(v, record_names[i]), first, count, values[i], error);
        for (int64_t i = 0; i < count && err == TF_OK; i++)
            if (is_plausible(&r, i))
                visit(c, stage, first + i, &r, i);
    }
    for (int i = 0; i < RECORDS; i++)
        view_values_free(values[i]);
    view_free(v);
    return err;
}

static void measure_task(clockwork *c, int stage, int64_t index, const records *r, int64_t row) {
    (void)stage, (void)index;
    const double start = ((const double *)r->start.numbers)[row];
    const double end = start + ((const double *)r->duration.numbers)[row];
    const int worker = ((const int32_t *)r->worker.numbers)[row], slot = ((const int32_t *)r->slot.numbers)[row];
    run_window *w = window_of(c, start);
    w->first = start < w->first ? start : w->first;
    w->last = end > w->last ? end : w->last;
    c->workers = worker >= c->workers ? worker + 1 : c->workers;
    c->slots = slot >= c->slots ? slot + 1 : c->slots;
    c->t->tasks++;
}

/* NULL: a task that a run has added since. */
static int *lane_of(const clockwork *c, const records *r, int64_t row) {
    const int worker = ((const int32_t *)r->worker.numbers)[row], slot = ((const int32_t *)r->slot.numbers)[row];
    const bool known = worker >= 0 && worker < c->workers && slot >= 0 && slot < c->slots;
    return known ? &c->lane[worker * c->slots + slot] : NULL;
}

static void mark_lane(clockwork *c, int stage, int64_t index, const records *r, int64_t row) {
    (void)stage, (void)index;
    int *lane = lane_of(c, r, row);
    if (lane)
        *lane = 1;
}

/* Runs side by side on the axis, and slots that were used on lanes. */
static void lay_out_lanes(clockwork *c) {
    timeline *t = c->t;
    for (int w = 0; w < c->windows; w++) {
        c->window[w].offset = t->seconds;
        if (isfinite(c->window[w].first))
            t->seconds += c->window[w].last - c->window[w].first;
    }
    const int places = c->workers * c->slots;
    int64_t known = 0;
    for (int i = 0; i < places; i++)
        known += c->lane[i];
    t->slots = known > t->slots ? known : t->slots;
    t->per_lane = (int)((known + MOST_LANES - 1) / MOST_LANES);
    t->per_lane = t->per_lane ? t->per_lane : 1;
    t->worker = tf_alloc_array((size_t)known, sizeof *t->worker);
    t->slot = tf_alloc_array((size_t)known, sizeof *t->slot);
    int used = 0;
    for (int i = 0; i < places; i++) {
        if (!c->lane[i]) {
            c->lane[i] = -1;
            continue;
        }
        if (used % t->per_lane == 0) {
            t->worker[t->lanes] = i / c->slots;
            t->slot[t->lanes++] = i % c->slots;
        }
        c->lane[i] = used++ / t->per_lane;
    }
    c->width = t->seconds > 0 ? t->seconds / TIME_BINS : 1;
}

/* A task on the axis; false: a run has added it since. */
static bool place_task(const clockwork *c, int stage, int64_t index, const records *r, int64_t row, bar *out) {
    const double started = ((const double *)r->start.numbers)[row];
    const run_window *w = window_of(c, started);
    const int *lane = lane_of(c, r, row);
    *out = (bar){.lane = lane ? *lane : -1, .stage = stage, .index = index};
    out->status = ((const uint8_t *)r->status.numbers)[row];
    out->start = started - w->first + w->offset;
    out->end = fmin(out->start + ((const double *)r->duration.numbers)[row], c->t->seconds);
    return out->lane >= 0 && out->start >= 0 && out->start <= out->end;
}

static void rank_slow(timeline *t, const bar *b) {
    int at = t->slow;
    while (at > 0 && t->slowest[at - 1].end - t->slowest[at - 1].start < b->end - b->start)
        at--;
    if (at == MOST_SLOW)
        return;
    if (t->slow < MOST_SLOW)
        t->slow++;
    memmove(&t->slowest[at + 1], &t->slowest[at], (size_t)(t->slow - 1 - at) * sizeof *t->slowest);
    t->slowest[at] = *b;
}

static void add_bar(clockwork *c, int stage, int64_t index, const records *r, int64_t row) {
    timeline *t = c->t;
    bar b;
    if (!place_task(c, stage, index, r, row, &b))
        return;
    if (t->bar && t->bars < t->tasks)
        t->bar[t->bars++] = b;
    rank_slow(t, &b);
    t->spent[stage].tasks++;
    t->spent[stage].seconds += b.end - b.start;
    const int last = (int)(b.end / c->width) < TIME_BINS ? (int)(b.end / c->width) : TIME_BINS - 1;
    for (int bin = (int)(b.start / c->width); bin <= last; bin++) {
        const double from = fmax(b.start, bin * c->width), to = fmin(b.end, (bin + 1) * c->width);
        const int cell = b.lane * TIME_BINS + bin;
        if (to > from)
            c->now[cell] += (float)((to - from) / c->width);
        if (tf_status_has_failed(b.status))
            t->kind[cell] |= FAILED_BIT;
    }
}

static void tell_bar(clockwork *c, int stage, int64_t index, const records *r, int64_t row) {
    bar b;
    if (place_task(c, stage, index, r, row, &b))
        c->visit_bar(c->context, &b, ((const int32_t *)r->worker.numbers)[row],
                     ((const int32_t *)r->slot.numbers)[row]);
}

/* The stage's share of each cell is known: the larger one gives its colour. */
static void add_stage(clockwork *c, int stage) {
    timeline *t = c->t;
    for (int cell = 0; cell < t->lanes * TIME_BINS; cell++) {
        t->busy[cell] += c->now[cell];
        t->use[stage * TIME_BINS + cell % TIME_BINS] += (float)c->slots_each * c->now[cell];
        if (c->now[cell] > c->best[cell]) {
            c->best[cell] = c->now[cell];
            t->kind[cell] = (uint8_t)((t->kind[cell] & FAILED_BIT) | (stage % FAILED_BIT));
        }
    }
    memset(c->now, 0, (size_t)(t->lanes * TIME_BINS) * sizeof *c->now);
}

static tf_err each_stage(const tf_recalled *from, on_task *visit, clockwork *c, bool adds, tf_error *error) {
    tf_err err = TF_OK;
    for (int s = 0; s < c->t->stages && err == TF_OK; s++) {
        const tf_stage_spec *spec = tf_recalled_stage(from, s);
        c->slots_each = spec ? tf_resources_slots(&spec->need) : 1;
        err = each_task(from, s, visit, c, error);
        if (err == TF_OK && adds)
            add_stage(c, s);
    }
    return err;
}

/* When tasks ran, and on what. */
static tf_err survey_time(const tf_recalled *from, clockwork *c, tf_error *error) {
    c->t->stages = tf_reader_stages(from->reader);
    find_windows(from, c);
    tf_err err = each_stage(from, measure_task, c, false, error);
    if (err == TF_OK && (int64_t)c->workers * c->slots > MOST_LANES_KNOWN)
        return tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_OUTPUT_DAMAGED,
                               "the output is damaged: its tasks ran on %d ranks with %d slots", c->workers, c->slots);
    c->lane = tf_alloc_array((size_t)c->workers * (size_t)c->slots, sizeof *c->lane);
    if (err == TF_OK)
        err = each_stage(from, mark_lane, c, false, error);
    if (err == TF_OK)
        lay_out_lanes(c);
    return err;
}

tf_err timeline_of(const tf_recalled *from, timeline *out, tf_error *error) {
    clockwork c = {.t = out};
    *out = (timeline){0};
    tf_err err = survey_time(from, &c, error);
    if (err == TF_OK) {
        const size_t cells = (size_t)out->lanes * TIME_BINS;
        if (out->tasks <= MOST_BARS)
            out->bar = tf_alloc_array((size_t)out->tasks, sizeof *out->bar);
        out->busy = tf_alloc_array(cells, sizeof *out->busy);
        out->kind = tf_alloc_array(cells, sizeof *out->kind);
        out->use = tf_alloc_array((size_t)out->stages * TIME_BINS, sizeof *out->use);
        out->spent = tf_alloc_array((size_t)out->stages, sizeof *out->spent);
        c.best = tf_alloc_array(cells, sizeof *c.best);
        c.now = tf_alloc_array(cells, sizeof *c.now);
        err = each_stage(from, add_bar, &c, true, error);
    }
    free(c.window);
    free(c.lane);
    free(c.best);
    free(c.now);
    return err;
}

tf_err each_bar(const tf_recalled *from, on_worker *visit_worker, on_bar *visit_bar, void *context, tf_error *error) {
    timeline t = {0};
    clockwork c = {.t = &t, .visit_bar = visit_bar, .context = context};
    tf_err err = survey_time(from, &c, error);
    for (int w = 0; w < c.workers && err == TF_OK; w++) {
        bool used = false;
        for (int s = 0; s < c.slots; s++)
            used = used || c.lane[w * c.slots + s] >= 0;
        if (used)
            visit_worker(context, w);
    }
    if (err == TF_OK)
        err = each_stage(from, tell_bar, &c, false, error);
    free(c.window);
    free(c.lane);
    timeline_free(&t);
    return err;
}

void timeline_free(timeline *t) {
    free(t->worker);
    free(t->slot);
    free(t->bar);
    free(t->busy);
    free(t->kind);
    free(t->use);
    free(t->spent);
    *t = (timeline){0};
}
