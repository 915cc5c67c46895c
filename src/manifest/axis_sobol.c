/* Axes of a Sobol' sequence: points that fill a box evenly, and ever more densely. A point is worked out from its place
 * alone, so that a longer sequence begins with the points of a shorter one.
 *
 * I. M. Sobol', USSR Comput. Math. Math. Phys. 7 (1967) 86, in the order of I. A. Antonov and V. M. Saleev, ibid. 19
 * (1979) 252: the points of scipy.stats.qmc.Sobol(d, scramble=False). */
#include "manifest/axis.h"

#include <math.h>
#include <string.h>

enum { BITS = 32, MOST_DIMENSIONS = 64, MOST_DEGREE = 9 };

/* ---- Directions ---- */

/* What makes the directions of a dimension: a primitive polynomial over GF(2), and as many odd numbers as its degree.
 */
typedef struct seed {
    uint8_t degree;
    uint8_t inner; /* coefficients of the polynomial, the highest and the lowest left out */
    uint16_t first[MOST_DEGREE];
} seed;

/* Of dimensions 2 to 64, by S. Joe and F. Y. Kuo, "Constructing Sobol sequences with better two-dimensional
 * projections", SIAM J. Sci. Comput. 30 (2008) 2635: new-joe-kuo-6.21201 of https://web.maths.unsw.edu.au/~fkuo/sobol/.
 * Copyright (c) 2008, Frances Y. Kuo and Stephen Joe; their licence is in LICENSE.sobol. */
static const seed seeds[MOST_DIMENSIONS - 1] = {
    {1, 0, {1}},
    {2, 1, {1, 3}},
    {3, 1, {1, 3, 1}},
    {3, 2, {1, 1, 1}},
    {4, 1, {1, 1, 3, 3}},
    {4, 4, {1, 3, 5, 13}},
    {5, 2, {1, 1, 5, 5, 17}},
    {5, 4, {1, 1, 5, 5, 5}},
    {5, 7, {1, 1, 7, 11, 19}},
    {5, 11, {1, 1, 5, 1, 1}},
    {5, 13, {1, 1, 1, 3, 11}},
    {5, 14, {1, 3, 5, 5, 31}},
    {6, 1, {1, 3, 3, 9, 7, 49}},
    {6, 13, {1, 1, 1, 15, 21, 21}},
    {6, 16, {1, 3, 1, 13, 27, 49}},
    {6, 19, {1, 1, 1, 15, 7, 5}},
    {6, 22, {1, 3, 1, 15, 13, 25}},
    {6, 25, {1, 1, 5, 5, 19, 61}},
    {7, 1, {1, 3, 7, 11, 23, 15, 103}},
    {7, 4, {1, 3, 7, 13, 13, 15, 69}},
    {7, 7, {1, 1, 3, 13, 7, 35, 63}},
    {7, 8, {1, 3, 5, 9, 1, 25, 53}},
    {7, 14, {1, 3, 1, 13, 9, 35, 107}},
    {7, 19, {1, 3, 1, 5, 27, 61, 31}},
    {7, 21, {1, 1, 5, 11, 19, 41, 61}},
    {7, 28, {1, 3, 5, 3, 3, 13, 69}},
    {7, 31, {1, 1, 7, 13, 1, 19, 1}},
    {7, 32, {1, 3, 7, 5, 13, 19, 59}},
    {7, 37, {1, 1, 3, 9, 25, 29, 41}},
    {7, 41, {1, 3, 5, 13, 23, 1, 55}},
    {7, 42, {1, 3, 7, 3, 13, 59, 17}},
    {7, 50, {1, 3, 1, 3, 5, 53, 69}},
    {7, 55, {1, 1, 5, 5, 23, 33, 13}},
    {7, 56, {1, 1, 7, 7, 1, 61, 123}},
    {7, 59, {1, 1, 7, 9, 13, 61, 49}},
    {7, 62, {1, 3, 3, 5, 3, 55, 33}},
    {8, 14, {1, 3, 1, 15, 31, 13, 49, 245}},
    {8, 21, {1, 3, 5, 15, 31, 59, 63, 97}},
    {8, 22, {1, 3, 1, 11, 11, 11, 77, 249}},
    {8, 38, {1, 3, 1, 11, 27, 43, 71, 9}},
    {8, 47, {1, 1, 7, 15, 21, 11, 81, 45}},
    {8, 49, {1, 3, 7, 3, 25, 31, 65, 79}},
    {8, 50, {1, 3, 1, 1, 19, 11, 3, 205}},
    {8, 52, {1, 1, 5, 9, 19, 21, 29, 157}},
    {8, 56, {1, 3, 7, 11, 1, 33, 89, 185}},
    {8, 67, {1, 3, 3, 3, 15, 9, 79, 71}},
    {8, 70, {1, 3, 7, 11, 15, 39, 119, 27}},
    {8, 84, {1, 1, 3, 1, 11, 31, 97, 225}},
    {8, 97, {1, 1, 1, 3, 23, 43, 57, 177}},
    {8, 103, {1, 3, 7, 7, 17, 17, 37, 71}},
    {8, 115, {1, 3, 1, 5, 27, 63, 123, 213}},
    {8, 122, {1, 1, 3, 5, 11, 43, 53, 133}},
    {9, 8, {1, 3, 5, 5, 29, 17, 47, 173, 479}},
    {9, 13, {1, 3, 3, 11, 3, 1, 109, 9, 69}},
    {9, 16, {1, 1, 1, 5, 17, 39, 23, 5, 343}},
    {9, 22, {1, 3, 1, 5, 25, 15, 31, 103, 499}},
    {9, 25, {1, 1, 1, 11, 11, 17, 63, 105, 183}},
    {9, 44, {1, 1, 5, 11, 9, 29, 97, 231, 363}},
    {9, 47, {1, 1, 5, 15, 19, 45, 41, 7, 383}},
    {9, 52, {1, 3, 7, 7, 31, 19, 83, 137, 221}},
    {9, 55, {1, 1, 1, 3, 23, 15, 111, 223, 83}},
    {9, 59, {1, 1, 5, 13, 31, 15, 55, 25, 161}},
    {9, 62, {1, 1, 3, 13, 25, 47, 39, 87, 257}},
};

/* Finds what bit k of a point's number in Gray code adds to the point: direction[k]. */
static void find_directions(int dimension, uint32_t direction[BITS]) {
    if (dimension == 0) { /* halves, quarters, ... */
        for (int k = 0; k < BITS; k++)
            direction[k] = UINT32_C(1) << (BITS - 1 - k);
        return;
    }
    const seed *s = &seeds[dimension - 1];
    for (int k = 0; k < s->degree; k++)
        direction[k] = (uint32_t)s->first[k] << (BITS - 1 - k);
    for (int k = s->degree; k < BITS; k++) {
        direction[k] = direction[k - s->degree] ^ direction[k - s->degree] >> s->degree;
        for (int j = 1; j < s->degree; j++)
            if (s->inner >> (s->degree - 1 - j) & 1)
                direction[k] ^= direction[k - j];
    }
}

/* ---- Leaves ---- */

/* A side of the box: low <= x < high. */
typedef struct side {
    double low, high;
    int64_t is_log; /* points are even in the logarithm of x; of 8 bytes, since the struct is hashed */
} side;

typedef struct dimension {
    side side;
    uint32_t direction[BITS];
} dimension;

static uint32_t fraction_at(const uint32_t *direction, uint64_t index) {
    uint32_t fraction = 0;
    for (uint64_t gray = index ^ index >> 1; gray; gray &= gray - 1)
        fraction ^= direction[__builtin_ctzll(gray)];
    return fraction;
}

/* The value at a share of the side. */
static double value_at(const side *s, double share) {
    const double x = s->is_log ? s->low * pow(s->high / s->low, share) : share * (s->high - s->low) + s->low;
    return x < s->high ? x : nextafter(s->high, s->low);
}

/* From a point to the next the Gray code changes in one bit. */
static void fill(const tf_space *leaf, int param, int64_t first, int64_t count, void *out) {
    const dimension *d = (const dimension *)leaf->data + param;
    uint32_t fraction = fraction_at(d->direction, (uint64_t)first);
    double *values = out;
    for (int64_t i = 0; i < count; i++) {
        if (i > 0)
            fraction ^= d->direction[__builtin_ctzll((uint64_t)(first + i))];
        values[i] = value_at(&d->side, (double)fraction * 0x1p-32);
    }
}

static uint64_t hash(const tf_space *leaf, int64_t points, uint64_t sum) {
    (void)points;
    for (int p = 0; p < leaf->params; p++)
        sum = tf_hash(&((const dimension *)leaf->data + p)->side, sizeof(side), sum);
    return sum;
}

static const leaf_kind sobol_kind = {.number = 10, .fill = fill, .hash = hash};

/* ---- Loading ---- */

/* Loads [low, high] or [low, high, "log"]. false after a diagnostic. */
static bool load_side(struct loader *l, const json_path *where, const cJSON *json, side *out) {
    const char *word = cJSON_GetStringValue(cJSON_GetArrayItem(json, 2));
    const int count = cJSON_GetArraySize(json);
    double end[2] = {0};
    if (!cJSON_IsArray(json) || count < 2 || count > 3 || (count == 3 && (!word || strcmp(word, "log") != 0))) {
        diagnose(l->diags, where, TF_DIAG_BAD_VALUE, "must be [low, high] or [low, high, \"log\"]");
        return false;
    }
    for (int i = 0; i < 2; i++) {
        const cJSON *item = cJSON_GetArrayItem(json, i);
        const json_path here = json_path_index(where, i);
        if (!cJSON_IsNumber(item) || !isfinite(item->valuedouble)) {
            diagnose(l->diags, &here, TF_DIAG_WRONG_TYPE, "must be a number, not %s",
                     cJSON_IsNumber(item) ? json_number_text(item) : json_kind(item));
            return false;
        }
        end[i] = item->valuedouble;
    }
    *out = (side){.low = end[0], .high = end[1], .is_log = word != NULL};
    const char *wrong = out->is_log && out->low <= 0 ? "both ends must be positive"
                        : out->low >= out->high      ? "the first end must be below the second"
                        : !isfinite(out->is_log ? out->high / out->low : out->high - out->low)
                            ? "its ends are too far apart"
                            : NULL;
    if (wrong)
        diagnose(l->diags, where, TF_DIAG_OUT_OF_RANGE, "%s", wrong);
    return !wrong;
}

/* Loads "count". 0 after a diagnostic. */
static int64_t load_count(struct loader *l, const axis_json *axis) {
    const cJSON *count = cJSON_GetObjectItemCaseSensitive(axis->axis, "count");
    const json_path here = json_path_key(axis->up, "count");
    int64_t points = 0;
    if (!count)
        diagnose(l->diags, axis->up, TF_DIAG_MISSING_KEY, "needs a \"count\" of points");
    else if (!json_int_within(count, 1, INT64_C(1) << BITS, &points))
        diagnose(l->diags, &here, json_int_mistake(count), "must be an integer from 1 to 2^32");
    return points;
}

tf_space *axis_sobol(struct loader *l, const axis_json *axis) {
    const int params = cJSON_GetArraySize(axis->value), before = l->diags->count;
    const int64_t points = load_count(l, axis);
    if (params < 1 || params > MOST_DIMENSIONS) {
        diagnose(l->diags, &axis->where, TF_DIAG_WRONG_LENGTH, "needs 1 to %d parameters, not %d", MOST_DIMENSIONS,
                 params);
        return NULL;
    }
    tf_space *leaf = leaf_new(l->arena, &sobol_kind, params, points);
    dimension *own = tf_arena_array(l->arena, (size_t)params, sizeof *own);
    leaf->data = own;
    int p = 0;
    for (const cJSON *item = axis->value->child; item; item = item->next, p++) {
        const json_path here = json_path_key(&axis->where, item->string);
        leaf->param[p] = (tf_param_spec){.name = tf_arena_strdup(l->arena, item->string), .type = TF_FLOAT64};
        check_param_name(l, &here, "parameter", item->string);
        load_side(l, &here, item, &own[p].side);
        find_directions(p, own[p].direction);
    }
    return l->diags->count == before ? leaf : NULL;
}
