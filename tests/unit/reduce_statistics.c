/* Statistics against plain models: numbers in memory take the place of a stage's rows. (Several ranks, and rows of a
 * file: tests/run/27_reductions.py.) */
#include <math.h>
#include <stdlib.h>

#include "fixture.h"
#include "manifest/statistic.h"
#include "reduce/statistics.h"

/* ---- Rows ---- */

enum { ELEMENTS = 2, PIECE = 1000 };

/* What reduce_each goes through. */
static struct {
    int64_t count;
    uint32_t *group;
    double *number;       /* rows x elements */
    const int64_t *exact; /* likewise; NULL: numbers are */
    int passes;
} rows;

tf_err reduce_each(reducing *r, int value, reduce_visit *visit, void *context) {
    const int64_t elements = reduce_elements(r, value);
    rows.passes++;
    for (int64_t first = 0; first < rows.count; first += PIECE)
        visit(context, &(reduce_piece){.first = first,
                                       .count = rows.count - first < PIECE ? rows.count - first : PIECE,
                                       .group = rows.group + first,
                                       .numbers = rows.number + first * elements,
                                       .exact = rows.exact ? rows.exact + first * elements : NULL});
    return TF_OK;
}

static void fill_rows(int64_t count, uint32_t groups, double (*number)(tf_rng *random)) {
    tf_rng random = tf_rng_seeded(7);
    rows.count = count;
    rows.exact = NULL;
    rows.passes = 0;
    rows.group = tf_alloc_array((size_t)count, sizeof *rows.group);
    rows.number = tf_alloc_array((size_t)count * ELEMENTS, sizeof *rows.number);
    for (int64_t i = 0; i < count; i++) {
        const uint32_t group = (uint32_t)tf_rng_below(&random, groups + 1);
        rows.group[i] = group < groups ? group : NO_GROUP;
        for (int e = 0; e < ELEMENTS; e++)
            rows.number[i * ELEMENTS + e] = number(&random);
    }
}

static void free_rows(void) {
    free(rows.group);
    free(rows.number);
}

/* ---- What is worked out of them ---- */

/* A reduction of column x, which has two elements, by these statistics. */
typedef struct worked_out {
    tf_campaign *campaign;
    tf_store store;
    reducing reducing;
    reduce_result *result;
} worked_out;

static void work_out_in(worked_out *w, const char *statistics, int64_t groups, int64_t memory) {
    tf_buf manifest = {0};
    tf_buf_addf(&manifest,
                "{\"run\": {\"command\": \"true\"}, \"results\": {\"x\": {\"type\": \"float64\", \"shape\": [%d]}}, "
                "\"reduce\": {\"r\": {\"columns\": {\"x\": [%s]}}}}",
                ELEMENTS, statistics);
    *w = (worked_out){.campaign = fixture_load(tf_buf_text(&manifest), NULL)};
    tf_buf_free(&manifest);
    const tf_reduce_spec *spec = &w->campaign->stage[0].reduction[0];
    w->store = (tf_store){.campaign = w->campaign, .team = tf_team_alone()};
    w->reducing = (reducing){.store = &w->store, .spec = spec, .groups = groups, .memory = memory};
    w->result = tf_alloc_array((size_t)spec->stats, sizeof *w->result);
    cr_assert_eq(reduce_value(&w->reducing, 0, w->result), TF_OK);
}

static void work_out(worked_out *w, const char *statistics, int64_t groups) {
    work_out_in(w, statistics, groups, 0);
}

static void forget(worked_out *w) {
    for (int k = 0; k < w->reducing.spec->stats; k++) {
        free(w->result[k].numbers);
        free(w->result[k].integers);
        free(w->result[k].rows);
        free(w->result[k].edges);
    }
    free(w->result);
    tf_campaign_free(w->campaign);
}

/* ---- The model: the numbers of one cell, sorted ---- */

typedef struct sample {
    double x;
    int64_t row;
} sample;

typedef struct samples {
    sample *by_value;
    int64_t count, missing;
    double first;
} samples;

static int compare(const void *a, const void *b) {
    const sample *x = a, *y = b;
    return x->x < y->x ? -1 : x->x > y->x ? 1 : (x->row > y->row) - (x->row < y->row);
}

static samples collect(uint32_t group, int element) {
    samples s = {.by_value = tf_alloc_array((size_t)rows.count, sizeof *s.by_value), .first = NAN};
    for (int64_t i = 0; i < rows.count; i++) {
        const double x = rows.number[i * ELEMENTS + element];
        if (rows.group[i] != group)
            continue;
        if (isnan(x)) {
            s.missing++;
            continue;
        }
        s.first = s.count == 0 ? x : s.first;
        s.by_value[s.count++] = (sample){x, i};
    }
    qsort(s.by_value, (size_t)s.count, sizeof *s.by_value, compare);
    return s;
}

static double quantile(const samples *s, double q) {
    const double place = (double)(s->count - 1) * q;
    const int64_t low = (int64_t)place, high = low + 1 < s->count ? low + 1 : low;
    const double part = place - (double)low;
    return s->by_value[low].x * (1 - part) + s->by_value[high].x * part;
}

static double median_deviation(const samples *s) {
    samples deviations = {.by_value = tf_alloc_array((size_t)s->count, sizeof(sample)), .count = s->count};
    for (int64_t i = 0; i < s->count; i++)
        deviations.by_value[i] = (sample){fabs(s->by_value[i].x - quantile(s, 0.5)), i};
    qsort(deviations.by_value, (size_t)s->count, sizeof(sample), compare);
    const double median = quantile(&deviations, 0.5);
    free(deviations.by_value);
    return median;
}

static int64_t count_different(const samples *s) {
    int64_t count = s->count > 0;
    for (int64_t i = 1; i < s->count; i++)
        count += s->by_value[i].x != s->by_value[i - 1].x;
    return count;
}

/* Integers: sums of them, and halves of them, are exact however they are made. */
static double some_integer(tf_rng *random) {
    const uint64_t n = tf_rng_below(random, 101);
    return n == 100 ? NAN : (double)n - 50;
}

static void expect_number(double found, double expected, const char *what, int64_t cell) {
    const double near = 1e-12 * fabs(expected);
    cr_expect(fabs(found - expected) <= near, "%s of cell %lld is %.17g, expected %.17g", what, (long long)cell, found,
              expected);
}

static void expect_integer(int64_t found, int64_t expected, const char *what, int64_t cell) {
    cr_expect_eq(found, expected, "%s of cell %lld is %lld, expected %lld", what, (long long)cell, (long long)found,
                 (long long)expected);
}

Test(statistics, are_those_of_sorted_numbers) {
    enum { GROUPS = 5, TOP = 4, BINS = 10 };
    worked_out w;
    fill_rows(5500, GROUPS, some_integer);
    work_out(&w,
             "\"topk:4\", \"mad\", \"count\", \"missing\", \"sum\", \"mean\", \"var\", \"min\", \"max\", \"argmin\", "
             "\"argmax\", \"first\", \"median\", \"quantile:0.25\", \"histogram:10\", \"nunique\"",
             GROUPS);
    const reduce_result *r = w.result;
    for (int64_t c = 0; c < GROUPS * ELEMENTS; c++) {
        samples s = collect((uint32_t)(c / ELEMENTS), (int)(c % ELEMENTS));
        double sum = 0, squares = 0;
        int64_t bin[BINS] = {0}, last = s.count - 1;
        for (int64_t i = 0; i < s.count; i++) {
            const int64_t b = (int64_t)((s.by_value[i].x + 50) / 9.9);
            sum += s.by_value[i].x;
            squares += s.by_value[i].x * s.by_value[i].x;
            bin[b < BINS ? b : BINS - 1]++;
        }
        const double n = (double)s.count;
        expect_number(r[1].numbers[c], median_deviation(&s), "mad", c);
        expect_integer(r[2].integers[c], s.count, "count", c);
        expect_integer(r[3].integers[c], s.missing, "missing", c);
        expect_number(r[4].numbers[c], sum, "sum", c);
        expect_number(r[5].numbers[c], sum / n, "mean", c);
        expect_number(r[6].numbers[c], (squares - sum * sum / n) / (n - 1), "var", c);
        expect_number(r[7].numbers[c], s.by_value[0].x, "min", c);
        expect_number(r[8].numbers[c], s.by_value[last].x, "max", c);
        expect_integer(r[9].integers[c], s.by_value[0].row, "argmin", c);
        expect_number(rows.number[r[10].integers[c] * ELEMENTS + c % ELEMENTS], s.by_value[last].x, "x[argmax]", c);
        expect_number(r[11].numbers[c], s.first, "first", c);
        expect_number(r[12].numbers[c], quantile(&s, 0.5), "median", c);
        expect_number(r[13].numbers[c], quantile(&s, 0.25), "quantile:0.25", c);
        for (int k = 0; k < TOP; k++)
            expect_number(r[0].numbers[c * TOP + k], s.by_value[last - k].x, "topk:4", c);
        expect_integer(r[0].rows[c * TOP], r[10].integers[c], "the row of topk:4", c);
        for (int b = 0; b < BINS; b++)
            expect_integer(r[14].integers[c * BINS + b], bin[b], "a bin of histogram:10", c);
        expect_integer(r[15].integers[c], count_different(&s), "nunique", c);
        free(s.by_value);
    }
    forget(&w);
    free_rows();
}

/* ---- Different numbers ---- */

static double some_number(tf_rng *random) {
    const uint64_t n = tf_rng_below(random, 100);
    return n == 0 ? NAN : n < 10 ? (double)n : tf_rng_double(random);
}

static double some_large_integer(tf_rng *random) {
    return 0x1p60 + (double)tf_rng_below(random, 2) * 0x1p10;
}

/* `memory`: bytes in which they are kept, see reducing.memory. */
static int count_passes(int64_t count, uint32_t groups, int64_t memory) {
    worked_out w;
    fill_rows(count, groups, some_number);
    work_out_in(&w, "\"nunique\"", groups, memory);
    for (int64_t c = 0; c < (int64_t)groups * ELEMENTS; c++) {
        samples s = collect((uint32_t)(c / ELEMENTS), (int)(c % ELEMENTS));
        expect_integer(w.result[0].integers[c], count_different(&s), "nunique", c);
        free(s.by_value);
    }
    forget(&w);
    free_rows();
    return rows.passes - 1; /* the other one finds extremes */
}

Test(unique, are_counted_in_one_pass_as_a_rule) {
    cr_expect_eq(count_passes(2600000, 3, 0), 1); /* some 4 million of them */
}

/* Where there are more of them than are kept at a time, a pass over the rows counts a part: as many as there is room
 * for, but for the first. */
Test(unique, are_counted_in_as_many_passes_as_it_takes) {
    enum { SLOT = 12, SLOTS = 1 << 12, KEPT = SLOTS / 4 * 3, ROWS = 30000, GROUPS = 3 };
    const int different = ROWS * ELEMENTS * 9 / 10 * GROUPS / (GROUPS + 1);
    const int passes = count_passes(ROWS, GROUPS, (int64_t)SLOTS * SLOT);
    cr_expect_geq(passes, different / KEPT, "%d", passes);
    cr_expect_leq(passes, different / KEPT * 16 / 15 + 3, "%d", passes);
}

Test(unique, are_counted_in_the_smallest_table) {
    enum { ROWS = 200, GROUPS = 3 };
    cr_expect_gt(count_passes(ROWS, GROUPS, 1), ROWS / 3);
}

/* The free slot's key is a number's key as well. */
Test(unique, count_the_number_whose_key_is_zero) {
    enum { COUNT = 10 };
    worked_out w;
    fill_rows(COUNT, 1, some_large_integer);
    int64_t exact[COUNT * ELEMENTS];
    for (int i = 0; i < COUNT * ELEMENTS; i++) {
        rows.group[i / ELEMENTS] = 0;
        exact[i] =
            i / ELEMENTS % 4 - (int64_t)((uint64_t)(i % ELEMENTS) * UINT64_C(0x9e3779b97f4a7c15)); /* of cell 1 */
    }
    rows.exact = exact;
    work_out(&w, "\"nunique\"", 1);
    for (int64_t c = 0; c < ELEMENTS; c++)
        expect_integer(w.result[0].integers[c], 4, "nunique", c);
    forget(&w);
    free_rows();
}

/* Numbers are the nearest doubles: of 2^60 + 0, 1, 2 and 3 they are the same. */
Test(unique, tells_large_integers_apart) {
    enum { COUNT = 4000 };
    worked_out w;
    fill_rows(COUNT, 1, some_large_integer);
    int64_t *exact = tf_alloc_array((size_t)COUNT * ELEMENTS, sizeof *exact);
    for (int64_t i = 0; i < (int64_t)COUNT * ELEMENTS; i++)
        exact[i] = (int64_t)rows.number[i] + i / ELEMENTS % 4;
    rows.exact = exact;
    work_out(&w, "\"nunique\"", 1);
    for (int64_t c = 0; c < ELEMENTS; c++)
        expect_integer(w.result[0].integers[c], 8, "nunique", c);
    forget(&w);
    free_rows();
    free(exact);
}

static double some_zero(tf_rng *random) {
    return tf_rng_below(random, 2) ? 0.0 : -0.0;
}

Test(unique, takes_zeros_for_the_same) {
    worked_out w;
    fill_rows(100, 1, some_zero);
    work_out(&w, "\"nunique\"", 1);
    expect_integer(w.result[0].integers[0], 1, "nunique", 0);
    forget(&w);
    free_rows();
}

/* ---- The two tables of kinds ---- */

static int count_rows(const char *name) {
    int count = 0;
    for (const statistic *const *kind = reduce_statistics(); *kind; kind++)
        count += strcmp((*kind)->name, name) == 0;
    return count;
}

Test(statistics, that_manifests_know_are_made) {
    for (const statistic_kind *kind = statistic_kinds(); kind->name; kind++)
        cr_expect_eq(count_rows(kind->made_as ? kind->made_as : kind->name), 1, "%s", kind->name);
}

Test(statistics, are_made_in_one_way) {
    for (const statistic *const *kind = reduce_statistics(); *kind; kind++)
        cr_expect_eq(!(*kind)->number + !(*kind)->integer + !(*kind)->make + !(*kind)->make_all, 3, "%s",
                     (*kind)->name);
}
