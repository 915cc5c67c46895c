/* The statistics of one value, group by group. Each pass over the rows finds what the next one needs: counts and
 * extremes, then sums, then what kinds of statistics look for themselves. */
#include "reduce/statistics.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const statistic *find_kind(const char *name) {
    for (const statistic *const *kind = reduce_statistics(); *kind; kind++)
        if (strcmp((*kind)->name, name) == 0)
            return *kind;
    assert(false); /* a kind that manifests know and reductions do not */
    return NULL;
}

static cell_facts find_needs(const stats *s) {
    const tf_reduce_spec *spec = s->r->spec;
    cell_facts most = FACTS_EXTREMES;
    for (int k = 0; k < spec->stats; k++) {
        const cell_facts needs = find_kind(spec->stat[k].kind)->needs;
        if (spec->stat[k].value == s->value && needs > most)
            most = needs;
    }
    return most;
}

/* The statistics of a kind that are asked for of this value. */
static int list_requests(const stats *s, const char *kind, reduce_result *result, stats_request *request) {
    const tf_reduce_spec *spec = s->r->spec;
    int count = 0;
    for (int k = 0; k < spec->stats; k++)
        if (spec->stat[k].value == s->value && strcmp(spec->stat[k].kind, kind) == 0)
            request[count++] = (stats_request){&spec->stat[k], &result[k]};
    return count;
}

static double *make_numbers(const stats *s, const statistic *kind) {
    double *numbers = tf_alloc_array((size_t)s->cells, sizeof *numbers);
    for (int64_t c = 0; c < s->cells; c++)
        numbers[c] = kind->number(s, c);
    return numbers;
}

static int64_t *make_integers(const stats *s, const statistic *kind) {
    int64_t *integers = tf_alloc_array((size_t)s->cells, sizeof *integers);
    for (int64_t c = 0; c < s->cells; c++)
        integers[c] = kind->integer(s, c);
    return integers;
}

static tf_err make_statistic(stats *s, const statistic *kind, const stats_request *request) {
    if (kind->make)
        return kind->make(s, request);
    if (kind->number)
        request->result->numbers = make_numbers(s, kind);
    else
        request->result->integers = make_integers(s, kind);
    return TF_OK;
}

static tf_err make_kind(stats *s, const statistic *kind, const stats_request *request, int count) {
    tf_err err = TF_OK;
    if (count > 0 && kind->make_all)
        return kind->make_all(s, request, count);
    for (int k = 0; k < count && err == TF_OK; k++)
        err = make_statistic(s, kind, &request[k]);
    return err;
}

static tf_err make_all(stats *s, reduce_result *result) {
    const cell_facts needs = find_needs(s);
    stats_request *request = tf_alloc_array((size_t)s->r->spec->stats, sizeof *request);
    tf_err err = stats_find_extremes(s);
    if (err == TF_OK && needs >= FACTS_SUMS)
        err = stats_sum_up(s, needs >= FACTS_SQUARES);
    for (const statistic *const *kind = reduce_statistics(); *kind && err == TF_OK; kind++)
        err = make_kind(s, *kind, request, list_requests(s, (*kind)->name, result, request));
    free(request);
    return err;
}

tf_err reduce_value(reducing *r, int value, reduce_result *result) {
    stats s = {.r = r, .value = value, .elements = reduce_elements(r, value)};
    s.cells = r->groups * s.elements;
    size_t n = (size_t)s.cells;
    s.count = tf_alloc_array(n, sizeof *s.count);
    s.missing = tf_alloc_array(n, sizeof *s.missing);
    s.below = tf_alloc_array(n, sizeof *s.below);
    s.above = tf_alloc_array(n, sizeof *s.above);
    s.lowest = tf_alloc_array(n, sizeof *s.lowest);
    s.highest = tf_alloc_array(n, sizeof *s.highest);
    s.argmin = tf_alloc_array(n, sizeof *s.argmin);
    s.argmax = tf_alloc_array(n, sizeof *s.argmax);
    s.first = tf_alloc_array(n, sizeof *s.first);
    s.first_number = tf_alloc_array(n, sizeof *s.first_number);
    tf_err err = make_all(&s, result);
    stats_free_sums(&s);
    void *all[] = {s.count,   s.missing, s.below,  s.above, s.lowest,
                   s.highest, s.argmin,  s.argmax, s.first, s.first_number};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    return err;
}
