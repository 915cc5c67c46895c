/* Axes whose points are the chunks of an array: where each begins and how long it is, dimension by dimension. */
#include "manifest/axis.h"

/* Loads a list of positive integers, one a dimension. Returns how many they are; 0 after a diagnostic. */
static int load_lengths(struct loader *l, const json_path *where, const cJSON *json, const char *key, int64_t *out) {
    const cJSON *list = json_array(l->diags, where, json, key);
    json_path here = json_path_key(where, key);
    int count = cJSON_GetArraySize(list);
    if (!cJSON_GetObjectItemCaseSensitive(json, key)) {
        diagnose(l->diags, where, TF_DIAG_MISSING_KEY, "needs a \"%s\"", key);
        return 0;
    }
    if (list && (count < 1 || count > TF_MAX_RANK))
        diagnose(l->diags, &here, TF_DIAG_WRONG_LENGTH, "needs 1 to %d lengths, not %d", TF_MAX_RANK, count);
    if (!list || count < 1 || count > TF_MAX_RANK)
        return 0;
    for (int d = 0; d < count; d++) {
        const cJSON *length = cJSON_GetArrayItem(list, d);
        json_path there = json_path_index(&here, d);
        if (!json_int_within(length, 1, INT64_MAX, &out[d])) {
            diagnose(l->diags, &there, json_int_mistake(length), "must be a positive integer");
            return 0;
        }
    }
    return count;
}

/* The last dimension varies fastest; chunks at the ends are shorter. */
static void fill(const tf_space *leaf, int param, int64_t first, int64_t count, void *out) {
    const space_blocks *b = leaf->blocks;
    const int d = param % b->rank;
    const int64_t blocks = (b->shape[d] - 1) / b->chunk[d] + 1;
    int64_t *values = out;
    int64_t stride = 1;
    for (int e = d + 1; e < b->rank; e++)
        stride *= (b->shape[e] - 1) / b->chunk[e] + 1;
    for (int64_t i = 0; i < count; i++) {
        const int64_t start = (first + i) / stride % blocks * b->chunk[d], left = b->shape[d] - start;
        values[i] = param < b->rank ? start : left < b->chunk[d] ? left : b->chunk[d];
    }
}

static uint64_t hash(const tf_space *leaf, int64_t points, uint64_t sum) {
    return points == leaf->size ? tf_hash(leaf->blocks, offsetof(space_blocks, name), sum) : 0;
}

static const leaf_kind blocks_kind = {.number = 6, .fill = fill, .hash = hash};

tf_space *axis_blocks(struct loader *l, const axis_json *axis) {
    const json_path *where = &axis->where;
    const char *name = axis->name;
    const cJSON *json = axis->value;
    int64_t shape[TF_MAX_RANK], chunk[TF_MAX_RANK], blocks = 1;
    json_check_keys(l->diags, where, json, keys_blocks());
    int rank = load_lengths(l, where, json, "shape", shape), chunks = load_lengths(l, where, json, "chunk", chunk);
    if (rank == 0 || chunks == 0)
        return NULL;
    if (rank != chunks) {
        diagnose(l->diags, where, TF_DIAG_MISMATCH, "\"shape\" has %d dimension%s, and \"chunk\" %d", rank,
                 rank == 1 ? "" : "s", chunks);
        return NULL;
    }
    for (int d = 0; d < rank; d++) {
        if (__builtin_mul_overflow(blocks, (shape[d] - 1) / chunk[d] + 1, &blocks) || blocks > INT64_MAX / 2) {
            diagnose(l->diags, where, TF_DIAG_TOO_LARGE, "the array has more than 2^62 chunks");
            return NULL;
        }
    }
    tf_space *leaf = leaf_new(l->arena, &blocks_kind, 2 * rank, blocks);
    for (int p = 0; p < 2 * rank; p++) {
        const char *what = p < rank ? "start" : "count";
        leaf->param[p].type = TF_INT64;
        leaf->param[p].name = rank == 1 ? tf_arena_printf(l->arena, "%s_%s", name, what)
                                        : tf_arena_printf(l->arena, "%s_%s_%d", name, what, p % rank);
    }
    leaf->blocks = tf_arena_alloc(l->arena, sizeof *leaf->blocks);
    leaf->blocks->rank = rank;
    leaf->blocks->name = name;
    for (int d = 0; d < rank; d++) {
        leaf->blocks->shape[d] = shape[d];
        leaf->blocks->chunk[d] = chunk[d];
    }
    return leaf;
}
