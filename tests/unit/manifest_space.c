/* Lazy spaces against expanded ones, and what every kind of axis gives. */
#include "fixture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- Every kind of axis ---- */

static const fixture_file files[] = {
    {"list.txt", "one\n\ntwo\r\nthree"},
    {"raw/a_G_1.fits", ""},
    {"raw/a_R_1.fits", ""},
    {"raw/b_G_2.fits", ""},
    {"raw/other.txt", ""},
    {"stars.csv", "\xEF\xBB\xBFname,mag,n,empty\r\n\"Vega, \"\"the\"\" standard\",0.03,1,\r\nSirius,-1.46,2,3\r\n\r\n"},
    {"cr.csv", "a\n\rx\n\r\n"},
    {"lines.csv", "\"a\nb\",c,d\r\n1,2,\"3\"\r"},
    {"stars.jsonl", "{\"id\": 7, \"ok\": true, \"m\": 1}\n\n{\"m\": null, \"ok\": false, \"id\": 8}\n"},
    {NULL, NULL},
};

static const struct {
    const char *over, *points;
} axes[] = {
    {"{'x': [1, 2]}", "x=1; x=2"},
    {"{'x': [1, 2.5]}", "x=1; x=2.5"},
    {"{'x': ['a', 'b c']}", "x='a'; x='b c'"},
    {"{'x': [true, false]}", "x=true; x=false"},
    {"{'x': {'values': [3]}}", "x=3"},
    {"{'x': {'range': [3]}}", "x=0; x=1; x=2"},
    {"{'x': {'range': [5, 7]}}", "x=5; x=6"},
    {"{'x': {'range': [5, -1, -3]}}", "x=5; x=2"},
    {"{'x': {'range': [0, 1, 0.4]}}", "x=0; x=0.4; x=0.8"},
    {"{'x': {'linspace': [0, 1, 3]}}", "x=0; x=0.5; x=1"},
    {"{'x': {'linspace': [2, 9, 1]}}", "x=2"},
    {"{'x': {'logspace': [1, 100, 3]}}", "x=1; x=10; x=100"},
    {"{'p': {'sobol': {'x': [0, 1], 'y': [1, 16, 'log']}, 'count': 4}}", "x=0 y=1; x=0.5 y=4; x=0.75 y=2; x=0.25 y=8"},
    {"[{'sobol': {'x': [-4, 4]}, 'count': 3}, {'name': 'k', 'range': [2]}]",
     "x=-4 k=0; x=-4 k=1; x=0 k=0; x=0 k=1; x=2 k=0; x=2 k=1"},
    {"{'x': {'glob': 'raw/*_G_*.fits'}}", "x='raw/a_G_1.fits'; x='raw/b_G_2.fits'"},
    {"{'x': {'glob': 'none/*', 'allow_empty': true}}", ""},
    {"[{'files': 'raw/{o}_{f}_{n}.fits'}]", "o='a' f='G' n='1'; o='a' f='R' n='1'; o='b' f='G' n='2'"},
    {"{'p': {'files': 'raw/{o}_{f}_1.fits', 'wildcards': {'f': '[GR]', 'o': '(a|b)'}}}",
     "o='a' f='G' p='raw/a_G_1.fits'; o='a' f='R' p='raw/a_R_1.fits'"},
    {"{'x': {'lines': 'list.txt'}}", "x='one'; x='two'; x='three'"},
    {"[{'rows': [{'a': 1, 'b': 'x'}, {'b': 'y', 'a': 2}]}]", "a=1 b='x'; a=2 b='y'"},
    {"[{'csv': 'stars.csv'}]",
     "name='Vega, \"the\" standard' mag=0.03 n=1 empty=nan; name='Sirius' mag=-1.46 n=2 empty=3"},
    {"[{'csv': 'cr.csv'}]", "a='\rx'"},
    {"[{'csv': 'lines.csv'}]", "a\nb=1 c=2 d='3'"},
    {"[{'jsonl': 'stars.jsonl'}]", "id=7 ok=true m=1; id=8 ok=false m=nan"},
    {"[{'zip': {'a': [1, 2], 'b': ['x', 'y']}}]", "a=1 b='x'; a=2 b='y'"},
    {"[{'concat': [{'a': [1]}, {'a': [2.5, 3]}]}]", "a=1; a=2.5; a=3"},
    {"[{'concat': [{'a': [1], 'b': ['x']}, {'b': ['y'], 'a': [2]}]}]", "a=1 b='x'; a=2 b='y'"},
    {"{'b': {'blocks': {'shape': [5], 'chunk': [2]}}}",
     "b_start=0 b_count=2; b_start=2 b_count=2; b_start=4 b_count=1"},
    {"{'b': {'blocks': {'shape': [3, 2], 'chunk': [2, 2]}}}",
     "b_start_0=0 b_start_1=0 b_count_0=2 b_count_1=2; b_start_0=2 b_start_1=0 b_count_0=1 b_count_1=2"},
    {"{'b': {'blocks': {'shape': [2, 3], 'chunk': [1, 2]}}}",
     "b_start_0=0 b_start_1=0 b_count_0=1 b_count_1=2; b_start_0=0 b_start_1=2 b_count_0=1 b_count_1=1; "
     "b_start_0=1 b_start_1=0 b_count_0=1 b_count_1=2; b_start_0=1 b_start_1=2 b_count_0=1 b_count_1=1"},
    {"{'a': [1, 2], 'b': ['x', 'y']}", "a=1 b='x'; a=1 b='y'; a=2 b='x'; a=2 b='y'"},
    {"[{'name': 'a', 'values': [1, 2]}, {'name': 'b', 'range': [2]}]", "a=1 b=0; a=1 b=1; a=2 b=0; a=2 b=1"},
};

/* JSON with ' for ". */
static char *manifest_over(const char *over) {
    tf_buf text = {0};
    tf_buf_addf(&text, "{\"over\": %s, \"run\": {\"function\": \"builtin:noop\"}}", over);
    for (char *c = text.data; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    return text.data;
}

Test(axis, of_every_kind_gives_its_points) {
    for (size_t i = 0; i < sizeof axes / sizeof *axes; i++) {
        char *manifest = manifest_over(axes[i].over);
        tf_campaign *campaign = fixture_load(manifest, files);
        tf_buf points = {0};
        fixture_points(campaign->stage[0].space, &points);
        cr_expect_str_eq(tf_buf_text(&points), axes[i].points, "%s", axes[i].over);
        tf_buf_free(&points);
        tf_campaign_free(campaign);
        free(manifest);
    }
}

Test(axis, absent_is_one_point_without_parameters) {
    tf_campaign *campaign = fixture_load("{\"run\": {\"function\": \"builtin:noop\"}}", NULL);
    cr_expect_eq(tf_space_size(campaign->stage[0].space), 1);
    cr_expect_eq(tf_space_params(campaign->stage[0].space), 0);
    tf_campaign_free(campaign);
}

Test(axis, of_strings_knows_its_longest) {
    char *manifest = manifest_over("{'x': ['a', 'four', '']}");
    tf_campaign *campaign = fixture_load(manifest, NULL);
    cr_expect_eq(tf_space_param(campaign->stage[0].space, 0)->max_bytes, 4);
    tf_campaign_free(campaign);
    free(manifest);
}

Test(axis, logspace_ends_are_exact) {
    char *manifest = manifest_over("{'x': {'logspace': [0.1, 0.7, 1001]}}");
    tf_campaign *campaign = fixture_load(manifest, NULL);
    double x[1001];
    tf_space_fill(campaign->stage[0].space, 0, 0, 1001, x);
    cr_expect(x[0] == 0.1 && x[1000] == 0.7);
    for (int i = 1; i < 1001; i++)
        cr_assert(x[i] > x[i - 1]);
    tf_campaign_free(campaign);
    free(manifest);
}

/* ---- Random spaces against their expansion ---- */

enum { MOST_PARAMS = 6, MOST_POINTS = 20000 };

/* An expanded space: point x parameter, and the parameters' names (letters). */
typedef struct model {
    int params, points;
    char name[MOST_PARAMS + 1];
    int64_t value[MOST_POINTS][MOST_PARAMS];
} model;

/* Writes a random space as JSON and expands it at the same time. */
typedef struct maker {
    tf_rng rng;
    tf_buf json;
} maker;

static int pick(maker *m, int n) {
    return (int)tf_rng_below(&m->rng, (uint64_t)n);
}

static model *model_new(void) {
    return tf_alloc(sizeof(model));
}

/* out = a x b, b fastest. Frees a and b. */
static model *multiply(model *a, model *b) {
    model *out = model_new();
    out->params = a->params + b->params;
    out->points = a->points * b->points;
    cr_assert(out->params <= MOST_PARAMS && out->points <= MOST_POINTS);
    memcpy(out->name, a->name, (size_t)a->params);
    memcpy(out->name + a->params, b->name, (size_t)b->params);
    for (int i = 0; i < out->points; i++) {
        memcpy(out->value[i], a->value[i / b->points], (size_t)a->params * sizeof(int64_t));
        memcpy(out->value[i] + a->params, b->value[i % b->points], (size_t)b->params * sizeof(int64_t));
    }
    free(a);
    free(b);
    return out;
}

static model *make_leaf(maker *m, int points, char name) {
    model *out = model_new();
    *out = (model){.params = 1, .points = points, .name = {name}};
    int first = pick(m, 100) - 50, step = pick(m, 2) ? 3 : -2;
    bool range = pick(m, 2);
    for (int i = 0; i < points; i++)
        out->value[i][0] = range ? first + i * step : pick(m, 1000);
    tf_buf_addf(&m->json, "{\"name\": \"%c\", ", name);
    if (range)
        tf_buf_addf(&m->json, "\"range\": [%d, %d, %d]}", first, first + points * step, step);
    for (int i = 0; !range && i < points; i++)
        tf_buf_addf(&m->json, "%s%lld%s", i ? ", " : "\"values\": [", (long long)out->value[i][0],
                    i + 1 == points ? "]}" : "");
    return out;
}

/* A list of `count` leaves, multiplied. */
static model *make_leaves(maker *m, int count, char name) {
    tf_buf_adds(&m->json, "[");
    model *out = make_leaf(m, 1 + pick(m, 4), name);
    for (int k = 1; k < count; k++) {
        tf_buf_adds(&m->json, ", ");
        out = multiply(out, make_leaf(m, 1 + pick(m, 4), (char)(name + k)));
    }
    tf_buf_adds(&m->json, "]");
    return out;
}

static model *make_zip(maker *m, char name) {
    int points = 1 + pick(m, 5);
    tf_buf_adds(&m->json, "{\"zip\": [");
    model *out = make_leaf(m, points, name);
    tf_buf_adds(&m->json, ", ");
    model *second = make_leaf(m, points, (char)(name + 1));
    tf_buf_adds(&m->json, "]}");
    out->params = 2;
    out->name[1] = second->name[0];
    for (int i = 0; i < points; i++)
        out->value[i][1] = second->value[i][0];
    free(second);
    return out;
}

static model *make_concat(maker *m, char name) {
    int parts = 1 + pick(m, 3), params = 1 + pick(m, 2);
    tf_buf_adds(&m->json, "{\"concat\": [");
    model *out = make_leaves(m, params, name);
    for (int k = 1; k < parts; k++) {
        tf_buf_adds(&m->json, ", ");
        model *part = make_leaves(m, params, name);
        memcpy(out->value[out->points], part->value, (size_t)part->points * sizeof *part->value);
        out->points += part->points;
        free(part);
    }
    tf_buf_adds(&m->json, "]}");
    return out;
}

static model *make_axis(maker *m, char name) {
    int kind = pick(m, 3);
    return kind == 0 ? make_leaf(m, 1 + pick(m, 8), name) : kind == 1 ? make_zip(m, name) : make_concat(m, name);
}

static model *make_space(maker *m) {
    int axes_count = 1 + pick(m, 3);
    tf_buf_adds(&m->json, "[");
    model *out = make_axis(m, 'a');
    for (int k = 1; k < axes_count; k++) {
        tf_buf_adds(&m->json, ", ");
        out = multiply(out, make_axis(m, (char)('a' + out->params)));
    }
    tf_buf_adds(&m->json, "]");
    return out;
}

Test(space, computes_what_its_expansion_holds) {
    int64_t *got = tf_alloc_array(MOST_POINTS, sizeof *got);
    for (int round = 0; round < 200; round++) {
        maker m = {.rng = tf_rng_start(5, round)};
        tf_buf_adds(&m.json, "{\"run\": {\"function\": \"builtin:noop\"}, \"over\": ");
        model *expanded = make_space(&m);
        tf_buf_adds(&m.json, "}");
        tf_campaign *campaign = fixture_load(tf_buf_text(&m.json), NULL);
        const tf_space *space = campaign->stage[0].space;
        cr_assert_eq(tf_space_size(space), expanded->points, "%s", m.json.data);
        cr_assert_eq(tf_space_params(space), expanded->params);
        for (int p = 0; p < expanded->params; p++) {
            cr_assert_eq(*tf_space_param(space, p)->name, expanded->name[p]);
            for (int window = 0; window < 20; window++) {
                int first = pick(&m, expanded->points), count = pick(&m, expanded->points - first + 1);
                tf_space_fill(space, p, first, count, got);
                for (int i = 0; i < count; i++)
                    cr_assert_eq(got[i], expanded->value[first + i][p], "point %d of %s", first + i, m.json.data);
            }
        }
        tf_campaign_free(campaign);
        tf_buf_free(&m.json);
        free(expanded);
    }
    free(got);
}

Test(space, of_a_thousand_million_million_points_is_a_few_bytes) {
    char *manifest = manifest_over("{'a': {'range': [1000000000]}, 'b': {'linspace': [0, 1, 1000000]}}");
    tf_campaign *campaign = fixture_load(manifest, NULL);
    const tf_space *space = campaign->stage[0].space;
    cr_expect_eq(tf_space_size(space), INT64_C(1000000000000000));
    int64_t a;
    double b;
    tf_space_fill(space, 0, INT64_C(999999999999999), 1, &a);
    tf_space_fill(space, 1, INT64_C(999999999999999), 1, &b);
    cr_expect(a == 999999999 && b == 1);
    tf_campaign_free(campaign);
    free(manifest);
}

enum { SOBOL_DIMENSIONS = 64, SOBOL_BITS = 32 };

/* All the points that there may be, in the unit cube. */
static tf_campaign *load_whole_sobol(void) {
    tf_buf over = {0};
    for (int d = 0; d < SOBOL_DIMENSIONS; d++)
        tf_buf_addf(&over, "%s'd%d': [0, 1]", d ? ", " : "{'p': {'sobol': {", d);
    tf_buf_adds(&over, "}, 'count': 4294967296}}");
    char *manifest = manifest_over(over.data);
    tf_campaign *campaign = fixture_load(manifest, NULL);
    free(manifest);
    tf_buf_free(&over);
    return campaign;
}

/* In every dimension, wherever one begins, and up to the last point that there may be. */
Test(axis, sobol_points_follow_from_their_places) {
    enum { DIMENSIONS = SOBOL_DIMENSIONS, POINTS = 3000, WINDOWS = 20 };
    const int64_t last = INT64_C(4294967295);
    tf_campaign *campaign = load_whole_sobol();
    const tf_space *space = campaign->stage[0].space;
    cr_assert_eq(tf_space_size(space), last + 1);
    maker m = {.rng = tf_rng_start(5, 0)};
    for (int d = 0; d < DIMENSIONS; d++) {
        double whole[POINTS], part[POINTS], end[2];
        tf_space_fill(space, d, 0, POINTS, whole);
        for (int w = 0; w < WINDOWS; w++) {
            const int first = pick(&m, POINTS), count = pick(&m, POINTS - first + 1);
            tf_space_fill(space, d, first, count, part);
            cr_assert_arr_eq(part, whole + first, (size_t)count * sizeof *part);
        }
        tf_space_fill(space, d, last, 1, &end[0]);
        tf_space_fill(space, d, last - POINTS + 1, POINTS, part);
        cr_assert(part[POINTS - 1] == end[0] && end[0] > 0 && end[0] < 1);
    }
    tf_campaign_free(campaign);
}

/* The numbers m of S. Joe and F. Y. Kuo, ACM Trans. Math. Softw. 29 (2003) 49: the two points at a power of two differ
 * by one of them alone. */
static void find_odd_numbers(const tf_space *space, int dimension, uint32_t m[SOBOL_BITS]) {
    for (int k = 0; k < SOBOL_BITS; k++) {
        double pair[2];
        tf_space_fill(space, dimension, (INT64_C(1) << k) - 1, 2, pair);
        m[k] = ((uint32_t)ldexp(pair[0], SOBOL_BITS) ^ (uint32_t)ldexp(pair[1], SOBOL_BITS)) >> (SOBOL_BITS - 1 - k);
    }
}

/* Up to which number does the polynomial make the numbers from those before? */
static int count_made(const uint32_t m[SOBOL_BITS], int degree, uint32_t inner) {
    for (int k = degree; k < SOBOL_BITS; k++) {
        uint32_t next = m[k - degree] << degree ^ m[k - degree];
        for (int j = 1; j < degree; j++)
            next ^= (inner >> (degree - 1 - j) & 1) * (m[k - j] << j);
        if (next != m[k])
            return k;
    }
    return SOBOL_BITS;
}

/* Points beyond those that are compared with scipy's: in each dimension one polynomial makes all numbers, also those
 * that come after them. */
Test(axis, sobol_points_are_right_to_the_last_bit_of_their_places) {
    enum { MOST_DEGREE = 9 };
    tf_campaign *campaign = load_whole_sobol();
    for (int d = 0; d < SOBOL_DIMENSIONS; d++) {
        uint32_t m[SOBOL_BITS];
        int best = 0;
        find_odd_numbers(campaign->stage[0].space, d, m);
        for (int k = 0; k < SOBOL_BITS; k++)
            cr_assert(m[k] % 2 == 1 && m[k] >> k <= 1, "dimension %d, number %d: %u", d, k, m[k]);
        for (int degree = 1; degree <= MOST_DEGREE && d > 0; degree++)
            for (uint32_t inner = 0; inner < UINT32_C(1) << (degree - 1); inner++) {
                const int made = count_made(m, degree, inner);
                best = made > best ? made : best;
            }
        cr_assert(d == 0 ? m[SOBOL_BITS - 1] == 1 : best == SOBOL_BITS, "dimension %d: right up to number %d", d, best);
    }
    tf_campaign_free(campaign);
}

/* ---- Hashes ---- */

static uint64_t hash_over(const char *over, int64_t points) {
    char *manifest = manifest_over(over);
    tf_campaign *campaign = fixture_load(manifest, files);
    const tf_space *space = campaign->stage[0].space;
    uint64_t hash = tf_space_hash(space, points < 0 ? tf_space_size(space) : points);
    tf_campaign_free(campaign);
    free(manifest);
    return hash;
}

Test(hash, of_the_first_points_is_that_of_the_space_that_ends_there) {
    static const struct {
        const char *small, *large;
        int64_t points;
        bool same;
    } pairs[] = {
        {"{'x': {'range': [10]}}", "{'x': {'range': [15]}}", 10, true},
        {"{'x': {'range': [10]}}", "{'x': {'range': [0, 30, 2]}}", 10, false},
        {"{'x': {'range': [10]}}", "{'y': {'range': [15]}}", 10, false},
        {"{'x': ['a', 'bc']}", "{'x': ['a', 'bc', 'defg']}", 2, true},
        {"{'x': ['a', 'bc']}", "{'x': ['ab', 'c', 'd']}", 2, false},
        {"{'x': [1, 2]}", "{'x': [1, 2.5]}", 2, false},
        {"{'x': {'range': [3]}, 'y': [1, 2]}", "{'x': {'range': [5]}, 'y': [1, 2]}", 6, true},
        {"{'x': {'range': [3]}, 'y': [1, 2]}", "{'x': {'range': [3]}, 'y': [1, 2, 3]}", 6, false},
        {"{'x': {'linspace': [0, 1, 3]}}", "{'x': {'linspace': [0, 1, 5]}}", 3, false},
        {"{'p': {'sobol': {'x': [0, 1]}, 'count': 10}}", "{'p': {'sobol': {'x': [0, 1]}, 'count': 15}}", 10, true},
        {"{'p': {'sobol': {'x': [0, 1]}, 'count': 10}}", "{'p': {'sobol': {'x': [0, 2]}, 'count': 15}}", 10, false},
        {"{'p': {'sobol': {'x': [1, 2]}, 'count': 3}}", "{'p': {'sobol': {'x': [1, 2, 'log']}, 'count': 3}}", 3, false},
        {"{'b': {'blocks': {'shape': [9], 'chunk': [3]}}}", "{'b': {'blocks': {'shape': [9], 'chunk': [3]}}}", 3, true},
        {"{'b': {'blocks': {'shape': [9], 'chunk': [3]}}}", "{'b': {'blocks': {'shape': [8], 'chunk': [3]}}}", 3,
         false},
        {"[{'zip': {'a': [1], 'b': ['x']}}]", "[{'zip': {'a': [1, 2], 'b': ['x', 'y']}}]", 1, true},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        uint64_t small = hash_over(pairs[i].small, -1), large = hash_over(pairs[i].large, pairs[i].points);
        cr_expect_neq(small, 0);
        cr_expect_eq(small == large, pairs[i].same, "%s and %s", pairs[i].small, pairs[i].large);
    }
}
