/* Axes of evenly spaced numbers: range, linspace and logspace. A value is worked out from its place. */
#include "manifest/axis.h"

#include <math.h>

/* ---- Leaves ---- */

typedef struct integers {
    int64_t from, step;
} integers;

typedef struct line {
    double start;
    double stop;  /* of linspace and logspace */
    double width; /* of a range: from one point to the next */
} line;

static void fill_integers(const tf_space *leaf, int param, int64_t first, int64_t count, void *out) {
    const integers *range = leaf->data;
    int64_t *values = out;
    (void)param;
    for (int64_t i = 0; i < count; i++)
        values[i] = (int64_t)((uint64_t)range->from + (uint64_t)(first + i) * (uint64_t)range->step);
}

static uint64_t hash_integers(const tf_space *leaf, int64_t points, uint64_t hash) {
    (void)points;
    return tf_hash(leaf->data, sizeof(integers), hash);
}

static void fill_linear(const tf_space *leaf, int param, int64_t first, int64_t count, void *out) {
    const line *range = leaf->data;
    double *values = out;
    (void)param;
    for (int64_t i = 0; i < count; i++)
        values[i] = range->start + (double)(first + i) * range->width;
}

static uint64_t hash_linear(const tf_space *leaf, int64_t points, uint64_t hash) {
    (void)points;
    return tf_hash(leaf->data, sizeof(line), hash);
}

/* The value at a share of the way from start to stop. */
typedef double between(const line *ends, double share);

static void fill_between(const tf_space *leaf, between *at_share, int64_t first, int64_t count, double *values) {
    const line *ends = leaf->data;
    const int64_t last = leaf->size - 1;
    for (int64_t i = 0; i < count; i++) {
        const int64_t k = first + i;
        values[i] = k == 0 ? ends->start : k == last ? ends->stop : at_share(ends, (double)k / (double)last);
    }
}

static double evenly(const line *ends, double share) {
    return ends->start + (ends->stop - ends->start) * share;
}

static double by_factors(const line *ends, double share) {
    return ends->start * pow(ends->stop / ends->start, share);
}

static void fill_linspace(const tf_space *leaf, int param, int64_t first, int64_t count, void *out) {
    (void)param;
    fill_between(leaf, evenly, first, count, out);
}

static void fill_logspace(const tf_space *leaf, int param, int64_t first, int64_t count, void *out) {
    (void)param;
    fill_between(leaf, by_factors, first, count, out);
}

/* With fewer points all would have other values. */
static uint64_t hash_between(const tf_space *leaf, int64_t points, uint64_t hash) {
    return points == leaf->size ? tf_hash(leaf->data, sizeof(line), hash) : 0;
}

static const leaf_kind integers_kind = {.number = 0, .fill = fill_integers, .hash = hash_integers};
static const leaf_kind linear_kind = {.number = 1, .fill = fill_linear, .hash = hash_linear};
static const leaf_kind linspace_kind = {.number = 2, .fill = fill_linspace, .hash = hash_between};
static const leaf_kind logspace_kind = {.number = 3, .fill = fill_logspace, .hash = hash_between};

static tf_space *new_line(struct loader *l, const leaf_kind *kind, const char *name, int64_t points, line values) {
    tf_space *leaf = leaf_of_one(l->arena, kind, name, TF_FLOAT64, points);
    line *own = tf_arena_alloc(l->arena, sizeof *own);
    *own = values;
    leaf->data = own;
    return leaf;
}

static tf_space *new_integers(struct loader *l, const char *name, int64_t points, integers values) {
    tf_space *leaf = leaf_of_one(l->arena, &integers_kind, name, TF_INT64, points);
    integers *own = tf_arena_alloc(l->arena, sizeof *own);
    *own = values;
    leaf->data = own;
    return leaf;
}

/* ---- Loading ---- */

/* Loads the numbers of a range, linspace or logspace. Returns how many they are; 0 after a diagnostic. */
static int load_numbers(struct loader *l, const json_path *where, const cJSON *list, int least, int most,
                        double out[3]) {
    int count = cJSON_GetArraySize(list);
    if (count < least || count > most) {
        diagnose(l->diags, where, TF_DIAG_WRONG_LENGTH, "needs %s numbers, not %d", least == most ? "3" : "1 to 3",
                 count);
        return 0;
    }
    for (int i = 0; i < count; i++) {
        const cJSON *v = cJSON_GetArrayItem(list, i);
        json_path here = json_path_index(where, i);
        if (!cJSON_IsNumber(v) || !isfinite(v->valuedouble)) {
            diagnose(l->diags, &here, TF_DIAG_WRONG_TYPE, "must be a number, not %s",
                     cJSON_IsNumber(v) ? json_number_text(v) : json_kind(v));
            return 0;
        }
        out[i] = v->valuedouble;
    }
    return count;
}

/* How many points a range of integers has; INT64_MAX if there are more. */
static int64_t count_integers(int64_t start, int64_t stop, int64_t step) {
    const bool up = step > 0;
    if (up ? start >= stop : start <= stop)
        return 0;
    const uint64_t way = up ? (uint64_t)stop - (uint64_t)start : (uint64_t)start - (uint64_t)stop;
    const uint64_t points = (way - 1) / (up ? (uint64_t)step : 0 - (uint64_t)step) + 1;
    return points > INT64_MAX ? INT64_MAX : (int64_t)points;
}

static bool check_range(struct loader *l, const json_path *where, double step, double points) {
    if (step == 0)
        diagnose(l->diags, where, TF_DIAG_OUT_OF_RANGE, "the step must not be 0");
    else if (!(points >= 1))
        diagnose(l->diags, where, TF_DIAG_OUT_OF_RANGE, "the range is empty");
    else if (points > 0x1p53)
        diagnose(l->diags, where, TF_DIAG_TOO_LARGE, "the range has more than 2^53 points");
    return step != 0 && points >= 1 && points <= 0x1p53;
}

tf_space *axis_range(struct loader *l, const axis_json *axis) {
    const json_path *where = &axis->where;
    double n[3] = {0, 0, 1};
    int64_t integer[3] = {0, 0, 1};
    const int count = load_numbers(l, where, axis->value, 1, 3, n);
    if (count == 0)
        return NULL;
    bool are_integers = true, are_integral = true;
    for (int i = 0; i < count; i++) {
        are_integers = json_int(cJSON_GetArrayItem(axis->value, i), &integer[i]) && are_integers;
        are_integral = are_integral && n[i] == floor(n[i]);
    }
    if (are_integral && !are_integers) {
        diagnose(l->diags, where, TF_DIAG_OUT_OF_RANGE, "its numbers are integers beyond int64");
        return NULL;
    }
    const int stop_at = count > 1 ? 1 : 0; /* a single number is the stop */
    if (are_integers) {
        const int64_t start = stop_at > 0 ? integer[0] : 0, stop = integer[stop_at], step = integer[2];
        const int64_t points = step ? count_integers(start, stop, step) : 0;
        const bool is_sound = check_range(l, where, (double)step, (double)points);
        return is_sound ? new_integers(l, axis->name, points, (integers){start, step}) : NULL;
    }
    const double start = stop_at > 0 ? n[0] : 0, stop = n[stop_at], step = n[2];
    const double points = step != 0 ? ceil((stop - start) / step) : 0;
    const bool is_sound = check_range(l, where, step, points);
    return is_sound ? new_line(l, &linear_kind, axis->name, (int64_t)points, (line){.start = start, .width = step})
                    : NULL;
}

/* Loads [first, last, count]. false after a diagnostic. */
static bool load_ends(struct loader *l, const axis_json *axis, double n[3]) {
    if (load_numbers(l, &axis->where, axis->value, 3, 3, n) == 0)
        return false;
    const bool is_sound = n[2] == floor(n[2]) && n[2] >= 1 && n[2] <= 0x1p53;
    if (!is_sound)
        diagnose(l->diags, &axis->where, TF_DIAG_OUT_OF_RANGE, "the number of points must be a positive integer");
    return is_sound;
}

tf_space *axis_linspace(struct loader *l, const axis_json *axis) {
    double n[3];
    if (!load_ends(l, axis, n))
        return NULL;
    return new_line(l, &linspace_kind, axis->name, (int64_t)n[2], (line){.start = n[0], .stop = n[1]});
}

tf_space *axis_logspace(struct loader *l, const axis_json *axis) {
    double n[3];
    if (!load_ends(l, axis, n))
        return NULL;
    if (!(n[0] > 0 && n[1] > 0)) {
        diagnose(l->diags, &axis->where, TF_DIAG_OUT_OF_RANGE, "both ends must be positive");
        return NULL;
    }
    return new_line(l, &logspace_kind, axis->name, (int64_t)n[2], (line){.start = n[0], .stop = n[1]});
}
