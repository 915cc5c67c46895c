/* What is said of a point that is done and that the space no longer has: its parameters, and the new point that is
 * almost the same. Numbers of another version of a library may differ in their last bits. */
#include "store/resume/plan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 1 << 14 }; /* points at once */

static const double NEAR = 1e-9; /* relative difference of numbers that are meant to be the same */

static void add_text(tf_buf *out, const char *cell, size_t size) {
    enum { SHOWN = 60 };
    size_t length = strnlen(cell, size);
    const bool is_long = length > SHOWN;
    length = is_long ? SHOWN : length;
    while (is_long && length > 0 && ((unsigned char)cell[length] & 0xC0) == 0x80)
        length--; /* whole characters */
    tf_buf_add(out, cell, length);
    tf_buf_adds(out, is_long ? "..." : "");
}

static void add_value(tf_buf *out, tf_type type, const char *cell, size_t size) {
    int64_t integer = 0;
    double number = 0;
    if (type == TF_STRING)
        add_text(out, cell, size);
    else if (type == TF_BOOL)
        tf_buf_adds(out, *cell ? "true" : "false");
    else if (type == TF_INT64 && size == sizeof integer)
        tf_buf_addf(out, "%lld", (long long)*(int64_t *)memcpy(&integer, cell, size));
    else if (type == TF_FLOAT64 && size == sizeof number)
        tf_buf_add_double(out, *(double *)memcpy(&number, cell, size));
}

/* A row's parameter as the old file has it, in *size bytes; NULL: it can't be read. To be freed. */
static char *read_cell(const old_output *old, const contents_stage *stage, const tf_param_spec *param, int64_t row,
                       size_t *size) {
    char path[300];
    snprintf(path, sizeof path, "params/%s", param->name);
    const contents_table *dataset = contents_table_at(stage, path);
    *size = dataset ? (size_t)dataset->row_bytes : 0;
    if (*size == 0)
        return NULL;
    char *cell = tf_alloc(*size + 1);
    tf_error unread = {0};
    if (old_read(old, dataset, *size, row, 1, cell, &unread) == TF_OK)
        return cell;
    free(cell);
    return NULL;
}

/* "i=3, filter=R": the parameters of a row in the old file, as far as they can be read. */
static void describe_row(const old_output *old, const contents_stage *stage, const tf_space *space, int64_t row,
                         tf_buf *out) {
    enum { LISTED = 6 };
    const int params = tf_space_params(space), listed = params > LISTED ? LISTED : params;
    for (int p = 0; p < listed; p++) {
        const tf_param_spec *param = tf_space_param(space, p);
        size_t size = 0;
        char *cell = read_cell(old, stage, param, row, &size);
        if (cell) {
            tf_buf_addf(out, "%s%s=", out->length ? ", " : "", param->name);
            add_value(out, param->type, cell, size);
        }
        free(cell);
    }
    tf_buf_adds(out, listed < params ? ", ..." : "");
}

/* How far a value of a new point is from the old one's: 0 if they are the same, INFINITY if they are meant to differ.
 */
static double gap_between(tf_type type, const char *value, const char *cell, size_t size) {
    if (type == TF_STRING) {
        const char *text = *(const char *const *)(const void *)value;
        return strlen(text) == strnlen(cell, size) && !strncmp(text, cell, size) ? 0 : INFINITY;
    }
    if (size != tf_space_value_size(type))
        return INFINITY;
    if (!memcmp(value, cell, size))
        return 0;
    double is = 0, was = 0;
    if (type != TF_FLOAT64)
        return INFINITY;
    memcpy(&is, value, sizeof is);
    memcpy(&was, cell, sizeof was);
    return fabs(is - was) <= NEAR * fmax(fabs(is), fabs(was)) ? fabs(is - was) : INFINITY;
}

typedef struct near_point {
    int param;  /* that differs the most; -1: there is no such point */
    double gap; /* by so much */
} near_point;

/* Finds a point of the space that is almost that of a row in the old file. */
static near_point find_near_point(const old_output *old, const contents_stage *stage, const tf_space *space,
                                  int64_t row) {
    const int params = tf_space_params(space);
    const int64_t points = tf_space_size(space);
    char *values = tf_alloc_array(CHUNK, 8);
    near_point *found = tf_alloc_array(CHUNK, sizeof *found), near = {.param = -1};
    for (int64_t first = 0; first < points && near.param < 0; first += CHUNK) {
        const int64_t count = points - first < CHUNK ? points - first : CHUNK;
        for (int64_t i = 0; i < count; i++)
            found[i] = (near_point){.param = -1};
        for (int p = 0; p < params; p++) {
            const tf_type type = tf_space_param(space, p)->type;
            size_t size = 0;
            char *cell = read_cell(old, stage, tf_space_param(space, p), row, &size);
            tf_space_fill(space, p, first, count, values);
            for (int64_t i = 0; i < count; i++) {
                const double gap =
                    cell ? gap_between(type, values + (size_t)i * tf_space_value_size(type), cell, size) : INFINITY;
                if (gap > found[i].gap)
                    found[i] = (near_point){.param = p, .gap = gap};
            }
            free(cell);
        }
        for (int64_t i = 0; i < count && near.param < 0; i++)
            if (isfinite(found[i].gap))
                near = found[i];
    }
    free(values);
    free(found);
    return near;
}

tf_err plan_refuse_lost_point(const tf_store_plan *plan, const old_output *old, int number, int64_t row,
                              tf_error *error) {
    const contents_stage *stage = plan->stage[number].old;
    const tf_space *space = plan->campaign->stage[number].space;
    tf_buf point = {0}, almost = {0};
    describe_row(old, stage, space, row, &point);
    const near_point near = find_near_point(old, stage, space, row);
    if (near.param >= 0)
        tf_buf_addf(&almost, ", and has one whose %s differs by %.3g", tf_space_param(space, near.param)->name,
                    near.gap);
    const tf_err err =
        tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_CAMPAIGN_CHANGED,
                        "%s: stage \"%s\": the space changed, and lacks the point of task %lld (%s), "
                        "which is done%s; --rerun params drops the rows of such points, --fresh sets "
                        "the old output aside and starts anew, --output leaves it where it is",
                        old->path, stage->name, (long long)row, tf_buf_text(&point), tf_buf_text(&almost));
    tf_buf_free(&point);
    tf_buf_free(&almost);
    return err;
}
