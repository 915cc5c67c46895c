/* Lazy spaces: a parameter's values for a run of points are computed column by column from the points' indices. */
#include "manifest/tree.h"

#include <assert.h>
#include <math.h>
#include <string.h>

size_t tf_space_value_size(tf_type type) {
    return type == TF_BOOL ? 1 : 8;
}

int64_t tf_space_size(const tf_space *space) {
    return space->size;
}

int tf_space_params(const tf_space *space) {
    return space->params;
}

const tf_param_spec *tf_space_param(const tf_space *space, int param) {
    return &space->param[param];
}

int tf_space_find(const tf_space *space, const char *name) {
    for (int p = 0; p < space->params; p++)
        if (strcmp(space->param[p].name, name) == 0)
            return p;
    return -1;
}

int tf_space_sources(const tf_space *space) {
    return space->sources;
}

const tf_space_source *tf_space_source_of(const tf_space *space, int param) {
    int n = 0;
    while (space->source[n].first + space->source[n].params <= param)
        n++;
    return &space->source[n];
}

const tf_space_source *tf_space_source_at(const tf_space *space, int n) {
    return &space->source[n];
}

/* ---- Axes ---- */

bool tf_space_is_grid(const tf_space *space) {
    bool is = !space->leaf && space->join == JOIN_PRODUCT && space->sources == 0;
    for (int c = 0; c < space->children && is; c++)
        is = space->child[c]->leaf || space->child[c]->join == JOIN_ZIP;
    return is;
}

int tf_space_axes(const tf_space *space) {
    return space->children;
}

const tf_space *tf_space_axis(const tf_space *space, int axis) {
    return space->child[axis];
}

const char *tf_space_blocks(const tf_space *axis) {
    return axis->blocks ? axis->blocks->name : NULL;
}

/* ---- Texts ---- */

/* The text of a concat's point, from the part that has the point. */
static const char *concat_text(const tf_space *node, int param, int64_t index) {
    int c = 0;
    for (; index >= node->child[c]->size; c++)
        index -= node->child[c]->size;
    return tf_space_text(node->child[c], tf_space_find(node->child[c], node->param[param].name), index);
}

const char *tf_space_text(const tf_space *space, int param, int64_t index) {
    int64_t stride = space->size;
    if (!space->param[param].has_texts)
        return NULL;
    if (space->leaf)
        return space->leaf->text(space, param, index);
    if (space->join == JOIN_CONCAT)
        return concat_text(space, param, index);
    for (int c = 0; c < space->children; param -= space->child[c++]->params) {
        const tf_space *child = space->child[c];
        const bool divides = space->join == JOIN_PRODUCT && child->size > 0;
        stride = divides ? stride / child->size : stride;
        if (param < child->params)
            return tf_space_text(child, param, divides ? index / stride % child->size : index);
    }
    return NULL;
}

/* ---- Inner nodes ---- */

/* Adds a child's sources. `stride`: how many points follow each other with the same point of the child. */
static void add_sources(tf_space *node, const tf_space *child, int first, int64_t stride) {
    for (int n = 0; n < child->sources; n++) {
        tf_space_source *source = &node->source[node->sources++];
        *source = child->source[n];
        source->first += first;
        source->stride *= stride;
    }
}

static tf_space *join(tf_arena *arena, space_join how, tf_space **child, int children) {
    tf_space *node = tf_arena_alloc(arena, sizeof *node);
    node->join = how;
    node->children = children;
    node->child = tf_arena_array(arena, (size_t)children, sizeof(tf_space *));
    for (int c = 0; c < children; c++) {
        node->child[c] = child[c];
        node->params += child[c]->params;
    }
    int sources = 0;
    for (int c = 0; c < children; c++)
        sources += child[c]->sources;
    node->source = tf_arena_array(arena, (size_t)sources, sizeof *node->source);
    node->param = tf_arena_array(arena, (size_t)node->params, sizeof *node->param);
    int at = 0;
    for (int c = 0; c < children; c++)
        for (int p = 0; p < child[c]->params; p++)
            node->param[at++] = child[c]->param[p];
    return node;
}

tf_space *space_product(tf_arena *arena, tf_space **child, int children) {
    tf_space *node = join(arena, JOIN_PRODUCT, child, children);
    node->size = 1;
    for (int c = 0; c < children; c++)
        if (__builtin_mul_overflow(node->size, child[c]->size, &node->size) || node->size > INT64_MAX / 2)
            return NULL;
    int64_t stride = node->size;
    for (int c = 0, first = 0; c < children; first += child[c]->params, c++) {
        stride = child[c]->size ? stride / child[c]->size : stride;
        add_sources(node, child[c], first, stride);
    }
    return node;
}

tf_space *space_zip(tf_arena *arena, tf_space **child, int children) {
    tf_space *node = join(arena, JOIN_ZIP, child, children);
    node->size = children ? child[0]->size : 0;
    for (int c = 0, first = 0; c < children; first += child[c]->params, c++)
        add_sources(node, child[c], first, 1);
    return node;
}

tf_space *space_concat(tf_arena *arena, tf_space **child, int children) {
    tf_space *node = join(arena, JOIN_CONCAT, child, children);
    node->params = children ? child[0]->params : 0;
    for (int c = 0; c < children; c++)
        if (__builtin_add_overflow(node->size, child[c]->size, &node->size) || node->size > INT64_MAX / 2)
            return NULL;
    for (int p = 0; p < node->params; p++) {
        for (int c = 1; c < children; c++) {
            const tf_param_spec *other = &child[c]->param[tf_space_find(child[c], node->param[p].name)];
            if (other->type == TF_FLOAT64)
                node->param[p].type = TF_FLOAT64;
            node->param[p].has_texts = node->param[p].has_texts || other->has_texts;
            node->param[p].is_bytes = node->param[p].is_bytes || other->is_bytes;
            if (other->max_bytes > node->param[p].max_bytes)
                node->param[p].max_bytes = other->max_bytes;
        }
    }
    return node;
}

/* ---- Filling ---- */

/* Copies a value over those behind it, so that there are `count` of it. */
static void repeat(char *values, size_t size, int64_t count) {
    if (size == sizeof(uint64_t)) {
        uint64_t value;
        memcpy(&value, values, sizeof value);
        for (int64_t i = 1; i < count; i++)
            memcpy(values + (size_t)i * sizeof value, &value, sizeof value);
        return;
    }
    for (int64_t i = 1; i < count; i++)
        memcpy(values + (size_t)i * size, values, size);
}

/* Fills values of a child of a product: its points come in runs of `stride` equal ones, over and over. */
static void fill_product(const tf_space *child, int64_t stride, int param, int64_t first, int64_t count, char *out) {
    size_t size = tf_space_value_size(child->param[param].type);
    int64_t done = 0;
    assert(stride > 0 && child->size > 0); /* else there are no points to fill */
    while (done < count) {
        int64_t point = (first + done) / stride % child->size;
        int64_t run;
        if (stride == 1) {
            run = child->size - point < count - done ? child->size - point : count - done;
            if (done >= child->size) /* the same points once more */
                memcpy(out + (size_t)done * size, out + (size_t)(done - child->size) * size, (size_t)run * size);
            else
                tf_space_fill(child, param, point, run, out + (size_t)done * size);
        } else {
            run = stride - (first + done) % stride;
            run = run < count - done ? run : count - done;
            tf_space_fill(child, param, point, 1, out + (size_t)done * size);
            repeat(out + (size_t)done * size, size, run);
        }
        done += run;
    }
}

static void fill_concat(const tf_space *node, int param, int64_t first, int64_t count, char *out) {
    const tf_param_spec *spec = &node->param[param];
    size_t size = tf_space_value_size(spec->type);
    for (int c = 0; c < node->children && count > 0; c++) {
        const tf_space *child = node->child[c];
        if (first < child->size) {
            int64_t run = child->size - first < count ? child->size - first : count;
            int own = tf_space_find(child, spec->name);
            tf_space_fill(child, own, first, run, out);
            if (spec->type == TF_FLOAT64 && child->param[own].type == TF_INT64) {
                for (int64_t i = 0; i < run; i++) {
                    int64_t integer;
                    memcpy(&integer, out + (size_t)i * size, sizeof integer);
                    memcpy(out + (size_t)i * size, &(double){(double)integer}, sizeof(double));
                }
            }
            out += (size_t)run * size;
            count -= run;
            first = 0;
        } else {
            first -= child->size;
        }
    }
}

void tf_space_fill(const tf_space *space, int param, int64_t first, int64_t count, void *out) {
    assert(!space->param[param].upstream);
    if (count <= 0)
        return;
    if (space->leaf) {
        space->leaf->fill(space, param, first, count, out);
        return;
    }
    if (space->join == JOIN_CONCAT) {
        fill_concat(space, param, first, count, out);
        return;
    }
    int64_t stride = space->size;
    for (int c = 0; c < space->children; c++) {
        const tf_space *child = space->child[c];
        stride = space->join == JOIN_PRODUCT && child->size ? stride / child->size : stride;
        if (param < child->params) {
            if (space->join == JOIN_ZIP)
                tf_space_fill(child, param, first, count, out);
            else
                fill_product(child, stride, param, first, count, out);
            return;
        }
        param -= child->params;
    }
}

/* ---- Cells ---- */

size_t tf_space_cell_size(const tf_space *space, int param) {
    const tf_param_spec *spec = &space->param[param];
    if (spec->type == TF_STRING)
        return spec->max_bytes > 0 ? (size_t)spec->max_bytes : 1;
    return tf_space_value_size(spec->type);
}

void tf_space_cells(const tf_space *space, int param, const void *values, int64_t count, void *cells) {
    size_t cell = tf_space_cell_size(space, param);
    if (space->param[param].type != TF_STRING) {
        memcpy(cells, values, (size_t)count * cell);
        return;
    }
    const char *const *strings = values;
    for (int64_t i = 0; i < count; i++) {
        char *to = (char *)cells + (size_t)i * cell;
        size_t length = strlen(strings[i]);
        memcpy(to, strings[i], length);
        memset(to + length, 0, cell - length);
    }
}

/* ---- Hashes ---- */

static uint64_t mix(uint64_t hash, const void *data, size_t size) {
    return tf_hash(data, size, hash);
}

/* How many points of the first child the first `points` points of a node have. -1: they are no node of this kind. */
static int64_t points_of_first(const tf_space *node, int64_t points) {
    int64_t rest = 1;
    if (node->join == JOIN_ZIP)
        return points;
    if (node->join == JOIN_CONCAT)
        return points == node->size ? 0 : -1;
    for (int c = 1; c < node->children; c++)
        rest *= node->child[c]->size;
    return rest == 0 || points % rest != 0 ? -1 : points / rest;
}

/* Adds the first `points` points to a hash. 0: they are no space of this kind. */
static uint64_t hash_node(const tf_space *space, int64_t points, uint64_t hash) {
    const int64_t head[] = {space->leaf ? space->leaf->number : (int)space->join, points, space->params,
                            space->children};
    hash = mix(hash, head, sizeof head);
    for (int p = 0; p < space->params; p++) {
        hash = mix(hash, space->param[p].name, strlen(space->param[p].name) + 1);
        hash = mix(hash, &space->param[p].type, sizeof space->param[p].type);
    }
    if (space->leaf)
        return space->leaf->hash(space, points, hash);
    const int64_t of_first = points_of_first(space, points);
    if (of_first < 0)
        return 0;
    for (int c = 0; c < space->children && hash != 0; c++) {
        const tf_space *child = space->child[c];
        const bool cut = space->join == JOIN_ZIP || (space->join == JOIN_PRODUCT && c == 0);
        hash = hash_node(child, cut ? of_first : child->size, hash);
    }
    return hash;
}

uint64_t tf_space_hash(const tf_space *space, int64_t points) {
    return points >= 0 && points <= space->size ? hash_node(space, points, 1) : 0;
}
